/* fork.h — what a fork of this process has to know.
 *
 * Code that orun runs may call fork, in a C module or in the host. The child
 * has the forking thread alone: no worker, no io thread, nobody who would ever
 * end a wait. So each runtime notes how often its process had been forked when
 * it was made, and its calls are refused where that number is another. The
 * locks below are not left held by a thread that the child does not have: what
 * a child still does (raise, print, exit) may need them.
 */
#ifndef ORUN_FORK_H
#define ORUN_FORK_H

#include "base/base.h"
#include <uv.h>

/* How many forks lie between the process that called fork_watch first and this
 * one. Written in a child that has one thread; any thread may read it. */
extern unsigned fork_count;

/* The locks that are taken for the time of a fork, in this order. */
typedef enum ForkLock {
    FORK_SIGNALS, FORK_API_GUARD, FORK_TERMINAL, FORK_SECRET, FORK_LOCKS
} ForkLock;

/* Count forks from now on. Any thread, any number of times. */
void fork_watch(void);

/* Take this lock, which lives as long as the process, whenever the process is
 * forked. Any thread. */
void fork_guard(ForkLock which, uv_mutex_t *lock);

/* This process is the command's own: children that it forks are killed when it
 * ends. `child` (or NULL) is called in each, which has one thread. */
void fork_ends(void (*child)(void));

#endif
