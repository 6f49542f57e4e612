/* claim.c — items of the list: claiming, releasing and ending them. */
#include "sched/claim.h"
#include "base/err.h"
#include "base/mem.h"
#include "sched/lifecycle.h"
#include "sched/wait.h"

/* Why `item` cannot be claimed now, 0 when it can. */
static int
claim_refusal(const Task *item)
{
    if (item->removed)
        return ORUN_EREMOVED;
    if (task_final(item))
        return ORUN_ERESOLVED;
    if (item->kind != TASK_ITEM)
        return ORUN_ESTATE;
    if (item->state == TASK_RUNNING)
        return ORUN_ECLAIMED;
    return item->state == TASK_WAITING ? ORUN_EBLOCKED : 0;
}

/* Make room for the claim and its owner's label, before anything changes.
 * Claims are released when the claimer's attempt ends, so that must not be
 * over: a program that acts for it (connection.h) may be late. */
static int
claim_room(Task *item, Task *claimer)
{
    if (claimer->state != TASK_RUNNING || task_sealed(claimer))
        return ORUN_EENDED;
    if (!item->opt)
        item->opt = mem_zalloc(1, sizeof *item->opt);
    bool room = item->opt && board_edges(item) && board_edges(claimer);
    return room ? 0 : ORUN_ENOMEM;
}

static void
claim_take(Sched *s, Task *item, Task *claimer, char *owner)
{
    list_del(&item->job.link);
    task_move(item, TASK_RUNNING);
    item->attempt++;
    item->started = board_now(&s->board);
    item->edges->claimer = claimer;
    item->edges->next_claim = claimer->edges->claims;
    claimer->edges->claims = item;
    mem_free(item->opt->owner);
    item->opt->owner = owner;
    event_add(&s->board,
              (Event){ .kind = EVENT_CLAIMED,
                       .task = item->id,
                       .other = claimer->id });
}

int
claim_item(Sched *s, Task *item, Task *claimer, char *owner)
{
    sched_lock(s);
    int e = claim_refusal(item);
    if (e == 0)
        e = s->board.drained ? ORUN_ESHUTDOWN : claim_room(item, claimer);
    if (e == 0)
        claim_take(s, item, claimer, owner);
    else
        mem_free(owner);
    sched_unlock(s);
    return e;
}

int
claim_next(Sched *s, Task *claimer, char *owner, Task **item, size_t *open)
{
    sched_lock(s);
    List *node = queue_peek(&s->board.items);
    *item = node ? container_of(node, Task, job.link) : NULL;
    int e = s->board.drained ? ORUN_ESHUTDOWN
        : *item              ? claim_room(*item, claimer)
                             : 0;
    if (e)
        *item = NULL;
    if (*item)
        claim_take(s, *item, claimer, owner);
    else
        mem_free(owner);
    *open = s->board.open_items;
    sched_unlock(s);
    return e;
}

int
claim_resolve(Sched *s, Task *item, Task *claimer, Outcome *o)
{
    sched_lock(s);
    int e = claim_refusal(item);
    if (e == ORUN_ECLAIMED && task_claimer(item) == claimer
        && !task_sealed(item))
        e = 0;
    if (e == 0) {
        if (item->state == TASK_READY) {
            list_del(&item->job.link);
            item->started = board_now(&s->board);
            task_move(item, TASK_RUNNING);
            item->attempt++;
        }
        lifecycle_end(s, item, o);
        lifecycle_propagate(s);
    } else {
        outcome_clear(o);
    }
    sched_unlock(s);
    return e;
}

int
claim_release(Sched *s, Task *item, Task *claimer)
{
    sched_lock(s);
    int e = claim_refusal(item);
    if (e == 0)
        e = ORUN_ESTATE;
    else if (e == ORUN_ECLAIMED && task_claimer(item) == claimer
             && !task_sealed(item))
        e = 0;
    if (e == 0)
        lifecycle_return_item(s, item);
    sched_unlock(s);
    return e;
}
