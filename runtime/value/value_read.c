/* value_read.c — the decoder: from a Value into a Lua state.
 *
 * Reads the bytes once, front to back, and trusts none of them: each length is
 * checked against what is left, and all counts together may not promise more
 * than there are bytes, so hostile bytes cannot ask for more memory than they
 * weigh. It may raise anywhere, so it holds nothing but Lua values. Items that
 * a REF or CELL will ask for are kept by their offset in a table, which exists
 * only when the head says that there are such items.
 */
#include "value/module.h"
#include "value/value.h"
#include "value/value_form.h"
#include "value/value_meta.h"
#include <lauxlib.h>
#include <limits.h>

typedef struct Reader {
    lua_State *L;
    const ValueOps *ops; /* may be NULL */
    const unsigned char *start, *at, *end;
    size_t budget; /* entries that tables may still promise */
    int depth;
    int kept; /* stack index: offset -> shared item; or 0 */
    bool trusted;
    bool handles; /* those inside are this run's, though the rest is not */
} Reader;

static void value_read(Reader *r);

/* ---- bytes ---- */

_Noreturn static void
value_read_fail(Reader *r)
{
    luaL_error(r->L, "malformed value (at byte %d)", (int)(r->at - r->start));
    __builtin_unreachable();
}

/* The next n bytes. */
static inline const unsigned char *
value_read_bytes(Reader *r, size_t n)
{
    if (n > (size_t)(r->end - r->at))
        value_read_fail(r);
    r->at += n;
    return r->at - n;
}

static inline int
value_read_byte(Reader *r)
{
    return *value_read_bytes(r, 1);
}

static uint64_t
value_read_varint(Reader *r)
{
    uint64_t x;
    if (!value_get_varint(&r->at, r->end, &x))
        value_read_fail(r);
    return x;
}

static uint32_t
value_read_u32(Reader *r)
{
    uint32_t x;
    memcpy(&x, value_read_bytes(r, sizeof x), sizeof x);
    return x;
}

/* A length and so many bytes. */
static const char *
value_read_counted(Reader *r, size_t *n)
{
    uint64_t x = value_read_varint(r);
    if (x > (size_t)(r->end - r->at))
        value_read_fail(r);
    *n = (size_t)x;
    return (const char *)value_read_bytes(r, *n);
}

/* Code, names and handles are for bytes that this program made. */
static void
value_read_trusted(Reader *r)
{
    if (!r->trusted)
        luaL_error(r->L, "malformed value (code or a handle from outside)");
}

/* ---- shared items ---- */

/* Keep the item on top, which began at `at`. */
static void
value_read_keep(Reader *r, const unsigned char *at)
{
    if (!r->kept)
        value_read_fail(r);
    lua_pushvalue(r->L, -1);
    lua_rawseti(r->L, r->kept, at - r->start);
}

/* Push the kept item whose offset comes next. */
static int
value_read_kept(Reader *r)
{
    uint64_t offset = value_read_varint(r);
    if (!r->kept || offset > (size_t)(r->end - r->start))
        value_read_fail(r);
    int type = lua_rawgeti(r->L, r->kept, (lua_Integer)offset);
    if (type == LUA_TNIL)
        value_read_fail(r);
    return type;
}

/* ---- scalars ---- */

static void
value_read_integer(Reader *r)
{
    uint64_t z = value_read_varint(r);
    uint64_t sign = z & 1 ? UINT64_MAX : 0;
    lua_pushinteger(r->L, (lua_Integer)(z >> 1 ^ sign));
}

static void
value_read_int64(Reader *r)
{
    lua_Integer i;
    memcpy(&i, value_read_bytes(r, sizeof i), sizeof i);
    lua_pushinteger(r->L, i);
}

static void
value_read_float(Reader *r)
{
    lua_Number x;
    memcpy(&x, value_read_bytes(r, sizeof x), sizeof x);
    lua_pushnumber(r->L, x);
}

