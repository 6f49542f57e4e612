/* value_meta.c — metatables, which stay behind. */
#include "value/value_meta.h"
#include "value/unread.h"
#include <lauxlib.h>
#include <stdio.h>

/* The name that lua/json.lua gives it, too. */
static const char value_meta_array[] = "orun.json.array";

ValueMeta
value_meta_look(lua_State *L)
{
    ValueMeta meta = { .acts = NULL };
    int t = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            continue;
        const char *key = lua_tostring(L, -2); /* the table keeps it */
        bool text = lua_type(L, -1) == LUA_TSTRING;
        const char *name = text ? lua_tostring(L, -1) : "";
        if (strcmp(key, "__name") == 0) {
            meta.array = strcmp(name, value_meta_array) == 0;
            meta.own = strncmp(name, "orun.", 5) == 0;
            meta.unread = strcmp(name, UNREAD_NAME) == 0;
        } else if (strcmp(key, "__call") == 0
                   || (!meta.acts && strcmp(key, "__index") == 0)) {
            meta.acts = key;
        }
    }
    lua_pop(L, 1);
    return meta;
}

void
value_meta_say(const ValueMeta *meta, lua_State *L, const char *name,
               const ValueStep *step, Buf *to)
{
    char plain[128], captured[128];
    if (!to || to->n || !meta->acts || meta->own)
        return;
    snprintf(plain, sizeof plain,
             "its metatable, which has %s, stays behind: "
             "a copy is a plain table",
             meta->acts);
    snprintf(captured, sizeof captured,
             "a table whose metatable, which has "
             "%s, stays behind: a copy is a plain table",
             meta->acts);
    value_path_say(L, name, step, plain, captured, to);
}

void
value_meta_mark(lua_State *L)
{
    if (luaL_newmetatable(L, value_meta_array)) {
        lua_pushstring(L, value_meta_array);
        lua_setfield(L, -2, "__name");
    }
    lua_setmetatable(L, -2);
}
