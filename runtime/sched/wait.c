/* wait.c — waits, collectors, and waits that would close a cycle. */
#include "sched/wait.h"
#include "base/err.h"
#include "base/mem.h"
#include "sched/sched.h"
#include "task/output.h"
#include "task/writes.h"
#include <math.h>
#include <stdint.h>

typedef struct Entry {
    Wait wait; /* on the task; pending until it is final */
    Task *task;
    Collector *collector;
    List link; /* in collector->all … */
    List done; /* … and in collector->done once it is final */
} Entry;

struct Collector {
    Board *board;
    /* Guarded by the board's lock: */
    List all, done, waits;
    size_t left; /* not given yet */
};

const char *
wait_for_name(int kind)
{
    static const char *const names[WAIT_FOR_KINDS] = {
        [WAIT_FOR_TASK] = "task", [WAIT_FOR_COLLECTOR] = "tasks",
        [WAIT_FOR_ITEM] = "item", [WAIT_FOR_IDLE] = "all",
        [WAIT_FOR_OP] = "work",   [WAIT_FOR_OUTPUT] = "output",
        [WAIT_FOR_TIME] = "time", [WAIT_FOR_LOOKS] = "tasks",
        [WAIT_FOR_SLOT] = "slot",
    };
    return names[kind];
}

bool
wait_ready(Board *b, const WaitFor *what)
{
    switch (what->kind) {
    case WAIT_FOR_TASK: return task_final(what->task);
    case WAIT_FOR_OUTPUT:
        return task_final(what->task)
            || (what->output && output_watch(what->output, what->have));
    case WAIT_FOR_COLLECTOR:
        return !list_empty(&what->collector->done) || !what->collector->left;
    case WAIT_FOR_OP: return what->op->done;
    case WAIT_FOR_ITEM:
        return b->open_items == 0 || b->drained || queue_peek(&b->items);
    case WAIT_FOR_IDLE: return board_idle(b);
    default: return false;
    }
}

static List *
wait_list(Board *b, const WaitFor *what)
{
    switch (what->kind) {
    case WAIT_FOR_TASK: return &what->task->waits;
    case WAIT_FOR_OUTPUT: return &what->task->waits;
    case WAIT_FOR_COLLECTOR: return &what->collector->waits;
    case WAIT_FOR_OP: return &what->op->waits;
    case WAIT_FOR_ITEM: return &b->item_waits;
    case WAIT_FOR_IDLE: return &b->idle_waits;
    case WAIT_FOR_LOOKS: return &b->look_waits;
    default: return NULL;
    }
}

static void
wait_expired(Timer *t)
{
    wait_fire(container_of(t, Wait, timer), WAIT_TIMED_OUT);
}

int
wait_begin(Board *b, Wait *w, Task *waiter, const WaitFor *what)
{
    w->board = b;
    w->waiter = waiter;
    w->outcome = WAIT_PENDING;
    w->kind = (uint8_t)what->kind;
    w->growth = what->kind == WAIT_FOR_OUTPUT;
    w->target = what->kind == WAIT_FOR_TASK || w->growth ? what->task : NULL;
    w->collector = what->kind == WAIT_FOR_COLLECTOR ? what->collector : NULL;
    w->timer = (Timer){ .fire = wait_expired };
    list_init(&w->link);
    if (wait_ready(b, what) || what->deadline <= board_now(b)) {
        w->outcome = wait_ready(b, what) ? WAIT_DONE : WAIT_TIMED_OUT;
        return 0;
    }
    if (what->deadline < INFINITY && board_arm(b, &w->timer, what->deadline))
        return ORUN_ENOMEM;
    List *at = wait_list(b, what);
    if (at)
        list_push(at, &w->link);
    if (waiter)
        waiter->waiting = w;
    w->resting = waiter && what->deadline == INFINITY
        && what->kind != WAIT_FOR_OP;
    if (w->resting)
        b->active--;
    if (waiter == b->root)
        wait_check_stuck(b);
    return w->outcome == WAIT_PENDING ? 1 : 0;
}

void
wait_fire(Wait *w, int outcome)
{
    if (w->outcome != WAIT_PENDING)
        return;
    w->outcome = outcome;
    list_del(&w->link);
    board_disarm(w->board, &w->timer);
    if (w->waiter && !task_final(w->waiter))
        w->waiter->waiting = NULL;
    if (w->resting)
        w->board->active++;
    w->resting = false;
    w->wake(w);
}

void
wait_fire_all(List *waits)
{
    while (!list_empty(waits))
        wait_fire(container_of(waits->next, Wait, link), WAIT_DONE);
}

