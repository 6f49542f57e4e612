/* view_lua.c — events as Lua tables. */
#include "view/view_lua.h"
#include "base/mem.h"
#include "base/sanitize.h"
#include "base/secret.h"
#include "sched/admit.h"
#include "sched/rank.h"
#include "sched/report.h"
#include "sched/wait.h"
#include "task/fresh.h"
#include "task/limit.h"
#include "task/output.h"
#include "value/field.h"
#include "value/json.h"
#include "value/value.h"
#include "vm/handle.h"
#include <lauxlib.h>
#include <limits.h>

enum {
    VIEW_QUEUED = 1000000,       /* nanoseconds in a queue that are shown */
    VIEW_OUTPUT = 2000,          /* bytes of an output that are shown */
    VIEW_OUTPUT_JSON = 16 << 10, /* of a value that is shown as JSON */
};

typedef struct ViewWork {
    const ViewBatch *batch;
    Sched *sched;
    Buf text; /* for masking */
} ViewWork;

/* Untrusted text: secrets in it are replaced. */
static void
view_set_masked(lua_State *L, ViewWork *w, const char *key, const char *s)
{
    if (!s)
        return;
    buf_clear(&w->text);
    secret_mask(s, strlen(s), 0, strlen(s), &w->text);
    field_set_string(L, key,
                     buf_failed(&w->text) ? "(no memory was left for it)"
                                          : buf_cstr(&w->text));
}

/* The same for text that may be long: only its beginning. */
static void
view_set_head(lua_State *L, ViewWork *w, const char *key, const char *s,
              size_t n)
{
    buf_clear(&w->text);
    sanitize_head(&w->text, s, n, VIEW_OUTPUT, SANITIZE_DATA);
    if (buf_failed(&w->text))
        return;
    lua_pushlstring(L, buf_cstr(&w->text), w->text.n);
    lua_setfield(L, -2, key);
}

/* The script, id 0, is not a task: no field is set. */
static void
view_set_task(lua_State *L, const char *key, uint64_t id)
{
    char name[HANDLE_ID_SIZE];
    if (id == 0)
        return;
    handle_name(id, name);
    field_set_string(L, key, name);
}

/* Set blockedBy: the ids of the task's blockers as they are now. */
static void
view_set_blockers(lua_State *L, Sched *s, const Task *t)
{
    sched_lock(s);
    uint32_t n = t->edges ? t->edges->blocker_count : 0;
    board_unlock(&s->board);
    if (n == 0)
        return;
    uint32_t *ids = lua_newuserdatauv(L, n * sizeof *ids, 0);
    sched_lock(s);
    n = t->edges->blocker_count < n ? t->edges->blocker_count : n;
    for (uint32_t i = 0; i < n; i++)
        ids[i] = t->edges->blockers[i]->id;
    board_unlock(&s->board);
    lua_createtable(L, (int)n, 0);
    for (uint32_t i = 0; i < n; i++) {
        char name[HANDLE_ID_SIZE];
        handle_name(ids[i], name);
        lua_pushstring(L, name);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -3, "blockedBy");
    lua_pop(L, 1);
}

static const char *
view_kind(const Task *t)
{
    static const char *const kinds[TASK_KINDS] = {
        [TASK_LUA] = "lua",
        [TASK_PROCESS] = "program",
        [TASK_ITEM] = "item",
    };
    if (agent_host(t))
        return "host";
    return kinds[agent_argv(t) ? TASK_PROCESS : t->kind];
}

/* Set limits: which ones it needs a slot of, and how many slots they have. */
static void
view_set_limits(lua_State *L, Sched *s, const Task *t)
{
    Limit *l[ADMIT_LIMITS + 1];
    int slots[ADMIT_LIMITS + 1];
    if (t->kind == TASK_ITEM)
        return;
    sched_lock(s);
    int n = admit_limits(s, t, l);
    l[n++] = s->kind[t->slot];
    for (int i = 0; i < n; i++)
        slots[i] = l[i]->slots;
    board_unlock(&s->board);
    lua_createtable(L, 0, n);
    for (int i = 0; i < n; i++)
        if (slots[i] < INT_MAX)
            field_set_integer(L, l[i]->name, slots[i]);
    lua_setfield(L, -2, "limits");
}

