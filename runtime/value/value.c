/* value.c — the life of Values and what can be asked of one without Lua.
 *
 * A Value is one block of memory, never changed after it was made, with an
 * atomic count of references; value_write.c makes them from a Lua state and
 * value_read.c turns them back. The layout is in value_form.h.
 */
#include "value/value.h"
#include "base/err.h"
#include "base/mem.h"
#include "value/module.h"
#include "value/value_form.h"
#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <sys/mman.h>
#include <unistd.h>

Value *
value_hold(Value *v)
{
    if (v)
        atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
    return v;
}

void
value_drop(Value *v)
{
    if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (v->mapped)
        munmap(v, value_size(v));
    else
        mem_free(v);
}

/* A Value with room for n bytes and no handles. */
static Value *
value_new(size_t n, bool trusted)
{
    Value *v = n < SIZE_MAX / 2 ? mem_alloc(VALUE_HEAD + n + 1) : NULL;
    if (!v)
        return NULL;
    atomic_init(&v->refs, 1);
    v->n = n;
    v->handles = 0;
    v->trusted = trusted;
    v->mapped = false;
    v->bytes[n] = '\0';
    return v;
}

Value *
value_string(const void *p, size_t n)
{
    unsigned char head[VALUE_HEAD_BYTES + 1 + VALUE_VARINT_MAX];
    unsigned char *end = head;
    *end++ = VALUE_FORM;
    *end++ = 0;
    if (n <= VALUE_SHORT_MAX) {
        *end++ = (unsigned char)(TAG_SHORT + n);
    } else {
        *end++ = TAG_STRING;
        end = value_put_varint(end, n);
    }
    size_t size = (size_t)(end - head);
    Value *v = n < SIZE_MAX / 2 ? value_new(size + n, true) : NULL;
    if (!v)
        return NULL;
    memcpy(v->bytes, head, size);
    if (n)
        memcpy(v->bytes + size, p, n);
    return v;
}

const char *
value_as_string(const Value *v, size_t *n)
{
    if (v->n <= VALUE_HEAD_BYTES || v->bytes[0] != VALUE_FORM)
        return NULL;
    const unsigned char *at = v->bytes + VALUE_HEAD_BYTES;
    const unsigned char *end = v->bytes + v->n;
    uint64_t length;
    if (*at >= TAG_SHORT && *at < TAG_SMALL)
        length = *at++ - (unsigned)TAG_SHORT;
    else if (*at++ != TAG_STRING || !value_get_varint(&at, end, &length))
        return NULL;
    if (length != (size_t)(end - at))
        return NULL;
    *n = (size_t)length;
    return (const char *)at;
}

Value *
value_import(const void *p, size_t n, bool trusted)
{
    Value *v = value_new(n, trusted);
    if (v && n)
        memcpy(v->bytes, p, n);
    return v;
}

const void *
value_bytes(const Value *v, size_t *n)
{
    *n = v->n;
    return v->bytes;
}

size_t
value_handles(const Value *v)
{
    return v->handles;
}

uint64_t
value_handle(const Value *v, size_t i)
{
    uint64_t id;
    memcpy(&id, v->bytes + v->n + 1 + i * sizeof id, sizeof id);
    return id;
}

const char *
value_type_name(const Value *v)
{
    static const char *const names[] = {
        [TAG_NIL] = "nil",
        [TAG_FALSE] = "boolean",
        [TAG_TRUE] = "boolean",
        [TAG_NULL] = "userdata",
        [TAG_GLOBALS] = "table",
        [TAG_BUNDLE] = "table",
        [TAG_INT] = "number",
        [TAG_INT64] = "number",
        [TAG_FLOAT] = "number",
        [TAG_STRING] = "string",
        [TAG_STRING_SHARED] = "string",
        [TAG_TABLE] = "table",
        [TAG_TABLE_SHARED] = "table",
        [TAG_ARRAY] = "table",
        [TAG_ARRAY_SHARED] = "table",
        [TAG_FUNCTION] = "function",
        [TAG_FUNCTION_SHARED] = "function",
        [TAG_LIBRARY] = "function",
        [TAG_MODULE] = "table",
        [TAG_HANDLE] = "userdata",
    };
    unsigned char tag = v->bytes[VALUE_HEAD_BYTES];
    if (tag >= TAG_SHORT)
        return tag >= TAG_SMALL ? "number" : "string";
    return tag < countof(names) && names[tag] ? names[tag] : "nil";
}

