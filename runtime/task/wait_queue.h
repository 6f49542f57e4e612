/* wait_queue.h — the tasks that queue for something, and the order they go in.
 *
 * The higher priority goes first; of one priority those that go on after a
 * wait; of these, each in the order it became ready (task->ticket), however it
 * came from one queue to another. Where durations are known (rank.h) a ticket
 * is a time in microseconds, and a task goes before those that came up to
 * WAIT_QUEUE_AHEAD times the difference of their ranks earlier. So the most
 * urgent goes first, equals in the order they came, and none waits for ever
 * while others come.
 *
 * Nearly every task comes last, so there is a ring for each priority that costs
 * one step. One that does not (it goes on after a wait, or comes from another
 * queue) goes into a heap: a forest of tasks (`behind` are those known to come
 * after this one) that is paired up when its first is asked for. Nothing is
 * allocated, and thousands at once cost a few steps each. The board's lock
 * guards all of it.
 */
#ifndef ORUN_WAIT_QUEUE_H
#define ORUN_WAIT_QUEUE_H

#include "base/base.h"
#include "base/list.h"
#include "base/queue.h"

struct Task;

enum { WAIT_QUEUE_AHEAD = 8 };

typedef struct WaitQueue {
    Queue rings; /* tasks (by job.link), each ring in order */
    List late;   /* the roots of the heap (by job.link) */
} WaitQueue;

void wait_queue_init(WaitQueue *q);

/* Is `a` to be served before `b`? */
bool wait_queue_before(const struct Task *a, const struct Task *b);

/* Put t, whose ticket, priority and woken stay as they are, into its place. */
void wait_queue_push(WaitQueue *q, struct Task *t);

/* The task to be served next, left in place; NULL if there is none. */
struct Task *wait_queue_first(WaitQueue *q);

/* Take t out of the WaitQueue it is in; does nothing when it is in none. Its
 * priority may have changed. */
void wait_queue_leave(struct Task *t);

#endif
