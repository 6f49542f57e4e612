/* ring.c — the search through what tasks need. */
#include "sched/ring.h"
#include "base/err.h"
#include "base/mem.h"
#include "task/limit.h"
#include "task/writes.h"
#include <stdint.h>

enum { RING_SHOWN = 12 }; /* tasks of a ring in a message */

#define RING_START SIZE_MAX

/* What a task needs of another. */
typedef enum Need {
    NEED_END,
    NEED_WRITES, /* its end, for it holds what the task is to write */
    NEED_ONE,    /* the end of one of several; NULL after the last of them */
} Need;

/* A search: the tasks seen so far, each with the index it was reached from.
 * Their marks are `number`; of those found to be free, which can end whatever
 * the asker does, number + 1; on the way through the others, number + 2. */
typedef struct Ring {
    Board *board;
    struct Step { Task *task; size_t from; bool by_writes; } *steps;
    size_t n, cap, at; /* at: whose needs are looked at */
    Task *to;
    uint32_t number;
    bool among;  /* somebody waits for one of several */
    bool narrow; /* only the way through those that are not free is gone */
    bool fine, one; /* the needs looked at can be met; one of several can */
    bool failed; /* memory is out: nothing can be said */
} Ring;

/* Called with each need of a task; false: no more of several is asked for. */
typedef bool RingEach(void *ring, Task *t, Need need);

typedef struct RingLeft {
    RingEach *each;
    void *ring;
} RingLeft;

static bool
ring_one_left(void *ctx, Task *t)
{
    const RingLeft *left = ctx;
    return left->each(left->ring, t, NEED_ONE);
}

static void
ring_wait_needs(const Wait *w, RingEach *each, void *ring)
{
    RingLeft left = { each, ring };
    if (w->target)
        each(ring, w->target, NEED_END);
    if (!w->collector)
        return;
    collector_each_left(w->collector, ring_one_left, &left);
    each(ring, NULL, NEED_ONE);
}

/* Whoever holds what t is to write, and has not got yet. */
static void
ring_writes_needs(Board *b, Task *t, RingEach *each, void *ring)
{
    const Writes *mine = task_writes(t);
    if (!mine || writes_held(mine))
        return;
    list_each(node, &b->writing) {
        const Writes *theirs = container_of(node, Writes, held);
        if (task_barred(t, theirs))
            each(ring, theirs->owner, NEED_WRITES);
    }
}

static void
ring_needs(Board *b, Task *t, RingEach *each, void *ring)
{
    for (uint32_t i = 0; t->unmet && i < t->edges->blocker_count; i++)
        each(ring, t->edges->blockers[i], NEED_END);
    if (task_waiting(t))
        ring_wait_needs(task_waiting(t), each, ring);
    for (const Wait *w = t->edges ? t->edges->guests : NULL; w;
         w = w->next_guest)
        ring_wait_needs(w, each, ring);
    if (t->kind == TASK_ITEM && task_claimer(t))
        each(ring, task_claimer(t), NEED_END);
    ring_writes_needs(b, t, each, ring);
}

static void
ring_add(Ring *r, Task *t, size_t from, bool by_writes)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        void *p = mem_realloc(r->steps, cap * sizeof *r->steps);
        if (!p) {
            r->failed = true;
            return;
        }
        r->steps = p;
        r->cap = cap;
    }
    t->mark = r->number + 2 * r->narrow;
    r->steps[r->n++] = (struct Step){ t, from, by_writes };
}

static bool
ring_reach(void *ring, Task *t, Need need)
{
    Ring *r = ring;
    r->among |= need == NEED_ONE;
    if (!t || task_final(t))
        return true;
    uint32_t seen = t->mark - r->number;
    if (r->narrow ? seen == 0 : seen > 2)
        ring_add(r, t, r->at, need == NEED_WRITES);
    return true;
}

/* Follow the needs of those seen; true when `to` is among them, where it is. A
 * search that is to see all goes on then. */
static bool
ring_follow(Ring *r, bool all, size_t *where)
{
    bool found = false;
    for (r->at = 0; r->at < r->n && (all || !found); r->at++) {
        Task *t = r->steps[r->at].task;
        if (t == r->to) {
            found = true;
            *where = r->at;
        } else {
            ring_needs(r->board, t, ring_reach, r);
        }
    }
    return found;
}

static bool
ring_free(const Ring *r, const Task *t)
{
    return task_final(t) || t->mark == r->number + 1;
}

