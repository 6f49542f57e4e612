/* report.c — keeping what a task reports. */
#include "sched/report.h"
#include "base/err.h"
#include "base/mem.h"
#include "sched/durable.h"
#include "sched/spend.h"
#include "value/value.h"
#include <lauxlib.h>
#include <math.h>

/* The beginning of `s` that fits, ended where no UTF-8 character is cut. */
static void
report_copy(char *to, size_t size, const char *s)
{
    size_t n = strnlen(s, size);
    if (n == size)
        for (n = size - 1; n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80;)
            n--;
    memcpy(to, s, n);
    to[n] = '\0';
}

static void
report_take(TaskReport *r, const ReportNews *news)
{
    for (size_t i = 0; i < REPORT_COUNT_KINDS; i++)
        if (news->counted >> i & 1)
            r->usage[i] = news->usage[i];
    r->counted |= news->counted;
    if (!isnan(news->cost)) {
        r->cost = news->cost;
        r->costed = true;
    }
    if (!isnan(news->session_cost)) {
        r->session_told = true;
        r->session_cost = news->session_cost;
        memcpy(r->session_usage, news->session_usage, sizeof r->session_usage);
    }
    if (news->denials) {
        value_drop(r->denials);
        r->denials = value_hold(news->denials);
    }
    if (!isnan(news->retry_after))
        r->retry_after = news->retry_after;
    if (news->activity)
        report_copy(r->activity, sizeof r->activity, news->activity);
    if (news->model)
        report_copy(r->model, sizeof r->model, news->model);
    if (news->session_id)
        report_copy(r->session_id, sizeof r->session_id, news->session_id);
}

/* Tokens of the attempt that count for rates and budgets: what was read from a
 * cache does not. */
static double
report_tokens(const TaskReport *r)
{
    return (double)r->usage[REPORT_INPUT] + (double)r->usage[REPORT_OUTPUT]
        + (double)r->usage[REPORT_CACHE_WRITE];
}

int
report_add(Sched *s, Task *t, uint32_t attempt, const ReportNews *news)
{
    int e = 0;
    sched_lock(s);
    bool current = t->state == TASK_RUNNING && t->attempt == attempt;
    if (current && !t->report) {
        t->report = mem_zalloc(1, sizeof *t->report);
        e = t->report ? 0 : ORUN_ENOMEM;
        if (e == 0)
            s->held += sizeof *t->report;
    }
    TaskReport *r = current ? t->report : NULL;
    if (r) {
        double tokens = report_tokens(r), cost = r->cost;
        bool other = news->session_id
            && strncmp(news->session_id, r->session_id, sizeof r->session_id)
                != 0;
        report_take(r, news);
        Durable *d = other ? s->durable : NULL;
        if (d && d->session && t->opt && t->opt->retry.resume)
            d->session(d, t);
        spend(s, t, fmax(0, report_tokens(r) - tokens),
              fmax(0, r->cost - cost));
        event_add(&s->board, (Event){ .kind = EVENT_REPORTED, .task = t->id });
    }
    sched_unlock(s);
    return e;
}

void
report_next(Task *t)
{
    TaskReport *r = t->report;
    if (!r)
        return;
    for (size_t i = 0; i < REPORT_COUNT_KINDS; i++) {
        r->before[i] += r->usage[i];
        r->usage[i] = 0;
    }
    r->cost_before += r->cost;
    r->cost = 0;
    r->retry_after = 0;
    value_drop(r->denials);
    r->denials = NULL;
    r->activity[0] = '\0';
}

bool
report_get(Sched *s, const Task *t, TaskReport *out)
{
    if (!t->report)
        return false;
    sched_lock(s);
    *out = *t->report;
    if (out->denials)
        value_hold(out->denials);
    board_unlock(&s->board);
    return true;
}

/* Protected; argument 1: the Value. */
static int
report_decode(lua_State *L)
{
    value_decode(L, lua_touserdata(L, 1), NULL);
    return 1;
}

void
report_push_denials(lua_State *L, TaskReport *copy)
{
    if (!copy->denials) {
        lua_pushnil(L);
        return;
    }
    lua_pushcfunction(L, report_decode);
    lua_pushlightuserdata(L, copy->denials);
    int status = lua_pcall(L, 1, 1, 0);
    value_drop(copy->denials);
    copy->denials = NULL;
    if (status != LUA_OK)
        lua_error(L);
}
