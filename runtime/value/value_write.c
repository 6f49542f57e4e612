/* value_write.c — the encoder: from a Lua state to a Value.
 *
 * One recursive walk writes straight into what becomes the Value's block, the
 * sink. Nothing on the way can raise or run Lua code: no metamethod, no string
 * made, no collector step (so nothing changes under lua_next), stack room asked
 * for first.
 *
 * Most values hold no function, and then no table in it needs to be compared
 * with the loaded modules. So the walk starts plain, and gives up with AGAIN
 * at the first function or metatable, or at what it would refuse, for that may
 * be inside a module; value_write_learn then does, in one protected call
 * outside of any walk, what needs Lua memory, and the walk starts over with
 * its eyes open. Which tables are modules is asked each time (some 0.3 us), so
 * it cannot be out of date; the names of C functions are learned anew
 * when one is missing. A module that is plain data, in a value of
 * plain data, is copied as the data it is.
 */
#include "base/err.h"
#include "base/mem.h"
#include "value/module.h"
#include "value/unread.h"
#include "value/value.h"
#include "value/value_form.h"
#include "value/value_json.h"
#include "value/value_meta.h"
#include "value/value_path.h"
#include <stdio.h>

/* ---- the sink: where bytes go, and what was met ----
 *
 * The bytes grow in the block that becomes the Value; small ones never leave
 * the sink itself. Beside them it keeps a hash from addresses (of tables,
 * functions, upvalues, long strings) to where each was written, so the second
 * meeting becomes a REF. A sink is 2 KB, on the stack of its thread. Functions
 * return 0, ORUN_ENOMEM or ORUN_ETOOBIG. */

enum {
    SINK_INLINE = 1024, /* bytes before the first malloc */
    SINK_SEEN = 16,     /* addresses before the first malloc; a power of two */
};

/* An address that was met, and what its owner keeps about it (0 at first). */
typedef struct SinkSeen {
    const void *p;
    size_t at;
} SinkSeen;

typedef struct ValueSink {
    unsigned char *p;   /* the bytes: `first`, or inside a block */
    size_t n, cap, max; /* written, fit, allowed */
    int err;            /* why the last NULL */
    SinkSeen *seen;     /* open addressing; seen_cap is a power of two */
    size_t seen_n, seen_cap;
    uint64_t *handles; /* ids, each once */
    size_t handles_n, handles_cap;

    SinkSeen seen_first[SINK_SEEN];
    unsigned char first[SINK_INLINE];
} ValueSink;

/* Begin; at most `max` bytes will be taken. */
static void
value_sink_init(ValueSink *s, size_t max)
{
    memset(s, 0, offsetof(ValueSink, seen_first));
    s->p = s->first;
    s->max = max;
    s->cap = max < SINK_INLINE ? max : SINK_INLINE;
}

/* Forget all that was written and met. */
static void
value_sink_restart(ValueSink *s)
{
    if (s->seen_cap)
        memset(s->seen, 0, s->seen_cap * sizeof *s->seen);
    s->n = s->seen_n = s->handles_n = 0;
    s->err = 0;
}

/* Give everything back. */
static void
value_sink_free(ValueSink *s)
{
    if (s->p != s->first)
        mem_free(s->p - VALUE_HEAD);
    if (s->seen != s->seen_first)
        mem_free(s->seen);
    mem_free(s->handles);
}

/* Room for n bytes, more than there is; NULL and s->err when refused. */
static unsigned char *
value_sink_grow(ValueSink *s, size_t n)
{
    if (n > s->max - s->n)
        return s->err = ORUN_ETOOBIG, NULL;
    size_t cap = s->cap * 2 > s->n + n ? s->cap * 2 : s->n + n;
    cap = cap < s->max ? cap : s->max; /* which is at least s->n + n */
    bool inside = s->p == s->first;
    unsigned char *block = inside
        ? mem_alloc(VALUE_HEAD + cap)
        : mem_realloc(s->p - VALUE_HEAD, VALUE_HEAD + cap);
    if (!block)
        return s->err = ORUN_ENOMEM, NULL;
    s->p = block + VALUE_HEAD;
    s->cap = cap;
    if (inside)
        memcpy(s->p, s->first, s->n);
    return s->p + s->n;
}