void
wait_fire_growth(Task *t)
{
    list_each(node, &t->waits) {
        Wait *w = container_of(node, Wait, link);
        if (w->growth)
            wait_fire(w, WAIT_DONE);
    }
}

void
wait_check_stuck(Board *b)
{
    Wait *w = b->root->waiting;
    if (b->active == 0 && !timer_first(&b->timers) && w && w->resting)
        wait_fire(w, WAIT_DEADLOCK);
}

double
wait_tick(Sched *s)
{
    sched_lock(s);
    double next = board_fire_due(&s->board);
    wait_check_stuck(&s->board);
    sched_unlock(s);
    return next;
}

static WaitActivity
wait_activity_of(const Task *t)
{
    const Wait *w = task_waiting(t);
    if (t->state != TASK_RUNNING) /* it may have been handed out */
        return t->state == TASK_READY && t->has_kind ? WAIT_ACTIVITY_LUA
                                                     : WAIT_ACTIVITY_NONE;
    if (t->kind != TASK_LUA || (w && w->kind == WAIT_FOR_OP))
        return WAIT_ACTIVITY_OUTSIDE;
    return w ? WAIT_ACTIVITY_NONE : WAIT_ACTIVITY_LUA;
}

WaitActivity
wait_activity(Sched *s)
{
    Board *b = &s->board;
    WaitActivity most = WAIT_ACTIVITY_NONE;
    sched_lock(s);
    for (size_t id = 0; id < b->count && most < WAIT_ACTIVITY_OUTSIDE; id++) {
        WaitActivity one = wait_activity_of(board_find(b, id));
        most = one > most ? one : most;
    }
    board_unlock(b);
    return most;
}

bool
wait_on_tasks(const Task *t)
{
    const Wait *w = task_waiting(t);
    return (t->edges && t->edges->on_behalf)
        || (w && w->kind != WAIT_FOR_OP && w->kind != WAIT_FOR_TIME);
}

void
op_done(Op *op)
{
    op->done = true;
    wait_fire_all(&op->waits);
}

static void
collector_got(Wait *w)
{
    Entry *e = container_of(w, Entry, wait);
    list_push(&e->collector->done, &e->done);
    wait_fire_all(&e->collector->waits);
}

static int
collector_add_locked(Collector *c, Task *t)
{
    Entry *e = mem_zalloc(1, sizeof *e);
    if (!e)
        return ORUN_ENOMEM;
    *e = (Entry){ .task = t, .collector = c, .wait.wake = collector_got };
    list_init(&e->done);
    WaitFor what = { .kind = WAIT_FOR_TASK, .task = t, .deadline = INFINITY };
    list_push(&c->all, &e->link);
    c->left++;
    if (wait_begin(c->board, &e->wait, NULL, &what) == 0)
        collector_got(&e->wait);
    return 0;
}

int
collector_add(Collector *c, Task *t)
{
    board_lock(c->board);
    int e = collector_add_locked(c, t);
    sched_unlock(sched_of(t));
    return e;
}

Collector *
collector_new(Board *b, Task *const *tasks, size_t n)
{
    Collector *c = mem_zalloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->board = b;
    list_init(&c->all);
    list_init(&c->done);
    list_init(&c->waits);
    int e = 0;
    board_lock(b);
    for (size_t i = 0; i < n && e == 0; i++)
        e = collector_add_locked(c, tasks[i]);
    board_unlock(b);
    if (e) {
        collector_free(c);
        return NULL;
    }
    return c;
}

/* The entry of that task among those that are done, or the first of them. */
static Entry *
collector_find(const Collector *c, const Task *first)
{
    const List *done = &c->done;
    for (List *node = done->next; first && node != done; node = node->next) {
        Entry *e = container_of(node, Entry, done);
        if (e->task == first)
            return e;
    }
    return list_empty(done) ? NULL : container_of(done->next, Entry, done);
}

Task *
collector_take(Collector *c, const Task *first, size_t *left)
{
    Entry *e = collector_find(c, first);
    Task *t = e ? e->task : NULL;
    if (e) {
        c->left--;
        list_del(&e->link);
        list_del(&e->done);
    }
    *left = c->left;
    mem_free(e);
    return t;
}

Task *
collector_next(Collector *c, size_t *left)
{
    board_lock(c->board);
    Task *t = collector_take(c, NULL, left);
    board_unlock(c->board);
    return t;
}

