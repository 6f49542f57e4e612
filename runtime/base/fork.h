/* fork.h — what must hold when this process is forked.
 *
 * Code that orun runs may call fork: a C module, or the program that embeds
 * orun. The child has only the forking thread: no worker, no io thread, nothing
 * that would ever end a wait. So each runtime notes how often its process had
 * been forked when it was made, and where that number differs its calls are
 * refused. The locks below are taken around a fork, so that no thread that the
 * child lacks can hold them there: what a child still does (raise, print, exit)
 * may need them.
 */
#ifndef ORUN_FORK_H
#define ORUN_FORK_H

#include "base/base.h"
#include <uv.h>

/* How many forks there were from the process that called fork_watch first to
 * this one. Written in a child while it has one thread; any thread reads it. */
extern unsigned fork_count;

/* The locks that are taken around a fork, in this order. */
typedef enum ForkLock {
    FORK_SIGNALS,
    FORK_API_GUARD,
    FORK_TERMINAL,
    FORK_SECRET,
    FORK_HOST_CALL,
    FORK_LOCKS
} ForkLock;

/* Count forks from now on. Any thread, any number of times. */
void fork_watch(void);

/* Take this lock, which lives as long as the process, around every fork. Any
 * thread. */
void fork_guard(ForkLock which, uv_mutex_t *lock);

/* This process is the command's own: children that it forks are killed when it
 * ends. `child`, unless it is NULL, is called in each while it has one
 * thread. */
void fork_ends(void (*child)(void));

#endif