static void
value_read_string(Reader *r)
{
    size_t n;
    const char *s = value_read_counted(r, &n);
    lua_pushlstring(r->L, s, n);
}

static void
value_read_handle(Reader *r)
{
    if (!r->handles)
        value_read_trusted(r);
    uint64_t id = value_read_varint(r);
    if (!r->ops || !r->ops->resolve)
        luaL_error(r->L, "a task handle has no meaning here");
    r->ops->resolve(r->L, id, r->ops->ud);
}

/* ---- tables ---- */

static void
value_read_enter(Reader *r)
{
    if (++r->depth > VALUE_MAX_DEPTH)
        value_read_fail(r);
    luaL_checkstack(r->L, 8, "value");
}

/* A key is never nil, NaN or twice there. */
static void
value_read_key(Reader *r, int t)
{
    lua_State *L = r->L;
    value_read(r);
    int type = lua_type(L, -1);
    bool fine = type == LUA_TSTRING || type == LUA_TBOOLEAN
        || (type == LUA_TNUMBER && lua_tonumber(L, -1) == lua_tonumber(L, -1));
    if (!fine)
        value_read_fail(r);
    if (r->trusted)
        return;
    lua_pushvalue(L, -1);
    if (lua_rawget(L, t) != LUA_TNIL)
        value_read_fail(r);
    lua_pop(L, 1);
}

/* Nil is nowhere written; but a handle stands for what may turn out as nil. */
static void
value_read_item(Reader *r)
{
    bool handle = r->at < r->end && *r->at == TAG_HANDLE;
    value_read(r);
    if (!handle && lua_isnil(r->L, -1))
        value_read_fail(r);
}

static void
value_read_table(Reader *r, const unsigned char *at)
{
    lua_State *L = r->L;
    bool marked = *at == TAG_ARRAY || *at == TAG_ARRAY_SHARED;
    bool shared = *at == TAG_TABLE_SHARED || *at == TAG_ARRAY_SHARED;
    uint32_t array = value_read_u32(r), pairs = value_read_u32(r);
    uint64_t promised = array + (uint64_t)pairs * 2;
    if (promised > r->budget || array > INT_MAX || pairs > INT_MAX)
        value_read_fail(r);
    r->budget -= (size_t)promised;
    value_read_enter(r);
    lua_createtable(L, (int)array, (int)pairs);
    int t = lua_gettop(L);
    if (marked)
        value_meta_mark(L);
    if (shared)
        value_read_keep(r, at);
    for (uint32_t i = 1; i <= array; i++) {
        value_read_item(r);
        lua_rawseti(L, t, i);
    }
    for (; pairs; pairs--) {
        value_read_key(r, t);
        value_read_item(r);
        lua_rawset(L, t);
    }
    r->depth--;
}

/* ---- functions ---- */

/* Let the n-th upvalue of the function at f be that of another function. */
static void
value_read_cell(Reader *r, int f, int n)
{
    lua_State *L = r->L;
    int type = value_read_kept(r), index = value_read_byte(r);
    if (type != LUA_TFUNCTION || lua_iscfunction(L, -1)
        || !lua_upvalueid(L, -1, index))
        value_read_fail(r);
    lua_upvaluejoin(L, f, n, -1, index);
    lua_pop(L, 1);
}

static void
value_read_upvalues(Reader *r, int count)
{
    lua_State *L = r->L;
    int f = lua_gettop(L);
    for (int n = 1; n <= count; n++) {
        if (!lua_upvalueid(L, f, n))
            value_read_fail(r);
        if (r->at < r->end && *r->at == TAG_CELL) {
            r->at++;
            value_read_cell(r, f, n);
        } else {
            value_read(r);
            lua_setupvalue(L, f, n);
        }
    }
}

typedef struct ReadCode {
    const char *p;
    size_t n;
} ReadCode;

static const char *
value_read_code(lua_State *L, void *ud, size_t *n)
{
    ReadCode *code = ud;
    (void)L;
    *n = code->n;
    code->n = 0;
    return code->p;
}

