/* sched_add.c — a new task gets its place, its edges and its parent. */
#include "sched/sched_add.h"
#include "base/err.h"
#include "sched/forget.h"
#include "sched/rank.h"
#include "sched/lifecycle.h"
#include "sched/slots.h"

enum { SCHED_SWEEP = 64 }; /* tasks, between two looks at forgotten ones */

/* Why nothing can be added, 0 when it can. */
static int
sched_refusal(Sched *s, const Task *parent, Task *const *blockers, size_t n,
              size_t weight)
{
    if (s->closing)
        return ORUN_ESHUTDOWN;
    if (task_final(parent)) /* nobody would end its children */
        return ORUN_EENDED;
    if (parent->depth >= BOARD_MAX_DEPTH)
        return ORUN_EDEPTH;
    if (!sched_has_room(s, weight, 1))
        return ORUN_EBACKLOG;
    for (size_t i = 0; i < n; i++)
        if (blockers[i]->removed)
            return ORUN_EREMOVED;
    return 0;
}

/* Link the new task to its blockers and parent; all or nothing. */
static int
sched_link(Task *t, Task *parent, Task *const *blockers, size_t n)
{
    int e = 0;
    for (size_t i = 0; i < n && e == 0; i++)
        e = board_block(t, blockers[i]);
    if (e == 0 && parent->id != 0 && !board_hold(parent))
        e = ORUN_ENOMEM;
    while (e && t->edges && t->edges->blocker_count)
        board_unblock_last(t);
    if (e)
        return e;
    t->parent = parent;
    t->depth = (uint8_t)(parent->depth + 1);
    if (parent->id == 0)
        return 0; /* the script never ends as a task does */
    t->sibling = parent->children;
    parent->children = t;
    return 0;
}

/* Give the draft its place. When it cannot stay it is the draft again. */
static int
sched_place(Sched *s, Task *draft, Task *parent, Task *const *blockers,
            size_t n, Task **out)
{
    size_t weight = task_weight(draft) + 2 * n * sizeof *blockers;
    int e = sched_refusal(s, parent, blockers, n, weight);
    if (e == 0)
        e = board_place(&s->board, draft, out);
    if (e)
        return e;
    e = sched_link(*out, parent, blockers, n);
    if (e) {
        draft->edges = (*out)->edges;
        return e;
    }
    board_publish(&s->board);
    s->held += weight;
    return 0;
}

int
sched_add(Sched *s, Task *draft, Task *parent, Task *const *blockers, size_t n,
          Task **out)
{
    if (s->ranks)
        rank_load(s);
    sched_lock(s);
    int e = sched_place(s, draft, parent, blockers, n, out);
    if (e) {
        sched_unlock(s);
        return e;
    }
    Task *t = *out;
    event_add(&s->board, (Event){ .kind = EVENT_ADDED, .task = t->id,
                                  .other = parent->id });
    if (t->kind == TASK_ITEM)
        s->board.open_items++;
    else
        s->board.live++;
    rank_added(s, t);
    Task *failed = board_failed_blocker(t);
    if (failed)
        lifecycle_cancel_blocked(s, t, failed);
    else if (t->unmet == 0)
        slots_ready(s, t);
    lifecycle_propagate(s);
    sched_unlock(s);
    if (s->board.limbo && t->id % SCHED_SWEEP == 0)
        forget_sweep(s);
    return 0;
}