size_t
value_content(const Value *v)
{
    size_t n = 0;
    if (value_as_string(v, &n) || strcmp(value_type_name(v), "nil") == 0)
        return n;
    return v->n - VALUE_HEAD_BYTES;
}

size_t
value_size(const Value *v)
{
    return VALUE_HEAD + v->n + 1 + v->handles * sizeof(uint64_t);
}

size_t
value_held(const Value *v)
{
    return v && !v->mapped ? value_size(v) : 0;
}

static bool
value_write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        p += written;
        n -= (size_t)written;
    }
    return true;
}

int
value_to_file(Value **v, int fd)
{
    size_t n = value_size(*v);
    if (!value_write_all(fd, (const char *)*v, n))
        return ORUN_ESYS;
    Value *there = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (there == MAP_FAILED)
        return ORUN_ESYS;
    there->mapped = true;
    value_drop(*v);
    *v = there;
    return 0;
}

void
value_rest(const Value *v)
{
    if (v->mapped)
        madvise((void *)v, value_size(v), MADV_DONTNEED);
}

/* ---- what travels by name ----
 *
 * The registry holds a table from each C function to its name: the script's
 * from the beginning, a task's once a C function was asked for. What has
 * several names goes by the one of a module that is there in every state, else
 * by the least. */

static const char value_known_names = 'n'; /* its address is the key */

enum { VALUE_KNOWN_FUNCTIONS = 200 }; /* about so many there are */

/* There in every state, the best name first. */
static const char *const value_known_standard[] = {
    LUA_GNAME,     LUA_COLIBNAME,   LUA_TABLIBNAME,  LUA_IOLIBNAME,
    LUA_OSLIBNAME, LUA_STRLIBNAME,  LUA_UTF8LIBNAME, LUA_MATHLIBNAME,
    LUA_DBLIBNAME, LUA_LOADLIBNAME, "orun",          "cjson",
};

static size_t
value_known_rank(const char *module)
{
    size_t i = 0;
    while (i < countof(value_known_standard)
           && strcmp(module, value_known_standard[i]) != 0)
        i++;
    return i;
}

/* Of two names that one module has, does `a` say better what it is? */
static bool
value_known_before(const char *a, const char *b)
{
    size_t rank_a = value_known_rank(a), rank_b = value_known_rank(b);
    return rank_a != rank_b ? rank_a < rank_b : strcmp(a, b) < 0;
}

/* The same of two functions' names, "module\0field". */
static bool
value_known_function_before(const char *a, const char *b)
{
    bool same = strcmp(a, b) == 0;
    return same ? strcmp(a + strlen(a) + 1, b + strlen(b) + 1) < 0
                : value_known_before(a, b);
}

/* Name the C functions of the module on top, called `module`, in the table at
 * `names`. */
static void
value_known_name(lua_State *L, int names, const char *module)
{
    int t = lua_gettop(L);
    lua_pushnil(L);
    for (; lua_next(L, t); lua_pop(L, 1)) {
        if (!lua_iscfunction(L, -1) || lua_type(L, -2) != LUA_TSTRING)
            continue;
        const char *name = lua_pushfstring(L, "%s%c%s", module, 0,
                                           lua_tostring(L, -2));
        lua_pushvalue(L, -2);
        if (lua_rawget(L, names) != LUA_TSTRING
            || value_known_function_before(name, lua_tostring(L, -1))) {
            lua_pushvalue(L, -3);
            lua_pushvalue(L, -3);
            lua_rawset(L, names);
        }
        lua_pop(L, 2);
    }
}

