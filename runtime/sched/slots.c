/* slots.c — the limits there are; offering, granting, queueing, serving. */
#include "sched/slots.h"
#include "base/err.h"
#include "sched/admit.h"
#include "sched/durable.h"
#include "sched/slot_number.h"
#include "sched/wait.h"
#include "task/limit.h"
#include "task/writes.h"
#include <limits.h>

/* Does t hold writes? */
static bool
slots_writes(const Task *t)
{
    const Writes *mine = task_writes(t);
    return mine && writes_held(mine);
}

/* May t pass `other`, which came before and queues for writes? The task that
 * has those waits for others, maybe for t; or it is above t. */
static bool
slots_passed(Sched *s, const Task *t, const Task *other)
{
    list_each(node, &s->board.writing) {
        const Writes *held = container_of(node, Writes, held);
        if ((wait_on_tasks(held->owner) || task_above(held->owner, t))
            && task_barred(other, held))
            return true;
    }
    return false;
}

/* Do the writes of t overlap those that another task has, or queues for before
 * it? */
static bool
slots_clash(Sched *s, Task *t)
{
    if (!task_writes(t) || slots_writes(t))
        return false;
    list_each(node, &s->board.writing) {
        if (task_barred(t, container_of(node, Writes, held)))
            return true;
    }
    list_each(node, &s->writers) {
        Task *other = container_of(node, Task, job.link);
        if (!wait_queue_before(other, t))
            break;
        if (writes_overlap(task_writes(t), task_writes(other))
            && !slots_passed(s, t, other))
            return true;
    }
    return false;
}

/* t queues for writes, or no longer does: only others can end that, so it is
 * not active meanwhile. */
static void
slots_for_writes(Sched *s, Task *t, bool queues)
{
    s->board.active += t->for_writes - queues;
    t->for_writes = queues;
}

/* Put t among those that wait for writes. */
static void
slots_queue_writer(Sched *s, Task *t)
{
    List *at = s->writers.prev;
    while (at != &s->writers
           && wait_queue_before(t, container_of(at, Task, job.link)))
        at = at->prev;
    list_after(at, &t->job.link);
    slots_for_writes(s, t, true);
}

_Static_assert(LIMIT_LINES == SLOT_KINDS + 1, "a line for each kind, and one");

/* The line of those that need what t needs. */
static int
slots_line(const Task *t)
{
    return t->woken ? SLOT_KINDS : t->slot;
}

/* Is there no slot of the kind that this line needs? */
static bool
slots_kind_full(Sched *s, int line)
{
    if (line == SLOT_KINDS)
        return false;
    const Limit *kind = s->kind[line];
    return kind->closed || limit_full(kind);
}

/* A limit that was shut for a while may be open. */
static void
slots_open(Timer *timer)
{
    Meter *m = container_of(timer, Meter, timer);
    slots_serve(m->sched, &m->limit, 1);
}

/* Must t queue at l? It is full (or closed for a moment), or a task before t
 * queues there that is about to be served (a slot has just come free) or needs
 * what t needs. */
static bool
slots_must_queue(Sched *s, Limit *l, const Task *t)
{
    if (limit_full(l) || l->closed || (!t->woken && admit_shut(l, slots_open)))
        return true;
    for (int i = 0; i < LIMIT_LINES; i++) {
        const Task *first = wait_queue_first(&l->line[i].waiting);
        if (first && wait_queue_before(first, t)
            && (i == slots_line(t) || !slots_kind_full(s, i)))
            return true;
    }
    return false;
}

/* Leave the slots of l to slots_serve_freed. */
static void
slots_free(Sched *s, Limit *l)
{
    if (list_empty(&l->freed))
        list_push(&s->freed, &l->freed);
}

/* If l has a slot, t queues because of those before it, which are about to be
 * served. Where slots are given later (slots_release) another task may get the
 * slot of a kind that those need: then the slot of l is for t. */
