/* lib_overview.c — a page of tasks. */
#include "api/lib_overview.h"
#include "api/lib_class.h"
#include "api/lib_list.h"
#include "api/lib_orun.h"
#include "api/lib_related.h"
#include "base/err.h"
#include "base/secret.h"
#include "engine/engine.h"
#include "sched/lifecycle.h"
#include "sched/wait.h"
#include "value/field.h"
#include "value/value.h"
#include "vm/handle.h"
#include <lauxlib.h>

enum {
    OVERVIEW_MOST = 1000, /* entries of a page */
    OVERVIEW_MATCH = 256, /* bytes of what is looked for */
    OVERVIEW_SLICE = 512, /* tasks looked at while others wait for the lock */
};

/* By TaskState. */
static const char *const overview_states[TASK_STATE_COUNT + 1] = {
    [TASK_WAITING] = "blocked", [TASK_READY] = "queued",
    [TASK_RUNNING] = "running", [TASK_COMPLETED] = "completed",
    [TASK_FAILED] = "failed",   [TASK_CANCELLED] = "cancelled",
};

/* What is asked for, and what was found. */
typedef struct Overview {
    Sched *sched;
    int states[TASK_STATE_COUNT], n; /* wanted, in this order */
    const char *match;
    size_t offset, limit;
    Task *at; /* whose place is asked for, or NULL */
    size_t counts[TASK_STATE_COUNT];
    size_t before; /* tasks in the state of `at`, made before it */
    int at_state;  /* … which it is in; -1: it does not match */
    size_t found;
    uint32_t page[OVERVIEW_MOST]; /* ids */
} Overview;

/* ---- which tasks ---- */

static bool
overview_has(const Overview *o, const char *text)
{
    return text && strcasestr(text, o->match) != NULL;
}

/* Have others take the lock between two slices. */
static void
overview_breathe(Board *b, uint64_t nth)
{
    if (nth % OVERVIEW_SLICE)
        return;
    board_unlock(b);
    board_lock(b);
}

/* Under the board's lock. */
static bool
overview_fits(const Overview *o, const Task *t)
{
    char id[HANDLE_ID_SIZE];
    if (t->removed)
        return false;
    if (!*o->match)
        return true;
    handle_name(t->id, id);
    return overview_has(o, id) || overview_has(o, t->description)
        || (task_agent(t) && overview_has(o, task_agent(t)->name));
}

/* How many there are of each state, and where `at` is. */
static void
overview_count(Overview *o)
{
    Board *b = &o->sched->board;
    size_t all = b->count;
    board_lock(b);
    o->at_state = o->at && overview_fits(o, o->at) ? o->at->state : -1;
    for (uint64_t id = 1; id < all; id++) {
        const Task *t = board_find(b, id);
        overview_breathe(b, id);
        if (!overview_fits(o, t))
            continue;
        int state = t->state;
        o->counts[state]++;
        if (state == o->at_state && id < o->at->id)
            o->before++;
    }
    board_unlock(b);
}

/* Take those of one state, of which the first *skip are not wanted. */
static void
overview_take(Overview *o, int state, size_t *skip)
{
    Board *b = &o->sched->board;
    size_t all = b->count;
    board_lock(b);
    for (uint64_t i = 1; i < all && o->found < o->limit; i++) {
        uint64_t id = state >= TASK_COMPLETED ? all - i : i;
        overview_breathe(b, i);
        const Task *t = board_find(b, id);
        if (t->state != state || !overview_fits(o, t))
            continue;
        if (*skip > 0)
            --*skip;
        else
            o->page[o->found++] = (uint32_t)id;
    }
    board_unlock(b);
}

static void
overview_choose(Overview *o)
{
    size_t skip = o->offset;
    for (int i = 0; i < o->n && o->found < o->limit; i++) {
        size_t n = o->counts[o->states[i]];
        if (skip >= n)
            skip -= n;
        else
            overview_take(o, o->states[i], &skip);
    }
}

/* The place of `at` among what is asked for, from 1; 0: it is none of it. */
static size_t
overview_index(const Overview *o)
{
    size_t first = 1;
    for (int i = 0; i < o->n; i++) {
        int state = o->states[i];
        if (state == o->at_state)
            return first
                + (state >= TASK_COMPLETED ? o->counts[state] - 1 - o->before
                                           : o->before);
        first += o->counts[state];
    }
    return 0;
}

/* ---- entries ---- */

/* What may change, copied under the lock. */
typedef struct OverviewLook {
    TaskState state;
    double elapsed; /* below 0: it has not begun */
    int waits;      /* a WaitFor.kind; -1: it does not */
    uint64_t other; /* the task it waits for; 0: none */
    TaskFault fault;
} OverviewLook;

static OverviewLook
overview_look(Sched *s, const Task *t)
{
    OverviewLook l = { .elapsed = -1, .waits = -1 };
    sched_lock(s);
    l.state = t->state;
    if (task_final(t))
        l.elapsed = t->attempt ? t->took : -1;
    else if (t->state == TASK_RUNNING)
        l.elapsed = board_now(&s->board) - t->started;
    l.fault = task_final(t) ? (TaskFault)t->outcome.fault : FAULT_NONE;
    const Wait *w = t->state == TASK_RUNNING ? task_waiting(t) : NULL;
    l.other = w && w->target ? w->target->id : 0;
    l.waits = w ? w->kind : -1;
    if (t->state == TASK_RUNNING && t->programs == PROGRAMS_QUEUED)
        l.waits = WAIT_FOR_SLOT;
    board_unlock(&s->board);
    return l;
}

