/* vm_open.c — a new Lua state with its libraries.
 *
 * Everything that can raise runs protected; what still reaches the panic
 * function is our own bug.
 */
#include "vm/vm_open.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sanitize.h"
#include "base/thread.h"
#include "value/field.h"
#include "value/module.h"
#include "vm/arena.h"
#include "vm/stop_lua.h"
#include <lauxlib.h>
#include <lua-cjson.h>
#include <lualib.h>
#include <unistd.h>

/* The collector of the script's state. Lua would let garbage grow to the size
 * of the live data, which is much for a script with a million handles. So its
 * pauses are shorter, and it works faster, so that little is added
 * meanwhile. */
enum {
    VM_SCRIPT_PAUSE = 130, /* percent of the live data; Lua's default is 200 */
    VM_SCRIPT_SPEED = 400, /* Lua's default is 100 */
};

static const char vm_open_co_key;

void
vm_open_point(lua_State *L, Vm *vm)
{
    *(Vm **)lua_getextraspace(L) = vm;
}

static int
vm_open_panic(lua_State *L)
{
    static const char text[] = "orun: unprotected error in Lua: ";
    const char *why = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1)
                                                     : "not a string";
    sanitize_write(STDERR_FILENO, text, sizeof text - 1);
    sanitize_write(STDERR_FILENO, why, strlen(why));
    sanitize_write(STDERR_FILENO, "\n", 1);
    return 0; /* and Lua aborts */
}

static void
vm_open_warn(void *ud, const char *text, int more)
{
    (void)ud, (void)more;
    LOG(VM, "warning: %s", text);
}

static void
vm_open_field(lua_State *L, const char *name, const char *value)
{
    if (!value)
        return;
    field_set_string(L, name, value);
}

static void
vm_open_package(lua_State *L, const VmConfig *config)
{
    lua_getglobal(L, "package");
    vm_open_field(L, "path", config->path);
    vm_open_field(L, "cpath", config->cpath);
    lua_getfield(L, -1, "preload");
    lua_pushcfunction(L, luaopen_cjson);
    lua_setfield(L, -2, "cjson");
    lua_pop(L, 2);
}

/* Protected; argument 1: the configuration. */
static int
vm_open_all(lua_State *L)
{
    const VmConfig *config = lua_touserdata(L, 1);
    Vm *vm = vm_of(L);
    if (config->path && config->cpath) {
        lua_pushboolean(L, 1); /* then the environment need not be read */
        lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
    }
    stop_guard(L);
    luaL_openlibs(L);
    module_open(L);
    stop_lua_open(L);
    vm_open_package(L, config);
    if (!vm->script) {
        vm->co = lua_newthread(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &vm_open_co_key);
    }
    if (config->open)
        config->open(L, vm, config->ud);
    for (size_t i = 0; i < config->more_count; i++) {
        lua_pushcfunction(L, config->more[i]);
        lua_call(L, 0, 0);
    }
    return 0;
}

/* lua-cjson writes a static variable when it is opened for the first time:
 * that is done here, before a second thread can. */
static bool
vm_open_json(void)
{
    Arena *arena = arena_heap_new();
    lua_State *L = arena ? lua_newstate(arena_alloc, arena) : NULL;
    bool opened = false;
    if (L) {
        lua_pushcfunction(L, luaopen_cjson);
        opened = lua_pcall(L, 0, 0, 0) == LUA_OK;
        lua_close(L);
    }
    arena_heap_free(arena);
    return opened;
}

int
vm_open_init(void)
{
    static uv_mutex_t lock = THREAD_MUTEX_INIT;
    static bool opened;
    uv_mutex_lock(&lock);
    opened = opened || vm_open_json();
    int e = opened ? stop_init() : ORUN_ENOMEM;
    uv_mutex_unlock(&lock);
    return e;
}

int
vm_open(Vm *vm, Arena *arena, const VmConfig *config)
{
    lua_State *L = lua_newstate(arena_alloc, arena);
    if (!L)
        return ORUN_ENOMEM;
    vm->L = vm->co = L;
    vm->owner = config->ud;
    vm_open_point(L, vm);
    lua_atpanic(L, vm_open_panic);
    lua_setwarnf(L, vm_open_warn, NULL);
    lua_gc(L, LUA_GCSTOP);
    lua_pushcfunction(L, vm_open_all);
    lua_pushlightuserdata(L, (void *)config);
    int status = lua_pcall(L, 1, 0, 0);
    if (status == LUA_OK) {
        if (vm->script)
            lua_gc(L, LUA_GCINC, VM_SCRIPT_PAUSE, VM_SCRIPT_SPEED, 0);
        lua_gc(L, LUA_GCRESTART);
        lua_gc(L, LUA_GCCOLLECT);
        return 0;
    }
    const char *why = lua_tostring(L, -1);
    LOG(VM, "opening a state: %s", why ? why : "?");
    lua_close(L);
    return status == LUA_ERRMEM ? ORUN_ENOMEM : ORUN_EFAILED;
}