static void
slots_queue(Sched *s, Limit *l, Task *t)
{
    wait_queue_push(&l->line[slots_line(t)].waiting, t);
    if (s->ranked && !limit_full(l))
        slots_free(s, l);
}

/* What keeps t, which queues at l, or (NULL) for others' writes. */
static EventBlock
slots_blocked_on(Sched *s, const Task *t, const Limit *l)
{
    const char *limit;
    double wait;
    if (!l)
        return BLOCK_WRITES;
    if (l == s->memory)
        return BLOCK_MEMORY;
    const char *why = l->meter ? admit_reason(s, t, &limit, &wait) : "slot";
    return strcmp(why, "rate") == 0     ? BLOCK_RATE
        : strcmp(why, "throttled") == 0 ? BLOCK_THROTTLED
                                        : BLOCK_SLOT;
}

/* Task.blocked_on: 1 + an EventBlock, or this: a slot of a named limit. */
enum { BLOCKED_ON_NAMED = 7 };

/* t begins to queue: for this limit, or (NULL) for others' writes. Emits QUEUED
 * only if the reason changes, because t may step from queue to queue thousands
 * of times, and never for a resumed task. Of several limits it is the first
 * that is named: the workers are what all queue for now and then. */
static void
slots_report_blocked(Sched *s, Task *t, const Limit *l)
{
    if (!s->board.events || t->woken)
        return;
    EventBlock block = slots_blocked_on(s, t, l);
    bool slot = block == BLOCK_SLOT, named = slot && l != s->kind[t->slot];
    unsigned on = named ? BLOCKED_ON_NAMED : block + 1u;
    if (t->blocked_on == on || (slot && t->blocked_on == BLOCKED_ON_NAMED))
        return;
    t->blocked_on = on & 7;
    event_add(&s->board,
              (Event){ .kind = EVENT_QUEUED,
                       .task = t->id,
                       .what = block,
                       .text = l ? l->name : NULL });
}

/* Queue t where there is no slot for it; false if there is one everywhere. */
static bool
slots_block(Sched *s, Task *t)
{
    Limit *l[ADMIT_LIMITS + 1];
    int n = t->has_rest ? 0 : admit_limits(s, t, l);
    if (slots_clash(s, t)) {
        slots_queue_writer(s, t);
        return true;
    }
    if (!t->woken)
        l[n++] = s->kind[t->slot];
    else if (t->programs == PROGRAMS_QUEUED)
        l[n++] = s->kind[SLOT_PROCESS];
    for (int i = 0; i < n; i++)
        if (slots_must_queue(s, l[i], t)) {
            slots_queue(s, l[i], t);
            slots_report_blocked(s, t, l[i]);
            return true;
        }
    if (!t->woken && admit_short(s, t, slots_open)) {
        slots_queue(s, s->memory, t);
        slots_report_blocked(s, t, s->memory);
        return true;
    }
    return false;
}

/* The slot that the programs of t share is others', or (own) t's again. */
static void
slots_lend_programs(Sched *s, Task *t, bool own)
{
    s->kind[SLOT_PROCESS]->used += own ? 1 : -1;
    t->programs = own ? PROGRAMS_HELD : PROGRAMS_LENT;
}

/* Give t what it needs without asking. */
static void
slots_grant(Sched *s, Task *t)
{
    Limit *l[ADMIT_LIMITS];
    int n = t->has_rest ? 0 : admit_limits(s, t, l);
    if (!t->woken && !t->stopping)
        admit_begin(s, t, l, n);
    for (int i = 0; i < n; i++)
        l[i]->used++;
    if (task_writes(t) && !slots_writes(t)) {
        task_writes(t)->owner = t;
        list_push(&s->board.writing, &task_writes(t)->held);
    }
    s->kind[t->slot]->used += !t->has_kind;
    t->has_kind = t->has_rest = true;
    if (t->programs == PROGRAMS_QUEUED && t->stopping)
        t->programs = PROGRAMS_NONE; /* it will start none */
    else if (t->programs == PROGRAMS_QUEUED || t->programs == PROGRAMS_LENT)
        slots_lend_programs(s, t, true);
    slot_number_take(s, t);
    list_push(&s->starts, &t->job.link);
}

