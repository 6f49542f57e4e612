/* lib_stream.c — a program whose output is read while it comes.
 *
 * What was not read is in the program's Output, so in a file when there is more
 * than its head: a reader that is slow, or only waits for the end, holds
 * nothing up and costs no memory.
 */
#include "api/lib_stream.h"
#include "api/lib_arg.h"
#include "api/lib_class.h"
#include "api/lib_orun.h"
#include "api/lib_output.h"
#include "api/lib_program.h"
#include "api/lib_related.h"
#include "api/lib_response.h"
#include <lauxlib.h>
#include <math.h>

enum { LIB_STREAM_PIECE = 64 << 10 }; /* bytes of one read, at most */

/* Its second user value is the program's name (the first of such objects has
 * their fields: a stream has none). */
typedef struct LibStream {
    Program *program; /* first, for lib_program_at; NULL: closed */
    Output *out;      /* what is read of */
    size_t offset;
    size_t max; /* bytes of each output that wait() gives */
} LibStream;

static void
lib_stream_clear(LibStream *s)
{
    output_drop(s->out);
    s->out = NULL;
    lib_program_clear(&s->program);
}

/* The open stream whose method `fn` is called; it has one argument more. */
static LibStream *
lib_stream_self(lua_State *L, const char *fn)
{
    LibStream *s = luaL_checkudata(L, 1, STREAM_TYPE);
    if (!s->program)
        luaL_error(L, "%s: the program's stream is closed", fn);
    lua_settop(L, 2);
    return s;
}

static int
lib_stream_gc(lua_State *L)
{
    if (park_forked(L))
        return 0; /* the parent has it */
    lib_stream_clear(luaL_checkudata(L, 1, STREAM_TYPE));
    return 0;
}

static int
lib_stream_closed(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    lib_stream_clear(lua_touserdata(L, 1));
    park_outcome(L);
    return 0;
}

/* close(): nothing more is wanted, the program is ended. Where that is the
 * task's own work, it has ended when this returns. Also __close. */
static int
lib_stream_close(lua_State *L)
{
    LibStream *s = luaL_checkudata(L, 1, STREAM_TYPE);
    const LuaRun *run = park_run(L);
    lua_settop(L, 1);
    bool waits = s->program && program_is_work(run, run->task)
        && program_state(s->program) < PROGRAM_ENDED;
    if (!waits)
        return lib_stream_gc(L);
    program_stop(s->program, false);
    return lib_program_wait(L, s->program, lib_stream_closed);
}

/* kill(): the program is ended; what it printed can be read, and its end waited
 * for. */
static int
lib_stream_kill(lua_State *L)
{
    program_stop(lib_stream_self(L, "kill")->program, false);
    return 0;
}

static int
lib_stream_wait_news(lua_State *L, LibStream *s, double deadline,
                     lua_KFunction k)
{
    const LuaRun *run = park_run(L);
    WaitFor what = { .kind = WAIT_FOR_OP,
                     .op = &s->program->news,
                     .deadline = deadline,
                     .work = program_is_work(run, run->task) };
    return park(L, &what, k, 0);
}

/* ---- reading ---- */

/* The end, which comes early when the rest was not kept. */
static int
lib_stream_push_end(lua_State *L, Output *out)
{
    lua_pushnil(L);
    if (!out || !output_error(out))
        return 1;
    lua_pushstring(L, output_error(out));
    lua_pushstring(L, task_fault_name(FAULT_LOST));
    return 3;
}

static int lib_stream_woken(lua_State *L, int status, lua_KContext ctx);

/* The deadline is at 2. */
static int
lib_stream_next(lua_State *L, LibStream *s)
{
    bool ended = program_state(s->program) >= PROGRAM_ENDED;
    output_drop(s->out);
    s->out = program_watch(s->program, s->offset);
    size_t size = s->out ? output_size(s->out) : 0;
    if (s->offset >= size)
        return ended
            ? lib_stream_push_end(L, s->out)
            : lib_stream_wait_news(L, s, lua_tonumber(L, 2), lib_stream_woken);
    size_t n = size - s->offset;
    lib_output_push_at(L, "read", s->out, s->offset,
                       n < LIB_STREAM_PIECE ? n : LIB_STREAM_PIECE);
    s->offset += lua_rawlen(L, -1);
    return 1;
}

static int
lib_stream_woken(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    if (lib_related_waited(L, park_outcome(L)))
        return 2;
    return lib_stream_next(L, lua_touserdata(L, 1));
}

/* read(timeout) -> the next bytes; nil at the end; nil, "timeout" when none
 * came for so long; nil, message, kind when what came next could not be kept */
static int
lib_stream_read(lua_State *L)
{
    LibStream *s = lib_stream_self(L, "read");
    double most = arg_duration(L, "read", "timeout", 2, true, INFINITY);
    lua_pushnumber(L, board_now(&park_run(L)->sched->board) + most);
    lua_replace(L, 2);
    return lib_stream_next(L, s);
}

/* ---- the start and the end ---- */

static const char *
lib_stream_name(lua_State *L, int idx)
{
    lua_getiuservalue(L, idx, 2);
    return lua_tostring(L, -1); /* anchored by the stream */
}

static int
lib_stream_ended(lua_State *L, int status, lua_KContext ctx)
{
    LibStream *s = lua_touserdata(L, 1);
    (void)status;
    (void)ctx;
    park_outcome(L);
    lib_program_push_end(L, s->program, lib_stream_name(L, 1), s->max);
    return 1;
}

/* wait() -> what orun.exec returns, once the program has ended */
static int
lib_stream_wait(lua_State *L)
{
    LibStream *s = lib_stream_self(L, "wait");
    return lib_program_wait(L, s->program, lib_stream_ended);
}

static int
lib_stream_begun(lua_State *L, int status, lua_KContext ctx)
{
    int box = lua_gettop(L);
    LibStream *s = lua_touserdata(L, box);
    (void)status;
    (void)ctx;
    park_outcome(L);
    if (program_state(s->program) == PROGRAM_REFUSED)
        return lib_program_push_refusal(L, s->program, lib_stream_name(L, box));
    lua_settop(L, box);
    return 1;
}

int
lib_stream_begin(lua_State *L)
{
    return lib_stream_wait_news(L, lua_touserdata(L, -1), INFINITY,
                                lib_stream_begun);
}

Program **
lib_stream_push(lua_State *L, const char *name, size_t max)
{
    static const luaL_Reg methods[] = {
        { "read", lib_stream_read },     { "lines", lib_response_lines },
        { "wait", lib_stream_wait },     { "kill", lib_stream_kill },
        { "close", lib_stream_close },   { "__gc", lib_stream_gc },
        { "__close", lib_stream_close }, { NULL, NULL },
    };
    LibStream *s = lua_newuserdatauv(L, sizeof *s, 2);
    *s = (LibStream){ .max = max };
    lib_class_set(L, STREAM_TYPE, methods);
    lua_pushstring(L, name);
    lua_setiuservalue(L, -2, 2);
    return &s->program;
}
