/* edge.c — new blockers for tasks that are on the board already. */
#include "sched/edge.h"
#include "base/err.h"
#include "base/mem.h"
#include "sched/lifecycle.h"
#include "sched/rank.h"
#include "sched/wait.h"
#include "sched/slots.h"

/* Why `e` may not be added, 0 when it may. */
static int
edge_refused(Sched *s, Edge e, Buf *path)
{
    bool begun = e.task->state > TASK_READY || e.task->has_kind
        || e.task->stopping || (e.task->kind != TASK_ITEM && e.task->attempt);
    if (e.blocker->removed || e.task->removed)
        return ORUN_EREMOVED;
    if (begun)
        return ORUN_ESTATE;
    if (e.blocker != e.task && !board_awaited(e.task))
        return 0;
    return wait_leads_to(&s->board, e.blocker, e.task, path);
}

/* A ready task that got a blocker leaves its queue. True when others may write
 * now what it was the next to write. */
static bool
edge_hold(Sched *s, Task *t)
{
    if (t->state != TASK_READY || (!t->unmet && !board_failed_blocker(t)))
        return false;
    task_move(t, TASK_WAITING);
    slots_with_store(s, t, false);
    if (t->kind != TASK_ITEM)
        s->board.active--;
    return slots_unqueue(s, t);
}

/* The edges are there. Their tasks have all left their queues before anybody
 * is served: one that has a blocker now must not be granted. */
static void
edge_took(Sched *s, const Edge *edges, size_t n)
{
    bool freed = false;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || edges[i].task != edges[i - 1].task)
            freed |= edge_hold(s, edges[i].task);
    for (size_t i = 0; i < n; i++) {
        Task *t = edges[i].task;
        Task *failed = task_final(t) || (i && t == edges[i - 1].task)
            ? NULL
            : board_failed_blocker(t);
        if (failed)
            lifecycle_cancel_blocked(s, t, failed);
    }
    if (freed)
        slots_serve_writers(s);
}

/* Add one edge; *added tells whether there is a new one. */
static int
edge_add_one(Sched *s, Edge e, Buf *path, bool *added)
{
    uint32_t before = e.task->edges ? e.task->edges->blocker_count : 0;
    int refused = edge_refused(s, e, path);
    if (refused == 0)
        refused = board_block(e.task, e.blocker);
    if (refused == 0)
        *added = e.task->edges->blocker_count > before;
    return refused;
}

int
edge_add(Sched *s, const Edge *edges, size_t n, Buf *path)
{
    int e = 0;
    size_t done = 0;
    bool *added = mem_zalloc(n, sizeof *added);
    if (!added)
        return ORUN_ENOMEM;
    sched_lock(s);
    while (done < n && e == 0) {
        e = edge_add_one(s, edges[done], path, &added[done]);
        done++;
    }
    while (e && done-- > 0)
        if (added[done])
            board_unblock_last(edges[done].task);
    if (e == 0)
        edge_took(s, edges, n);
    if (e == 0)
        rank_linked(s);
    lifecycle_propagate(s);
    sched_unlock(s);
    mem_free(added);
    return e;
}