/* ( -- ) A name learned before stays: string.fmt = string.format renames
 * nothing. */
static int
value_known_learn_names(lua_State *L)
{
    lua_createtable(L, 0, VALUE_KNOWN_FUNCTIONS);
    module_push_noted(L);
    lua_pushnil(L);
    for (; lua_next(L, 2); lua_pop(L, 1))
        if (lua_istable(L, -1) && lua_type(L, -2) == LUA_TSTRING)
            value_known_name(L, 1, lua_tostring(L, -2));
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &value_known_names) == LUA_TTABLE)
        for (lua_pushnil(L); lua_next(L, 3);) {
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, 1);
        }
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &value_known_names);
    return 0;
}

void
value_open(lua_State *L)
{
    lua_pushcfunction(L, value_known_learn_names);
    lua_call(L, 0, 0);
    lua_pushglobaltable(L);
    module_note(L, LUA_GNAME);
}

static int
value_known_learn_loaded(lua_State *L)
{
    module_open(L);
    return 0;
}

static int
value_known_protected(lua_State *L, lua_CFunction f)
{
    lua_pushcfunction(L, f);
    if (lua_pcall(L, 0, 0, 0) == LUA_OK)
        return 0;
    lua_pop(L, 1);
    return ORUN_ENOMEM;
}

int
value_known_learn(lua_State *L, bool functions)
{
    module_push_loaded(L);
    bool opened = lua_istable(L, -1);
    lua_pop(L, 1);
    int err = 0;
    if (!opened)
        err = value_known_protected(L, value_known_learn_loaded);
    if (!err && functions)
        err = value_known_protected(L, value_known_learn_names);
    return err;
}

const char *
value_known_module(lua_State *L, size_t *n)
{
    const char *best = NULL;
    int t = lua_gettop(L);
    module_push_noted(L);
    lua_pushnil(L);
    for (; lua_next(L, -2); lua_pop(L, 1)) {
        if (!lua_rawequal(L, -1, t) || lua_type(L, -2) != LUA_TSTRING)
            continue;
        const char *name = lua_tostring(L, -2); /* the table keeps it */
        if (!best || value_known_before(name, best))
            best = lua_tolstring(L, -2, n);
    }
    lua_settop(L, t);
    return best;
}

const char *
value_known_function(lua_State *L, size_t *n)
{
    const char *name = NULL;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &value_known_names) == LUA_TTABLE) {
        lua_pushvalue(L, -2);
        if (lua_rawget(L, -2) == LUA_TSTRING)
            name = lua_tolstring(L, -1, n); /* the table keeps it */
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return name;
}

void
value_known_push_module(lua_State *L, const char *name, size_t n)
{
    lua_pushlstring(L, name, n);
    module_get(L);
}

void
value_known_push_function(lua_State *L, const char *name, size_t n)
{
    size_t module = strnlen(name, n);
    if (module == n)
        luaL_error(L, "malformed value");
    value_known_push_module(L, name, module);
    lua_pushlstring(L, name + module + 1, n - module - 1);
    bool own = module == 4 && memcmp(name, "orun", 4) == 0; /* some come late */
    int type = !lua_istable(L, -2) ? LUA_TNIL
        : own                      ? lua_gettable(L, -2)
                                   : lua_rawget(L, -2);
    lua_remove(L, -2);
    if (type != LUA_TFUNCTION)
        luaL_error(L, "the function '%s.%s' is not available here", name,
                   name + module + 1);
}

bool
value_known_globals(lua_State *L, const void *globals, const char *name)
{
    if (!lua_istable(L, -1))
        return false;
    if (lua_topointer(L, -1) == globals)
        return true;
    if (strcmp(name, "_ENV") || !lua_getmetatable(L, -1))
        return false;
    lua_pop(L, 1);
    return true;
}
