/* stop_lua.c — the functions of Lua that catch errors or switch coroutines.
 *
 * They behave as Lua's own, except that they obey the Stop. To a task's code
 * its coroutine looks like a main thread: only primitives yield from it.
 */
#include "vm/stop_lua.h"
#include "vm/stop_state.h"
#include <lauxlib.h>

/* Closing does not count C calls before 5.4.6: a coroutine whose <close>
 * closes another, and so on, would overflow the C stack. So closing requires
 * half of the stack, or as much as 200 nested C calls can take. */
static bool
stop_lua_stack_low(void)
{
    static _Thread_local char *low;
    if (!low) {
        pthread_attr_t attr;
        void *base = NULL;
        size_t size = 0;
        if (pthread_getattr_np(pthread_self(), &attr) == 0) {
            pthread_attr_getstack(&attr, &base, &size);
            pthread_attr_destroy(&attr);
        }
        size_t need = (size_t)1 << 20;
        low = (char *)base + (need < size / 2 ? need : size / 2);
    }
    return (char *)__builtin_frame_address(0) < low;
}

/* The functions of Lua that catch errors */

static int
stop_lua_done(lua_State *L, int status, lua_KContext skip)
{
    if (status == LUA_OK || status == LUA_YIELD)
        return lua_gettop(L) - (int)skip;
    if (stop_final(L))
        return stop_raise(L, stop_of(L));
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

static int
stop_lua_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0,
                            stop_lua_done);
    return stop_lua_done(L, status, 0);
}

static int
stop_lua_xpcall(lua_State *L)
{
    int n = lua_gettop(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2); /* f, handler, true, f, arguments */
    int status = lua_pcallk(L, n - 2, LUA_MULTRET, 2, 2, stop_lua_done);
    return stop_lua_done(L, status, 2);
}

/* The functions of Lua that switch coroutines */

static lua_State *
stop_lua_checked(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co, 1, "thread");
    return co;
}

/* Resume `co` with the n values on top of L. Returns how many results were
 * moved to L, with the status in *status, or -1 with the error on L. `close`:
 * if it dies of an error, close its variables at once. */
static int
stop_lua_switch(lua_State *L, lua_State *co, int n, bool close, int *status)
{
    int nresults;
    *status = LUA_OK;
    if (!lua_checkstack(co, n)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, co, n);
    lua_State *outer = stop_publish(co);
    *status = lua_resume(co, L, n, &nresults);
    stop_unpublish(outer);
    if (*status != LUA_OK && *status != LUA_YIELD) {
        if (close && lua_status(co) != LUA_OK && lua_status(co) != LUA_YIELD)
            *status = stop_close_thread(co, L);
        if (stop_final(L))
            return stop_raise(L, stop_of(L));
        lua_xmove(co, L, 1);
        return -1;
    }
    if (!lua_checkstack(L, nresults + 1)) {
        lua_pop(co, nresults);
        lua_pushliteral(L, "too many results to resume");
        return -1;
    }
    lua_xmove(co, L, nresults);
    return nresults;
}

static int
stop_lua_resume(lua_State *L)
{
    int status;
    int n = stop_lua_switch(L, stop_lua_checked(L), lua_gettop(L) - 1, false,
                            &status);
    int results = n < 0 ? 1 : n; /* or the error */
    lua_pushboolean(L, n >= 0);
    lua_insert(L, -(results + 1));
    return results + 1;
}

static int
stop_lua_wrapped(lua_State *L)
{
    int status;
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    int n = stop_lua_switch(L, co, lua_gettop(L), true, &status);
    if (n >= 0)
        return n;
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int
stop_lua_wrap(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(L, stop_lua_wrapped, 1);
    return 1;
}

/* Neither running nor having resumed the one that is. */
static bool
stop_lua_can_close(lua_State *L, lua_State *co)
{
    lua_Debug ar;
    return co != L && (lua_status(co) != LUA_OK || !lua_getstack(co, 0, &ar));
}

static int
stop_lua_close(lua_State *L)
{
    lua_State *co = stop_lua_checked(L);
    if (!stop_lua_can_close(L, co))
        return luaL_error(L, "cannot close a %s coroutine",
                          co == L ? "running" : "normal");
    if (stop_lua_stack_low())
        return luaL_error(L, "C stack overflow");
    int status = stop_close_thread(co, L);
    if (stop_final(L))
        return stop_raise(L, stop_of(L));
    lua_pushboolean(L, status == LUA_OK);
    if (status == LUA_OK)
        return 1;
    lua_xmove(co, L, 1);
    return 2;
}

/* Is L what a task's code takes for its main thread? */
static bool
stop_lua_at_top(lua_State *L)
{
    const Vm *vm = vm_of(L);
    return L == vm->co && !vm->script;
}

static int
stop_lua_yield(lua_State *L)
{
    if (!stop_lua_at_top(L))
        return lua_yield(L, lua_gettop(L));
    lua_pushliteral(L, "attempt to yield from outside a coroutine");
    return lua_error(L);
}

static int
stop_lua_isyieldable(lua_State *L)
{
    lua_State *co = lua_isnone(L, 1) ? L : stop_lua_checked(L);
    lua_pushboolean(L, lua_isyieldable(co) && !stop_lua_at_top(co));
    return 1;
}

static int
stop_lua_running(lua_State *L)
{
    bool main = lua_pushthread(L) != 0;
    lua_pushboolean(L, main || stop_lua_at_top(L));
    return 2;
}

void
stop_lua_open(lua_State *L)
{
    static const luaL_Reg catching[] = { { "pcall", stop_lua_pcall },
                                         { "xpcall", stop_lua_xpcall },
                                         { NULL, NULL } };
    static const luaL_Reg switching[] = { { "resume", stop_lua_resume },
                                          { "wrap", stop_lua_wrap },
                                          { "close", stop_lua_close },
                                          { "yield", stop_lua_yield },
                                          { "isyieldable",
                                            stop_lua_isyieldable },
                                          { "running", stop_lua_running },
                                          { NULL, NULL } };
    lua_pushglobaltable(L);
    luaL_setfuncs(L, catching, 0);
    lua_getfield(L, -1, "coroutine");
    luaL_setfuncs(L, switching, 0);
    lua_pop(L, 2);
}
