/* lib_test_value.c — the value codec, as the specs see it.
 *
 * Only in the test build, as require("orun.test").value. Values and the second
 * state live in a userdata, so an error in the middle leaks nothing.
 */
#include "base/err.h"
#include "base/mem.h"
#include "lib_test.h"
#include "value/json.h"
#include "value/module.h"
#include "value/value.h"
#include "value/value_rename.h"
#include <lauxlib.h>
#include <lua-cjson.h>
#include <lualib.h>
#include <stdio.h>

#define TEST_VALUE_BOX "orun.test.value"
#define TEST_VALUE_HANDLE "orun.test.handle"

typedef struct LibBox {
    Value *v;
    Buf why, out;
    lua_State *other;
} LibBox;

static int
lib_value_close(lua_State *L)
{
    LibBox *box = lua_touserdata(L, 1);
    value_drop(box->v);
    buf_free(&box->why);
    buf_free(&box->out);
    if (box->other)
        lua_close(box->other);
    *box = (LibBox){ 0 };
    return 0;
}

static LibBox *
lib_value_box(lua_State *L)
{
    LibBox *box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = (LibBox){ 0 };
    if (luaL_newmetatable(L, TEST_VALUE_BOX)) {
        lua_pushcfunction(L, lib_value_close);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return box;
}

/* A handle is what `handle(id)` made: a table with that metatable and the id
 * at 1. Raw access only, no strings made. */
static uint64_t
lib_value_is_handle(lua_State *L, int idx, void *ud)
{
    uint64_t id = 0;
    (void)ud;
    if (lua_istable(L, idx) && lua_getmetatable(L, idx)) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, TEST_VALUE_HANDLE);
        if (lua_rawequal(L, -1, -2)) {
            lua_rawgeti(L, idx, 1);
            id = (uint64_t)lua_tointeger(L, -1);
            lua_pop(L, 1);
        }
        lua_pop(L, 2);
    }
    return id;
}

static void
lib_value_resolve(lua_State *L, uint64_t id, void *ud)
{
    (void)ud;
    lua_pushfstring(L, "output of %I", (LUAI_UACINT)id);
}

static int
lib_value_handle(lua_State *L)
{
    lua_newtable(L);
    lua_pushinteger(L, luaL_checkinteger(L, 1));
    lua_rawseti(L, -2, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, TEST_VALUE_HANDLE);
    lua_setmetatable(L, -2);
    return 1;
}

/* Encode argument 1 into the box, as the options in argument 2 say: {name=,
 * max_bytes=, fail_at=}. 0, or the number of results that say what is wrong. */
static int
lib_value_into(lua_State *L, LibBox *box, ValueOps *ops)
{
    *ops = (ValueOps){ .handle = lib_value_is_handle,
                       .resolve = lib_value_resolve };
    const char *name = "input";
    long fail_at = 0;
    if (lua_istable(L, 2)) {
        lua_getfield(L, 2, "max_bytes");
        ops->max_bytes = (size_t)lua_tointeger(L, -1);
        lua_getfield(L, 2, "fail_at");
        fail_at = (long)lua_tointeger(L, -1);
        lua_getfield(L, 2, "name"); /* the options hold it */
        name = luaL_optstring(L, -1, name);
    }
    int top = lua_gettop(L);
    mem_fail(fail_at, 1);
    int err = value_encode(L, 1, name, ops, &box->v, &box->why);
    mem_fail(0, 0);
    if (lua_gettop(L) != top)
        return luaL_error(L, "value_encode left the stack at another height");
    if (!err)
        return 0;
    lua_pushnil(L);
    lua_pushstring(L, buf_cstr(&box->why));
    lua_pushstring(L, err_name(err));
    return 3;
}

static int
lib_value_roundtrip(lua_State *L)
{
    ValueOps ops;
    lua_settop(L, 2);
    LibBox *box = lib_value_box(L);
    int failed = lib_value_into(L, box, &ops);
    if (failed)
        return failed;
    int top = lua_gettop(L);
    value_decode(L, box->v, &ops);
    return lua_gettop(L) == top + 1 ? 1 : luaL_error(L, "unbalanced decode");
}

/* The value, after its bytes were moved into a file, and how many it holds
 * then; or nil and the code. */
static int
lib_value_in_file(lua_State *L)
{
    ValueOps ops;
    lua_settop(L, 2);
    LibBox *box = lib_value_box(L);
    int failed = lib_value_into(L, box, &ops);
    if (failed)
        return failed;
    bool full = lua_istable(L, 2) && lib_test_flag(L, 2, "full");
    FILE *f = full ? fopen("/dev/full", "r+") : tmpfile();
    if (!f)
        return luaL_error(L, "no file");
    int e = value_to_file(&box->v, fileno(f));
    fclose(f);
    if (e)
        return lib_test_error(L, e);
    value_decode(L, box->v, &ops);
    value_decode(L, box->v, &ops); /* after its pages were given back */
    lua_pushinteger(L, (lua_Integer)value_held(box->v));
    return 2;
}

/* note(name): what package.loaded has of that name is found by others, too */
static int
lib_value_note(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, name);
    module_note(L, name);
    return 0;
}

static int
lib_value_encode(lua_State *L)
{
    ValueOps ops;
    size_t n;
    lua_settop(L, 2);
    LibBox *box = lib_value_box(L);
    int failed = lib_value_into(L, box, &ops);
    if (failed)
        return failed;
    const char *bytes = value_bytes(box->v, &n);
    lua_pushlstring(L, bytes, n);
    return 1;
}

/* renamed(bytes, {[was] = is}): the value in them with other handles, or nil if
 * they are refused. */
