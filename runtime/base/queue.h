/* queue.h — first in, first out, by priority.
 *
 * A ring for each priority and a bit for each ring that may hold something, so
 * pushing and taking cost the same with one item or a million, and nothing is
 * allocated. Not locked: the owner's lock guards it. A node is taken out of
 * the middle by list_del.
 */
#ifndef ORUN_QUEUE_H
#define ORUN_QUEUE_H

#include "base/base.h"
#include "base/list.h"

enum { QUEUE_LOWEST = -10, QUEUE_HIGHEST = 10 };
enum { QUEUE_LEVELS = QUEUE_HIGHEST - QUEUE_LOWEST + 1 };

typedef struct Queue {
    List level[QUEUE_LEVELS]; /* [0] is the highest priority */
    uint32_t maybe;           /* bit i: level[i] may hold something */
} Queue;

void queue_init(Queue *q);

/* Put `node` last among its priority, which must be in the range above. */
void queue_push(Queue *q, List *node, int priority);

/* Put `node` first among its priority. */
void queue_push_front(Queue *q, List *node, int priority);

/* The ring of one priority, for an owner that puts a node in its own place. */
List *queue_level(Queue *q, int priority);

/* The node to take next, left in place; NULL when empty. */
List *queue_peek(Queue *q);

/* Take the first of the highest priority; NULL when empty. */
List *queue_shift(Queue *q);

#endif
