/* orun_state.c — what a host adds to the states of a runtime. */
#include "embed/orun_own.h"
#include "engine/engine.h"
#include "orun_lua.h"
#include "value/module.h"
#include "value/value.h"
#include <lauxlib.h>

/* Protected; argument 1 is the host's function. What it has loaded is what
 * tasks have by the same name. */
static int
orun_state_open(lua_State *L)
{
    lua_pushvalue(L, 1);
    lua_call(L, 0, 0);
    lua_settop(L, 0);
    module_push_noted(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        if (lua_type(L, -1) != LUA_TSTRING || lua_rawget(L, 1) != LUA_TNIL) {
            lua_pop(L, 1);
            continue;
        }
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        module_note(L, lua_tostring(L, -3));
    }
    value_open(L);
    return 0;
}

static int
orun_state_add(orun *o, lua_CFunction open)
{
    lua_State *L = o->vm->L;
    buf_clear(&o->message);
    if (!open)
        return orun_fail(o, ORUN_EINVAL, "orun_lua_on_state: open is NULL");
    if (atomic_load(&o->engine->sched.board.count) > 1)
        return orun_fail(o, ORUN_ESTATE,
                         "orun_lua_on_state: there are tasks already; call it "
                         "before the first one");
    lua_settop(L, 0);
    lua_pushcfunction(L, orun_state_open);
    lua_pushcfunction(L, open);
    int status = stop_pcall(&o->vm->stop, L, 1, 0, 0);
    if (status != LUA_OK)
        return orun_raised(o, status == LUA_ERRMEM ? ORUN_ENOMEM : ORUN_EFAILED,
                           o->status);
    int e = vmpool_add_open(o->engine->vms, open);
    if (e == ORUN_EFAILED)
        return orun_fail(o, e,
                         "orun_lua_on_state: open raised an error in the state "
                         "of a task, but not in the script's");
    return e;
}

int
orun_lua_on_state(orun *o, lua_CFunction open)
{
    int e = orun_enter(o, "orun_lua_on_state");
    if (e)
        return e;
    e = orun_state_add(o, open);
    orun_make_safe(o);
    return orun_leave(o, e);
}
