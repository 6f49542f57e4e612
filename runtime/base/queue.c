/* queue.c — first in, first out, by priority. */
#include "base/queue.h"

MUST_BE(QUEUE_LEVELS <= 32);

void
queue_init(Queue *q)
{
    for (int i = 0; i < QUEUE_LEVELS; i++)
        list_init(&q->level[i]);
    q->maybe = 0;
}

List *
queue_level(Queue *q, int priority)
{
    int i = QUEUE_HIGHEST - priority;
    q->maybe |= 1u << i;
    return &q->level[i];
}

void
queue_push(Queue *q, List *node, int priority)
{
    list_push(queue_level(q, priority), node);
}

void
queue_push_front(Queue *q, List *node, int priority)
{
    list_after(queue_level(q, priority), node);
}

List *
queue_peek(Queue *q)
{
    while (q->maybe) {
        int i = __builtin_ctz(q->maybe);
        if (!list_empty(&q->level[i]))
            return q->level[i].next;
        q->maybe &= q->maybe - 1;
    }
    return NULL;
}

List *
queue_shift(Queue *q)
{
    List *node = queue_peek(q);
    if (node)
        list_del(node);
    return node;
}