/* Room for n bytes, which the caller then adds to s->n; NULL likewise. */
static inline unsigned char *
value_sink_room(ValueSink *s, size_t n)
{
    return n <= s->cap - s->n ? s->p + s->n : value_sink_grow(s, n);
}

static inline int
value_sink_tag(ValueSink *s, int tag)
{
    unsigned char *to = value_sink_room(s, 1);
    if (!to)
        return s->err;
    *to = (unsigned char)tag;
    s->n++;
    return 0;
}

/* A tag and a varint. */
static int
value_sink_varint(ValueSink *s, int tag, uint64_t x)
{
    unsigned char *to = value_sink_room(s, 1 + VALUE_VARINT_MAX);
    if (!to)
        return s->err;
    *to = (unsigned char)tag;
    s->n = (size_t)(value_put_varint(to + 1, x) - s->p);
    return 0;
}

/* A tag and the eight bytes at p. */
static int
value_sink_eight(ValueSink *s, int tag, const void *p)
{
    unsigned char *to = value_sink_room(s, 9);
    if (!to)
        return s->err;
    *to = (unsigned char)tag;
    memcpy(to + 1, p, 8);
    s->n += 9;
    return 0;
}

/* The bytes alone. */
static int
value_sink_bytes(ValueSink *s, const void *p, size_t n)
{
    unsigned char *to = value_sink_room(s, n);
    if (!to)
        return s->err;
    memcpy(to, p, n);
    s->n += n;
    return 0;
}

/* A tag, a length and that many bytes. */
static int
value_sink_string(ValueSink *s, int tag, const void *p, size_t n)
{
    int err = value_sink_varint(s, tag, n);
    return err ? err : value_sink_bytes(s, p, n);
}

static SinkSeen *
value_sink_slot(ValueSink *s, const void *p)
{
    size_t mask = s->seen_cap - 1;
    size_t i = ((uintptr_t)p >> 3) * 0x9E3779B97F4A7C15u >> 32 & mask;
    while (s->seen[i].p && s->seen[i].p != p)
        i = (i + 1) & mask;
    return &s->seen[i];
}

static int
value_sink_rehash(ValueSink *s)
{
    SinkSeen *old = s->seen;
    size_t cap = s->seen_cap;
    SinkSeen *now = mem_zalloc(cap * 4, sizeof *now);
    if (!now)
        return ORUN_ENOMEM;
    s->seen = now;
    s->seen_cap = cap * 4;
    for (size_t i = 0; i < cap; i++)
        if (old[i].p)
            *value_sink_slot(s, old[i].p) = old[i];
    if (old != s->seen_first)
        mem_free(old);
    return 0;
}

/* What is kept about p, 0 when it is new; NULL and s->err when memory is out.
 * Good until the next call. */
static size_t *
value_sink_seen(ValueSink *s, const void *p)
{
    if (!s->seen_cap) {
        memset(s->seen_first, 0, sizeof s->seen_first);
        s->seen = s->seen_first;
        s->seen_cap = SINK_SEEN;
    } else if (s->seen_n * 4 >= s->seen_cap * 3 && value_sink_rehash(s)) {
        return s->err = ORUN_ENOMEM, NULL;
    }
    SinkSeen *slot = value_sink_slot(s, p);
    if (!slot->p) {
        *slot = (SinkSeen){ p, 0 };
        s->seen_n++;
    }
    return &slot->at;
}

/* Make the item at `at` the SHARED kind of itself. */
static void
value_sink_share(ValueSink *s, size_t at)
{
    unsigned char *tag = s->p + at;
    if (*tag == TAG_STRING || *tag == TAG_TABLE || *tag == TAG_ARRAY
        || *tag == TAG_FUNCTION)
        ++*tag;
    s->p[1] |= VALUE_HAS_SHARED;
}

static int
value_sink_list(ValueSink *s, uint64_t id)
{
    if (s->handles_n == s->handles_cap) {
        size_t cap = s->handles_cap ? s->handles_cap * 2 : 4;
        uint64_t *p = mem_realloc(s->handles, cap * sizeof *p);
        if (!p)
            return ORUN_ENOMEM;
        s->handles = p;
        s->handles_cap = cap;
    }
    s->handles[s->handles_n++] = id;
    return 0;
}