void
slots_offer(Sched *s, Task *t)
{
    bool wrote = t->for_writes;
    s->offers++;
    slots_for_writes(s, t, false);
    if (!t->stopping && !t->woken && admit_broke(s, t))
        t->stopping = FAULT_BUDGET; /* it is granted, so that it can end */
    if (t->stopping || !slots_block(s, t))
        slots_grant(s, t);
    else if (t->for_writes && !wrote)
        slots_report_blocked(s, t, NULL);
}

/* Tickets are numbers; where ranks count, microseconds (wait_queue.h), as exact
 * as they can be without asking for the time. */
static uint64_t
slots_next_ticket(Sched *s)
{
    uint64_t now = s->ranked ? (uint64_t)(s->moment * 1e6) : 0;
    s->tickets = now > s->tickets ? now : s->tickets + 1;
    return s->tickets;
}

void
slots_enter(Sched *s, Task *t)
{
    t->ticket = slots_next_ticket(s);
    slots_offer(s, t);
}

/* Which goes first: t (may be NULL), or the first of this line, which can have
 * a slot of its limit. If there is no slot of its kind it stays, and its line
 * is looked at when there is one again. But one that is to fail because a
 * budget is used up needs none. */
static Task *
slots_sooner(Sched *s, LimitLine *line, int i, Task *t)
{
    Limit *l = line->limit;
    Task *first = wait_queue_first(&line->waiting);
    if (!first)
        return t;
    if (slots_kind_full(s, i) && l != s->kind[i]
        && !(l->meter && meter_broke(l->meter, first->attempt == 0))) {
        list_del(&line->blocked);
        list_push(&s->blocked_lines[i], &line->blocked);
        return t;
    }
    if (!first->woken && !first->stopping && admit_shut(l, slots_open))
        return t;
    return !t || wait_queue_before(first, t) ? first : t;
}

/* The same for lines that were blocked on this kind, which has a slot now. */
static Task *
slots_sooner_blocked(Sched *s, int kind, Task *t)
{
    list_each(node, &s->blocked_lines[kind]) {
        LimitLine *line = container_of(node, LimitLine, blocked);
        if (limit_full(line->limit) || !wait_queue_first(&line->waiting))
            list_del(node);
        else
            t = slots_sooner(s, line, kind, t);
    }
    return t;
}

/* Which goes first: t (may be NULL), or any task that can have the slot of l
 * that has just come free. */
static Task *
slots_next(Sched *s, Limit *l, Task *t)
{
    if (l->closed || limit_full(l))
        return t;
    for (int i = 0; i < LIMIT_LINES; i++)
        t = slots_sooner(s, &l->line[i], i, t);
    for (int i = 0; i < SLOT_KINDS; i++)
        if (l == s->kind[i])
            t = slots_sooner_blocked(s, i, t);
    return t;
}

/* Each is granted, or moves on to the next limit that is full. */
void
slots_serve(Sched *s, Limit *const *l, int n)
{
    for (;;) {
        Task *next = NULL;
        for (int i = 0; i < n; i++)
            next = slots_next(s, l[i], next);
        if (!next)
            return;
        wait_queue_leave(next);
        slots_offer(s, next);
    }
}

void
slots_serve_writers(Sched *s)
{
    List waiting;
    list_init(&waiting);
    for (List *node; (node = list_shift(&s->writers)) != NULL;)
        list_push(&waiting, node);
    for (List *node; (node = list_shift(&waiting)) != NULL;)
        slots_offer(s, container_of(node, Task, job.link));
}

bool
slots_unqueue(Sched *s, Task *t)
{
    bool for_writes = t->for_writes;
    wait_queue_leave(t);
    slots_for_writes(s, t, false);
    return for_writes;
}

void
slots_leave(Sched *s, Task *t)
{
    if (slots_unqueue(s, t))
        slots_serve_writers(s);
}

