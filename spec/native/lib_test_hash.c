/* lib_test_hash.c — hashes of values and of code, as the specs see them.
 *
 * Only in the test build, as require("orun.test").hash. A handle is what
 * `handle(id)` made; its task's outcome is its id.
 */
#include "base/err.h"
#include "base/mem.h"
#include "lib_test.h"
#include "value/code_hash.h"
#include "value/module.h"
#include "value/value_hash.h"
#include <lauxlib.h>

#define TEST_HASH_BOX "orun.test.hash"

static const char lib_hash_handles; /* its address is the key */

/* A Value that is dropped whatever happens. */
typedef struct HashBox {
    Value *v;
    Buf why;
} HashBox;

static int
lib_hash_gc(lua_State *L)
{
    HashBox *box = lua_touserdata(L, 1);
    value_drop(box->v);
    buf_free(&box->why);
    *box = (HashBox){ 0 };
    return 0;
}

static const luaL_Reg lib_hash_none[] = { { NULL, NULL } };

static uint64_t
lib_hash_handle(lua_State *L, int idx, void *ud)
{
    uint64_t id = 0;
    (void)ud;
    if (lua_istable(L, idx) && lua_getmetatable(L, idx)) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &lib_hash_handles);
        if (lua_rawequal(L, -1, -2)) {
            lua_rawgeti(L, idx, 1);
            id = (uint64_t)lua_tointeger(L, -1);
            lua_pop(L, 1);
        }
        lua_pop(L, 2);
    }
    return id;
}

static int
lib_hash_new_handle(lua_State *L)
{
    lua_newtable(L);
    lua_pushinteger(L, luaL_checkinteger(L, 1));
    lua_rawseti(L, -2, 1);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &lib_hash_handles) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &lib_hash_handles);
    }
    lua_setmetatable(L, -2);
    return 1;
}

static int
lib_hash_outcome(void *ctx, uint64_t id, unsigned char hash[DIGEST_SIZE])
{
    (void)ctx;
    memcpy(hash, &id, sizeof id);
    return 0;
}

/* What counts of a module is what the table `modules` has of that name. */
static int
lib_hash_module(void *ctx, const char *name, size_t n,
                unsigned char hash[DIGEST_SIZE])
{
    lua_State *L = ctx;
    lua_getfield(L, 2, "modules");
    lua_pushlstring(L, name, n);
    size_t length = 0;
    const char *is = lua_rawget(L, -2) == LUA_TSTRING
        ? lua_tolstring(L, -1, &length)
        : NULL;
    if (is)
        digest_of(is, length, hash);
    lua_pop(L, 2);
    return is ? 0 : ORUN_ENOENT;
}

static void
lib_hash_push(lua_State *L, const unsigned char hash[DIGEST_SIZE])
{
    char hex[DIGEST_HEX + 1];
    digest_hex(hash, DIGEST_SIZE, hex);
    lua_pushlstring(L, hex, DIGEST_HEX);
}

/* Into the table on top. */
static int
lib_hash_part(void *ctx, const char *name, size_t n,
              const unsigned char hash[DIGEST_SIZE])
{
    lua_State *L = ctx;
    lua_createtable(L, 0, 2);
    lua_pushlstring(L, name ? name : "", n);
    lua_setfield(L, -2, "name");
    lib_hash_push(L, hash);
    lua_setfield(L, -2, "hash");
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    return 0;
}

static int
lib_hash_result(lua_State *L, const Value *v)
{
    unsigned char hash[DIGEST_SIZE];
    bool told = lua_istable(L, 2);
    ValueHashOps ops = { .handle = lib_hash_outcome,
                         .part = lib_hash_part,
                         .ctx = L };
    if (told && lib_test_flag(L, 2, "no_handles"))
        ops.handle = NULL;
    if (told && lua_getfield(L, 2, "modules") == LUA_TTABLE)
        ops.module = lib_hash_module;
    lua_newtable(L);
    lib_test_arm();
    int error = value_hash(v, &ops, hash);
    lib_test_disarm();
    if (error)
        return lib_test_error(L, error);
    lib_hash_push(L, hash);
    lua_insert(L, -2);
    return 2;
}

/* value(v, {modules={name=source}, no_handles=true}) → hex, parts; or nil and
 * the name of the error. */
static int
lib_hash_value(lua_State *L)
{
    ValueOps ops = { .handle = lib_hash_handle };
    lua_settop(L, 2);
    HashBox *box = lib_test_object(L, TEST_HASH_BOX, sizeof *box, lib_hash_none,
                                   lib_hash_gc);
    if (value_encode(L, 1, "v", &ops, &box->v, &box->why))
        return luaL_error(L, "%s", buf_cstr(&box->why));
    return lib_hash_result(L, box->v);
}

/* bytes(s) → the same of a Value with these bytes. */
static int
lib_hash_bytes(lua_State *L)
{
    size_t n;
    const char *bytes = luaL_checklstring(L, 1, &n);
    lua_settop(L, 2);
    HashBox *box = lib_test_object(L, TEST_HASH_BOX, sizeof *box, lib_hash_none,
                                   lib_hash_gc);
    box->v = value_import(bytes, n, true);
    if (!box->v)
        return luaL_error(L, "out of memory");
    return lib_hash_result(L, box->v);
}

/* code(dump) → hex; or nil and the name of the error. */
static int
lib_hash_code(lua_State *L)
{
    size_t n;
    unsigned char hash[DIGEST_SIZE];
    const char *dump = luaL_checklstring(L, 1, &n);
    int error = code_hash(dump, n, hash);
    if (error)
        return lib_test_error(L, error);
    lib_hash_push(L, hash);
    return 1;
}

/* upvalue(dump, i) → the name of the i-th upvalue from 1, or nil. */
static int
lib_hash_upvalue(lua_State *L)
{
    size_t n, length;
    const char *dump = luaL_checklstring(L, 1, &n);
    const char *name = code_hash_upvalue(
        dump, n, (size_t)luaL_checkinteger(L, 2) - 1, &length);
    if (name)
        lua_pushlstring(L, name, length);
    else
        lua_pushnil(L);
    return 1;
}

int
luaopen_test_hash(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "value", lib_hash_value },       { "bytes", lib_hash_bytes },
        { "code", lib_hash_code },         { "upvalue", lib_hash_upvalue },
        { "handle", lib_hash_new_handle }, { NULL, NULL },
    };
    luaL_newlib(L, functions);
    return 1;
}
