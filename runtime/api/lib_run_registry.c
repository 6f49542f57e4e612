/* lib_run_registry.c — the registry of runs, as a string for Lua. */
#include "api/lib_run_registry.h"
#include "api/lib_class.h"
#include "base/err.h"
#include "control/run_registry.h"
#include <errno.h>

static int
lib_run_registry_gc(lua_State *L)
{
    buf_free(lua_touserdata(L, 1));
    return 0;
}

int
lib_run_registry(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "__gc", lib_run_registry_gc },
        { NULL, NULL },
    };
    lua_settop(L, 0);
    Buf *text = lua_newuserdatauv(L, sizeof *text, 0);
    *text = (Buf){ 0 };
    lib_class_set(L, "orun.run_registry", methods);
    if (run_registry_read(getenv("XDG_RUNTIME_DIR"), text)) {
        lua_pushnil(L);
        lua_pushstring(L, strerror(errno));
        return 2;
    }
    if (buf_failed(text))
        return luaL_error(L, "%s", err_text(ORUN_ENOMEM));
    lua_pushlstring(L, buf_cstr(text), text->n);
    buf_free(text);
    return 1;
}
