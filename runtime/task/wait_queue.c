/* turn.c — rings for those that come in order, a heap for the others. */
#include "task/turn.h"
#include "task/task.h"

static inline Task *
turn_task(List *node)
{
    return container_of(node, Task, job.link);
}

void
turn_init(Turns *q)
{
    queue_init(&q->rings);
    list_init(&q->late);
}

/* When it is due, in microseconds, by its rank: the sooner, the earlier. One
 * that goes on after a wait is in no hurry by that. */
static int64_t
turn_due(const Task *t)
{
    int64_t ahead = t->woken ? 0 : (int64_t)(t->rank * (TURN_AHEAD * 1e6f));
    return (int64_t)t->turn - ahead;
}

bool
turn_before(const Task *a, const Task *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    if (a->woken != b->woken)
        return a->woken;
    int64_t mine = turn_due(a), other = turn_due(b);
    return mine != other ? mine < other : a->turn < b->turn;
}

void
turn_push(Turns *q, Task *t)
{
    List *ring = queue_level(&q->rings, t->priority);
    bool last = !t->woken
        && (list_empty(ring) || turn_before(turn_task(ring->prev), t));
    list_push(last ? ring : &q->late, &t->job.link);
}

/* Pair the roots up until one is left. */
static Task *
turn_first_late(List *roots)
{
    if (list_empty(roots))
        return NULL;
    while (roots->next != roots->prev) {
        Task *a = turn_task(list_shift(roots));
        Task *b = turn_task(list_shift(roots));
        Task *first = turn_before(a, b) ? a : b;
        list_push(&first->behind, &(first == a ? b : a)->job.link);
        list_push(roots, &first->job.link);
    }
    return turn_task(roots->next);
}

Task *
turn_first(Turns *q)
{
    List *head = queue_peek(&q->rings);
    Task *a = head ? turn_task(head) : NULL, *b = turn_first_late(&q->late);
    if (!a || !b)
        return a ? a : b;
    return turn_before(a, b) ? a : b;
}

/* Those behind it take its place, which is behind whatever it was behind. */
void
turn_leave(Task *t)
{
    List *at = &t->job.link;
    for (List *node; (node = list_shift(&t->behind)) != NULL;)
        list_push(at, node);
    list_del(at);
}
