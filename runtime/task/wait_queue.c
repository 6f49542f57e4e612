/* wait_queue.c — rings for those that come in order, a heap for the others. */
#include "task/wait_queue.h"
#include "task/task.h"

static inline Task *
wait_queue_task(List *node)
{
    return container_of(node, Task, job.link);
}

void
wait_queue_init(WaitQueue *q)
{
    queue_init(&q->rings);
    list_init(&q->late);
}

/* Does t go on after a wait? One whose code is to start a program takes its
 * turn among the tasks that are programs. */
static bool
wait_queue_resumed(const Task *t)
{
    return t->woken && t->programs != PROGRAMS_QUEUED;
}

/* Due time in microseconds: the higher the rank, the earlier. The rank of a
 * resumed task is ignored. */
static int64_t
wait_queue_due(const Task *t)
{
    float ahead = wait_queue_resumed(t) ? 0
                                        : t->rank * (WAIT_QUEUE_AHEAD * 1e6f);
    return (int64_t)t->ticket - (int64_t)ahead;
}

bool
wait_queue_before(const Task *a, const Task *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    if (wait_queue_resumed(a) != wait_queue_resumed(b))
        return wait_queue_resumed(a);
    int64_t mine = wait_queue_due(a), other = wait_queue_due(b);
    return mine != other ? mine < other : a->ticket < b->ticket;
}

void
wait_queue_push(WaitQueue *q, Task *t)
{
    List *ring = queue_level(&q->rings, t->priority);
    bool last = !wait_queue_resumed(t)
        && (list_empty(ring)
            || wait_queue_before(wait_queue_task(ring->prev), t));
    list_push(last ? ring : &q->late, &t->job.link);
}

/* Pair the roots up until one is left. */
static Task *
wait_queue_first_late(List *roots)
{
    if (list_empty(roots))
        return NULL;
    while (roots->next != roots->prev) {
        Task *a = wait_queue_task(list_shift(roots));
        Task *b = wait_queue_task(list_shift(roots));
        Task *first = wait_queue_before(a, b) ? a : b;
        list_push(&first->behind, &(first == a ? b : a)->job.link);
        list_push(roots, &first->job.link);
    }
    return wait_queue_task(roots->next);
}

Task *
wait_queue_first(WaitQueue *q)
{
    List *head = queue_peek(&q->rings);
    Task *a = head ? wait_queue_task(head) : NULL;
    Task *b = wait_queue_first_late(&q->late);
    if (!a || !b)
        return a ? a : b;
    return wait_queue_before(a, b) ? a : b;
}

/* Those behind it take its place, which is behind whatever it was behind. */
void
wait_queue_leave(Task *t)
{
    List *at = &t->job.link;
    for (List *node; (node = list_shift(&t->behind)) != NULL;)
        list_push(at, node);
    list_del(at);
}
