/* vm_error.c — errors as text.
 *
 * A script may raise any value, and converting it to text may run the script's
 * code. So that is done protected, on the main thread (the coroutine that
 * raised it may be dead), and where a stop can interrupt it.
 */
#include "vm/vm.h"
#include <lauxlib.h>

/* Protected; argument 1: the error, which is not a string. */
static int
vm_error_to_string(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TNUMBER) {
        luaL_tolstring(L, 1, NULL);
        return 1;
    }
    if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING)
        return 1;
    return luaL_error(L, "no text");
}

/* Errors are C strings from here on: a NUL inside becomes "\\0", so that what
 * follows it is not lost. */
static void
vm_error_put(lua_State *L, Buf *to)
{
    size_t n;
    const char *s = lua_tolstring(L, -1, &n), *end = s + n;
    for (const char *nul; (nul = memchr(s, 0, (size_t)(end - s))) != NULL;
         s = nul + 1) {
        buf_put(to, s, (size_t)(nul - s));
        buf_puts(to, "\\0");
    }
    buf_put(to, s, (size_t)(end - s));
}

static bool
vm_error_put_other(lua_State *L, Buf *to)
{
    Vm *vm = vm_of(L);
    lua_State *in = vm->L;
    if (!lua_checkstack(in, 4) || !lua_checkstack(L, 1))
        return false;
    int top = lua_gettop(in);
    lua_pushvalue(L, -1);
    if (L != in)
        lua_xmove(L, in, 1);
    lua_pushcfunction(in, vm_error_to_string);
    lua_insert(in, -2);
    bool ok = stop_pcall(&vm->stop, in, 1, 1, 0) == LUA_OK;
    if (ok)
        vm_error_put(in, to);
    lua_settop(in, top);
    return ok;
}

void
vm_error_text(lua_State *L, Buf *to)
{
    if (lua_type(L, -1) == LUA_TSTRING)
        vm_error_put(L, to);
    else if (!vm_error_put_other(L, to))
        buf_printf(to, "(error object is a %s value)", luaL_typename(L, -1));
}

/* The error at 1 as a string on top of the stack. */
static const char *
vm_error_push(lua_State *L)
{
    lua_settop(L, 1);
    if (lua_type(L, 1) == LUA_TSTRING)
        return lua_tostring(L, 1);
    lua_pushcfunction(L, vm_error_to_string);
    lua_pushvalue(L, 1);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK)
        return lua_tostring(L, -1);
    return lua_pushfstring(L, "(error object is a %s value)",
                           luaL_typename(L, 1));
}

/* Was Lua code called, or a C function by another? A script that is not valid
 * Lua has not begun, so the only position is the one in the message. */
static bool
vm_error_has_place(lua_State *L)
{
    lua_Debug ar;
    if (lua_getstack(L, 2, &ar))
        return true;
    return lua_getstack(L, 1, &ar) && lua_getinfo(L, "S", &ar)
        && *ar.what != 'C';
}

int
vm_traceback(lua_State *L)
{
    const char *s = vm_error_push(L);
    if (strcmp(s, "not enough memory") == 0)
        lua_settop(L, 1);
    else if (vm_error_has_place(L)
             && !stop_wanted(&vm_of(L)->stop)) /* its position says nothing */
        luaL_traceback(L, L, s, 1);
    return 1;
}