/* What similar tasks took, and cost, in earlier runs. */
static void
view_set_expected(lua_State *L, Sched *s, const Task *t)
{
    const char *of;
    const HistoryEntry *e = t->kind == TASK_ITEM ? NULL : rank_known(s, t, &of);
    if (!e && s->plan && task_agent(t)) { /* better than none in a plan */
        e = rank_known_agent(s, NULL, task_agent(t)->name);
        of = "agent";
    }
    if (!e)
        return;
    field_set_string(L, "expected_of", of);
    field_set_number(L, "expected", e->seconds);
    if (e->idle > 0)
        field_set_number(L, "expected_idle", e->idle);
    if (e->paid)
        field_set_number(L, "expected_cost", e->usd);
}

/* The fields of a task that never change. */
static void
view_set_added(lua_State *L, ViewWork *w, const Task *t)
{
    const AgentType *agent = task_agent(t);
    view_set_task(L, "parent", t->parent ? t->parent->id : 0);
    field_set_string(L, "kind", view_kind(t));
    field_set_string(L, "agent", agent ? agent->name : NULL);
    view_set_masked(L, w, "description", t->description);
    view_set_masked(L, w, "key", t->opt ? t->opt->key : NULL);
    view_set_masked(L, w, "phase", t->opt ? t->opt->phase : NULL);
    field_set_string(L, "file", t->file);
    if (t->line)
        field_set_integer(L, "line", t->line);
    if (t->priority)
        field_set_integer(L, "priority", t->priority);
    if (t->opt && t->opt->finally)
        field_set_boolean(L, "finally", true);
    view_set_expected(L, w->sched, t);
    view_set_limits(L, w->sched, t);
    view_set_blockers(L, w->sched, t);
}

/* Set output: its beginning, as JSON if it is a table. Set bytes, its length,
 * and printed, how much its program printed, if that is more. */
static void
view_set_output(lua_State *L, ViewWork *w, const Outcome *o)
{
    Buf json = { 0 }, why = { 0 };
    if (!o->output)
        return;
    field_set_integer(L, "bytes", (lua_Integer)value_content(o->output));
    size_t n = value_size(o->output);
    const char *text = value_as_string(o->output, &n);
    if (text)
        view_set_head(L, w, "output", text, n);
    else if (n <= VIEW_OUTPUT_JSON
             && json_from_value(o->output, NULL, &json, &why) == 0)
        view_set_head(L, w, "output", json.p, json.n);
    buf_free(&json);
    buf_free(&why);
}

/* Set half_written: the paths that a failed task has begun to write. */
static void
view_set_half(lua_State *L, ViewWork *w, const Task *t)
{
    size_t next = 0;
    const char *path = fresh_half_written(t, &next);
    if (!path)
        return;
    lua_newtable(L);
    for (lua_Integer n = 1; path; path = fresh_half_written(t, &next)) {
        view_set_masked(L, w, "", path);
        lua_getfield(L, -1, "");
        lua_rawseti(L, -2, n++);
    }
    lua_pushnil(L);
    lua_setfield(L, -2, "");
    lua_setfield(L, -2, "half_written");
}

/* The outcome of a task that is final. */
static void
view_set_ended(lua_State *L, ViewWork *w, const Task *t)
{
    const Outcome *o = &t->outcome;
    field_set_string(L, "status", task_state_name(t->state));
    field_set_string(L, "error_kind", task_fault_name(o->fault));
    view_set_masked(L, w, "error", task_error(t));
    view_set_masked(L, w, "skipped", task_skipped(t));
    if (task_fresh(t))
        field_set_boolean(L, "fresh", true);
    if (task_cached(t))
        field_set_boolean(L, "cached", true);
    view_set_half(L, w, t);
    field_set_integer(L, "attempts", t->attempt);
    field_set_number(L, "duration", t->took);
    if (o->code >= 0)
        field_set_integer(L, "exit_code", o->code);
    if (o->signal)
        field_set_integer(L, "signal", o->signal);
    view_set_output(L, w, o);
    if (t->opt && t->opt->tree) {
        value_decode(L, t->opt->tree, NULL);
        lua_setfield(L, -2, "worktree");
    }
    if (o->captured && o->captured->out)
        field_set_integer(L, "printed",
                          (lua_Integer)output_size(o->captured->out));
}

