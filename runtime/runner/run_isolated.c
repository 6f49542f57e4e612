/* run_isolated.c — the proxy of an isolated task.
 *
 * run_isolated_entry -> _wait -> (a CALL) _serve -> the primitive -> _served
 *                       ^                                              |
 *                       '----------------------------------------------'
 *
 * Whatever exists while the called primitive may raise or wait belongs to the
 * Isolate or to the state. Frames and Values are made where nothing raises.
 *
 * Collectors, responses and streams, which are userdata, stay here. The process
 * has a number for each: its index in a table in the registry.
 */
#include "runner/run_isolated.h"
#include "base/err.h"
#include "base/version.h"
#include "engine/engine.h"
#include "http/request.h"
#include "process/program.h"
#include "runner/isolate.h"
#include "runner/run_tree.h"
#include "value/value.h"
#include "vm/handle.h"
#include "vm/task_result.h"
#include "vm/vm_seed.h"
#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <math.h>
#include <stdio.h>

static const char run_isolated_key; /* of the table of kept objects */

/* ---- the start ---- */

/* The input, with handles replaced by the outputs of their tasks. The caller
 * owns a reference. May raise, before that is taken. */
static Value *
run_isolated_input(lua_State *L, LuaRun *run)
{
    const Task *t = run->task;
    if (!t->input || value_handles(t->input) == 0)
        return value_hold(t->input);
    ValueOps ops = task_result_decoding(run->sched, run->task);
    char text[512] = "";
    Buf why = { 0 };
    Value *v = NULL;
    value_decode(L, t->input, &ops);
    if (value_encode(L, -1, "input", NULL, &v, &why))
        snprintf(text, sizeof text, "%s", buf_cstr(&why));
    buf_free(&why);
    if (!v)
        luaL_error(L, "%s", text);
    return v;
}

static void
run_isolated_put_value(Buf *b, const Value *v)
{
    size_t n = 0;
    const void *p = v ? value_bytes(v, &n) : NULL;
    frame_put(b, p, n);
}

/* Append the descriptions of the tasks whose handles are in v: id, text. */
static void
run_isolated_add_names(Buf *names, LuaRun *run, const Value *v)
{
    for (size_t i = 0; v && i < value_handles(v); i++) {
        uint64_t id = value_handle(v, i);
        const Task *t = board_find(&run->sched->board, id);
        if (t && t->description) {
            frame_put_number(names, id);
            frame_put_text(names, t->description);
        }
    }
}

/* One field: the names, as fields. */
static void
run_isolated_put_names(Buf *b, Buf *names)
{
    b->failed |= buf_failed(names);
    frame_put(b, names->p, names->n);
    buf_free(names);
}

/* The START frame; child_read_start takes it apart. */
static int
run_isolated_frame(LuaRun *run, const Value *input, const char *path,
                   const char *cpath, Buf *b)
{
    const Task *t = run->task;
    Buf names = { 0 };
    frame_begin(b, FRAME_START);
    frame_put_text(b, ORUN_VERSION);
    frame_put_text(b, build_id);
    frame_put_number(b, vm_seed_get());
    frame_put_number(b, t->id);
    frame_put_number(b, run->attempt);
    frame_put_number(b, run->vm->limit);
    frame_put_number(b, t->opt ? t->opt->memory_limit : 0);
    frame_put_number(b, run->sched->durable != NULL);
    frame_put_text(b, t->description);
    frame_put_text(b, program_cwd(run));
    frame_put_text(b, run->tree ? run->tree->path : NULL);
    frame_put_text(b, run->tree ? run->tree->branch : NULL);
    frame_put_text(b, path);
    frame_put_text(b, cpath);
    run_isolated_add_names(&names, run, t->code);
    run_isolated_put_names(b, &names);
    run_isolated_put_value(b, t->code);
    run_isolated_put_value(b, input);
    run_isolated_put_value(b, task_prompt(t));
    return frame_end(b);
}