void
slots_rerank(Sched *s, Task *t, float rank)
{
    bool for_writes = t->for_writes;
    wait_queue_leave(t);
    t->rank = rank;
    slots_offer(s, t);
    if (for_writes)
        slots_serve_writers(s);
}

/* Serve those that queue for writes. Their kinds are closed meanwhile, so that
 * they come to the queues of their kinds, in order. */
static void
slots_reopen_writes(Sched *s)
{
    for (int i = 0; i < SLOT_KINDS; i++)
        s->kind[i]->closed = true;
    slots_serve_writers(s);
    for (int i = 0; i < SLOT_KINDS; i++)
        s->kind[i]->closed = false;
}

/* Take from t its slot of its kind, and (all) those of its limits. Returns
 * which limits have a free slot now, in l. *writes: tasks that queue for writes
 * are to be served, too, because t waits or (end) no longer has its writes. */
static int
slots_take_back(Sched *s, Task *t, bool all, bool end, Limit **l, bool *writes)
{
    bool rest = all && t->has_rest;
    int n = rest ? admit_limits(s, t, l) : 0;
    if (end)
        slot_number_drop(s, t);
    else if (rest)
        slot_number_rest(s, t);
    *writes = all && slots_writes(t);
    if (*writes && end)
        list_del(&task_writes(t)->held);
    s->kind[t->slot]->used -= t->has_kind;
    for (int i = 0; i < n && !t->lent; i++)
        l[i]->used--;
    t->lent = t->lent && !rest;
    t->has_kind = false;
    t->has_rest = t->has_rest && !rest;
    bool programs = all && t->programs == PROGRAMS_HELD;
    if (programs)
        slots_lend_programs(s, t, false);
    if (end)
        t->programs = PROGRAMS_NONE;
    if (n == 0 && !*writes) {
        l[n++] = s->kind[t->slot];
        if (programs)
            l[n++] = s->kind[SLOT_PROCESS];
        return n;
    }
    for (int i = 0; i < SLOT_KINDS; i++)
        l[n++] = s->kind[i];
    return n;
}

static void
slots_give_back(Sched *s, Task *t, bool all, bool end)
{
    Limit *l[ADMIT_LIMITS + SLOT_KINDS];
    bool writes;
    int n = slots_take_back(s, t, all, end, l, &writes);
    if (writes)
        slots_reopen_writes(s);
    slots_serve(s, l, n);
}

void
slots_rest(Sched *s, Task *t, bool all)
{
    slots_give_back(s, t, all, false);
}

void
slots_quit(Sched *s, Task *t)
{
    slots_give_back(s, t, true, true);
}

void
slots_lend(Sched *s, Task *t)
{
    Limit *l[ADMIT_LIMITS + SLOT_KINDS];
    bool lends = !t->lent && t->has_rest;
    if (!lends && !slots_writes(t))
        return;
    int n = lends ? admit_limits(s, t, l) : 0;
    for (Limit **limit = l; limit < l + n; limit++)
        (*limit)->used--;
    if (lends && t->has_kind)
        s->kind[t->slot]->used--;
    t->has_kind = t->has_kind && !lends;
    t->lent = t->lent || lends;
    if (lends && t->programs == PROGRAMS_HELD)
        slots_lend_programs(s, t, false);
    if (slots_writes(t))
        slots_reopen_writes(s);
    for (int i = 0; i < SLOT_KINDS; i++)
        l[n++] = s->kind[i];
    slots_serve(s, l, n);
}

void
slots_return(Sched *s, Task *t)
{
    Limit *l[ADMIT_LIMITS];
    if (!t->lent)
        return;
    int n = admit_limits(s, t, l);
    for (int i = 0; i < n; i++)
        l[i]->used++;
    t->lent = false;
    if (t->programs == PROGRAMS_QUEUED)
        return; /* it gets the slot of its kind with the one it queues for */
    if (t->programs == PROGRAMS_LENT)
        slots_lend_programs(s, t, true);
    s->kind[t->slot]->used += !t->has_kind;
    t->has_kind = true;
}

