/* lib_remote.c — calling primitives in the parent. */
#include "child/lib_remote.h"
#include "child/unseen.h"
#include "api/lib_arg.h"
#include "api/lib_orun.h"
#include "api/lib_response.h"
#include "base/err.h"
#include "base/fork.h"
#include "process/program.h"
#include "sched/wait.h"
#include "value/module.h"
#include "vm/handle.h"
#include "vm/park.h"
#include "vm/vm.h"
#include <stdio.h>
#include <time.h>

enum { LIB_REMOTE_RESULTS = 1000 }; /* of one call, at most */

static const char lib_remote_names; /* registry key: id -> description */

/* ---- handles ---- */

static void
lib_remote_push_names(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &lib_remote_names) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &lib_remote_names);
}

void
lib_remote_learn(lua_State *L, const char *p, size_t n)
{
    Frame f = { .at = p, .end = p + n };
    if (n == 0)
        return;
    lib_remote_push_names(L);
    while (f.at != f.end) {
        uint64_t id;
        const char *text;
        if (!frame_get_number(&f, &id) || !frame_get_text(&f, &text))
            luaL_error(L, "malformed reply");
        lua_pushstring(L, text);
        lua_rawseti(L, -2, (lua_Integer)id);
    }
    lua_pop(L, 1);
}

static void
lib_remote_resolve(lua_State *L, uint64_t id, void *ud)
{
    (void)ud;
    luaL_checkstack(L, 6, NULL);
    lib_remote_push_names(L);
    lua_rawgeti(L, -1, (lua_Integer)id);
    handle_push_named(L, id, lua_tostring(L, -1));
    lua_replace(L, -3);
    lua_pop(L, 1);
}

const ValueOps lib_remote_decoding = { .resolve = lib_remote_resolve };

/* ---- objects that stay in orun ---- */

typedef struct RemoteType {
    const char *name;
    const char *methods[5];
    bool reads; /* has lines, and can be closed by a variable's end */
} RemoteType;

static const RemoteType lib_remote_types[] = {
    { COLLECTOR_TYPE, { ":next", ":add" }, false },
    { RESPONSE_TYPE, { ":read", ":close" }, true },
    { STREAM_TYPE, { ":read", ":wait", ":kill", ":close" }, true },
};

/* The number of the object at idx; NULL: not an object. */
static lua_Integer *
lib_remote_object(lua_State *L, int idx)
{
    lua_Integer *number = NULL;
    for (size_t i = 0; i < countof(lib_remote_types) && !number; i++)
        number = luaL_testudata(L, idx, lib_remote_types[i].name);
    return number;
}

static int
lib_remote_object_gc(lua_State *L)
{
    lua_Integer *number = lua_touserdata(L, 1);
    ParentLink *u = vm_of(L)->owner;
    if (fork_count)
        return 0;
    frame_put_number(parent_link_released(u), (uint64_t)*number);
    return 0;
}

/* __close; upvalue: the method. The error it is closed for is not sent. */
static int
lib_remote_object_close(lua_State *L)
{
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 0);
    return 0;
}

static void lib_remote_push(lua_State *L, const luaL_Reg *f, bool method);

/* Fill the metatable on top. */
static void
lib_remote_make_type(lua_State *L, const RemoteType *type)
{
    lua_newtable(L);
    for (const char *const *m = type->methods; *m; m++) {
        lib_remote_push(L, &(luaL_Reg){ *m, NULL }, false);
        lua_setfield(L, -2, *m + 1);
    }
    if (type->reads) {
        lua_pushcfunction(L, lib_response_lines);
        lua_setfield(L, -2, "lines");
        lua_getfield(L, -1, "close");
        lua_pushcclosure(L, lib_remote_object_close, 1);
        lua_setfield(L, -3, "__close");
    }
    lua_pushcclosure(L, lib_response_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, lib_remote_object_gc);
    lua_setfield(L, -2, "__gc");
}

/* Push the object of that number, whose fields are on top and are taken. */
static void
lib_remote_push_object(lua_State *L, const char *name, uint64_t number)
{
    const RemoteType *type = lib_remote_types;
    while (strcmp(type->name, name) != 0)
        if (++type == lib_remote_types + countof(lib_remote_types))
            luaL_error(L, "malformed reply");
    lua_Integer *n = lua_newuserdatauv(L, sizeof *n, 1);
    *n = (lua_Integer)number;
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, 1);
    if (luaL_newmetatable(L, name))
        lib_remote_make_type(L, type);
    lua_setmetatable(L, -2);
}

/* ---- the call ---- */

/* Append argument idx; false with the reason in `why`. */
static bool
lib_remote_put(lua_State *L, int idx, Buf *b, Buf *why)
{
    size_t n;
    Value *v;
    const lua_Integer *object = lib_remote_object(L, idx);
    if (object) {
        frame_put_number(b, CARRY_OBJECT);
        frame_put_number(b, (uint64_t)*object);
        return true;
    }
    if (value_encode(L, idx, "", &handle_encoding, &v, why))
        return false;
    const void *p = value_bytes(v, &n);
    frame_put_number(b, CARRY_VALUE);
    frame_put(b, p, n);
    value_drop(v);
    return true;
}

/* Say why an argument cannot be sent, in the primitive's own words: the path
 * starts below its table of options. */
static void
lib_remote_why(LibWhy *why, const char *name, int argument, Buf *text)
{
    const char *s = buf_cstr(text);
    if (*s == '.')
        snprintf(why->text, sizeof why->text, "%s: %s", name, s + 1);
    else
        snprintf(why->text, sizeof why->text, "%s: argument %d%s", name,
                 argument, s);
    buf_free(text);
}

