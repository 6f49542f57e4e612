/* sched.c — the lock, the starts handed out, timers and agent types. */
#include "sched/sched.h"
#include "base/err.h"
#include "base/fork.h"
#include "base/mem.h"
#include "value/value.h"
#include <stdio.h>

static void
sched_free_kinds(Sched *s)
{
    for (size_t i = 0; i < SLOT_KINDS; i++)
        limit_free(s->kind[i]);
    limit_free(s->whole);
    limit_free(s->memory);
}

int
sched_init(Sched *s, Clock *clock, const int slots[SLOT_KINDS],
           void (*due)(Timer *))
{
    static const char *const names[SLOT_KINDS] = { "lua", "process", "http",
                                                   "host" };
    bool failed = false;
    *s = (Sched){ .random = 0x9e3779b97f4a7c15u,
                  .forks = fork_count,
                  .due = due };
    for (int i = 0; i < SLOT_KINDS; i++)
        list_init(&s->blocked_lines[i]);
    list_init(&s->limits);
    for (size_t i = 0; i < countof(s->limits_by_name); i++)
        list_init(&s->limits_by_name[i]);
    for (size_t i = 0; i < countof(s->agents_by_name); i++)
        list_init(&s->agents_by_name[i]);
    list_init(&s->agents);
    list_init(&s->starts);
    list_init(&s->writers);
    list_init(&s->freed);
    list_init(&s->to_propagate);
    for (size_t i = 0; i < SLOT_KINDS; i++)
        failed |= !(s->kind[i] = limit_new(names[i], slots[i]));
    if (!failed && board_init(&s->board, clock) == 0) {
        s->board.root->run = s;
        return 0;
    }
    sched_free_kinds(s);
    return ORUN_ENOMEM;
}

void
sched_destroy(Sched *s)
{
    event_close(&s->board);
    board_destroy(&s->board);
    while (s->spent_count > 0)
        value_drop(s->spent[--s->spent_count]);
    for (List *node; (node = list_shift(&s->agents)) != NULL;)
        agent_free(container_of(node, AgentType, link));
    for (List *node; (node = list_shift(&s->limits)) != NULL;)
        limit_free(container_of(node, Limit, all));
    sched_free_kinds(s);
}

Sched *
sched_of(Task *t)
{
    while (t->parent)
        t = t->parent;
    return t->run;
}

/* The scheduler whose starts this thread is handing out, and whether more came
 * meanwhile. A runner that ends a task from inside `start` comes back to
 * sched_unlock, and must not start others there: a million tasks that fail at
 * once would need a million frames. */
static _Thread_local Sched *sched_starting;
static _Thread_local bool sched_more;

double
sched_jitter(Sched *s)
{
    uint64_t x = s->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    s->random = x;
    return 0.5 + (double)(x >> 11) / 18014398509481984.0;
}

bool
sched_has_room(Sched *s, size_t n, int part)
{
    size_t backlog = s->backlog / (size_t)part;
    return s->backlog == 0 || (n <= backlog && s->held <= backlog - n);
}

void
sched_discard(Sched *s, Value *v)
{
    if (v && s->spent_count < SCHED_SPENT && value_size(v) >= SCHED_SPENT_SIZE)
        s->spent[s->spent_count++] = v;
    else
        value_drop(v);
}

/* Unlock, and drop what was discarded. */
static void
sched_leave(Sched *s)
{
    Value *spent[SCHED_SPENT];
    int n = s->spent_count;
    for (int i = 0; i < n; i++)
        spent[i] = s->spent[i];
    s->spent_count = 0;
    board_unlock(&s->board);
    while (n > 0)
        value_drop(spent[--n]);
}

/* Take all starts; unlock; hand them to their runners. */
static void
sched_hand_out(Sched *s)
{
    List starts = s->starts;
    starts.next->prev = starts.prev->next = &starts;
    list_init(&s->starts);
    sched_more = false;
    sched_leave(s);
    for (List *node; (node = list_shift(&starts)) != NULL;) {
        Task *t = container_of(node, Task, job.link);
        s->runner[t->kind]->start(s->runner[t->kind], t);
    }
}

void
sched_unlock(Sched *s)
{
    if (list_empty(&s->starts) || sched_starting == s) {
        sched_more |= !list_empty(&s->starts);
        sched_leave(s);
        return;
    }
    Sched *outer = sched_starting;
    sched_starting = s;
    sched_hand_out(s);
    while (sched_more) {
        board_lock(&s->board);
        if (list_empty(&s->starts)) {
            sched_leave(s);
            break;
        }
        sched_hand_out(s);
    }
    sched_starting = outer;
}

int
sched_arm(Sched *s, Task *t, double at)
{
    if (!t->timer) {
        t->timer = mem_zalloc(1, sizeof *t->timer);
        if (!t->timer)
            return ORUN_ENOMEM;
        t->timer->timer.fire = s->due;
        t->timer->task = t;
    }
    return board_arm(&s->board, &t->timer->timer, at);
}

void
sched_disarm(Sched *s, Task *t)
{
    if (!t->timer)
        return;
    board_disarm(&s->board, &t->timer->timer);
    mem_free(t->timer);
    t->timer = NULL;
}

void
sched_left(Sched *s, uint64_t id)
{
    sched_lock(s);
    Task *t = board_find(&s->board, id);
    if (t != &s->board.gone)
        t->left = true;
    sched_unlock(s);
}

/* With the lock held. */
static AgentType *
sched_agent_named(Sched *s, const char *name)
{
    list_each(node, list_named(s->agents_by_name, SCHED_NAMES, name)) {
        AgentType *a = container_of(node, AgentType, alike);
        if (strcmp(a->name, name) == 0)
            return a;
    }
    return NULL;
}

/* With the lock held. */
static void
sched_enter_agent(Sched *s, AgentType *a)
{
    list_after(&s->agents, &a->link);
    list_after(list_named(s->agents_by_name, SCHED_NAMES, a->name), &a->alike);
}

void
sched_add_agent(Sched *s, AgentType *a)
{
    sched_lock(s);
    sched_enter_agent(s, a);
    sched_unlock(s);
}

bool
sched_add_found_agent(Sched *s, AgentType *a)
{
    sched_lock(s);
    bool first = !sched_agent_named(s, a->name);
    if (first)
        sched_enter_agent(s, a);
    sched_unlock(s);
    return first;
}

const AgentType *
sched_agent(Sched *s, const char *name)
{
    sched_lock(s);
    const AgentType *found = sched_agent_named(s, name);
    sched_unlock(s);
    return found;
}
