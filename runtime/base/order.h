/* order.h — views show what happened before a script prints.
 *
 * Views show events about ten times a second. What a script prints right after
 * a task has ended would appear before that end. So order_keep is called before
 * a script's output is written: each watcher that is behind is asked to catch
 * up now, and waited for, for a moment. This is done only where the order can
 * be seen: on standard error, and on standard output if it leads to the same
 * file. Without watchers it costs one load.
 */
#ifndef ORUN_ORDER_H
#define ORUN_ORDER_H

#include "base/base.h"

/* A view. `catch_up` returns when everything that happened before the call has
 * been shown, or after a moment. Any thread calls it. */
typedef struct OrderWatcher {
    void (*catch_up)(void *ud);
    void *ud;
    struct OrderWatcher *next; /* this and the following are for order.c */
    int calls;                 /* threads in catch_up */
    bool gone;                 /* it has left */
} OrderWatcher;

/* Add a watcher / remove it. order_leave returns when no thread is in its
 * catch_up. The watcher must not move meanwhile. Any thread. */
void order_join(OrderWatcher *w);
void order_leave(OrderWatcher *w);

/* The calling thread is that of a view, and never waits for itself. */
void order_is_mine(void);

/* Call this before a script's output is written to `fd`. True if a view is
 * shown in the same place, so that the output should be flushed at once. Any
 * thread that holds no lock; may block for a moment. Keeps errno. */
bool order_keep(int fd);

#endif