void
collector_each_left(const Collector *c, bool (*each)(void *ctx, Task *t),
                    void *ctx)
{
    const List *all = &c->all;
    for (const List *node = all->next; node != all; node = node->next) {
        Task *t = container_of(node, Entry, link)->task;
        if (!task_final(t) && !each(ctx, t))
            return;
    }
}

void
collector_free(Collector *c)
{
    if (!c)
        return;
    board_lock(c->board);
    list_each(node, &c->all) {
        Entry *e = container_of(node, Entry, link);
        list_del(&e->wait.link);
        mem_free(e);
    }
    board_unlock(c->board);
    mem_free(c);
}

/* ---- cycles ---- */

enum { CYCLE_SHOWN = 12 }; /* tasks of a cycle in a message */

#define CYCLE_START SIZE_MAX

/* What a task needs of another. */
typedef enum Need {
    NEED_END,
    NEED_WRITES, /* its end, for it holds what the task is to write */
    NEED_ONE,    /* the end of one of several; NULL after the last of them */
} Need;

/* A search: the tasks seen so far, each with the index it was reached from.
 * Their marks are `number`; of those found to be free, which can end whatever
 * the asker does, number + 1; on the way through the others, number + 2. */
typedef struct Cycle {
    Board *board;
    struct Step {
        Task *task;
        size_t from;
        bool by_writes;
    } *steps;
    size_t n, cap, at; /* at: whose needs are looked at */
    Task *to;
    uint32_t number;
    bool among;     /* somebody waits for one of several */
    bool narrow;    /* only the way through those that are not free is gone */
    bool fine, one; /* the needs looked at can be met; one of several can */
    bool failed;    /* memory is out: nothing can be said */
} Cycle;

/* Called with each need of a task; false: no more of several is asked for. */
typedef bool CycleEach(void *cycle, Task *t, Need need);

typedef struct CycleLeft {
    CycleEach *each;
    void *cycle;
} CycleLeft;

static bool
cycle_one_left(void *ctx, Task *t)
{
    const CycleLeft *left = ctx;
    return left->each(left->cycle, t, NEED_ONE);
}

static void
cycle_wait_needs(const Wait *w, CycleEach *each, void *cycle)
{
    CycleLeft left = { each, cycle };
    if (w->target)
        each(cycle, w->target, NEED_END);
    if (!w->collector)
        return;
    collector_each_left(w->collector, cycle_one_left, &left);
    each(cycle, NULL, NEED_ONE);
}

/* The tasks that hold what t is to write and does not hold itself. */
static void
cycle_writes_needs(Board *b, Task *t, CycleEach *each, void *cycle)
{
    const Writes *mine = task_writes(t);
    if (!mine || writes_held(mine))
        return;
    list_each(node, &b->writing) {
        const Writes *theirs = container_of(node, Writes, held);
        if (task_barred(t, theirs))
            each(cycle, theirs->owner, NEED_WRITES);
    }
}

static void
cycle_needs(Board *b, Task *t, CycleEach *each, void *cycle)
{
    for (uint32_t i = 0; t->unmet && i < t->edges->blocker_count; i++)
        each(cycle, t->edges->blockers[i], NEED_END);
    if (task_waiting(t))
        cycle_wait_needs(task_waiting(t), each, cycle);
    for (const Wait *w = t->edges ? t->edges->on_behalf : NULL; w;
         w = w->next_on_behalf)
        cycle_wait_needs(w, each, cycle);
    if (t->kind == TASK_ITEM && task_claimer(t) && !task_sealed(t))
        each(cycle, task_claimer(t), NEED_END);
    cycle_writes_needs(b, t, each, cycle);
}

static void
cycle_add(Cycle *r, Task *t, size_t from, bool by_writes)
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
cycle_reach(void *cycle, Task *t, Need need)
{
    Cycle *r = cycle;
    r->among |= need == NEED_ONE;
    if (!t || task_final(t))
        return true;
    uint32_t seen = t->mark - r->number;
    if (r->narrow ? seen == 0 : seen > 2)
        cycle_add(r, t, r->at, need == NEED_WRITES);
    return true;
}

/* Follow the needs of those seen; true when `to` is among them, where it is. A
 * search that is to see all goes on then. */
static bool
cycle_follow(Cycle *r, bool all, size_t *where)
{
    bool found = false;
    for (r->at = 0; r->at < r->n && (all || !found); r->at++) {
        Task *t = r->steps[r->at].task;
        if (t == r->to) {
            found = true;
            *where = r->at;
        } else {
            cycle_needs(r->board, t, cycle_reach, r);
        }
    }
    return found;
}

static bool
cycle_free(const Cycle *r, const Task *t)
{
    return task_final(t) || t->mark == r->number + 1;
}