static bool
ring_meet(void *ring, Task *t, Need need)
{
    Ring *r = ring;
    if (need != NEED_ONE)
        r->fine = r->fine && ring_free(r, t);
    else if (t)
        r->one = r->one || ring_free(r, t);
    else
        r->fine = r->fine && r->one;
    if (!t)
        r->one = false;
    return true;
}

/* Mark all that can end though `to` does not go on. */
static void
ring_mark_free(Ring *r)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = r->n; i-- > 0;) {
            Task *t = r->steps[i].task;
            if (t == r->to || ring_free(r, t))
                continue;
            r->fine = true;
            r->one = false;
            ring_needs(r->board, t, ring_meet, r);
            if (r->fine) {
                t->mark = r->number + 1;
                more = true;
            }
        }
    }
}

static void
ring_print(const Ring *r, size_t at, Buf *path)
{
    size_t length = 0;
    for (size_t i = at; i != RING_START; i = r->steps[i].from)
        length++;
    size_t *order = mem_alloc(length * sizeof *order);
    if (!order)
        return;
    for (size_t i = length, s = at; i-- > 0; s = r->steps[s].from)
        order[i] = s;
    for (size_t i = 0; i < length; i++) {
        if (length > RING_SHOWN && i == RING_SHOWN / 2) {
            buf_printf(path, " -> (%zu more)", length - RING_SHOWN);
            i = length - RING_SHOWN / 2;
        }
        if (i)
            buf_puts(path, r->steps[order[i]].by_writes ? " -> (writes) "
                                                        : " -> ");
        board_name(r->steps[order[i]].task, path);
    }
    mem_free(order);
}

/* Somebody waits for one of several: there is a ring only when none of those
 * that the search began with (the first `n`) can end otherwise. */
static bool
ring_narrow(Ring *r, size_t n, size_t *where)
{
    (void)ring_follow(r, true, where);
    ring_mark_free(r);
    for (size_t i = 0; i < n; i++)
        if (ring_free(r, r->steps[i].task))
            return false;
    r->n = 0;
    r->narrow = true;
    for (size_t i = 0; i < n; i++)
        ring_add(r, r->steps[i].task, RING_START, false);
    return ring_follow(r, false, where);
}

/* Search from those that are there already. */
static int
ring_search(Ring *r, Buf *path)
{
    size_t n = r->n, where = 0;
    bool found = ring_follow(r, false, &where);
    if (found && r->among)
        found = ring_narrow(r, n, &where);
    if (found && path)
        ring_print(r, where, path);
    mem_free(r->steps);
    return r->failed ? ORUN_ENOMEM : found ? ORUN_ECYCLE : 0;
}

static Ring
ring_begin(Board *b, Task *to)
{
    b->search += 3;
    return (Ring){ .board = b, .to = to, .number = b->search,
                   .at = RING_START };
}

int
ring_leads(Board *b, Task *from, Task *to, Buf *path)
{
    Ring r = ring_begin(b, to);
    ring_reach(&r, from, NEED_END);
    return ring_search(&r, path);
}

static bool
ring_has_need(void *ctx, Task *t, Need need)
{
    bool *has = ctx;
    (void)t, (void)need;
    *has = true;
    return false;
}

/* Begin with t; false when it needs nobody, so that no more need be asked. */
static bool
ring_begin_with(void *ring, Task *t)
{
    Ring *r = ring;
    bool needs = t == r->to;
    if (!needs)
        ring_needs(r->board, t, ring_has_need, &needs);
    r->fine = !needs;
    if (needs)
        ring_reach(r, t, NEED_ONE);
    return needs;
}

int
ring_closes(Board *b, Task *waiter, const WaitFor *what, Buf *path)
{
    if (wait_ready(b, what))
        return 0; /* it is over before it begins */
    const Writes *mine = task_writes(waiter);
    if (!board_awaited(waiter) && !(mine && writes_held(mine)))
        return 0;
    if (what->kind == WAIT_FOR_TASK || what->kind == WAIT_FOR_OUTPUT)
        return ring_leads(b, what->task, waiter, path);
    if (what->kind != WAIT_FOR_COLLECTOR)
        return 0;
    Ring r = ring_begin(b, waiter);
    collector_each_left(what->collector, ring_begin_with, &r);
    if (!r.fine)
        return ring_search(&r, path);
    mem_free(r.steps);
    return 0;
}
