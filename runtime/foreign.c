/* foreign.c — Lua as C modules call it. Layer 8 (edge).
 *
 * A C module may run Lua code behind orun's back: in a coroutine of its own
 * that it resumes, in a callback on the main thread. So the program gives C
 * modules a lua_resume and a lua_pcallk that publish what runs (stop_state.h),
 * where a stop finds it; Lua's own have other names in this program (see the
 * Makefile), and orun's code, which is known by its address, goes straight to
 * them.
 *
 * And a stop is not the module's to handle: many end the process at an error of
 * a callback. Such a call ends as if it had returned nothing, and the stop is
 * raised again in the code that called the module.
 */
#include "arena.h"
#include "stop_state.h"
#include <lauxlib.h>

int foreign_resume(lua_State *L, lua_State *from, int n, int *results)
    __asm__("lua_resume");
int foreign_resume_plain(lua_State *L, lua_State *from, int n, int *results)
    __asm__("lua_resume_plain");
int foreign_pcall(lua_State *L, int n, int results, int handler,
                  lua_KContext context, lua_KFunction k) __asm__("lua_pcallk");
int foreign_pcall_plain(lua_State *L, int n, int results, int handler,
                        lua_KContext context, lua_KFunction k)
    __asm__("lua_pcallk_plain");

extern const char foreign_begin[] __asm__("__executable_start");
extern const char foreign_end[] __asm__("etext");

/* Is the call at `from` a C module's, and the state one of orun's? */
static inline bool
foreign_call(lua_State *L, const void *from)
{
    void *ud;
    uintptr_t at = (uintptr_t)from;
    bool own = at >= (uintptr_t)foreign_begin && at < (uintptr_t)foreign_end;
    return !own && lua_getallocf(L, &ud) == arena_alloc;
}

int
foreign_resume(lua_State *L, lua_State *from, int n, int *results)
{
    if (!foreign_call(L, __builtin_return_address(0)))
        return foreign_resume_plain(L, from, n, results);
    lua_State *outer = stop_publish(L);
    int status = foreign_resume_plain(L, from, n, results);
    stop_unpublish(outer);
    return status;
}

/* The error on top is a stop's: it becomes `n` results, nil each. */
static int
foreign_put_off(lua_State *L, int n, lua_State *outer)
{
    lua_pop(L, 1);
    for (int i = 0; i < n; i++)
        lua_pushnil(L);
    atomic_store(&stop_of(L)->raised, STOP_NONE);
    if (outer)
        stop_interrupt(outer);
    return LUA_OK;
}

int
foreign_pcall(lua_State *L, int n, int results, int handler,
              lua_KContext context, lua_KFunction k)
{
    if (k || !foreign_call(L, __builtin_return_address(0)))
        return foreign_pcall_plain(L, n, results, handler, context, k);
    lua_State *outer = stop_publish(L);
    int status = foreign_pcall_plain(L, n, results, handler, 0, NULL);
    stop_unpublish(outer);
    bool stopped = stop_wanted(stop_of(L)) || vm_of(L)->over_limit;
    if (status == LUA_OK || !stopped || !lua_checkstack(L, results + 1))
        return status;
    return foreign_put_off(L, results, outer);
}
