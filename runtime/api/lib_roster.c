/* lib_roster.c — the roster as a text. */
#include "api/lib_roster.h"
#include "api/lib_class.h"
#include "base/err.h"
#include "control/roster.h"
#include <errno.h>

static int
lib_roster_gc(lua_State *L)
{
    buf_free(lua_touserdata(L, 1));
    return 0;
}

int
lib_roster(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "__gc", lib_roster_gc }, { NULL, NULL },
    };
    lua_settop(L, 0);
    Buf *text = lua_newuserdatauv(L, sizeof *text, 0);
    *text = (Buf){ 0 };
    lib_class_set(L, "orun.roster", methods);
    if (roster_read(getenv("XDG_RUNTIME_DIR"), text)) {
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