bool
slots_program(Sched *s, Task *t)
{
    if (t->programs != PROGRAMS_NONE)
        return true;
    t->ticket = slots_next_ticket(s);
    if (slots_must_queue(s, s->kind[SLOT_PROCESS], t))
        return false;
    slots_lend_programs(s, t, true);
    slot_number_take(s, t);
    return true;
}

void
slots_queue_program(Sched *s, Task *t)
{
    slots_rest(s, t, false);
    t->programs = PROGRAMS_QUEUED;
    t->woken = true;
    slots_enter(s, t);
}

void
slots_programs_over(Sched *s, Task *t)
{
    Limit *l = s->kind[SLOT_PROCESS];
    bool had = t->programs == PROGRAMS_HELD;
    l->used -= had;
    slot_number_programs_over(s, t);
    t->programs = PROGRAMS_NONE;
    if (had)
        slots_serve(s, &l, 1);
}

void
slots_hold(Sched *s)
{
    for (int i = 0; s->ranked && i < SLOT_KINDS; i++) {
        s->kind[i]->closed = true;
        slots_free(s, s->kind[i]);
    }
}

void
slots_release(Sched *s, Task *t)
{
    Limit *l[ADMIT_LIMITS + SLOT_KINDS];
    bool writes;
    if (!s->ranked) {
        slots_quit(s, t);
        return;
    }
    int n = slots_take_back(s, t, true, true, l, &writes);
    for (int i = 0; i < n; i++)
        slots_free(s, l[i]);
    s->freed_writes |= writes;
}

void
slots_serve_freed(Sched *s)
{
    bool writes = s->freed_writes;
    s->freed_writes = false;
    if (writes)
        slots_reopen_writes(s);
    for (int i = 0; i < SLOT_KINDS; i++)
        s->kind[i]->closed = false;
    while (!list_empty(&s->freed)) {
        Task *next = NULL;
        list_each(node, &s->freed)
            next = slots_next(s, container_of(node, Limit, freed), next);
        if (next) {
            wait_queue_leave(next);
            slots_offer(s, next);
            continue;
        }
        while (list_shift(&s->freed))
            continue;
    }
}

void
slots_wake(Sched *s, Task *t)
{
    t->woken = true;
    if (t->has_kind)
        list_push(&s->starts, &t->job.link); /* it had kept them */
    else
        slots_enter(s, t);
}

void
slots_with_store(Sched *s, Task *t, bool with)
{
    if (t->kind == TASK_ITEM) /* what waits for it does not wait for nothing */
        s->board.active += (size_t)with - t->with_store;
    t->with_store = with;
}

void
slots_go(Sched *s, Task *t)
{
    if (t->kind != TASK_ITEM) {
        slots_enter(s, t);
        return;
    }
    task_move(t, TASK_READY);
    event_add(&s->board, (Event){ .kind = EVENT_READY, .task = t->id });
    queue_push(&s->board.items, &t->job.link, t->priority);
    wait_fire_all(&s->board.item_waits);
}

void
slots_ready(Sched *s, Task *t)
{
    if (t->kind != TASK_ITEM) {
        task_move(t, TASK_READY);
        event_add(&s->board, (Event){ .kind = EVENT_READY, .task = t->id });
        s->board.active++;
    }
    bool look = s->durable && s->durable->look(s->durable, t);
    slots_with_store(s, t, look); /* no: nor by a look before, of an item */
    if (!look)
        slots_go(s, t);
}

bool
slots_queues(const Task *t)
{
    bool due = task_due(t) && t->state == TASK_READY; /* to be tried again */
    return !t->has_kind && !due && !task_looking(t)
        && (t->state == TASK_READY || (t->state == TASK_RUNNING && t->woken));
}

/* t, which queues, takes its place anew. */
static void
slots_requeue(Sched *s, Task *t)
{
    bool for_writes = t->for_writes;
    wait_queue_leave(t);
    slots_offer(s, t);
    if (for_writes)
        slots_serve_writers(s);
}

