/* lib_code.c — what goes with a task's function.
 *
 * Its encoding, kept for the next time, and the paths where it finds modules.
 */
#include "api/lib_class.h"
#include "api/lib_task.h"
#include "base/err.h"
#include "base/order.h"
#include "base/sanitize.h"
#include "engine/engine.h"
#include "value/value.h"
#include "vm/handle.h"
#include <lauxlib.h>
#include <lualib.h>
#include <unistd.h>

/* A registry table, weak by key, from a function to a userdata that holds its
 * encoding: for functions that capture nothing, which is always the same. */
static const char lib_code_key;

static int
lib_code_gc(lua_State *L)
{
    Value **v = lua_touserdata(L, 1);
    value_drop(*v);
    *v = NULL;
    return 0;
}

static const luaL_Reg lib_code_methods[] = {
    { "__gc", lib_code_gc }, { NULL, NULL },
};

/* True when the function at idx captures nothing but the globals. */
static bool
lib_code_constant(lua_State *L, int idx)
{
    const char *name = lua_getupvalue(L, idx, 1);
    if (!name)
        return true;
    bool env = strcmp(name, "_ENV") == 0;
    if (env) {
        lua_pushglobaltable(L);
        env = lua_rawequal(L, -1, -2);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    if (!env || !lua_getupvalue(L, idx, 2))
        return env;
    lua_pop(L, 1);
    return false;
}

/* Not in a finalizer: when the state is being closed, what is made there is
 * not finalized any more. */
void
lib_code_box(lua_State *L, int idx)
{
    if (!vm_of(L)->script || lua_isnil(L, idx) || park_finalizing(L)
        || lua_iscfunction(L, idx) || !lib_code_constant(L, idx)) {
        lua_pushnil(L);
        return;
    }
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &lib_code_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_createtable(L, 0, 1);
        lua_pushliteral(L, "k");
        lua_setfield(L, -2, "__mode");
        lua_setmetatable(L, -2);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &lib_code_key);
    }
    lua_pushvalue(L, idx);
    if (lua_rawget(L, -2) != LUA_TUSERDATA) {
        lua_pop(L, 1);
        Value **box = lua_newuserdatauv(L, sizeof *box, 0);
        *box = NULL;
        lib_class_set(L, "orun.code", lib_code_methods);
        lua_pushvalue(L, idx);
        lua_pushvalue(L, -2);
        lua_rawset(L, -4);
    }
    lua_remove(L, -2);
}

static void
lib_code_tell_left(LuaRun *run, const char *fn, const Buf *left)
{
    Buf text = { 0 };
    buf_printf(&text, "orun: %s: ", fn);
    buf_put(&text, left->p, left->n);
    buf_putc(&text, '\n');
    if (!buf_failed(&text) && engine_once(run->engine, buf_cstr(&text))) {
        order_keep(STDERR_FILENO);
        sanitize_write(STDERR_FILENO, text.p, text.n);
    }
    buf_free(&text);
}

int
lib_code_encode(lua_State *L, const char *fn, const char *name, int idx,
                const ValueOps *base, Value **out, Buf *why)
{
    Buf left = { 0 };
    ValueOps ops = *base;
    ops.left = &left;
    int e = value_encode(L, idx, name, &ops, out, why);
    if (e == 0 && left.n)
        lib_code_tell_left(park_run(L), fn, &left);
    buf_free(&left);
    return e;
}

void
lib_code_sync_path(lua_State *L, LuaRun *run)
{
    static const char key;
    if (!run->vm->script)
        return;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
        lua_getfield(L, -1, "package");
        lua_remove(L, -2);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
    }
    lua_getfield(L, -1, "path");
    lua_getfield(L, -2, "cpath");
    const char *path = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2)
                                                      : NULL;
    const char *cpath = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1)
                                                       : NULL;
    if (path && cpath
        && (path != run->path_seen || cpath != run->cpath_seen)) {
        int e = vmpool_set_path(run->engine->vms, path, cpath);
        if (e)
            luaL_error(L, "Task: %s", err_text(e));
        run->path_seen = path;
        run->cpath_seen = cpath;
        lua_pushvalue(L, -2);
        lua_setfield(L, LUA_REGISTRYINDEX, "orun.path");
        lua_pushvalue(L, -1);
        lua_setfield(L, LUA_REGISTRYINDEX, "orun.cpath");
    }
    lua_pop(L, 3);
}