/* Push package.path and package.cpath as tasks have them. */
static void
run_isolated_push_paths(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, LUA_LOADLIBNAME);
    lua_getfield(L, -1, "path");
    lua_getfield(L, -2, "cpath");
}

/* Make run->isolate; raises if it cannot, or if the task is being stopped. */
static void
run_isolated_start(lua_State *L, LuaRun *run)
{
    Isolate *i = NULL;
    Buf start = { 0 };
    run_isolated_push_paths(L);
    Value *input = run_isolated_input(L, run);
    int e = run_isolated_frame(run, input, lua_tostring(L, 4),
                               lua_tostring(L, 5), &start);
    value_drop(input);
    if (e == 0)
        e = isolate_new(run, &start, &i);
    const char *why = e == ORUN_ESYS ? strerror(errno) : err_text(e);
    buf_free(&start);
    if (e == ORUN_ETOOBIG)
        luaL_error(L,
                   "the function and its input have more than %d bytes, "
                   "which is the most that goes to a process",
                   FRAME_MAX);
    if (e)
        luaL_error(L, "the task's process cannot be started: %s", why);
    sched_lock(run->sched);
    bool stopping = run->task->stopping != FAULT_NONE;
    run->isolate = i;
    sched_unlock(run->sched);
    if (stopping)
        stop_raise(L, &run->vm->stop);
    isolate_go(i);
}

/* ---- serving ---- */

/* Push the table of kept objects. */
static void
run_isolated_push_kept(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &run_isolated_key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &run_isolated_key);
}

/* Drop the objects whose numbers are in the frame's next field. */
static void
run_isolated_release(lua_State *L, Frame *f)
{
    Frame numbers = { 0 };
    uint64_t n;
    size_t size;
    if (!frame_get(f, &numbers.at, &size))
        luaL_error(L, "malformed call");
    numbers.end = numbers.at + size;
    run_isolated_push_kept(L);
    while (frame_get_number(&numbers, &n)) {
        lua_pushnil(L);
        lua_rawseti(L, -2, (lua_Integer)n);
    }
    lua_pop(L, 1);
}

/* Push the next argument: a value, or an object by its number. */
static void
run_isolated_push_argument(lua_State *L, LuaRun *run, Frame *f)
{
    const char *p;
    size_t n = 0;
    uint64_t tag, number;
    bool fine = frame_get_number(f, &tag);
    if (fine && tag == CARRY_OBJECT && frame_get_number(f, &number)) {
        run_isolated_push_kept(L);
        lua_rawgeti(L, -1, (lua_Integer)number);
        lua_remove(L, -2);
        return;
    }
    if (!fine || tag != CARRY_VALUE || !frame_get(f, &p, &n))
        luaL_error(L, "malformed call");
    ValueOps ops = handle_keeping(run->sched);
    const Value *v = isolate_hold(run->isolate, p, n);
    if (!v)
        luaL_error(L, "%s", err_text(ORUN_ENOMEM));
    value_decode(L, v, &ops);
}

/* The type of the kept object at idx; NULL if it is not one. */
static const char *
run_isolated_type(lua_State *L, int idx)
{
    static const char *const types[] = {
        COLLECTOR_TYPE,
        RESPONSE_TYPE,
        STREAM_TYPE,
    };
    for (size_t i = 0; i < countof(types); i++)
        if (luaL_testudata(L, idx, types[i]))
            return types[i];
    return NULL;
}

/* Insert the function to call below the n arguments on top: the primitive of
 * that name or, for ":next", that method of the first argument, an object. */
static void
run_isolated_insert(lua_State *L, const char *name, int n)
{
    int first = lua_gettop(L) - n + 1;
    if (name[0] == ':') {
        if (n < 1 || !run_isolated_type(L, first))
            luaL_error(L, "%s: there is no such object", name + 1);
        lua_getfield(L, first, name + 1);
    } else {
        lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
        lua_getfield(L, -1, "orun");
        lua_remove(L, -2);
        lua_getfield(L, -1, name); /* some are there once they are asked for */
        lua_remove(L, -2);
    }
    lua_insert(L, first);
}

