/* lua_state.c — hosts that have Lua states of their own: orun_lua.h. */
#include "check.h"
#include "orun_lua.h"
#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static lua_State *
state_new(void)
{
    lua_State *L = luaL_newstate();
    CHECK(L);
    luaL_openlibs(L);
    return L;
}

/* Run code in which `orun` is the module; gives what it returned as a text. */
static const char *
state_run(lua_State *L, const char *code)
{
    int e = luaL_dostring(L, code);
    if (e)
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
    CHECK(!e);
    return lua_tostring(L, -1);
}

static int
state_protected_open(lua_State *L)
{
    return orun_lua_open(L, lua_touserdata(L, 1));
}

/* As a global of L, the module of that runtime; false if it was refused. */
static int
state_open(lua_State *L, orun *o)
{
    lua_pushcfunction(L, state_protected_open);
    lua_pushlightuserdata(L, o);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK)
        return 0;
    lua_setglobal(L, "orun");
    return 1;
}

static const char square[] =
    "return orun.Task{run = function(n) return n * n end, input = 12}.output";

/* The module with a runtime of its own. */
static void
state_own(void)
{
    for (int i = 0; i < 3; i++) {
        lua_State *L = state_new();
        luaL_requiref(L, "orun", luaopen_orun, 1);
        CHECK(strcmp(state_run(L, square), "144") == 0);
        state_run(L, "orun.finish()");
        lua_close(L);
    }
}

/* It is refused where it makes no sense, with words. */
static void
state_refused(void)
{
    orun *o = check_new(), *other = check_new();
    lua_State *L = state_new();
    CHECK(!state_open(L, NULL));
    CHECK(strstr(lua_tostring(L, -1), "orun_lua_open"));
    CHECK(state_open(L, o));
    CHECK(state_open(L, o)); /* again */
    CHECK(!state_open(L, other));
    CHECK(strstr(lua_tostring(L, -1), "another runtime"));
    lua_State *bare = luaL_newstate();
    CHECK(!state_open(bare, o));
    CHECK(strstr(lua_tostring(bare, -1), "luaL_openlibs"));
    lua_close(bare);
    lua_close(L);
    orun_free(o);
    orun_free(other);
}

enum { STATE_THREADS = 4, STATE_TASKS = 50 };

static void *
state_works(void *o)
{
    static const char code[] =
        "local all, sum = {}, 0\n"
        "for i = 1, 50 do\n"
        "  all[i] = orun.Task{run = function(i) return i end, input = i,\n"
        "                     run_in_background = true}\n"
        "end\n"
        "for r in orun.as_completed(all) do sum = sum + r.output end\n"
        "local r = orun.exec('sh', '-c', 'exit 3')\n"
        "orun.sleep('1ms')\n"
        "assert(not pcall(orun.Task, {promt = 1}))\n"
        "return sum + r.exit_code";
    lua_State *L = state_new();
    CHECK(state_open(L, o));
    CHECK(strcmp(state_run(L, code), "1278") == 0);
    lua_close(L);
    return NULL;
}

/* Several states share a runtime, each in a thread, and a script runs. */
static void
state_shared(void)
{
    pthread_t threads[STATE_THREADS];
    orun *o = check_new();
    for (int i = 0; i < STATE_THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, state_works, o) == 0);
    check_fine(o, "for i = 1, 20 do Task{run = function() end} end");
    for (int i = 0; i < STATE_THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(orun_free(o) == 0);
}

static atomic_int state_waiting;

static int
state_waits_now(lua_State *L)
{
    (void)L;
    atomic_fetch_add(&state_waiting, 1);
    return 0;
}

static void *
state_waits(void *ud)
{
    lua_State *L = ud;
    lua_pushcfunction(L, state_waits_now);
    lua_setglobal(L, "now");
    state_run(L, "now()  ok, why = pcall(orun.sleep, 1000)");
    return NULL;
}

/* A runtime is freed under its guests: the waits of some end, and what the
 * others still have is harmless. */
