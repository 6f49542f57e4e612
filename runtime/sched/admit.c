/* admit.c — rates, budgets, throttling and memory, asked of tasks. */
#include "sched/admit.h"
#include "base/log.h"
#include "base/sysmem.h"
#include "task/task_report.h"
#include <limits.h>
#include <math.h>

/* Seconds between two looks at how much memory there is. */
#define ADMIT_LOOK 0.25

int
admit_limits(Sched *s, const Task *t, Limit **out)
{
    int n = 0;
    const AgentType *agent = task_agent(t);
    if (t->opt && t->opt->pool)
        out[n++] = t->opt->pool;
    if (agent && agent->limit)
        out[n++] = agent->limit;
    if (agent && agent->account && (n == 0 || agent->account != out[0]))
        out[n++] = agent->account;
    if (agent && s->whole)
        out[n++] = s->whole;
    return n;
}

/* Look at l again at that time, by `open`. Without memory for a timer it is
 * open. */
static bool
admit_wait(Limit *l, double at, void (*open)(Timer *))
{
    Meter *m = l->meter;
    m->timer.fire = open;
    if (m->timer.slot && m->timer.at <= at)
        return true;
    return board_arm(&m->sched->board, &m->timer, at) == 0;
}

bool
admit_shut(Limit *l, void (*open)(Timer *))
{
    if (!l->meter)
        return false;
    double at = meter_opens(l->meter, board_now(&l->meter->sched->board));
    return at > 0 && admit_wait(l, at, open);
}

bool
admit_broke(Sched *s, const Task *t)
{
    Limit *l[ADMIT_LIMITS];
    int n = admit_limits(s, t, l);
    for (int i = 0; i < n; i++)
        if (l[i]->meter && meter_broke(l[i]->meter, t->attempt == 0))
            return true;
    return false;
}

void
admit_put_broke(Sched *s, const Task *t, Buf *to)
{
    Limit *l[ADMIT_LIMITS];
    int n = admit_limits(s, t, l);
    for (int i = 0; i < n; i++)
        if (l[i]->meter && meter_broke(l[i]->meter, t->attempt == 0)) {
            buf_printf(to, "the budget of \"%s\" is used up: ", l[i]->name);
            meter_put_spent(l[i]->meter, to);
            return;
        }
    buf_puts(to, "the budget is used up");
}

/* The limit where tasks wait for memory; NULL if there is no memory for that
 * either. */
static Limit *
admit_memory(Sched *s)
{
    static const MeterSpec nothing;
    if (s->memory)
        return s->memory;
    Limit *l = limit_new("memory", INT_MAX);
    if (l && limit_meter(l, &nothing, s)) {
        limit_free(l);
        return NULL;
    }
    return s->memory = l;
}

bool
admit_short(Sched *s, const Task *t, void (*open)(Timer *))
{
    const AgentType *agent = task_agent(t);
    size_t need = agent ? (size_t)agent->max_rss << 10 : 0;
    if (t->slot != SLOT_PROCESS || !need || !s->kind[SLOT_PROCESS]->used)
        return false;
    double now = board_now(&s->board);
    if (s->memory_free == 0 || now - s->memory_at > ADMIT_LOOK / 2) {
        s->memory_free = sysmem_free("");
        s->memory_at = now;
    }
    if (s->memory_free >= need || !admit_memory(s))
        return false;
    s->memory->meter->until = now + ADMIT_LOOK;
    return admit_wait(s->memory, s->memory->meter->until, open);
}

void
admit_begin(Sched *s, const Task *t, Limit *const *l, int n)
{
    for (int i = 0; i < n; i++)
        if (l[i]->meter)
            meter_begin(l[i]->meter, board_now(&s->board), t->attempt == 0);
}

/* Does l, which may be NULL, ask for nothing, and only count what is spent? */
static bool
admit_counts_only(const Limit *l)
{
    const MeterSpec *spec = l && l->meter ? &l->meter->spec : NULL;
    const MeterBudget *b = spec ? &spec->budget : NULL;
    return !l
        || (l->slots == INT_MAX
            && (!spec
                || (!spec->rates && b->usd == 0 && !b->tokens && !b->tasks)));
}

/* The limit to be throttled when t asked too much: the account's, else the
 * type's, else the named one; NULL if there is none. */
static Limit *
admit_whose(const Task *t)
{
    const AgentType *agent = task_agent(t);
    Limit *l = agent ? agent->account : NULL;
    if (!l && agent && !admit_counts_only(agent->limit))
        l = agent->limit;
    if (!l && t->opt)
        l = t->opt->pool;
    return l;
}

bool
admit_again(Sched *s, Task *t, const Outcome *o)
{
    static const MeterSpec nothing;
    Limit *l = t->stopping ? NULL : admit_whose(t);
    if (!l)
        return false;
    if (o->state == TASK_COMPLETED && l->meter) {
        meter_go_well(l->meter);
        return false;
    }
    if (o->state != TASK_FAILED || o->fault != FAULT_RATE || sched_closing(s, t)
        || t->throttles >= ADMIT_THROTTLES)
        return false;
    if (!l->meter && limit_meter(l, &nothing, s))
        return false;
    const TaskReport *r = t->report;
    double after = r && r->retry_after > 0 ? r->retry_after : NAN;
    double now = board_now(&s->board);
    meter_throttle(l->meter, now, after, l->used, sched_jitter(s));
    t->throttles++;
    event_add(
        &s->board,
        (Event){ .kind = EVENT_THROTTLED,
                 .task = t->id,
                 .text = l->name,
                 .n = (uint64_t)(fmax(0, l->meter->until - now) * 1000) });
    LOG(SCHED, "t%llu throttled: %s opens in %g s, %d at once",
        (unsigned long long)t->id, l->name, l->meter->until - now,
        limit_slots_now(l));
    return true;
}

const char *
admit_reason(Sched *s, const Task *t, const char **limit, double *wait)
{
    Limit *l[ADMIT_LIMITS + 1];
    int n = admit_limits(s, t, l);
    double now = board_now(&s->board);
    *wait = 0;
    for (int i = 0; i < n; i++) {
        double at = l[i]->meter ? meter_opens(l[i]->meter, now) : 0;
        *limit = l[i]->name;
        *wait = at > 0 ? at - now : 0;
        if (at > 0)
            return l[i]->meter->until >= at ? "throttled" : "rate";
        if (limit_full(l[i]))
            return l[i]->meter && limit_slots_now(l[i]) < l[i]->slots
                ? "throttled"
                : "slot";
    }
    *limit = s->kind[t->slot]->name;
    if (limit_full(s->kind[t->slot]))
        return "slot";
    if (t->for_writes)
        return "writes";
    bool memory = s->memory
        && wait_queue_first(&s->memory->line[t->slot].waiting);
    return memory ? "memory" : "";
}
