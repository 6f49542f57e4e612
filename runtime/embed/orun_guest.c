/* orun_guest.c — orun in a lua_State that somebody else made: orun_lua.h.
 *
 * What a guest needs of a runtime is its engine, and the guest's part in that
 * lasts until its state is closed (engine_join): results and programs that its
 * code still has refer to it. A runtime of its own is freed before.
 */
#include "api/lib_arg.h"
#include "api/lib_guest.h"
#include "api/lib_orun.h"
#include "base/fork.h"
#include "base/log.h"
#include "base/sanitize.h"
#include "embed/exit_summary.h"
#include "embed/finish.h"
#include "embed/guest_lua.h"
#include "embed/orun_own.h"
#include "engine/engine.h"
#include "orun_lua.h"
#include "process/program.h"
#include "thread/epoch.h"
#include "vm/arena.h"
#include "vm/park_bell.h"
#include "vm/vm_guest.h"
#include <lauxlib.h>

typedef struct OrunGuest {
    Vm vm; /* first */
    LuaRun run;
    ParkBell bell;
    orun *own;       /* its runtime, made for it; NULL: not yet, or another's */
    bool shared;     /* another's, whose script does not end its tasks */
    Engine *engine;  /* NULL: it has none yet */
    bool closed;     /* by orun.close */
    size_t reported; /* tasks below this id were checked for failures */
} OrunGuest;

static OrunGuest *
orun_guest_of(Vm *vm)
{
    return container_of(vm, OrunGuest, vm);
}

/* Make it a guest of the runtime, which cannot be freed meanwhile. */
static void
orun_guest_join(OrunGuest *g, orun *o)
{
    g->engine = o->engine;
    g->run = (LuaRun){ .sched = &o->engine->sched,
                       .pool = o->engine->pool,
                       .engine = o->engine,
                       .task = o->engine->sched.board.root,
                       .vm = &g->vm,
                       .beside = g->shared,
                       .hosted = g->shared,
                       .bell = &g->bell };
    park_init(&g->run);
    park_bell_init(&g->bell, g->vm.L);
    engine_join(g->engine, &g->run);
    g->vm.owner = &g->run;
}

/* Make the guest's own runtime; workers 0: as many as by default. */
static void
orun_guest_begin(lua_State *L, OrunGuest *g, int workers)
{
    orun_config config = ORUN_CONFIG_INIT;
    config.workers = workers;
    if (orun_new(&config, &g->own))
        luaL_error(L, "orun: no runtime could be made: %s", orun_errmsg(NULL));
    orun_guest_join(g, g->own);
}

/* Vm.guest: before each primitive. Methods of collectors and the like enter
 * the epoch here, and the next primitive leaves it. */
static void
orun_guest_enter(lua_State *L, Vm *vm)
{
    OrunGuest *g = orun_guest_of(vm);
    if (g->closed || (g->engine && g->engine->over))
        luaL_error(L, "orun was closed");
    if (!g->engine)
        orun_guest_begin(L, g, 0);
    epoch_ensure();
}

/* Print what nobody would hear of otherwise. */
static void
orun_guest_tell(OrunGuest *g, orun *o)
{
    Buf text = { 0 }, left = { 0 }, safe = { 0 };
    orun_left(o, &left);
    if (left.n)
        buf_printf(&text,
                   "orun: still running at the end, and cancelled: %s "
                   "(orun.finish() waits for tasks)\n",
                   buf_cstr(&left));
    buf_clear(&left);
    if (exit_summary_unread(&g->run.sched->board, &g->reported, false, &left))
        buf_printf(&text, "orun: %s\n", buf_cstr(&left));
    sanitize_put(&safe, text.p, text.n, SANITIZE_TEXT);
    if (safe.n && !buf_failed(&safe))
        log_tell(LOG_WARNING, safe.p, safe.n);
    buf_free(&left);
    buf_free(&text);
    buf_free(&safe);
}

/* End the runtime, if it is the guest's own. */
static void
orun_guest_close(OrunGuest *g)
{
    orun *own = g->own;
    g->closed = true;
    g->own = NULL;
    if (!own)
        return;
    orun_guest_tell(g, own);
    (void)orun_free(own);
}

