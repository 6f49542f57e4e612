/* lib_output.c — what programs print, piece by piece.
 *
 * lua/output.lua makes the reader that scripts use of the one function here,
 * which knows no position: it reads from an offset, and waits when there is
 * nothing there yet. What is read may be far larger than memory.
 */
#include "api/lib_output.h"
#include "api/lib_arg.h"
#include "api/lib_class.h"
#include "api/lib_orun.h"
#include "api/lib_related.h"
#include "base/err.h"
#include "engine/engine.h"
#include "runner/run_lua.h"
#include "runner/run_process.h"
#include "value/value.h"
#include <lauxlib.h>
#include <math.h>

static int
lib_output_gc(lua_State *L)
{
    if (park_forked(L))
        return 0; /* the parent has it */
    LibOutput *box = lua_touserdata(L, 1);
    output_drop(box->output);
    box->output = NULL;
    buf_free(&box->text);
    return 0;
}

static const luaL_Reg lib_output_methods[] = {
    { "__gc", lib_output_gc },
    { NULL, NULL },
};

LibOutput *
lib_output_box(lua_State *L)
{
    LibOutput *box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = (LibOutput){ 0 };
    lib_class_set(L, "orun.output", lib_output_methods);
    return box;
}

bool
lib_output_push(lua_State *L, LibOutput *box, size_t max)
{
    bool cut = output_copy(box->output, max, &box->text);
    if (buf_failed(&box->text))
        luaL_error(L, "TaskOutput: %s", err_text(ORUN_ENOMEM));
    lua_pushlstring(L, buf_cstr(&box->text), box->text.n);
    buf_free(&box->text);
    return cut;
}

void
lib_output_push_at(lua_State *L, const char *fn, Output *o, size_t offset,
                   size_t n)
{
    luaL_Buffer b;
    char *to = luaL_buffinitsize(L, &b, n);
    size_t got = output_read_at(o, offset, to, n);
    luaL_pushresultsize(&b, got);
    if (got < n)
        luaL_error(L, "%s: its file %s cannot be read", fn, output_path(o));
}

/* ---- read_output(task, stream, offset, max, deadline, attempt) ---- */

enum {
    READ_TASK = 1,
    READ_STREAM,
    READ_OFFSET,
    READ_MAX,
    READ_DEADLINE,
    READ_ATTEMPT,
    READ_BOX
};

LibSource
lib_source_find(Sched *s, Task *t, bool err, LibOutput *box)
{
    LibSource from = { .text = "" };
    output_drop(box->output);
    box->output = NULL;
    sched_lock(s);
    from.final = task_final(t);
    uint32_t nth = 0;
    if (!from.final && !agent_prints(t))
        box->output = run_lua_live(t, err, &nth);
    else if (!from.final)
        box->output = run_process_live(t, err);
    const Captured *c = from.final ? t->outcome.captured : NULL;
    nth = c ? c->nth : nth;
    from.attempt = (lua_Integer)nth << 32 | t->attempt;
    board_unlock(&s->board);
    from.output = !from.final ? box->output : !c ? NULL : err ? c->err : c->out;
    /* A result's own text is all that the task printed, or what a function
     * returned; a failed function printed nothing. */
    if (from.output)
        from.size = output_size(from.output);
    else if (from.final && !err && t->outcome.output)
        from.text = value_as_string(t->outcome.output, &from.size);
    return from;
}

static LibSource
lib_source_look(lua_State *L, Task *t, bool err, LibOutput *box)
{
    LibSource from = lib_source_find(park_run(L)->sched, t, err, box);
    if (!from.text)
        luaL_error(L,
                   "orun.output: the output of t%I is not text but a value "
                   "that a function returned: TaskOutput gives it",
                   (LUAI_UACINT)t->id);
    return from;
}

void
lib_source_push(lua_State *L, const LibSource *from, size_t offset, size_t max)
{
    size_t n = offset < from->size ? from->size - offset : 0;
    n = n < max ? n : max;
    if (from->output)
        lib_output_push_at(L, "orun.output", from->output, offset, n);
    else
        lua_pushlstring(L, n ? from->text + offset : "", n);
}

static int lib_read_again(lua_State *L, int status, lua_KContext ctx);

static int
lib_read_try(lua_State *L)
{
    LuaRun *run = park_run(L);
    Task *t = lua_touserdata(L, READ_TASK);
    LibOutput *box = lua_touserdata(L, READ_BOX);
    bool err = lua_toboolean(L, READ_STREAM);
    size_t offset = (size_t)lua_tointeger(L, READ_OFFSET);
    size_t max = (size_t)lua_tointeger(L, READ_MAX);
    lua_Integer attempt = lua_tointeger(L, READ_ATTEMPT);
    LibSource from = lib_source_look(L, t, err, box);
    if (attempt && attempt != from.attempt)
        offset = 0; /* a retry prints anew */
    if (max && offset >= from.size && !from.final) {
        WaitFor what = { .kind = WAIT_FOR_OUTPUT,
                         .task = t,
                         .output = from.output,
                         .have = offset,
                         .deadline = lua_tonumber(L, READ_DEADLINE),
                         .fn = "orun.output" };
        if (t == run->task)
            return luaL_error(L,
                              "orun.output: deadlock: the task would wait "
                              "for itself");
        return park(L, &what, lib_read_again, 0);
    }
    lib_source_push(L, &from, offset, max);
    lua_pushinteger(L, (lua_Integer)offset);
    lua_pushinteger(L, (lua_Integer)from.size);
    lua_pushboolean(L, from.final);
    lua_pushinteger(L, from.attempt);
    return 5;
}

static int
lib_read_again(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    int outcome = park_outcome(L);
    if (lib_related_waited(L, outcome))
        return 2;
    if (outcome == WAIT_DEADLOCK)
        return luaL_error(L,
                          "orun.output: the task can never end: nothing is "
                          "running or due that could finish it");
    return lib_read_try(L);
}

/* read_output(task, is_stderr, offset, max, timeout, attempt) gives the bytes
 * from `offset` on, at most `max`, once there are some or the task is final:
 * then also where they begin (0 when `attempt`, 0 for any, is over and another
 * prints anew), how many there are in all, whether the task is final, and the
 * attempt; or nil and "timeout". max = 0 does not wait. */
int
lib_read_output(lua_State *L)
{
    static const char fn[] = "orun.output";
    lua_settop(L, READ_ATTEMPT);
    Task *t = arg_task(L, fn, "task", READ_TASK);
    double timeout = arg_duration(L, fn, "timeout", READ_DEADLINE, true,
                                  INFINITY);
    lua_pushlightuserdata(L, t);
    lua_replace(L, READ_TASK);
    lua_pushnumber(L, board_now(&park_run(L)->sched->board) + timeout);
    lua_replace(L, READ_DEADLINE);
    lib_output_box(L);
    return lib_read_try(L);
}