/* Send a CALL with the arguments from `first` on; false: see `why`. */
static bool
lib_remote_send(lua_State *L, ParentLink *u, const char *name, int first,
                LibWhy *why)
{
    int top = lua_gettop(L);
    lua_Debug ar = { 0 };
    Buf b = { 0 }, text = { 0 }, *released = parent_link_released(u);
    bool known = park_line(L, &ar), fine = true;
    frame_begin(&b, FRAME_CALL);
    frame_put_text(&b, name);
    frame_put_text(&b, known ? ar.short_src : NULL);
    frame_put_number(&b, known ? (uint64_t)ar.currentline : 0);
    frame_put(&b, released->p, released->n);
    frame_put_number(&b, (uint64_t)(top - first + 1));
    for (int i = first; fine && i <= top; i++)
        if (!(fine = lib_remote_put(L, i, &b, &text)))
            lib_remote_why(why, name, i - first + 1, &text);
    int e = fine ? frame_end(&b) : 0;
    if (e)
        snprintf(why->text, sizeof why->text, "%s: %s", name, err_text(e));
    if (e || !fine) {
        buf_free(&b);
        return false;
    }
    buf_free(released);
    parent_link_send(u, &b);
    return true;
}

/* ---- the reply ---- */

static int
lib_remote_malformed(lua_State *L)
{
    return luaL_error(L, "malformed reply");
}

/* Raise what the primitive raised, at the line that called it. */
static int
lib_remote_raise(lua_State *L, Frame *f)
{
    Vm *vm = vm_of(L);
    const char *text;
    if (!frame_get_text(f, &text) || !text)
        return lib_remote_malformed(L);
    if (stop_wanted(&vm->stop))
        return stop_raise(L, &vm->stop);
    if (strcmp(text, "not enough memory") == 0) {
        lua_pushliteral(L, "not enough memory"); /* becomes LUA_ERRMEM */
        return lua_error(L);
    }
    return luaL_error(L, "%s", text);
}

/* Push the next result. */
static void
lib_remote_push_result(lua_State *L, ParentLink *u, Frame *f)
{
    uint64_t tag, number = 0;
    const char *names = NULL, *p = NULL, *type = NULL;
    size_t names_size = 0, n = 0;
    bool fine = frame_get_number(f, &tag);
    if (fine && tag == CARRY_OBJECT)
        fine = frame_get_number(f, &number) && frame_get_text(f, &type) && type;
    if (!fine || !frame_get(f, &names, &names_size) || !frame_get(f, &p, &n))
        lib_remote_malformed(L);
    lib_remote_learn(L, names, names_size);
    const Value *v = parent_link_hold(u, p, n);
    if (!v)
        luaL_error(L, "%s", err_text(ORUN_ENOMEM));
    value_decode(L, v, &lib_remote_decoding);
    if (tag == CARRY_OBJECT)
        lib_remote_push_object(L, type, number);
    if (tag != CARRY_LIST)
        return;
    module_push(L, "orun.list");
    lua_setmetatable(L, -2);
}

/* Upvalues: the primitive's name, whether it is called as a method. */
static int
lib_remote_call(lua_State *L)
{
    Vm *vm = vm_of(L);
    ParentLink *u = vm->owner;
    LibWhy why = { "" };
    uint64_t fine, count;
    if (fork_count)
        park_refuse_fork(L);
    const char *name = lua_tostring(L, lua_upvalueindex(1));
    int first = 1 + lua_toboolean(L, lua_upvalueindex(2));
    luaL_checkstack(L, 16, NULL);
    if (!lib_remote_send(L, u, name, first, &why))
        return luaL_error(L, "%s", why.text);
    Frame f = parent_link_wait(u, FRAME_REPLY);
    if (!frame_get_number(&f, &fine))
        return lib_remote_malformed(L);
    if (!fine)
        return lib_remote_raise(L, &f);
    if (!frame_get_number(&f, &count) || count > LIB_REMOTE_RESULTS)
        return lib_remote_malformed(L);
    luaL_checkstack(L, (int)count + 8, "too many results");
    for (uint64_t i = 0; i < count; i++)
        lib_remote_push_result(L, u, &f);
    if (count == 1 && (strcmp(name, "exec") == 0 || strcmp(name, ":wait") == 0))
        unseen_watch(L);
    return (int)count;
}

/* ---- what needs no request ---- */

bool lib_remote_keeps;

/* ticks(), now() -> seconds of the parent's clock */
static int
lib_remote_ticks(lua_State *L)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    lua_pushnumber(L, (double)t.tv_sec + (double)t.tv_nsec * 1e-9);
    return 1;
}

static lua_CFunction
lib_remote_own(const luaL_Reg *f)
{
    if (f->func == lib_ticks || (f->func == lib_now && !lib_remote_keeps))
        return lib_remote_ticks;
    static const lua_CFunction own[] = {
        lib_log, lib_nearest, lib_peek, lib_stopping, lib_unread,
    };
    for (size_t i = 0; i < countof(own); i++)
        if (f->func == own[i])
            return own[i];
    return NULL;
}

/* Push the function for the primitive f, called as a method (its first argument
 * is not sent) or not. Some are done in this process. */
static void
lib_remote_push(lua_State *L, const luaL_Reg *f, bool method)
{
    lua_CFunction own = lib_remote_own(f);
    if (own) {
        lua_pushcfunction(L, own);
        return;
    }
    lua_pushstring(L, f->name);
    lua_pushboolean(L, method);
    lua_pushcclosure(L, lib_remote_call, 2);
}

void
lib_remote_open(lua_State *L, Vm *vm, void *ud)
{
    static LibOrunPush *const push = lib_remote_push;
    (void)ud;
    lib_orun_open_by(L, vm, &push);
}
