/* lib_test.c — require("orun.test"): doors to the C parts for the unit specs.
 *
 * Here: the table of states, failing allocations, paths that overlap, the
 * queue and the timers. The scheduler on a virtual clock, the worker pool and
 * the value codec have files of their own.
 */
#include "lib_test.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/queue.h"
#include "task/limit.h"
#include "task/task.h"
#include "task/timer.h"
#include "task/writes.h"
#include <lauxlib.h>

void *
lib_test_object(lua_State *L, const char *type, size_t size,
                const void *methods, lua_CFunction gc)
{
    void *object = lua_newuserdatauv(L, size, 1);
    memset(object, 0, size);
    if (luaL_newmetatable(L, type)) {
        lua_newtable(L);
        luaL_setfuncs(L, methods, 0);
        lua_setfield(L, -2, "__index");
        lua_pushcfunction(L, gc);
        lua_setfield(L, -2, "__gc");
        lua_pushcfunction(L, gc);
        lua_setfield(L, -2, "__close");
    }
    lua_setmetatable(L, -2);
    return object;
}

double
lib_test_number(lua_State *L, int idx, const char *key, double otherwise)
{
    if (lua_getfield(L, idx, key) != LUA_TNIL)
        otherwise = luaL_checknumber(L, -1);
    lua_pop(L, 1);
    return otherwise;
}

bool
lib_test_flag(lua_State *L, int idx, const char *key)
{
    lua_getfield(L, idx, key);
    bool set = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return set;
}

int
lib_test_error(lua_State *L, int code)
{
    lua_pushnil(L);
    lua_pushstring(L, err_name(code));
    return 2;
}

/* ---- states ---- */

#define X(name, text) #name,
static const char *const lib_test_states[] = { TASK_STATES(X) NULL };
#undef X