/* Write the id, with room for another one. */
static int
value_sink_id(ValueSink *s, uint64_t id)
{
    unsigned char *to = value_sink_room(s, 1 + VALUE_VARINT_MAX);
    if (!to)
        return s->err;
    *to++ = TAG_HANDLE;
    unsigned char *end = value_put_varint(to, id);
    for (; end - to < VALUE_HANDLE_BYTES; *end++ = 0)
        end[-1] |= 0x80;
    s->n = (size_t)(end - s->p);
    return 0;
}

/* Write the handle, and list it when it is new. */
static int
value_sink_handle(ValueSink *s, uint64_t id)
{
    /* An odd number is not an address, so ids and addresses share the hash. */
    size_t *met = value_sink_seen(s, (void *)(uintptr_t)(id << 1 | 1));
    int err = met ? 0 : s->err;
    if (met && !*met) {
        *met = 1;
        err = value_sink_list(s, id);
    }
    return err ? err : value_sink_id(s, id);
}

/* Make the bytes a Value with one reference, the caller's; the sink is empty
 * then and still to be freed. */
static int
value_sink_finish(ValueSink *s, Value **out)
{
    size_t ids = s->handles_n * sizeof *s->handles;
    size_t size = VALUE_HEAD + s->n + 1 + ids;
    bool inside = s->p == s->first;
    Value *v = inside ? mem_alloc(size) : mem_realloc(s->p - VALUE_HEAD, size);
    if (!v)
        return ORUN_ENOMEM;
    if (inside)
        memcpy(v->bytes, s->first, s->n);
    atomic_init(&v->refs, 1);
    v->n = s->n;
    v->handles = (uint32_t)s->handles_n;
    v->trusted = true;
    v->mapped = false;
    v->bytes[s->n] = '\0';
    if (ids)
        memcpy(v->bytes + s->n + 1, s->handles, ids);
    s->p = s->first;
    *out = v;
    return 0;
}

/* ---- the walk ---- */

enum {
    AGAIN_MODULES = 1,          /* start over, knowing the loaded modules */
    AGAIN_NAMES = 2,            /* … and with fresh names of C functions */
    WRITE_SHARED_STRING = 1024, /* longer strings are written only once */
};

/* What the sink keeps about an address: the offset of the item; for the cell
 * of an upvalue the offset of its function shifted by 8 and its number; or: */
#define SEEN_MODULE SIZE_MAX /* a table of package.loaded */

typedef struct Writer {
    lua_State *L;
    const ValueOps *ops; /* may be NULL */
    const char *name;    /* head of the path in messages */
    Buf *why;
    const void *globals; /* the globals table, once `code` */
    const void *bundle;  /* … and that of bundled Lua; NULL: there is none */
    bool code;           /* functions are welcome, modules are looked for */
    bool modules;        /* the sink has seen the modules */
    bool fresh;          /* the names of C functions were just learned */
    bool said;           /* why has been written */
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
    err = err ? err
              : value_sink_eight(&w->sink, meta->array ? TAG_ARRAY : TAG_TABLE,
                                 count);
    err = err ? err : value_write_items(w, &count[0], &count[1]);
    if (!err && meta->unread && unread_push(w->L, -1)) { /* it is seen */
        unread_note(w->L, -2);
        err = value_write_items(w, &count[0], &count[1]);
        if (!err)
            lua_pop(w->L, 1);
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
        return value_write_refuse(w, ORUN_EUNSENDABLE,
                                  "a function is not data "
                                  "and cannot be kept",
                                  "a function");
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
    case LUA_TNIL: return value_sink_tag(&w->sink, TAG_NIL);
    case LUA_TBOOLEAN:
        return value_sink_tag(&w->sink,
                              lua_toboolean(L, -1) ? TAG_TRUE : TAG_FALSE);
    case LUA_TNUMBER: return value_write_number(w);
    case LUA_TSTRING: return value_write_string(w);
    case LUA_TTABLE: return value_write_table(w);
    case LUA_TFUNCTION: return value_write_function(w);
    case LUA_TLIGHTUSERDATA:
        return lua_touserdata(L, -1)
            ? value_write_unsendable(w, "a light userdata")
            : value_sink_tag(&w->sink, TAG_NULL);
    case LUA_TUSERDATA: return value_write_userdata(w);
    default: return value_write_unsendable(w, "a coroutine");
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
    value_sink_init(&w.sink,
                    ops && ops->max_bytes ? ops->max_bytes : VALUE_MAX_BYTES);
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