/* The state is being closed. In a fork nothing of the run may be touched. */
static void
orun_guest_end(Vm *vm)
{
    OrunGuest *g = orun_guest_of(vm);
    if (!g->engine || g->run.sched->forks != fork_count)
        return;
    orun_guest_close(g);
    sched_lock(g->run.sched);
    program_stop_all(&g->run, false);
    sched_unlock(g->run.sched);
    program_drop_unseen(&g->run);
    vm->owner = NULL;
    g->closed = true;
    engine_part(g->engine, &g->run);
    g->engine = NULL;
    park_bell_destroy(&g->bell);
    park_destroy(&g->run);
    stop_destroy(&vm->stop);
}

/* ---- what only a guest has ---- */

/* orun.close(): ends the runtime; what still runs is cancelled */
static int
orun_guest_closes(lua_State *L)
{
    OrunGuest *g = orun_guest_of(vm_of(L));
    if (g->engine && park_forked(L))
        park_refuse_fork(L);
    if (!g->closed)
        orun_guest_close(g);
    return 0;
}

/* orun.config: of a runtime that is still to be made, `workers` can be set. */
static int
orun_guest_config(lua_State *L)
{
    OrunGuest *g = orun_guest_of(vm_of(L));
    lua_settop(L, 1);
    bool early = !g->engine && !g->closed && lua_istable(L, 1);
    if (early && lua_getfield(L, 1, "workers") != LUA_TNIL) {
        lua_Integer n = arg_integer(L, "config", "workers", 2, 1, 10000, 0);
        lua_newtable(L); /* the other fields */
        for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
            lua_pushvalue(L, -2);
            lua_pushvalue(L, -2);
            lua_rawset(L, 3);
        }
        lua_pushnil(L);
        lua_setfield(L, 3, "workers");
        lua_replace(L, 1);
        orun_guest_begin(L, g, (int)n);
    }
    lua_settop(L, 1);
    int n = lib_config(L);
    epoch_release();
    return n;
}

/* In the place of orun.finish where the runtime is shared. */
static int
orun_guest_no_finish(lua_State *L)
{
    return luaL_error(L,
                      "finish: the runtime is the program's own, and has tasks "
                      "of others; wait for yours, with TaskOutput or "
                      "orun.wait_all");
}

/* ( -- module ) */
static int
orun_guest_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "close", orun_guest_closes },
        { "config", orun_guest_config },
        { "globals", lib_guest_globals },
        { NULL, NULL },
    };
    OrunGuest *g = orun_guest_of(vm_of(L));
    lib_guest_open(L);
    luaL_setfuncs(L, functions, 0);
    if (g->shared)
        lua_pushcfunction(L, orun_guest_no_finish);
    else
        finish_push(L, &g->reported);
    lua_setfield(L, -2, "finish");
    return 1;
}

/* The guest that L's state is, or becomes. */
static OrunGuest *
orun_guest_new(lua_State *L)
{
    luaL_checkversion(L);
    luaL_checkstack(L, 10, "orun");
    guest_lua_check(L);
    int e = vm_guest_init();
    if (e)
        luaL_error(L, "orun: %s", err_text(e));
    Vm *vm = vm_state_adopted(L);
    if (!vm) {
        vm = vm_guest_new(L, sizeof(OrunGuest), orun_guest_end);
        vm->guest = orun_guest_enter;
    }
    return orun_guest_of(vm);
}

int
luaopen_orun(lua_State *L)
{
    if (lua_getallocf(L, NULL) == arena_alloc)
        return luaL_error(L,
                          "orun: this Lua state is one of orun's own, where "
                          "require \"orun\" has it already");
    (void)orun_guest_new(L);
    return orun_guest_open(L);
}

int
orun_lua_open(lua_State *L, orun *o)
{
    OrunGuest *g = orun_guest_new(L);
    if (g->engine && (g->own || g->engine != o->engine))
        return luaL_error(L,
                          "orun_lua_open: this Lua state has another runtime");
    int e = g->engine ? 0 : api_guard_hold(orun_guard(o));
    if (e)
        return luaL_error(L, "orun_lua_open: %s", err_text(e));
    if (!g->engine) {
        g->shared = true;
        orun_guest_join(g, o);
        api_guard_unhold(orun_guard(o));
    }
    return orun_guest_open(L);
}