static void
state_freed(void)
{
    pthread_t thread;
    orun *o = check_new();
    lua_State *waits = state_new(), *L = state_new();
    CHECK(state_open(waits, o) && state_open(L, o));
    state_run(L,
              "failed = orun.Task{run = function() error('q', 0) end}\n"
              "collector = orun.collector{}\n"
              "stream = orun.exec{command = {'sleep', '1000'}, stream = true}\n"
              "program = orun.exec('true')");
    CHECK(pthread_create(&thread, NULL, state_waits, waits) == 0);
    while (!atomic_load(&state_waiting))
        usleep(1000);
    CHECK(orun_free(o) == 0);
    pthread_join(thread, NULL);
    CHECK(strcmp(state_run(waits, "return tostring(ok) .. ' ' .. why"),
                 "false stopped: orun was closed")
              == 0
          || strcmp(state_run(waits, "return why"), "orun was closed") == 0);
    CHECK(strcmp(state_run(L, "return select(2, pcall(orun.Task, {}))"),
                 "orun was closed")
          == 0);
    CHECK(strcmp(state_run(L, "return failed.status"), "failed") == 0);
    state_run(L,
              "failed, collector, stream, program = nil\n"
              "collectgarbage()");
    lua_close(waits);
    lua_close(L);
}

static void *
state_step(void *ud)
{
    lua_State *L = ud;
    CHECK(strcmp(state_run(L, square), "144") == 0);
    return NULL;
}

/* A state goes from thread to thread. */
static void
state_handed(void)
{
    lua_State *L = state_new();
    luaL_requiref(L, "orun", luaopen_orun, 1);
    for (int i = 0; i < 5; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, state_step, L) == 0);
        pthread_join(thread, NULL);
    }
    lua_close(L);
}

/* A host that runs for long: what is forgotten does not stay because a thread
 * has once called a primitive, nor because that raised an error. */
static void
state_long(void)
{
    orun *o = check_new();
    lua_State *L = state_new();
    CHECK(state_open(L, o));
    state_run(L, square);
    state_run(L, "return pcall(orun.Task, {promt = 1})");
    for (int i = 0; i < 20; i++) {
        state_run(L,
                  "for i = 1, 500 do\n"
                  "  local t = orun.Task{run = function() end,\n"
                  "                      run_in_background = true}\n"
                  "  orun.TaskOutput(t)\n"
                  "  orun.forget(t)\n"
                  "end");
        lua_settop(L, 0);
    }
    lua_close(L);
    CHECK(orun_free(o) == 0);
}

/* A module in C, a table, and a global, for all states of a runtime. */
static int
state_twice(lua_State *L)
{
    lua_pushinteger(L, 2 * luaL_checkinteger(L, 1));
    return 1;
}

static int
state_open_mine(lua_State *L)
{
    static const luaL_Reg functions[] = { { "twice", state_twice },
                                          { NULL, NULL } };
    luaL_newlib(L, functions);
    return 1;
}

static int
state_add(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, state_open_mine);
    lua_setfield(L, -2, "mine");
    luaL_requiref(L, "loaded", state_open_mine, 0);
    lua_pushcfunction(L, state_twice);
    lua_setglobal(L, "twice");
    return 0;
}

static int
state_add_raises(lua_State *L)
{
    return luaL_error(L, "on purpose");
}

static void
state_added(void)
{
    static const char code[] =
        "local mine, loaded = require 'mine', require 'loaded'\n"
        "for _, isolated in ipairs{1, 2, 3} do\n"
        "  local r = Task{input = 2, run = function(n)\n"
        "    local f = mine.twice\n"
        "    return Task{input = n, run = function(n)\n"
        "      return twice(f(loaded.twice(require('mine').twice(n))))\n"
        "    end}.output\n"
        "  end}\n"
        "  assert(r.output == 32, r.error)\n"
        "end\n"
        "assert(Task{run = function(f) return f(4) end, input = twice}.output "
        "== 8)\n";
    orun *o = check_new();
    CHECK(orun_lua_on_state(o, NULL) == ORUN_EINVAL);
    CHECK(orun_lua_on_state(NULL, state_add) == ORUN_EINVAL);
    CHECK(orun_lua_on_state(o, state_add_raises) == ORUN_EFAILED);
    CHECK(strstr(orun_errmsg(o), "on purpose"));
    CHECK(orun_lua_on_state(o, state_add) == 0);
    check_fine(o, code);
    CHECK(orun_lua_on_state(o, state_add) == ORUN_ESTATE);
    check_fine(o, code);
    orun_free(o);
}

