/* order.h — what views show stands before what is printed later.
 *
 * Views show what happened about ten times a second. A script that prints right
 * after a task has ended would be seen before that end, so whoever is about to
 * print for a script calls order_keep first: each watcher that has not shown
 * yet what happened before is asked to do it now, and waited for, for a moment.
 * Only where the two streams can be compared: standard error, and standard
 * output where it leads to the same file. Where nobody watches that costs one
 * load.
 */
#ifndef ORUN_ORDER_H
#define ORUN_ORDER_H

#include "base/base.h"

/* Who shows what happens. `catch_up` returns when it has shown what happened
 * before the call, or has not managed to in a moment; any thread calls it. */
typedef struct OrderWatcher {
    void (*catch_up)(void *ud);
    void *ud;
    struct OrderWatcher *next; /* of order.c, as are those below */
    int calls;                 /* threads in catch_up */
    bool gone;                 /* it has left */
} OrderWatcher;

/* From here on, and until order_leave, which returns when nobody is in its
 * catch_up any more. The watcher stays where it is meanwhile. Any thread. */
void order_join(OrderWatcher *w);
void order_leave(OrderWatcher *w);

/* The calling thread is one of those that show: it never waits for itself. */
void order_is_mine(void);

/* Before the script's output goes to descriptor `fd`; true when it can be
 * compared with what somebody shows, and ought to go out at once. Any thread
 * that holds no lock; may block for a moment. Keeps errno. */
bool order_keep(int fd);

#endif