void
slots_set_priority(Sched *s, Task *t, int priority)
{
    sched_lock(s);
    t->priority = (int8_t)priority;
    if (t->kind == TASK_ITEM && t->state == TASK_READY) {
        list_del(&t->job.link);
        queue_push(&s->board.items, &t->job.link, priority);
    } else if (slots_queues(t)) {
        slots_requeue(s, t);
    }
    sched_unlock(s);
}

/* The ring in which a limit of this name is. */
static List *
slots_ring(Sched *s, const char *name)
{
    return list_named(s->limits_by_name, SCHED_NAMES, name);
}

/* With the lock held. */
static Limit *
slots_look(const List *ring, const char *name)
{
    for (const List *node = ring->next; node != ring; node = node->next) {
        Limit *l = container_of(node, Limit, alike);
        if (strcmp(l->name, name) == 0)
            return l;
    }
    return NULL;
}

/* The named limit, made with `slots` if there is none. With the lock held. */
static Limit *
slots_named(Sched *s, const char *name, int slots)
{
    List *ring = slots_ring(s, name);
    Limit *l = slots_look(ring, name);
    if (l || !(l = limit_new(name, slots)))
        return l;
    list_push(&s->limits, &l->all);
    list_push(ring, &l->alike);
    return l;
}

Limit *
slots_find(Sched *s, const char *name)
{
    sched_lock(s);
    Limit *found = slots_look(slots_ring(s, name), name);
    board_unlock(&s->board);
    return found;
}

int
slots_names(Sched *s, const char **names, int room)
{
    int n = 0;
    sched_lock(s);
    list_each(node, &s->limits)
        if (n < room)
            names[n++] = container_of(node, Limit, all)->name;
    board_unlock(&s->board);
    return n;
}

/* Have l, which may be NULL, count what its tasks spend, if nothing is measured
 * there yet. False: out of memory. */
static bool
slots_count_spent(Sched *s, Limit *l)
{
    static const MeterSpec nothing;
    return l && (l->meter || limit_meter(l, &nothing, s) == 0);
}

Limit *
slots_account(Sched *s, const char *name)
{
    sched_lock(s);
    Limit *l = slots_named(s, name, INT_MAX);
    if (!slots_count_spent(s, l))
        l = NULL;
    board_unlock(&s->board);
    return l;
}

Limit *
slots_limit(Sched *s, const char *name, int slots, const MeterSpec *spec)
{
    sched_lock(s);
    Limit *l = slots_named(s, name, 1);
    if (l && (spec ? limit_meter(l, spec, s) != 0 : !slots_count_spent(s, l)))
        l = NULL;
    if (l && slots > 0)
        l->slots = slots;
    if (l)
        slots_serve(s, &l, 1);
    sched_unlock(s);
    return l;
}

int
slots_count_run(Sched *s)
{
    sched_lock(s);
    Limit *l = s->whole ? s->whole : limit_new("run", INT_MAX);
    bool counts = slots_count_spent(s, l);
    if (l && !counts)
        limit_free(l);
    s->whole = counts ? l : NULL;
    sched_unlock(s);
    return counts ? 0 : ORUN_ENOMEM;
}

int
slots_whole(Sched *s, const MeterSpec *spec)
{
    sched_lock(s);
    bool live = s->board.live + s->board.hosted > 0;
    if (!s->whole && !live)
        s->whole = limit_new("run", INT_MAX);
    int e = live ? ORUN_ESTATE : ORUN_ENOMEM;
    if (s->whole)
        e = limit_meter(s->whole, spec, s);
    if (e == 0)
        slots_serve(s, &s->whole, 1);
    sched_unlock(s);
    return e;
}

void
slots_set(Sched *s, SlotKind kind, int slots)
{
    sched_lock(s);
    s->kind[kind]->slots = slots;
    slots_serve(s, &s->kind[kind], 1);
    sched_unlock(s);
}
