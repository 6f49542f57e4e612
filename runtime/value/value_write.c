/* value_write.c — the encoder: from a Lua state to a Value.
 *
 * One recursive walk writes straight into what becomes the Value's block
 * (value_sink.c). Nothing on the way can raise or run Lua code: no metamethod,
 * no string made, no collector step (so nothing changes under lua_next), stack
 * room asked for first.
 *
 * Most values hold no function, and then no table in it needs to be compared
 * with the loaded modules. So the walk starts plain, and gives up with AGAIN
 * at the first function or metatable, or at what it would refuse, for that may
 * be inside a module; value_write_learn then does, in one protected call
 * outside of any walk, what needs Lua memory, and the walk starts over with
 * its eyes open. Which tables are modules is asked each time (some 0.3 us), so
 * it cannot be out of date; the names of C functions (value_known.c) are
 * learned anew when one is missing. A module that is plain data, in a value of
 * plain data, is copied as the data it is.
 */
#include "base/err.h"
#include "value/module.h"
#include "value/unread.h"
#include "value/value.h"
#include "value/value_form.h"
#include "value/value_json.h"
#include "value/value_known.h"
#include "value/value_meta.h"
#include "value/value_path.h"
#include "value/value_sink.h"
#include <stdio.h>

enum {
    AGAIN_MODULES = 1, /* start over, knowing the loaded modules */
    AGAIN_NAMES = 2,   /* … and with fresh names of C functions */
    WRITE_SHARED_STRING = 1024, /* longer strings are written only once */
};

/* What the sink keeps about an address: the offset of the item; for the cell
 * of an upvalue the offset of its function shifted by 8 and its number; or: */
#define SEEN_MODULE SIZE_MAX /* a table of package.loaded */

typedef struct Writer {
    lua_State *L;
    const ValueOps *ops;   /* may be NULL */
    const char *name;      /* head of the path in messages */
    Buf *why;
    const void *globals;   /* the globals table, once `code` */
    const void *bundle;    /* … and that of bundled Lua; NULL: there is none */
    bool code;             /* functions are welcome, modules are looked for */
    bool modules;          /* the sink has seen the modules */
    bool fresh;            /* the names of C functions were just learned */
    bool said;             /* why has been written */
    int depth;
    const ValueStep *step; /* the way to the value in hand */
    ValueSink sink;
} Writer;

const ValueOps value_data = { .data = true, .json = true };
const ValueOps value_shared = { .json = true };

static int value_write(Writer *w);

/* ---- refusing ---- */

static inline bool
value_write_only_data(const Writer *w)
{
    return w->ops && w->ops->data;
}

static int
value_write_refuse(Writer *w, int code, const char *plain, const char *captured)
{
    if (!w->code && !value_write_only_data(w))
        return AGAIN_MODULES;
    if (w->why && !w->said)
        value_path_say(w->L, w->name, w->step, plain, captured, w->why);
    w->said = true;
    return code;
}

static int
value_write_unsendable(Writer *w, const char *what)
{
    char plain[64];
    snprintf(plain, sizeof plain, "%s cannot be sent", what);
    return value_write_refuse(w, ORUN_EUNSENDABLE, plain, what);
}

static inline bool
value_write_for_json(const Writer *w)
{
    return w->ops && w->ops->json;
}

/* Refuse what only Lua could read; `what` is a noun. */
static int
value_write_no_json(Writer *w, const char *what)
{
    char plain[VALUE_JSON_WHAT + 32];
    snprintf(plain, sizeof plain, "%s cannot be written as JSON", what);
    return value_write_refuse(w, ORUN_EUNSENDABLE, plain, what);
}

static int
value_write_too_big(Writer *w)
{
    char what[64];
    size_t max = w->sink.max;
    bool whole = max >> 20 && !(max & 0xFFFFF);
    snprintf(what, sizeof what, "more than the %zu %s one value may have",
             whole ? max >> 20 : max, whole ? "MiB" : "bytes");
    return value_write_refuse(w, ORUN_ETOOBIG, what, what);
}

/* ---- scalars ---- */