static void
overview_push(lua_State *L, Task *t)
{
    char id[HANDLE_ID_SIZE];
    Sched *s = park_run(L)->sched;
    lib_push_entry(L, t);
    OverviewLook l = overview_look(s, t);
    field_set_string(L, "state", overview_states[l.state]);
    if (l.elapsed >= 0)
        field_set_number(L, "elapsed", l.elapsed);
    if (l.waits >= 0)
        field_set_string(L, "waits", wait_for_name(l.waits));
    if (l.other) {
        handle_name(l.other, id);
        field_set_string(L, "other", id);
    }
    field_set_boolean(L, "program", agent_by_program(t));
    if (l.state == TASK_FAILED || l.state == TASK_CANCELLED) {
        field_set_string(L, "error", task_error(t));
        field_set_string(L, "error_kind", task_fault_name(l.fault));
    }
}

/* ---- functions ---- */

/* The task whose id is argument i; NULL: there is none. */
static Task *
overview_task(lua_State *L, int i)
{
    Board *b = &park_run(L)->sched->board;
    uint64_t id = handle_parse(luaL_optstring(L, i, ""));
    Task *t = id ? board_find(b, id) : NULL;
    return t && !t->removed ? t : NULL;
}

static void
overview_read_states(lua_State *L, Overview *o)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    for (o->n = 0; o->n < TASK_STATE_COUNT; o->n++) {
        if (lua_rawgeti(L, 1, o->n + 1) == LUA_TNIL)
            break;
        o->states[o->n] = luaL_checkoption(L, -1, NULL, overview_states);
        lua_pop(L, 1);
    }
}

static int
overview_page(lua_State *L)
{
    lib_related_script(L, "overview.page");
    lua_settop(L, 5);
    size_t n;
    Overview *o = lua_newuserdatauv(L, sizeof *o, 0);
    memset(o, 0, sizeof *o);
    o->sched = park_run(L)->sched;
    overview_read_states(L, o);
    o->match = luaL_optlstring(L, 2, "", &n);
    luaL_argcheck(L, n <= OVERVIEW_MATCH, 2, "it has at most 256 bytes");
    lua_Integer offset = luaL_optinteger(L, 3, 0);
    lua_Integer limit = luaL_optinteger(L, 4, OVERVIEW_MOST);
    o->offset = offset > 0 ? (size_t)offset : 0;
    o->limit = limit < 0        ? 0
        : limit < OVERVIEW_MOST ? (size_t)limit
                                : OVERVIEW_MOST;
    o->at = overview_task(L, 5);
    overview_count(o);
    overview_choose(o);
    lua_createtable(L, (int)o->found, 0);
    for (size_t i = 0; i < o->found; i++) {
        overview_push(L, board_find(&o->sched->board, o->page[i]));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_createtable(L, 0, TASK_STATE_COUNT);
    for (int i = 0; i < TASK_STATE_COUNT; i++)
        field_set_integer(L, overview_states[i], (lua_Integer)o->counts[i]);
    size_t index = overview_index(o);
    if (index == 0)
        return 2;
    lua_pushinteger(L, (lua_Integer)index);
    return 3;
}

static int
overview_entry(lua_State *L)
{
    lib_related_script(L, "overview.entry");
    Task *t = overview_task(L, 1);
    if (!t)
        return 0;
    overview_push(L, t);
    return 1;
}

static int
overview_output(lua_State *L)
{
    lib_related_script(L, "overview.output");
    Task *t = overview_task(L, 1);
    ValueOps ops = handle_decoding(park_run(L)->sched);
    if (!t || !task_final(t) || !t->outcome.output)
        return 0;
    value_decode(L, t->outcome.output, &ops);
    return 1;
}

static int
overview_gc(lua_State *L)
{
    buf_free(lua_touserdata(L, 1));
    return 0;
}

static int
overview_masked(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "__gc", overview_gc },
        { NULL, NULL },
    };
    size_t n;
    lua_settop(L, 1);
    if (lua_isnil(L, 1) || secret_longest() == 0)
        return 1;
    const char *text = luaL_checklstring(L, 1, &n);
    Buf *masked = lua_newuserdatauv(L, sizeof *masked, 0);
    *masked = (Buf){ 0 };
    lib_class_set(L, "orun.masked", methods);
    secret_mask(text, n, 0, n, masked);
    if (buf_failed(masked))
        return luaL_error(L, "%s", err_text(ORUN_ENOMEM));
    lua_pushlstring(L, buf_cstr(masked), masked->n);
    buf_free(masked);
    return 1;
}

static int
overview_stop_all(lua_State *L)
{
    lib_related_script(L, "overview.stop_all");
    lifecycle_cancel_all(park_run(L)->sched, WHY_ASKED);
    return 0;
}

static int
overview_drain(lua_State *L)
{
    lib_related_script(L, "overview.drain");
    lifecycle_drain(park_run(L)->sched);
    return 0;
}

static int
overview_script(lua_State *L)
{
    lib_related_script(L, luaL_checkstring(L, 1));
    return 0;
}

static int
overview_readable(lua_State *L)
{
    const LuaRun *run = park_run(L);
    const Task *t = overview_task(L, 1);
    lua_pushboolean(L,
                    !t || t->kind == TASK_ITEM || lib_related(run, t)
                        || lib_related_blocks(run, t));
    return 1;
}

static int
overview_module(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "page", overview_page },
        { "entry", overview_entry },
        { "output", overview_output },
        { "masked", overview_masked },
        { "stop_all", overview_stop_all },
        { "script", overview_script },
        { "readable", overview_readable },
        { "drain", overview_drain },
        { NULL, NULL },
    };
    luaL_newlib(L, functions);
    return 1;
}

void
lib_overview_open(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, overview_module);
    lua_setfield(L, -2, "orun.overview");
    lua_pop(L, 1);
}