/* lua_load puts the globals into upvalue 1 whatever that is, so each upvalue
 * is set from the bytes. */
static void
value_read_function(Reader *r, const unsigned char *at, bool shared)
{
    value_read_trusted(r);
    int upvalues = value_read_byte(r);
    ReadCode code = { NULL, value_read_u32(r) };
    code.p = (const char *)value_read_bytes(r, code.n);
    value_read_enter(r);
    if (lua_load(r->L, value_read_code, &code, "=value", "b") != LUA_OK)
        lua_error(r->L);
    if (shared)
        value_read_keep(r, at);
    value_read_upvalues(r, upvalues);
    r->depth--;
}

static void
value_read_named(Reader *r, void (*push)(lua_State *, const char *, size_t))
{
    size_t n;
    value_read_trusted(r);
    const char *name = value_read_counted(r, &n);
    lua_pushlstring(r->L, name, n); /* ends in NUL, unlike the bytes */
    push(r->L, lua_tostring(r->L, -1), n);
    lua_remove(r->L, -2);
}

/* ---- the whole ---- */

/* Push the item whose tag, not a one-byte kind, was just read. */
static void
value_read_tagged(Reader *r, int tag)
{
    const unsigned char *at = r->at - 1;
    switch (tag) {
    case TAG_NIL: lua_pushnil(r->L); break;
    case TAG_FALSE: lua_pushboolean(r->L, 0); break;
    case TAG_TRUE: lua_pushboolean(r->L, 1); break;
    case TAG_NULL: lua_pushlightuserdata(r->L, NULL); break;
    case TAG_INT: value_read_integer(r); break;
    case TAG_INT64: value_read_int64(r); break;
    case TAG_FLOAT: value_read_float(r); break;
    case TAG_STRING_SHARED:
        value_read_string(r);
        value_read_keep(r, at);
        break;
    case TAG_STRING: value_read_string(r); break;
    case TAG_TABLE:
    case TAG_TABLE_SHARED:
    case TAG_ARRAY:
    case TAG_ARRAY_SHARED: value_read_table(r, at); break;
    case TAG_FUNCTION_SHARED: value_read_function(r, at, true); break;
    case TAG_FUNCTION: value_read_function(r, at, false); break;
    case TAG_REF: value_read_kept(r); break;
    case TAG_HANDLE: value_read_handle(r); break;
    case TAG_GLOBALS:
        value_read_trusted(r);
        lua_pushglobaltable(r->L);
        break;
    case TAG_BUNDLE:
        value_read_trusted(r);
        module_push_env(r->L);
        break;
    case TAG_LIBRARY: value_read_named(r, value_known_push_function); break;
    case TAG_MODULE: value_read_named(r, value_known_push_module); break;
    default: value_read_fail(r);
    }
}

static void
value_read(Reader *r)
{
    int tag = value_read_byte(r);
    if (tag >= TAG_SMALL) {
        lua_pushinteger(r->L, tag - TAG_SMALL);
    } else if (tag >= TAG_SHORT) {
        size_t n = (size_t)tag - TAG_SHORT;
        lua_pushlstring(r->L, (const char *)value_read_bytes(r, n), n);
    } else {
        value_read_tagged(r, tag);
    }
}

void
value_decode(lua_State *L, const Value *v, const ValueOps *ops)
{
    Reader r = { .L = L,
                 .ops = ops,
                 .start = v->bytes,
                 .at = v->bytes,
                 .end = v->bytes + v->n,
                 .budget = v->n,
                 .trusted = v->trusted,
                 .handles = v->handles > 0 };
    luaL_checkstack(L, 8, "value");
    if (value_read_byte(&r) != VALUE_FORM)
        value_read_fail(&r);
    if (value_read_byte(&r) & VALUE_HAS_SHARED) {
        lua_newtable(L);
        r.kept = lua_gettop(L);
    }
    value_read(&r);
    if (r.at != r.end)
        value_read_fail(&r);
    if (r.kept)
        lua_remove(L, r.kept);
    value_rest(v);
}