static int
value_write_number(Writer *w)
{
    if (!lua_isinteger(w->L, -1)) {
        lua_Number x = lua_tonumber(w->L, -1);
        const char *odd = value_json_number(x);
        if (odd && value_write_for_json(w))
            return value_write_no_json(w, odd);
        return value_sink_eight(&w->sink, TAG_FLOAT, &x);
    }
    lua_Integer i = lua_tointeger(w->L, -1);
    uint64_t z = (uint64_t)i << 1 ^ (i < 0 ? UINT64_MAX : 0);
    if (i >= 0 && i <= VALUE_SMALL_MAX)
        return value_sink_tag(&w->sink, TAG_SMALL + (int)i);
    if (z >> 49)
        return value_sink_eight(&w->sink, TAG_INT64, &i);
    return value_sink_varint(&w->sink, TAG_INT, z);
}

static int
value_write_ref(Writer *w, size_t at)
{
    value_sink_share(&w->sink, at);
    return value_sink_varint(&w->sink, TAG_REF, at);
}

static int
value_write_long_string(Writer *w, const char *s, size_t n)
{
    if (n > WRITE_SHARED_STRING) {
        size_t *at = value_sink_seen(&w->sink, s);
        if (!at)
            return w->sink.err;
        if (*at)
            return value_write_ref(w, *at);
        *at = w->sink.n;
    }
    return value_sink_string(&w->sink, TAG_STRING, s, n);
}

static int
value_write_string(Writer *w)
{
    size_t n;
    const char *s = lua_tolstring(w->L, -1, &n);
    if (n > VALUE_SHORT_MAX)
        return value_write_long_string(w, s, n);
    unsigned char *to = value_sink_room(&w->sink, 1 + n);
    if (!to)
        return w->sink.err;
    *to = (unsigned char)(TAG_SHORT + n);
    memcpy(to + 1, s, n);
    w->sink.n += 1 + n;
    return 0;
}

/* The task id when the value on top is a handle, else 0. */
static uint64_t
value_write_ask(Writer *w)
{
    const ValueOps *ops = w->ops;
    return ops && ops->handle ? ops->handle(w->L, lua_gettop(w->L), ops->ud)
                              : 0;
}

static int
value_write_userdata(Writer *w)
{
    uint64_t id = value_write_ask(w);
    return id ? value_sink_handle(&w->sink, id)
              : value_write_unsendable(w, "a userdata");
}

/* ---- tables ---- */

/* Put every module that other states find, too, into `seen`. */
static int
value_write_modules(Writer *w)
{
    lua_State *L = w->L;
    int err = 0;
    module_push_noted(L);
    lua_pushnil(L);
    for (; !err && lua_next(L, -2); lua_pop(L, 1)) {
        if (!lua_istable(L, -1) || lua_type(L, -2) != LUA_TSTRING)
            continue;
        size_t *at = value_sink_seen(&w->sink, lua_topointer(L, -1));
        err = at ? 0 : w->sink.err;
        if (at && !*at)
            *at = SEEN_MODULE;
    }
    lua_pop(L, err ? 2 : 1);
    w->modules = true;
    return err;
}

/* Write the table on top, which is one of package.loaded, by its name. */
static int
value_write_module(Writer *w)
{
    size_t n;
    const char *name = value_known_module(w->L, &n);
    return value_sink_string(&w->sink, TAG_MODULE, name, n);
}

/* One level down, with stack for what that level pushes. */
static int
value_write_enter(Writer *w)
{
    static const char deep[] = "nested deeper than 100 levels";
    MUST_BE(VALUE_MAX_DEPTH == 100);
    if (w->depth == VALUE_MAX_DEPTH)
        return value_write_refuse(w, ORUN_ETOOBIG, deep, deep);
    w->depth++;
    return lua_checkstack(w->L, 10) ? 0 : ORUN_ENOMEM;
}

static int
value_write_key(Writer *w)
{
    int type = lua_type(w->L, -2), err;
    if (type == LUA_TSTRING || type == LUA_TNUMBER || type == LUA_TBOOLEAN) {
        lua_pushvalue(w->L, -2);
        err = value_write(w);
        lua_pop(w->L, 1);
        return err;
    }
    char plain[64], captured[64];
    const char *name = lua_typename(w->L, type);
    snprintf(plain, sizeof plain, "a key of type %s cannot be sent", name);
    snprintf(captured, sizeof captured, "with a key of type %s", name);
    w->step = w->step->up;
    return value_write_refuse(w, ORUN_EUNSENDABLE, plain, captured);
}

/* The items of the table on top: first those whose keys come as 1, 2, 3 …,
 * which is how lua_next gives an array, then the others with their keys. */