static bool
cycle_meet(void *cycle, Task *t, Need need)
{
    Cycle *r = cycle;
    if (need != NEED_ONE)
        r->fine = r->fine && cycle_free(r, t);
    else if (t)
        r->one = r->one || cycle_free(r, t);
    else
        r->fine = r->fine && r->one;
    if (!t)
        r->one = false;
    return true;
}

/* Mark all that can end though `to` does not go on. */
static void
cycle_mark_free(Cycle *r)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = r->n; i-- > 0;) {
            Task *t = r->steps[i].task;
            if (t == r->to || cycle_free(r, t))
                continue;
            r->fine = true;
            r->one = false;
            cycle_needs(r->board, t, cycle_meet, r);
            if (r->fine) {
                t->mark = r->number + 1;
                more = true;
            }
        }
    }
}

static void
cycle_print(const Cycle *r, size_t at, Buf *path)
{
    size_t length = 0;
    for (size_t i = at; i != CYCLE_START; i = r->steps[i].from)
        length++;
    size_t *order = mem_alloc(length * sizeof *order);
    if (!order)
        return;
    for (size_t i = length, s = at; i-- > 0; s = r->steps[s].from)
        order[i] = s;
    for (size_t i = 0; i < length; i++) {
        if (length > CYCLE_SHOWN && i == CYCLE_SHOWN / 2) {
            buf_printf(path, " -> (%zu more)", length - CYCLE_SHOWN);
            i = length - CYCLE_SHOWN / 2;
        }
        if (i)
            buf_puts(path,
                     r->steps[order[i]].by_writes ? " -> (writes) " : " -> ");
        board_name(r->steps[order[i]].task, path);
    }
    mem_free(order);
}

/* Some task waits for one of several: there is a cycle only if none of those
 * that the search began with (the first `n`) can end otherwise. */
static bool
cycle_narrow(Cycle *r, size_t n, size_t *where)
{
    (void)cycle_follow(r, true, where);
    cycle_mark_free(r);
    for (size_t i = 0; i < n; i++)
        if (cycle_free(r, r->steps[i].task))
            return false;
    r->n = 0;
    r->narrow = true;
    for (size_t i = 0; i < n; i++)
        cycle_add(r, r->steps[i].task, CYCLE_START, false);
    return cycle_follow(r, false, where);
}

/* Search from those that are there already. */
static int
cycle_search(Cycle *r, Buf *path)
{
    size_t n = r->n, where = 0;
    bool found = cycle_follow(r, false, &where);
    if (found && r->among)
        found = cycle_narrow(r, n, &where);
    if (found && path)
        cycle_print(r, where, path);
    mem_free(r->steps);
    return r->failed ? ORUN_ENOMEM : found ? ORUN_ECYCLE : 0;
}

static Cycle
cycle_begin(Board *b, Task *to)
{
    b->search += 3;
    return (
        Cycle){ .board = b, .to = to, .number = b->search, .at = CYCLE_START };
}

int
wait_leads_to(Board *b, Task *from, Task *to, Buf *path)
{
    Cycle r = cycle_begin(b, to);
    cycle_reach(&r, from, NEED_END);
    return cycle_search(&r, path);
}

static bool
cycle_has_need(void *ctx, Task *t, Need need)
{
    bool *has = ctx;
    (void)t, (void)need;
    *has = true;
    return false;
}

/* Begin with t; false when it needs nobody, so that no more need be asked. */
static bool
cycle_begin_with(void *cycle, Task *t)
{
    Cycle *r = cycle;
    bool needs = t == r->to;
    if (!needs)
        cycle_needs(r->board, t, cycle_has_need, &needs);
    r->fine = !needs;
    if (needs)
        cycle_reach(r, t, NEED_ONE);
    return needs;
}

int
wait_closes_cycle(Board *b, Task *waiter, const WaitFor *what, Buf *path)
{
    if (wait_ready(b, what))
        return 0; /* it is over before it begins */
    const Writes *mine = task_writes(waiter);
    if (!board_awaited(waiter) && !(mine && writes_held(mine)))
        return 0;
    if (what->kind == WAIT_FOR_TASK || what->kind == WAIT_FOR_OUTPUT)
        return wait_leads_to(b, what->task, waiter, path);
    if (what->kind != WAIT_FOR_COLLECTOR)
        return 0;
    Cycle r = cycle_begin(b, waiter);
    collector_each_left(what->collector, cycle_begin_with, &r);
    if (!r.fine)
        return cycle_search(&r, path);
    mem_free(r.steps);
    return 0;
}
