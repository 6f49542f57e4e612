/* turn.h — the order in which tasks that queue are served.
 *
 * The higher priority goes first; of one priority those that go on after a
 * wait; of these, each in the order it became ready (task->turn), however it
 * came from one queue to another. Where durations are known (rank.h) a turn is
 * a time in microseconds, and who has the higher rank goes before those that
 * came up to TURN_AHEAD times the difference of their ranks earlier. So the
 * most urgent goes first, equals in the order they came, and nobody waits for
 * ever while others come.
 *
 * Nearly every task comes last, so there is a ring for each priority that costs
 * one step. One that does not (it went on after a wait, or comes from another
 * queue) goes into a heap: a forest of tasks (`behind` are those known to come
 * after this one) that is paired up when its first is asked for. Nothing is
 * allocated, and thousands at once cost a few steps each. The board's lock
 * guards all of it.
 */
#ifndef ORUN_TURN_H
#define ORUN_TURN_H

#include "base/base.h"
#include "base/list.h"
#include "thread/queue.h"

struct Task;

enum { TURN_AHEAD = 8 };

typedef struct Turns {
    Queue rings; /* tasks (by job.link), each ring in order */
    List late;   /* the roots of the heap (by job.link) */
} Turns;

void turn_init(Turns *q);

/* Is `a` to be served before `b`? */
bool turn_before(const struct Task *a, const struct Task *b);

/* Put t, whose turn, priority and woken stay as they are, into its place. */
void turn_push(Turns *q, struct Task *t);

/* The task to be served next, left in place; NULL when there is none. */
struct Task *turn_first(Turns *q);

/* Take t out of the Turns it is in; does nothing when it is in none. Its
 * priority may have changed. */
void turn_leave(struct Task *t);

#endif