static int
value_write_items(Writer *w, uint32_t *array, uint32_t *pairs)
{
    lua_State *L = w->L;
    int t = lua_gettop(L), err = 0;
    ValueStep step = { w->step, t + 1, 0 };
    w->step = &step; /* cppcheck-suppress autoVariables ; undone below */
    lua_pushnil(L);
    while (lua_next(L, t)) {
        if (!*pairs && lua_isinteger(L, -2)
            && lua_tointeger(L, -2) == (lua_Integer)*array + 1)
            ++*array;
        else if (++*pairs, err = value_write_key(w), err)
            return err;
        err = value_write(w);
        if (err)
            return err;
        lua_pop(L, 1);
    }
    w->step = step.up;
    return 0;
}

static int
value_write_plain_table(Writer *w, const ValueMeta *meta)
{
    size_t at = w->sink.n;
    uint32_t count[2] = { 0, 0 };
    char what[VALUE_JSON_WHAT];
    int err = value_write_enter(w);
    if (!err && value_write_for_json(w) && !value_json_shape(w->L, what))
        return value_write_no_json(w, what);
    err = err ? err : value_sink_eight(&w->sink,
                                       meta->array ? TAG_ARRAY : TAG_TABLE,
                                       count);
    err = err ? err : value_write_items(w, &count[0], &count[1]);
    if (!err && meta->unread && unread_push(w->L, -1)) { /* it is seen */
        unread_note(w->L, -2);
        err = value_write_items(w, &count[0], &count[1]);
        lua_pop(w->L, err ? 0 : 1);
    }
    if (err)
        return err;
    memcpy(w->sink.p + at + 1, count, sizeof count);
    w->depth--;
    return 0;
}

static int
value_write_table(Writer *w)
{
    lua_State *L = w->L;
    int err = 0;
    ValueMeta meta = { .array = false };
    if (lua_getmetatable(L, -1)) {
        meta = value_meta_look(L);
        uint64_t id = meta.array ? 0 : value_write_ask(w);
        if (id)
            return value_sink_handle(&w->sink, id);
        if (!meta.array && !w->code && !value_write_only_data(w))
            return AGAIN_MODULES;
    }
    if (w->code && !w->modules && (err = value_write_modules(w)))
        return err;
    size_t *at = value_sink_seen(&w->sink, lua_topointer(L, -1));
    if (!at)
        return w->sink.err;
    if (*at == SEEN_MODULE)
        return value_write_module(w);
    if (*at && value_write_for_json(w) && value_json_ring(L, w->step))
        return value_write_no_json(w, "a table that contains itself");
    if (*at)
        return value_write_ref(w, *at);
    *at = w->sink.n;
    value_meta_say(&meta, L, w->name, w->step, w->ops ? w->ops->left : NULL);
    return value_write_plain_table(w, &meta);
}

/* ---- functions ---- */

static int
value_write_library(Writer *w)
{
    size_t n;
    const char *name = value_known_function(w->L, &n);
    if (!name && !w->fresh)
        return AGAIN_NAMES;
    if (!name)
        return value_write_unsendable(w, "a C function");
    return value_sink_string(&w->sink, TAG_LIBRARY, name, n);
}

static int
value_write_dump(lua_State *L, const void *p, size_t n, void *ud)
{
    Writer *w = ud;
    (void)L;
    return value_sink_bytes(&w->sink, p, n);
}

/* The value of the n-th upvalue (on top) of the function at f, whose item is
 * at `offset`; the cell it is in may be shared with other functions. */
static int
value_write_upvalue(Writer *w, int f, int n, size_t offset)
{
    lua_State *L = w->L;
    size_t *at = value_sink_seen(&w->sink, lua_upvalueid(L, f, n));
    if (!at)
        return w->sink.err;
    if (!*at) {
        *at = offset << 8 | (unsigned)n;
        return value_write(w);
    }
    unsigned char index = *at & 0xFF;
    size_t owner = *at >> 8;
    value_sink_share(&w->sink, owner);
    int err = value_sink_varint(&w->sink, TAG_CELL, owner);
    return err ? err : value_sink_bytes(&w->sink, &index, 1);
}

static int
value_write_upvalues(Writer *w, size_t offset)
{
    lua_State *L = w->L;
    int f = lua_gettop(L), err = value_write_enter(w);
    ValueStep step = { w->step, f, 0 };
    if (err)
        return err;
    w->step = &step; /* cppcheck-suppress autoVariables ; undone below */
    const char *name;
    for (int n = 1; (name = lua_getupvalue(L, f, n)) != NULL; n++) {
        step.upvalue = n;
        if (w->bundle && lua_topointer(L, -1) == w->bundle)
            err = value_sink_tag(&w->sink, TAG_BUNDLE);
        else if (value_known_globals(L, w->globals, name))
            err = value_sink_tag(&w->sink, TAG_GLOBALS);
        else
            err = value_write_upvalue(w, f, n, offset);
        if (err)
            return err;
        lua_pop(L, 1);
    }
    w->sink.p[offset + 1] = (unsigned char)step.upvalue;
    w->step = step.up;
    w->depth--;
    return 0;
}