/* Keep the object at idx, and replace it by its number. */
static void
run_isolated_keep(lua_State *L, int idx)
{
    run_isolated_push_kept(L);
    lua_Integer number = luaL_len(L, -1) + 1;
    while (lua_rawgeti(L, -1, number) != LUA_TNIL) {
        lua_pop(L, 1);
        number++;
    }
    lua_pop(L, 1);
    lua_pushvalue(L, idx);
    lua_rawseti(L, -2, number);
    lua_pop(L, 1);
    lua_pushlightuserdata(L, (void *)(uintptr_t)number);
    lua_replace(L, idx);
}

static bool
run_isolated_is_list(lua_State *L, int idx)
{
    if (!lua_istable(L, idx) || !lua_getmetatable(L, idx))
        return false;
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "orun.list");
    bool is = lua_rawequal(L, -1, -3);
    lua_pop(L, 3);
    return is;
}

/* The results, from 2 on, after a number that has bit n for each that is a
 * list. */
static int
run_isolated_got(lua_State *L, int status, lua_KContext ctx)
{
    lua_Integer lists = 0;
    (void)status;
    (void)ctx;
    luaL_checkstack(L, 8, NULL);
    for (int i = 2; i <= lua_gettop(L); i++) {
        if (run_isolated_type(L, i))
            run_isolated_keep(L, i);
        else if (i < 64 && run_isolated_is_list(L, i))
            lists |= (lua_Integer)1 << i;
    }
    lua_pushinteger(L, lists);
    lua_replace(L, 1);
    return lua_gettop(L);
}

/* Protected, and where it can yield. Argument: the CALL. Fields: name, file,
 * line, dropped objects, count of arguments, the arguments. */
static int
run_isolated_serve(lua_State *L)
{
    enum { MOST = 200 };
    Frame *f = lua_touserdata(L, 1);
    LuaRun *run = park_run(L);
    const char *name, *file;
    uint64_t line, count;
    if (!frame_get_text(f, &name) || !name || !frame_get_text(f, &file)
        || !frame_get_number(f, &line))
        return luaL_error(L, "malformed call");
    run_isolated_release(L, f);
    if (!frame_get_number(f, &count))
        return luaL_error(L, "malformed call");
    if (count > MOST)
        return luaL_error(L, "%s: too many arguments", name);
    run->file = file ? engine_intern(run->engine, file) : NULL;
    run->line = run->file ? (int)line : 0;
    luaL_checkstack(L, (int)count + 8, NULL);
    for (uint64_t i = 0; i < count; i++)
        run_isolated_push_argument(L, run, f);
    run_isolated_insert(L, name, (int)count);
    lua_callk(L, (int)count, LUA_MULTRET, 0, run_isolated_got);
    return run_isolated_got(L, LUA_OK, 0);
}

/* ---- replying: nothing below raises ---- */

/* Begin a result that is a kept object, by its number at idx: leaves its fields
 * (nil: none) on the stack. */
static void
run_isolated_put_object(lua_State *L, int idx, Buf *b)
{
    lua_Integer number = (lua_Integer)(uintptr_t)lua_touserdata(L, idx);
    frame_put_number(b, CARRY_OBJECT);
    frame_put_number(b, (uint64_t)number);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &run_isolated_key);
    lua_rawgeti(L, -1, number);
    frame_put_text(b, run_isolated_type(L, -1));
    lua_getiuservalue(L, -1, 1);
}

