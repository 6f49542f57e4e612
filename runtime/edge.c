/* edge.c — new blockers for tasks that are on the board already. */
#include "edge.h"
#include "err.h"
#include "mem.h"
#include "settle.h"
#include "slots.h"

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
    return board_leads(&s->board, e.blocker, e.task, path);
}

/* A ready task got blockers: it waits again, or fails with the failed. */
static void
edge_took(Sched *s, Task *t)
{
    if (task_final(t))
        return;
    if (board_failed_blocker(t)) {
        settle_blocked(s, t, board_failed_blocker(t));
    } else if (t->state == TASK_READY && t->unmet > 0) {
        slots_leave(s, t);
        task_move(t, TASK_WAITING);
        if (t->kind != TASK_ITEM)
            s->board.stirring--;
    }
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
    for (size_t i = 0; i < n && e == 0; i++)
        if (i == 0 || edges[i].task != edges[i - 1].task)
            edge_took(s, edges[i].task);
    settle_aftermath(s);
    sched_unlock(s);
    mem_free(added);
    return e;
}
