/* foreign.c — Lua as C modules call it.
 *
 * A C module may run Lua code behind orun's back: in a coroutine of its own
 * that it resumes, in a callback on the main thread. So a program with orun in
 * it gives C modules a lua_resume and a lua_pcallk that publish what runs
 * (stop_state.h), where a stop finds it. Lua's own are behind them: in a shared
 * library, where the program's go first, or in the program under other names
 * (see the Makefile). They are weak, so a program that has Lua in it under the
 * usual names links, too, and C modules use Lua's. Calls of the program's own
 * code, which is known by its address, go straight to Lua's.
 *
 * And a stop is not the module's to handle: many end the process at an error of
 * a callback. Such a call ends as if it had returned nothing, and the stop is
 * raised again in the code that called the module.
 */
#include "vm/foreign.h"
#include "vm/arena.h"
#include "vm/stop_state.h"
#include <dlfcn.h>
#include <lauxlib.h>

typedef int ForeignResume(lua_State *L, lua_State *from, int n, int *results);
typedef int ForeignPcall(lua_State *L, int n, int results, int handler,
                         lua_KContext context, lua_KFunction k);
typedef lua_Unsigned ForeignLength(lua_State *L, int index);

ForeignResume foreign_resume __asm__("lua_resume")
    __attribute__((weak, visibility("default")));
ForeignPcall foreign_pcall __asm__("lua_pcallk")
    __attribute__((weak, visibility("default")));
ForeignResume foreign_resume_plain __asm__("lua_resume_plain")
    __attribute__((weak));
ForeignPcall foreign_pcall_plain __asm__("lua_pcallk_plain")
    __attribute__((weak));

/* Lua's own. The embedding program may call Lua before it makes a runtime, so
 * they are looked up when they are first needed. */
static ForeignResume *_Atomic foreign_lua_resume;
static ForeignPcall *_Atomic foreign_lua_pcall;

/* Of the file that this is linked into, program or shared library. */
extern const char foreign_begin[] __asm__("__ehdr_start")
    __attribute__((visibility("hidden")));
extern const char foreign_end[] __asm__("etext")
    __attribute__((visibility("hidden")));

/* What Lua has by this name. The program's name is the one above, and Lua's the
 * next; a shared library keeps its own to itself, and sees what the program
 * that loaded it sees. */
static void *
foreign_behind(const char *name, void *own)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    return found && found != own ? found : dlsym(RTLD_NEXT, name);
}

/* C modules of scripts have Lua's names from the program. Where a program in
 * another language has loaded it with this library, nobody sees it but this
 * library: make it visible. */
static void
foreign_share(void)
{
    Dl_info lua;
    if (dladdr(*(void **)&(ForeignLength *){ lua_rawlen }, &lua) != 0
        && lua.dli_fname)
        dlopen(lua.dli_fname, RTLD_NOLOAD | RTLD_GLOBAL | RTLD_LAZY);
}

void
foreign_find(void)
{
    ForeignResume *resume = foreign_resume_plain;
    ForeignPcall *call = foreign_pcall_plain;
    if (!resume)
        *(void **)&resume = foreign_behind(
            "lua_resume", *(void **)&(ForeignResume *){ foreign_resume });
    if (!call)
        *(void **)&call = foreign_behind(
            "lua_pcallk", *(void **)&(ForeignPcall *){ foreign_pcall });
    atomic_store(&foreign_lua_resume, resume);
    atomic_store(&foreign_lua_pcall, call);
    foreign_share();
}

static inline ForeignResume *
foreign_found_resume(void)
{
    if (!atomic_load_explicit(&foreign_lua_resume, memory_order_relaxed))
        foreign_find();
    return atomic_load_explicit(&foreign_lua_resume, memory_order_relaxed);
}

static inline ForeignPcall *
foreign_found_pcall(void)
{
    if (!atomic_load_explicit(&foreign_lua_pcall, memory_order_relaxed))
        foreign_find();
    return atomic_load_explicit(&foreign_lua_pcall, memory_order_relaxed);
}

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
    ForeignResume *plain = foreign_found_resume();
    if (!foreign_call(L, __builtin_return_address(0)))
        return plain(L, from, n, results);
    lua_State *outer = stop_publish(L);
    int status = plain(L, from, n, results);
    stop_unpublish(outer);
    return status;
}

/* Protected. luv's loop would call the next callback, forever if a timer
 * repeats: make it return to the code that runs it. */
static int
foreign_leave_loop(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "luv");
    if (lua_istable(L, -1) && lua_getfield(L, -1, "stop") == LUA_TFUNCTION
        && lua_iscfunction(L, -1))
        lua_call(L, 0, 0);
    return 0;
}

/* The error on top is a stop: replace it by `n` results, all nil. */
static int
foreign_put_off(lua_State *L, int n, lua_State *outer)
{
    lua_pop(L, 1);
    lua_pushcfunction(L, foreign_leave_loop);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK)
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
    ForeignPcall *plain = foreign_found_pcall();
    if (k || !foreign_call(L, __builtin_return_address(0)))
        return plain(L, n, results, handler, context, k);
    lua_State *outer = stop_publish(L);
    int status = plain(L, n, results, handler, 0, NULL);
    stop_unpublish(outer);
    bool stopped = stop_wanted(stop_of(L)) || vm_of(L)->over_limit;
    if (status == LUA_OK || !stopped || !lua_checkstack(L, results + 2))
        return status;
    return foreign_put_off(L, results, outer);
}