/* states() -> {{name=, word=, final=}, …} in order */
static int
lib_test_list_states(lua_State *L)
{
    lua_newtable(L);
    for (int i = 0; i < TASK_STATE_COUNT; i++) {
        lua_newtable(L);
        lua_pushstring(L, lib_test_states[i]);
        lua_setfield(L, -2, "name");
        lua_pushstring(L, task_state_name((TaskState)i));
        lua_setfield(L, -2, "word");
        lua_pushboolean(L, task_final(&(Task){ .state = (uint8_t)i }));
        lua_setfield(L, -2, "final");
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* may_move(from, to) -> boolean */
static int
lib_test_may_move(lua_State *L)
{
    int from = luaL_checkoption(L, 1, NULL, lib_test_states);
    int to = luaL_checkoption(L, 2, NULL, lib_test_states);
    lua_pushboolean(L, task_may_move((TaskState)from, (TaskState)to));
    return 1;
}

/* move(from, to) -> the name of the state it has then */
static int
lib_test_move(lua_State *L)
{
    Task t = { .state = (uint8_t)luaL_checkoption(L, 1, NULL,
                                                  lib_test_states) };
    task_move(&t, (TaskState)luaL_checkoption(L, 2, NULL, lib_test_states));
    lua_pushstring(L, lib_test_states[t.state]);
    return 1;
}

/* faults() -> {word, …}; fault("timeout") -> is there one of this word? */
static int
lib_test_faults(lua_State *L)
{
    lua_newtable(L);
    for (int i = 1; i < FAULT_COUNT; i++) {
        lua_pushstring(L, task_fault_name((TaskFault)i));
        lua_rawseti(L, -2, i);
    }
    return 1;
}

static int
lib_test_fault(lua_State *L)
{
    int found = task_fault_find(luaL_checkstring(L, 1));
    if (found < 0)
        return 0;
    lua_pushinteger(L, found);
    return 1;
}

/* ---- numbers for people ---- */

/* duration(seconds) -> text, bytes(n) -> text */
static int
lib_test_duration(lua_State *L)
{
    Buf text = { 0 };
    buf_seconds(&text, luaL_checknumber(L, 1));
    lua_pushstring(L, buf_cstr(&text));
    buf_free(&text);
    return 1;
}

static int
lib_test_bytes(lua_State *L)
{
    Buf text = { 0 };
    buf_bytes(&text, (size_t)luaL_checkinteger(L, 1));
    lua_pushstring(L, buf_cstr(&text));
    buf_free(&text);
    return 1;
}

/* ---- memory and paths ---- */

static long lib_test_failing;

void
lib_test_arm(void)
{
    mem_fail(lib_test_failing, 1);
    lib_test_failing = 0;
}

void
lib_test_disarm(void)
{
    mem_fail(0, 0);
}

/* fail_at(n): the n-th allocation that the part under test makes in the next
 * call fails; 0: none */
static int
lib_test_fail_at(lua_State *L)
{
    lib_test_failing = (long)luaL_checkinteger(L, 1);
    return 0;
}

/* refuse_at(n): the n-th allocation from now on fails, whoever makes it; 0:
 * none */
static int
lib_test_refuse_at(lua_State *L)
{
    mem_fail((long)luaL_checkinteger(L, 1), 1);
    return 0;
}

/* path(cwd, path) -> the plain absolute path */
static int
lib_test_path(lua_State *L)
{
    char *p = writes_path(luaL_checkstring(L, 1), luaL_checkstring(L, 2));
    lua_pushstring(L, p);
    mem_free(p);
    return 1;
}

/* overlap(path, path) -> boolean */
static int
lib_test_overlap(lua_State *L)
{
    char *a = (char *)luaL_checkstring(L, 1);
    char *b = (char *)luaL_checkstring(L, 2);
    Writes wa = { .n = 1, .paths = &a }, wb = { .n = 1, .paths = &b };
    lua_pushboolean(L, writes_overlap(&wa, &wb));
    return 1;
}

/* ---- the queue: numbers go in and come out ---- */

enum { LIB_NODES = 4096 };

typedef struct LibQueue {
    Queue q;
    List node[LIB_NODES]; /* number i is node[i] */
} LibQueue;

#define LIB_QUEUE "orun.test.queue"

static LibQueue *
lib_queue(lua_State *L)
{
    return luaL_checkudata(L, 1, LIB_QUEUE);
}

static List *
lib_queue_node(lua_State *L, LibQueue *q)
{
    lua_Integer i = luaL_checkinteger(L, 2);
    luaL_argcheck(L, i >= 0 && i < LIB_NODES, 2, "expected 0 to 4095");
    return &q->node[i];
}

static int
lib_queue_push(lua_State *L)
{
    LibQueue *q = lib_queue(L);
    queue_push(&q->q, lib_queue_node(L, q), (int)luaL_optinteger(L, 3, 0));
    return 0;
}

static int
lib_queue_push_front(lua_State *L)
{
    LibQueue *q = lib_queue(L);
    queue_push_front(&q->q, lib_queue_node(L, q),
                     (int)luaL_optinteger(L, 3, 0));
    return 0;
}

static int
lib_queue_give(lua_State *L, LibQueue *q, const List *node)
{
    if (!node)
        return 0;
    lua_pushinteger(L, node - q->node);
    return 1;
}

static int
lib_queue_peek(lua_State *L)
{
    LibQueue *q = lib_queue(L);
    return lib_queue_give(L, q, queue_peek(&q->q));
}

static int
lib_queue_shift(lua_State *L)
{
    LibQueue *q = lib_queue(L);
    return lib_queue_give(L, q, queue_shift(&q->q));
}

static int
lib_queue_remove(lua_State *L)
{
    list_del(lib_queue_node(L, lib_queue(L)));
    return 0;
}

static int
lib_test_gone(lua_State *L)
{
    (void)L;
    return 0;
}

static int
lib_test_queue(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "push", lib_queue_push },     { "push_front", lib_queue_push_front },
        { "peek", lib_queue_peek },     { "shift", lib_queue_shift },
        { "remove", lib_queue_remove }, { NULL, NULL },
    };
    LibQueue *q = lib_test_object(L, LIB_QUEUE, sizeof *q, methods,
                                  lib_test_gone);
    queue_init(&q->q);
    for (int i = 0; i < LIB_NODES; i++)
        list_init(&q->node[i]);
    return 1;
}

