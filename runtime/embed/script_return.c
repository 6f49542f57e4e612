/* script_return.c — what a script returns, for the command.
 *
 * false, or nil and a text, say that it failed, as Lua's own functions do. A
 * table is its result for other programs, if they ask for JSON, and may have an
 * exit code. The result of a task has one, too, which says how the task went,
 * and not the script.
 */
#include "embed/script_return.h"
#include "base/order.h"
#include "value/module.h"
#include <lauxlib.h>
#include <stdio.h>
#include <unistd.h>

/* Protected; argument: a table. */
static int
script_return_print(lua_State *L)
{
    size_t n;
    module_push_field(L, "orun.json", "encode");
    lua_insert(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "return");
    lua_setfield(L, -2, "name");
    lua_call(L, 2, 1);
    const char *text = luaL_checklstring(L, 1, &n);
    order_keep(STDOUT_FILENO);
    fwrite(text, 1, n, stdout); /* main_flush looks at what failed */
    putchar('\n');
    return 0;
}

/* The exit code that the table at the top has in it; -1: none. */
static int
script_return_code(lua_State *L)
{
    lua_pushliteral(L, "task_id");
    lua_rawget(L, -2);
    lua_pushliteral(L, "exit_code");
    lua_rawget(L, -3);
    bool task = !lua_isnil(L, -2);
    lua_Integer n = !task && lua_isinteger(L, -1) ? lua_tointeger(L, -1) : -1;
    lua_pop(L, 2);
    return n >= 0 && n <= 255 ? (int)n : -1;
}

bool
script_return_take(lua_State *L, bool json, int *status, Buf *why)
{
    bool failed = lua_isboolean(L, -2) && !lua_toboolean(L, -2);
    bool text = lua_type(L, -1) == LUA_TSTRING;
    if (failed || (lua_isnil(L, -2) && text)) {
        buf_puts(why, text ? lua_tostring(L, -1) : "the script returned false");
        lua_pop(L, 2);
        return false;
    }
    lua_pop(L, 1);
    int code = lua_istable(L, -1) ? script_return_code(L) : -1;
    if (code >= 0)
        *status = code;
    if (!json || !lua_istable(L, -1)) {
        lua_pop(L, 1);
        return true;
    }
    lua_pushcfunction(L, script_return_print);
    lua_insert(L, -2);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK)
        return true;
    text = lua_type(L, -1) == LUA_TSTRING;
    buf_printf(why, "--json: %s",
               text ? lua_tostring(L, -1) : "the table cannot be printed");
    lua_pop(L, 1);
    return false;
}
