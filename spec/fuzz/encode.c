/* encode.c — values of every shape, made of the bytes: what is encoded decodes
 * to the same, here and from a copy of its bytes.
 */
#include "base/err.h"
#include "fuzz.h"
#include "value/value.h"

enum { ENCODE_TABLES = 64, ENCODE_DEPTH = 120 };

/* The bytes, and how many tables and functions there are (in the table at
 * stack index 1, so that they can come again). */
typedef struct Encode {
    lua_State *L;
    FuzzBytes bytes;
    int made;
} Encode;

static void encode_push(Encode *e, int depth);

static void
encode_keep(Encode *e)
{
    if (e->made >= ENCODE_TABLES)
        return;
    lua_pushvalue(e->L, -1);
    lua_rawseti(e->L, 1, ++e->made);
}

static void
encode_table(Encode *e, int depth)
{
    lua_State *L = e->L;
    lua_newtable(L);
    encode_keep(e);
    for (int i = 1, n = fuzz_byte(&e->bytes) % 8; i <= n; i++) {
        encode_push(e, depth + 1);
        lua_rawseti(L, -2, i);
    }
    for (int n = fuzz_byte(&e->bytes) % 6; n > 0; n--) {
        encode_push(e, ENCODE_DEPTH); /* a key: no table */
        if (lua_isnil(L, -1) || lua_tonumber(L, -1) != lua_tonumber(L, -1)) {
            lua_pop(L, 1);
            continue;
        }
        encode_push(e, depth + 1);
        lua_rawset(L, -3);
    }
}

/* Functions that capture two values, alone or shared with another one. */
static void
encode_function(Encode *e, int depth)
{
    static const char source[] =
        "function make(a, b, which)\n"
        "  local function one() a = b return a end\n"
        "  local function two() return one, a end\n"
        "  local function three() return print, b, three end\n"
        "  return which == 1 and one or which == 2 and two or three\n"
        "end\n";
    lua_State *L = e->L;
    if (lua_getglobal(L, "make") == LUA_TNIL) {
        lua_pop(L, 1);
        FUZZ_MUST(luaL_dostring(L, source) == LUA_OK);
        lua_getglobal(L, "make");
    }
    encode_push(e, depth + 1);
    encode_push(e, depth + 1);
    lua_pushinteger(L, 1 + fuzz_byte(&e->bytes) % 3);
    lua_call(L, 3, 1);
    encode_keep(e);
}

/* Integers of 1 to 8 bytes, negative ones too; floats of any bits. */
static void
encode_integer(Encode *e)
{
    int64_t x = 0;
    size_t size = 1 + fuzz_byte(&e->bytes) % sizeof x;
    fuzz_fill(&e->bytes, (char *)&x + sizeof x - size, size);
    lua_pushinteger(e->L, x >> 8 * (sizeof x - size));
}

static void
encode_float(Encode *e)
{
    lua_Number x;
    fuzz_fill(&e->bytes, &x, sizeof x);
    lua_pushnumber(e->L, x);
}

static void
encode_string(Encode *e)
{
    size_t n, times = fuzz_byte(&e->bytes) % 4;
    char *s = fuzz_string(&e->bytes, 255, false, &n);
    luaL_Buffer b;
    luaL_buffinit(e->L, &b);
    for (size_t i = 0; i <= times; i++)
        luaL_addlstring(&b, s, n);
    luaL_pushresult(&b);
    free(s);
}

static void
encode_push(Encode *e, int depth)
{
    lua_State *L = e->L;
    luaL_checkstack(L, 16, NULL);
    bool deep = depth >= ENCODE_DEPTH || e->bytes.n == 0;
    int what = fuzz_byte(&e->bytes) % 16;
    switch (what) {
    case 0: lua_pushnil(L); break;
    case 1: lua_pushboolean(L, fuzz_byte(&e->bytes) & 1); break;
    case 2: encode_integer(e); break;
    case 3: encode_float(e); break;
    case 4: lua_pushinteger(L, fuzz_byte(&e->bytes)); break;
    case 5:
    case 6: encode_string(e); break;
    case 7: lua_pushlightuserdata(L, NULL); break;
    case 8: lua_getglobal(L, "print"); break;
    case 9: lua_getglobal(L, "_G"); break;
    case 10: lua_getglobal(L, "string"); break;
    case 11: lua_rawgeti(L, 1, 1 + fuzz_byte(&e->bytes) % ENCODE_TABLES); break;
    case 12:
        if (!deep) {
            encode_function(e, depth);
            break;
        } /* fall through */
    default:
        if (deep)
            lua_pushinteger(L, what);
        else
            encode_table(e, depth);
    }
}

/* ( bytes -- value ) */
static int
encode_make(lua_State *L)
{
    Encode e = { L, *(FuzzBytes *)lua_touserdata(L, 1), 0 };
    lua_settop(L, 0);
    lua_newtable(L);
    encode_push(&e, 0);
    return 1;
}

static int
encode_decode(lua_State *L)
{
    value_decode(L, lua_touserdata(L, 1), NULL);
    return 1;
}

static void
encode_decodes(lua_State *L, Value *v)
{
    lua_pushcfunction(L, encode_decode);
    lua_pushlightuserdata(L, v);
    int status = lua_pcall(L, 1, 1, 0);
    if (status != LUA_OK)
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
    FUZZ_MUST(status == LUA_OK);
    FUZZ_MUST(fuzz_same(L, 1, lua_gettop(L)));
    lua_pop(L, 1);
}

FUZZ(data, n)
{
    lua_State *L = fuzz_state();
    FuzzBytes bytes = { data, n };
    size_t most = fuzz_byte(&bytes), size;
    ValueOps ops = { .max_bytes = most < 200 ? 0 : most };
    lua_pushcfunction(L, encode_make);
    lua_pushlightuserdata(L, &bytes);
    FUZZ_MUST(lua_pcall(L, 1, 1, 0) == LUA_OK);
    Value *v = NULL, *copy = NULL;
    Buf why = { 0 };
    int e = value_encode(L, 1, "input", &ops, &v, &why);
    FUZZ_MUST(lua_gettop(L) == 1);
    FUZZ_MUST((e == 0) == (v != NULL) && (e != 0) == (why.n > 0));
    if (e) {
        FUZZ_MUST(e == ORUN_EUNSENDABLE || e == ORUN_ETOOBIG);
        FUZZ_MUST(e != ORUN_ETOOBIG || ops.max_bytes
                  || strstr(buf_cstr(&why), "nested deeper"));
        FUZZ_MUST(strncmp(buf_cstr(&why), "input", 5) == 0);
        FUZZ_MUST(why.n < 1500);
    } else {
        const void *p = value_bytes(v, &size);
        FUZZ_MUST(!ops.max_bytes || size <= ops.max_bytes);
        encode_decodes(L, v);
        copy = value_import(p, size, true);
        FUZZ_MUST(copy);
        encode_decodes(L, copy);
    }
    buf_free(&why);
    value_drop(copy);
    value_drop(v);
    return 0;
}