static int
lib_value_renamed(lua_State *L)
{
    enum { MOST = 16 };
    static const ValueOps ops = { .resolve = lib_value_resolve };
    ValueRename names[MOST];
    size_t n = 0, size;
    const char *bytes = luaL_checklstring(L, 1, &size);
    for (lua_pushnil(L); lua_next(L, 2) && n < MOST; lua_pop(L, 1))
        names[n++] = (ValueRename){ (uint64_t)lua_tointeger(L, -2),
                                    (uint64_t)lua_tointeger(L, -1) };
    LibBox *box = lib_value_box(L);
    box->v = value_rename(bytes, size, names, n);
    if (!box->v)
        return 0;
    value_decode(L, box->v, &ops);
    return 1;
}

static int
lib_value_handles(lua_State *L)
{
    ValueOps ops;
    lua_settop(L, 2);
    LibBox *box = lib_value_box(L);
    int failed = lib_value_into(L, box, &ops);
    if (failed)
        return failed;
    lua_newtable(L);
    for (size_t i = 0; i < value_handles(box->v); i++) {
        lua_pushinteger(L, (lua_Integer)value_handle(box->v, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* The string that the bytes of a Value are, else nil. */
static int
lib_value_as_string(lua_State *L)
{
    size_t n;
    const char *bytes = luaL_checklstring(L, 1, &n);
    LibBox *box = lib_value_box(L);
    box->v = value_import(bytes, n, false);
    const char *s = box->v ? value_as_string(box->v, &n) : NULL;
    if (s)
        lua_pushlstring(L, s, n);
    else
        lua_pushnil(L);
    return 1;
}

/* The bytes of the Value that value_string makes. */
static int
lib_value_string(lua_State *L)
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n);
    LibBox *box = lib_value_box(L);
    box->v = value_string(s, n);
    if (!box->v)
        return luaL_error(L, "out of memory");
    const char *bytes = value_bytes(box->v, &n);
    lua_pushlstring(L, bytes, n);
    return 1;
}

/* What json_from_value makes of the value; nil, its words, its code. */
static int
lib_value_json(lua_State *L)
{
    ValueOps ops;
    lua_settop(L, 2);
    LibBox *box = lib_value_box(L);
    int failed = lib_value_into(L, box, &ops);
    if (failed)
        return failed;
    int err = json_from_value(box->v, &ops, &box->out, &box->why);
    if (err) {
        lua_pushnil(L);
        lua_pushstring(L, buf_cstr(&box->why));
        lua_pushstring(L, err_name(err));
        return 3;
    }
    lua_pushlstring(L, box->out.p, box->out.n);
    return 1;
}

static int
lib_value_decode_box(lua_State *L)
{
    ValueOps ops = { .handle = lib_value_is_handle,
                     .resolve = lib_value_resolve };
    LibBox *box = lua_touserdata(L, 1);
    value_decode(L, box->v, &ops);
    return 1;
}

static int
lib_value_decode(lua_State *L)
{
    size_t n;
    const char *bytes = luaL_checklstring(L, 1, &n);
    lua_settop(L, 2);
    LibBox *box = lib_value_box(L);
    lua_pushcfunction(L, lib_value_decode_box);
    lua_pushvalue(L, -2);
    box->v = value_import(bytes, n, lua_toboolean(L, 2));
    if (!box->v)
        return luaL_error(L, "out of memory");
    if (lua_pcall(L, 1, 1, 0) == LUA_OK)
        return 1;
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

/* In the second state, protected: decode the box's value, encode it again. */
static int
lib_value_again(lua_State *L)
{
    LibBox *box = lua_touserdata(L, 1);
    ValueOps ops = { .resolve = lib_value_resolve };
    luaL_openlibs(L);
    module_open(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_cjson);
    lua_setfield(L, -2, "cjson");
    lua_getglobal(L, "package");
    lua_pushstring(L, lua_touserdata(L, 2));
    lua_setfield(L, -2, "path");
    lua_settop(L, 1);
    value_decode(L, box->v, &ops);
    value_drop(box->v);
    box->v = NULL;
    if (value_encode(L, -1, "again", &ops, &box->v, &box->why))
        return luaL_error(L, "%s", buf_cstr(&box->why));
    return 0;
}

static int
lib_value_transfer(lua_State *L)
{
    ValueOps ops;
    lua_settop(L, 2);
    LibBox *box = lib_value_box(L);
    int failed = lib_value_into(L, box, &ops);
    if (failed)
        return failed;
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "path");
    const char *path = luaL_optstring(L, -1, "");
    lua_State *other = box->other = luaL_newstate();
    if (!other)
        return luaL_error(L, "out of memory");
    lua_pushcfunction(other, lib_value_again);
    lua_pushlightuserdata(other, box);
    lua_pushlightuserdata(other, (char *)(uintptr_t)path);
    if (lua_pcall(other, 2, 0, 0) != LUA_OK) {
        lua_pushnil(L);
        lua_pushstring(L, lua_tostring(other, -1));
        return 2;
    }
    value_decode(L, box->v, &ops);
    return 1;
}

int luaopen_test_value(lua_State *L);

int
luaopen_test_value(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "roundtrip", lib_value_roundtrip },
        { "in_file", lib_value_in_file },
        { "transfer", lib_value_transfer },
        { "encode", lib_value_encode },
        { "note", lib_value_note },
        { "decode", lib_value_decode },
        { "as_string", lib_value_as_string },
        { "string", lib_value_string },
        { "json", lib_value_json },
        { "handle", lib_value_handle },
        { "handles", lib_value_handles },
        { "renamed", lib_value_renamed },
        { NULL, NULL },
    };
    if (luaL_newmetatable(L, TEST_VALUE_HANDLE))
        lua_rawsetp(L, LUA_REGISTRYINDEX, TEST_VALUE_HANDLE);
    luaL_newlib(L, functions);
    return 1;
}