/* Its tasks are the program's: no script ends them. */
static void
state_hosted(void)
{
    static const char waits[] =
        "t = orun.Task{run_in_background = true, run = function()\n"
        "  local item = orun.TaskCreate{subject = 'go'}\n"
        "  TaskOutput(item)\n"
        "  return Task{run = function() return 7 end}.output\n"
        "end}\n"
        "while not orun.TaskGet('t2') do orun.sleep('1ms') end";
    orun *o = check_new();
    lua_State *L = state_new();
    CHECK(state_open(L, o));
    state_run(L, waits);
    check_fine(o, "Task{run = function() end}");
    CHECK(check_run(o, "error('on purpose', 0)") == ORUN_EFAILED);
    CHECK(check_run(o, "os.exit(3)") == ORUN_OK);
    CHECK(!luaL_dostring(L, "return pcall(orun.finish)"));
    CHECK(strstr(lua_tostring(L, -1), "orun.wait_all"));
    state_run(L, "orun.TaskUpdate{task_id = 't2', status = 'completed'}");
    CHECK(strcmp(state_run(L, "return orun.TaskOutput(t).output"), "7") == 0);
    lua_close(L);
    CHECK(orun_free(o) == 0);
}

/* ---- an allocator of the host's, which fails ---- */

static atomic_long state_blocks, state_asked, state_fail_from;

static void *
state_alloc(void *ud, void *p, size_t n)
{
    (void)ud;
    if (n == 0) {
        if (p)
            atomic_fetch_sub(&state_blocks, 1);
        free(p);
        return NULL;
    }
    long from = state_fail_from;
    if (atomic_fetch_add(&state_asked, 1) + 1 >= from && from > 0)
        return NULL;
    void *q = realloc(p, n);
    if (q && !p)
        atomic_fetch_add(&state_blocks, 1);
    return q;
}

/* From the n-th allocation of orun on all fail, for many n: the state's code
 * gets an error, and nothing is left when the state is closed. The state itself
 * has memory. */
static void
state_fails(void)
{
    static const char code[] =
        "return pcall(function()\n"
        "  local orun = require 'orun'\n"
        "  local r = orun.Task{run = function(n) return n * n end,\n"
        "                      input = 12}\n"
        "  assert(r.output == 144, r.error)\n"
        "  assert(orun.map({2}, function(n) return n end)[1] == 2)\n"
        "  orun.finish()\n"
        "end)";
    orun_process p = { .size = sizeof p, .alloc = state_alloc };
    int fine = 0;
    CHECK(orun_setup(&p) == ORUN_OK);
    for (long n = 1; !fine; n += n < 300 ? 1 : 97) {
        lua_State *L = state_new();
        state_asked = 0;
        state_fail_from = n;
        lua_pushcfunction(L, luaopen_orun);
        if (lua_pcall(L, 0, 1, 0) == LUA_OK) {
            CHECK(luaL_dostring(L, code) == 0);
            fine = lua_isboolean(L, -1) && state_asked < n; /* no message */
        }
        state_fail_from = 0;
        lua_close(L);
        CHECK(state_blocks == 0);
    }
}

static const CheckCase cases[] = {
    { "own", state_own },       { "refused", state_refused },
    { "shared", state_shared }, { "freed", state_freed },
    { "handed", state_handed }, { "long", state_long },
    { "added", state_added },   { "fails", state_fails },
    { "hosted", state_hosted },
};

CHECK_MAIN(cases)