/* ---- timers: number i is timer[i] ---- */

typedef struct LibTimers {
    Timers all;
    Timer timer[LIB_NODES];
} LibTimers;

#define LIB_TIMERS "orun.test.timers"

static LibTimers *
lib_timers(lua_State *L)
{
    return luaL_checkudata(L, 1, LIB_TIMERS);
}

static Timer *
lib_timers_one(lua_State *L, LibTimers *t)
{
    lua_Integer i = luaL_checkinteger(L, 2);
    luaL_argcheck(L, i >= 0 && i < LIB_NODES, 2, "expected 0 to 4095");
    return &t->timer[i];
}

/* arm(i, at) -> true, or nil and the error */
static int
lib_timers_arm(lua_State *L)
{
    LibTimers *t = lib_timers(L);
    Timer *timer = lib_timers_one(L, t);
    double at = luaL_checknumber(L, 3);
    lib_test_arm();
    int e = timer_arm(&t->all, timer, at);
    lib_test_disarm();
    if (e)
        return lib_test_error(L, e);
    lua_pushboolean(L, 1);
    return 1;
}

static int
lib_timers_disarm(lua_State *L)
{
    LibTimers *t = lib_timers(L);
    timer_disarm(&t->all, lib_timers_one(L, t));
    return 0;
}

/* first() -> i, at, or nothing */
static int
lib_timers_first(lua_State *L)
{
    LibTimers *t = lib_timers(L);
    Timer *first = timer_first(&t->all);
    if (!first)
        return 0;
    lua_pushinteger(L, first - t->timer);
    lua_pushnumber(L, first->at);
    return 2;
}

/* armed() -> how many there are; raises when the heap is not in order */
static int
lib_timers_armed(lua_State *L)
{
    LibTimers *t = lib_timers(L);
    for (size_t i = 1; i <= t->all.n; i++) {
        if (t->all.heap[i]->slot != i)
            return luaL_error(L, "the timer in slot %d believes to be in %d",
                              (int)i, (int)t->all.heap[i]->slot);
        if (i > 1 && t->all.heap[i / 2]->at > t->all.heap[i]->at)
            return luaL_error(L, "slot %d is due before its parent", (int)i);
    }
    lua_pushinteger(L, (lua_Integer)t->all.n);
    return 1;
}

static int
lib_timers_gone(lua_State *L)
{
    timer_free(&((LibTimers *)lua_touserdata(L, 1))->all);
    return 0;
}

static int
lib_test_timers(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "arm", lib_timers_arm },
        { "disarm", lib_timers_disarm },
        { "first", lib_timers_first },
        { "armed", lib_timers_armed },
        { NULL, NULL },
    };
    lib_test_object(L, LIB_TIMERS, sizeof(LibTimers), methods, lib_timers_gone);
    return 1;
}

/* digest(piece, …) -> the hash of all of them, in hex */
static int
lib_test_digest(lua_State *L)
{
    unsigned char hash[DIGEST_SIZE];
    char hex[DIGEST_HEX + 1];
    Digest d;
    digest_begin(&d);
    for (int i = 1; i <= lua_gettop(L); i++) {
        size_t n;
        const char *piece = luaL_checklstring(L, i, &n);
        digest_add(&d, piece, n);
    }
    digest_end(&d, hash);
    digest_hex(hash, sizeof hash, hex);
    lua_pushstring(L, hex);
    return 1;
}

const luaL_Reg lib_test_functions[] = {
    { "states", lib_test_list_states },
    { "may_move", lib_test_may_move },
    { "move", lib_test_move },
    { "faults", lib_test_faults },
    { "fault", lib_test_fault },
    { "fail_at", lib_test_fail_at },
    { "path", lib_test_path },
    { "overlap", lib_test_overlap },
    { "refuse_at", lib_test_refuse_at },
    { "duration", lib_test_duration },
    { "bytes", lib_test_bytes },
    { "queue", lib_test_queue },
    { "timers", lib_test_timers },
    { "digest", lib_test_digest },
    { NULL, NULL },
};