/* Set denials: {tool=, what=} as text that can be shown anywhere. */
static void
view_set_denials(lua_State *L, ViewWork *w, TaskReport *r)
{
    static const char *const fields[] = { "tool", "what" };
    report_push_denials(L, r);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return;
    }
    for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TTABLE; i++) {
        for (size_t k = 0; k < countof(fields); k++) {
            size_t n = 0;
            lua_getfield(L, -1, fields[k]);
            const char *s = lua_type(L, -1) == LUA_TSTRING
                ? lua_tolstring(L, -1, &n)
                : NULL;
            lua_pop(L, 1); /* it stays in the entry */
            if (s)
                view_set_head(L, w, fields[k], s, n);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    lua_setfield(L, -2, "denials");
}

/* What t has reported so far, in this attempt and earlier ones. */
static void
view_set_report(lua_State *L, ViewWork *w, const Task *t)
{
    TaskReport r;
    if (!report_get(w->sched, t, &r))
        return;
    view_set_denials(L, w, &r);
    uint64_t all[REPORT_COUNT_KINDS];
    for (size_t i = 0; i < REPORT_COUNT_KINDS; i++) {
        all[i] = r.before[i] + r.usage[i];
        if (r.counted >> i & 1)
            field_set_integer(L, report_counts[i], (lua_Integer)all[i]);
    }
    if (r.costed)
        field_set_number(L, "cost", r.cost_before + r.cost);
    view_set_masked(L, w, "activity", r.activity[0] ? r.activity : NULL);
    view_set_masked(L, w, "model", r.model[0] ? r.model : NULL);
    view_set_masked(L, w, "session_id", r.session_id[0] ? r.session_id : NULL);
}

static const char *const view_lacks[] = {
    [BLOCK_SLOT] = "slot",           [BLOCK_WRITES] = "writes",
    [BLOCK_MEMORY] = "memory",       [BLOCK_RATE] = "rate",
    [BLOCK_THROTTLED] = "throttled",
};

static void
view_set_waits(lua_State *L, const Event *e)
{
    field_set_string(L, "for", wait_for_name(e->what));
    view_set_task(L, "other", e->other);
    field_set_string(L, "file", e->text);
    if (e->line)
        field_set_integer(L, "line", e->line);
}

static void
view_set_unseen(lua_State *L, const Event *e)
{
    field_set_string(L, "error_kind", task_fault_name((TaskFault)e->what));
    if (e->what == FAULT_EXIT)
        field_set_integer(L, "exit_code", (lua_Integer)e->n);
    field_set_string(L, "file", e->text);
    if (e->line)
        field_set_integer(L, "line", e->line);
}

static void
view_set_details(lua_State *L, ViewWork *w, const Event *e, const Task *t)
{
    switch (e->kind) {
    case EVENT_ADDED: view_set_added(L, w, t); break;
    case EVENT_ENDED: view_set_ended(L, w, t); break;
    case EVENT_WAITS: view_set_waits(L, e); break;
    case EVENT_STARTED:
        field_set_integer(L, "attempt", (lua_Integer)e->n);
        break;
    case EVENT_QUEUED:
        field_set_string(L, "for", view_lacks[e->what]);
        field_set_string(L, "limit", e->text);
        break;
    case EVENT_RETRY:
        field_set_string(L, "error_kind", task_fault_name((TaskFault)e->what));
        field_set_number(L, "delay", (double)e->n / 1000);
        view_set_masked(L, w, "error", e->text);
        break;
    case EVENT_THROTTLED:
        field_set_string(L, "limit", e->text);
        field_set_number(L, "wait", (double)e->n / 1000);
        break;
    case EVENT_UNSEEN: view_set_unseen(L, e); break;
    case EVENT_USED: field_set_number(L, "cpu", (double)e->n * 1e-9); break;
    case EVENT_REPORTED: view_set_report(L, w, t); break;
    case EVENT_READ:
        view_set_task(L, "by", e->other);
        field_set_integer(L, "bytes", (lua_Integer)e->n);
        break;
    case EVENT_GOES_ON:
        if (e->what == WAIT_TIMED_OUT)
            field_set_boolean(L, "timed_out", true);
        if (e->n >= VIEW_QUEUED)
            field_set_number(L, "queued", (double)e->n * 1e-9);
        break;
    case EVENT_CLAIMED: view_set_task(L, "by", e->other); break;
    case EVENT_PHASE:
    case EVENT_SCRIPT: view_set_masked(L, w, "name", e->text); break;
    default: break;
    }
}

static void
view_push_event(lua_State *L, ViewWork *w, const Event *e, const Task *t)
{
    lua_createtable(L, 0, 6);
    field_set_string(L, "event", event_kind_name((EventKind)e->kind));
    field_set_number(L, "at", e->at - w->batch->begun);
    view_set_task(L, "task", e->task);
    view_set_details(L, w, e, t);
}

/* In a brief batch events of a task count until it has ended. */
static bool
view_wants(const ViewBatch *b, const Event *e, const Task *t)
{
    if (!b->brief)
        return true;
    switch (e->kind) {
    case EVENT_STARTED:
    case EVENT_WAITS:
    case EVENT_GOES_ON:
    case EVENT_THROTTLED:
    case EVENT_RETRY:
    case EVENT_CLAIMED:
    case EVENT_RETURNED: return !task_final(t);
    default: return event_notable(e);
    }
}

/* Protected; argument 1: the ViewWork. */
static int
view_batch(lua_State *L)
{
    ViewWork *w = lua_touserdata(L, 1);
    const ViewBatch *b = w->batch;
    lua_Integer at = 0;
    lua_newtable(L);
    for (const EventChunk *c = b->all; c; c = c->next)
        for (size_t i = 0; i < c->n; i++) {
            const Event *e = &c->at[i];
            const Task *t = e->kind == EVENT_READ
                ? board_find(&w->sched->board, e->task)
                : board_held(&w->sched->board, e->task);
            if (!view_wants(b, e, t))
                continue;
            view_push_event(L, w, e, t);
            lua_rawseti(L, -2, ++at);
        }
    field_set_integer(L, "lost", (lua_Integer)b->lost);
    return 1;
}

/* Protected; argument 1: the ViewWork, 2: a task's id. */
static int
view_added(lua_State *L)
{
    ViewWork *w = lua_touserdata(L, 1);
    uint64_t id = (uint64_t)lua_tointeger(L, 2);
    Event e = { .kind = EVENT_ADDED, .task = (uint32_t)id };
    view_push_event(L, w, &e, board_find(&w->sched->board, id));
    lua_pushnil(L);
    lua_setfield(L, -2, "at");
    return 1;
}

/* Call `f` with the work and the id; returns as lua_pcall does. */
static int
view_protected(lua_State *L, lua_CFunction f, const ViewBatch *b, uint64_t id)
{
    ViewWork work = { .batch = b, .sched = &b->engine->sched };
    lua_pushcfunction(L, f);
    lua_pushlightuserdata(L, &work);
    lua_pushinteger(L, (lua_Integer)id);
    int status = lua_pcall(L, 2, 1, 0);
    buf_free(&work.text);
    return status;
}

void
view_push_events(lua_State *L, const ViewBatch *batch)
{
    int status = view_protected(L, view_batch, batch, 0);
    for (EventChunk *next, *c = batch->all; c; c = next) {
        next = c->next;
        event_free(c);
    }
    if (status != LUA_OK)
        lua_error(L);
}

void
view_push_added(lua_State *L, Engine *engine, uint64_t id)
{
    ViewBatch none = { .engine = engine };
    if (view_protected(L, view_added, &none, id) != LUA_OK)
        lua_error(L);
}