static int
value_write_function(Writer *w)
{
    if (value_write_only_data(w))
        return value_write_refuse(w, ORUN_EUNSENDABLE, "a function is no data "
                                  "and cannot be kept", "a function");
    if (!w->code)
        return AGAIN_MODULES;
    if (lua_iscfunction(w->L, -1))
        return value_write_library(w);
    size_t *at = value_sink_seen(&w->sink, lua_topointer(w->L, -1));
    if (!at)
        return w->sink.err;
    if (*at)
        return value_write_ref(w, *at);
    size_t offset = *at = w->sink.n;
    int err = value_sink_bytes(&w->sink, (char[6]){ TAG_FUNCTION }, 6);
    if (err || (err = lua_dump(w->L, value_write_dump, w, 0)))
        return err;
    size_t code = w->sink.n - offset - 6;
    if (code > UINT32_MAX)
        return ORUN_ETOOBIG;
    memcpy(w->sink.p + offset + 2, &(uint32_t){ (uint32_t)code }, 4);
    return value_write_upvalues(w, offset);
}

/* ---- the whole ---- */

static int
value_write_any(Writer *w)
{
    lua_State *L = w->L;
    switch (lua_type(L, -1)) {
    case LUA_TNIL:
        return value_sink_tag(&w->sink, TAG_NIL);
    case LUA_TBOOLEAN:
        return value_sink_tag(&w->sink,
                              lua_toboolean(L, -1) ? TAG_TRUE : TAG_FALSE);
    case LUA_TNUMBER:
        return value_write_number(w);
    case LUA_TSTRING:
        return value_write_string(w);
    case LUA_TTABLE:
        return value_write_table(w);
    case LUA_TFUNCTION:
        return value_write_function(w);
    case LUA_TLIGHTUSERDATA:
        return lua_touserdata(L, -1)
                   ? value_write_unsendable(w, "a light userdata")
                   : value_sink_tag(&w->sink, TAG_NULL);
    case LUA_TUSERDATA:
        return value_write_userdata(w);
    default:
        return value_write_unsendable(w, "a coroutine");
    }
}

/* Write the value on top, which stays there. */
static int
value_write(Writer *w)
{
    int err = value_write_any(w);
    return err == ORUN_ETOOBIG ? value_write_too_big(w) : err;
}

static int
value_write_start(Writer *w, int idx)
{
    value_sink_restart(&w->sink);
    w->modules = false;
    w->step = NULL;
    w->depth = 0;
    lua_pushvalue(w->L, idx);
    int err = value_sink_bytes(&w->sink, (char[2]){ (char)VALUE_FORM, 0 }, 2);
    return err ? err : value_write(w);
}

static int
value_write_learn(Writer *w, int what)
{
    int err = value_known_learn(w->L, what == AGAIN_NAMES);
    lua_rawgeti(w->L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    w->globals = lua_topointer(w->L, -1);
    lua_pop(w->L, 1);
    w->bundle = module_env_at(w->L);
    w->fresh = what == AGAIN_NAMES;
    w->code = true;
    return err;
}

int
value_encode(lua_State *L, int idx, const char *name, const ValueOps *ops,
             Value **out, Buf *why)
{
    Writer w;
    memset(&w, 0, offsetof(Writer, sink));
    w.L = L;
    w.ops = ops;
    w.name = name;
    w.why = why;
    value_sink_init(&w.sink, ops && ops->max_bytes ? ops->max_bytes
                                                   : VALUE_MAX_BYTES);
    int top = lua_gettop(L), err = lua_checkstack(L, 10) ? 0 : ORUN_ENOMEM;
    idx = lua_absindex(L, idx);
    while (!err && (err = value_write_start(&w, idx)) > 0) {
        lua_settop(L, top);
        err = value_write_learn(&w, err);
    }
    lua_settop(L, top);
    err = err ? err : value_sink_finish(&w.sink, out);
    if (err == ORUN_ENOMEM && why)
        buf_printf(why, "%s: %s", name, err_text(err));
    value_sink_free(&w.sink);
    return err;
}