/* Append the result at idx; false with the reason in `why`. */
static bool
run_isolated_put(lua_State *L, LuaRun *run, int idx, bool list, Buf *b,
                 Buf *why)
{
    Value *v;
    Buf names = { 0 };
    int top = lua_gettop(L);
    if (lua_islightuserdata(L, idx)) {
        run_isolated_put_object(L, idx, b);
        idx = lua_gettop(L);
    } else {
        frame_put_number(b, list ? CARRY_LIST : CARRY_VALUE);
    }
    if (value_encode(L, idx, "result", &handle_encoding, &v, why))
        return false;
    lua_settop(L, top);
    run_isolated_add_names(&names, run, v);
    run_isolated_put_names(b, &names);
    run_isolated_put_value(b, v);
    value_drop(v);
    return true;
}

/* The REPLY with an error: 0, text. */
static void
run_isolated_reply_error(Buf *b, Buf *text)
{
    const char *s = buf_cstr(text);
    buf_free(b);
    frame_begin(b, FRAME_REPLY);
    frame_put_number(b, 0);
    frame_put_text(b, *s ? s : err_text(ORUN_ENOMEM));
    if (frame_end(b))
        b->failed = true;
}

/* The REPLY with the results on the stack: 1, how many, the results. */
static void
run_isolated_reply(lua_State *L, LuaRun *run, Buf *b, Buf *why)
{
    int top = lua_gettop(L);
    lua_Integer lists = lua_tointeger(L, 1);
    bool fine = lua_checkstack(L, 8);
    frame_begin(b, FRAME_REPLY);
    frame_put_number(b, 1);
    frame_put_number(b, (uint64_t)(top - 1));
    for (int i = 2; fine && i <= top; i++)
        fine = run_isolated_put(L, run, i, i < 64 && lists >> i & 1, b, why);
    int e = fine ? frame_end(b) : 0;
    if (e)
        buf_puts(why, err_text(e));
    if (e || !fine)
        run_isolated_reply_error(b, why);
}

static int run_isolated_wait(lua_State *L, LuaRun *run);

/* The call has ended, well or not: reply, and wait for the next. */
static int
run_isolated_served(lua_State *L, int status, lua_KContext ctx)
{
    LuaRun *run = park_run(L);
    Buf reply = { 0 }, text = { 0 };
    (void)ctx;
    run->line = 0;
    if (status == LUA_OK || status == LUA_YIELD) {
        run_isolated_reply(L, run, &reply, &text);
    } else {
        vm_error_text(L, &text);
        run_isolated_reply_error(&reply, &text);
    }
    buf_free(&text);
    isolate_reply(run->isolate, &reply);
    return run_isolated_wait(L, run);
}

static int
run_isolated_woken(lua_State *L, int status, lua_KContext ctx)
{
    LuaRun *run = park_run(L);
    bool ended;
    Frame *call = isolate_take(run->isolate, &ended);
    (void)status;
    (void)ctx;
    if (ended)
        return 0;
    if (!call)
        return run_isolated_wait(L, run);
    lua_settop(L, 0);
    lua_pushcfunction(L, run_isolated_serve);
    lua_pushlightuserdata(L, call);
    int s = lua_pcallk(L, 1, LUA_MULTRET, 0, 0, run_isolated_served);
    return run_isolated_served(L, s, 0);
}

static int
run_isolated_wait(lua_State *L, LuaRun *run)
{
    WaitFor what = { .kind = WAIT_FOR_OP,
                     .op = isolate_op(run->isolate),
                     .deadline = INFINITY,
                     .work = true };
    lua_settop(L, 0);
    return park(L, &what, run_isolated_woken, 0);
}

int
run_isolated_entry(lua_State *L)
{
    LuaRun *run = lua_touserdata(L, 1);
    run_isolated_start(L, run);
    return run_isolated_wait(L, run);
}

void
run_isolated_close(LuaRun *run)
{
    Isolate *i = run->isolate;
    if (!i)
        return;
    run->line = 0;
    sched_lock(run->sched);
    run->isolate = NULL;
    sched_unlock(run->sched);
    isolate_free(i);
}
