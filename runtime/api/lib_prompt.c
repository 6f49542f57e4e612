/* lib_prompt.c — lines from a terminal, and code that Ctrl-C ends.
 *
 * The script's thread waits for a line, as it would in io.read; tasks go on in
 * the pool and the io thread. Ctrl-C, which another thread hears of, goes by
 * what the prompt does: a line that is typed is thrown away; code is stopped as
 * that of a script is, but then forgiven, and the tasks that it had started are
 * cancelled. Those of earlier lines go on.
 */
#include "api/lib_prompt.h"
#include "api/lib_class.h"
#include "api/lib_task.h"
#include "base/line_editor.h"
#include "base/thread.h"
#include "process/program.h"
#include "sched/lifecycle.h"
#include "sched/wait.h"
#include "task/agent.h"
#include "thread/epoch.h"
#include <errno.h>
#include <string.h>

#define PROMPT_TYPE "orun.prompt"

enum {
    LIB_PROMPT_PATIENCE = 1000, /* milliseconds between looks at a stop */
    LIB_PROMPT_AGENTS = 1000,   /* names, at most */
};

/* What it does now. */
typedef enum LibPromptPhase {
    PROMPT_BETWEEN,
    PROMPT_READS,
    PROMPT_CALLS,
} LibPromptPhase;

typedef struct LibPrompt {
    LineEditor *editor; /* NULL: it was closed */
    LuaRun *run;
    lua_State *L; /* that reads now, for `complete`, the user value */
    Buf line;

    /* Guarded by lib_prompt_lock: */
    LibPromptPhase phase;
    bool interrupted; /* the code that it calls */
    bool early;       /* between the line and its code */
} LibPrompt;

static uv_mutex_t lib_prompt_lock = THREAD_MUTEX_INIT;
static LibPrompt *lib_prompt_one; /* guarded by it; NULL: none is open */

static LibPrompt *
lib_prompt_self(lua_State *L)
{
    LibPrompt *p = luaL_checkudata(L, 1, PROMPT_TYPE);
    luaL_argcheck(L, p->editor, 1, "it was closed");
    return p;
}

/* ---- Ctrl-C ---- */

/* As orun_interrupt, but the run is not to end. */
static void
lib_prompt_stop(LuaRun *run)
{
    Sched *s = run->sched;
    stop_request(&run->vm->stop, STOP_ONCE, "interrupted");
    sched_lock(s);
    run->task->stopping = FAULT_CANCELLED;
    program_stop_all(run, false);
    if (run->task->waiting)
        wait_fire(run->task->waiting, WAIT_STOPPED);
    sched_unlock(s);
}

bool
lib_prompt_interrupt(void)
{
    uv_mutex_lock(&lib_prompt_lock);
    LibPrompt *p = lib_prompt_one;
    bool calls = p && p->phase == PROMPT_CALLS;
    bool ours = p
        && !(calls && (p->interrupted || stop_wanted(&p->run->vm->stop)));
    if (ours && calls) {
        p->interrupted = true;
        lib_prompt_stop(p->run);
    } else if (ours && p->phase == PROMPT_READS) {
        line_editor_interrupt(p->editor);
    } else if (ours) {
        p->early = true;
    }
    uv_mutex_unlock(&lib_prompt_lock);
    return ours;
}

static void
lib_prompt_begin(LibPrompt *p, LibPromptPhase phase)
{
    uv_mutex_lock(&lib_prompt_lock);
    p->phase = phase;
    p->interrupted = p->early && phase == PROMPT_CALLS;
    p->early = false;
    if (p->interrupted)
        lib_prompt_stop(p->run);
    uv_mutex_unlock(&lib_prompt_lock);
}

/* What it did has ended: was it interrupted? The code is no longer stopped
 * then, unless the whole run is. */
static bool
lib_prompt_end(LibPrompt *p)
{
    Sched *s = p->run->sched;
    uv_mutex_lock(&lib_prompt_lock);
    bool interrupted = p->interrupted;
    p->phase = PROMPT_BETWEEN;
    if (interrupted) {
        sched_lock(s);
        interrupted = stop_forgive(&p->run->vm->stop);
        if (interrupted)
            p->run->task->stopping = FAULT_NONE;
        sched_unlock(s);
    }
    uv_mutex_unlock(&lib_prompt_lock);
    return interrupted;
}

/* Cancel the script's tasks from that id on; how many there were. */
static lua_Integer
lib_prompt_cancel(LuaRun *run, size_t from)
{
    Board *b = &run->sched->board;
    lua_Integer n = 0;
    epoch_enter();
    for (size_t id = from, end = atomic_load(&b->count); id < end; id++) {
        Task *t = board_find(b, id);
        if (!t || t == &b->gone)
            continue;
        board_lock(b);
        bool ours = !task_final(t) && t->parent == run->task
            && t->kind != TASK_ITEM && !(t->opt && t->opt->detach);
        board_unlock(b);
        n += ours && lifecycle_cancel(run->sched, t) == 0;
    }
    epoch_leave();
    return n;
}

/* ---- lines ---- */

/* As LineEditorUse.wait. */
static bool
lib_prompt_wait(void *ud, struct pollfd *all, nfds_t n)
{
    LibPrompt *p = ud;
    int ready = 0;
    int depth = epoch_pause();
    while (!stop_wanted(&p->run->vm->stop)
           && (ready = poll(all, n, LIB_PROMPT_PATIENCE)) <= 0)
        if (ready < 0 && errno != EINTR)
            break;
    epoch_resume(depth);
    return ready > 0;
}

/* Protected; the arguments are the text, and where the answer goes. */
static int
lib_prompt_ask(lua_State *L)
{
    Buf **to = lua_touserdata(L, 2);
    lua_pushvalue(L, 3);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 2);
    for (int i = 0; i < 2; i++) {
        size_t n;
        const char *text = lua_tolstring(L, i - 2, &n);
        if (text && !memchr(text, '\0', n))
            buf_put(to[i], text, n);
    }
    return 0;
}

/* As LineEditorUse.complete. */
static void
lib_prompt_complete(void *ud, const char *text, size_t n, Buf *more,
                    Buf *choice)
{
    LibPrompt *p = ud;
    lua_State *L = p->L;
    Buf *to[] = { more, choice };
    int top = lua_gettop(L);
    lua_pushcfunction(L, lib_prompt_ask);
    lua_pushstring(L, n ? text : "");
    lua_pushlightuserdata(L, to);
    lua_getiuservalue(L, 1, 1);
    lua_pcall(L, 3, 0, 0);
    lua_settop(L, top);
}

/* p:read(prompt) */
static int
lib_prompt_read(lua_State *L)
{
    static const char *const words[] = {
        [LINE_EDITOR_END] = "end",
        [LINE_EDITOR_INTERRUPTED] = "interrupted",
    };
    LibPrompt *p = lib_prompt_self(L);
    const char *prompt = luaL_checkstring(L, 2);
    luaL_checkstack(L, 8, "no room");
    p->L = L;
    buf_clear(&p->line);
    lib_prompt_begin(p, PROMPT_READS);
    LineEditorNews news = line_editor_read(p->editor, prompt, &p->line);
    lib_prompt_end(p);
    if (line_editor_late(p->editor) && news == LINE_EDITOR_TEXT)
        lib_prompt_interrupt(); /* it was for the code of the line */
    if (news == LINE_EDITOR_STOPPED)
        return stop_raise(L, &p->run->vm->stop);
    if (news != LINE_EDITOR_TEXT || buf_failed(&p->line)) {
        lua_pushnil(L);
        lua_pushstring(L, news == LINE_EDITOR_TEXT ? "end" : words[news]);
        return 2;
    }
    lua_pushlstring(L, buf_cstr(&p->line), p->line.n);
    return 1;
}

/* p:remember(line) */
static int
lib_prompt_remember(lua_State *L)
{
    LibPrompt *p = lib_prompt_self(L);
    line_editor_remember(p->editor, luaL_checkstring(L, 2));
    return 0;
}

/* p:call(f, handler) */
static int
lib_prompt_call(lua_State *L)
{
    LibPrompt *p = lib_prompt_self(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    luaL_checktype(L, 3, LUA_TFUNCTION);
    lua_settop(L, 3);
    size_t from = atomic_load(&p->run->sched->board.count);
    lua_insert(L, 2); /* the handler is below the function */
    lib_prompt_begin(p, PROMPT_CALLS);
    int status = lua_pcall(L, 0, LUA_MULTRET, 2);
    bool interrupted = lib_prompt_end(p);
    lua_pushboolean(L, status == LUA_OK);
    lua_replace(L, 2);
    if (interrupted)
        lua_pushinteger(L, lib_prompt_cancel(p->run, from));
    else
        lua_pushnil(L);
    lua_replace(L, 1);
    return lua_gettop(L);
}

/* ---- the object ---- */

static int
lib_prompt_close(lua_State *L)
{
    LibPrompt *p = luaL_checkudata(L, 1, PROMPT_TYPE);
    uv_mutex_lock(&lib_prompt_lock);
    if (lib_prompt_one == p)
        lib_prompt_one = NULL;
    uv_mutex_unlock(&lib_prompt_lock);
    line_editor_close(p->editor);
    p->editor = NULL;
    buf_free(&p->line);
    return 0;
}

static const luaL_Reg lib_prompt_methods[] = {
    { "call", lib_prompt_call },
    { "close", lib_prompt_close },
    { "read", lib_prompt_read },
    { "remember", lib_prompt_remember },
    { "__close", lib_prompt_close },
    { "__gc", lib_prompt_close },
    { NULL, NULL },
};

/* open(complete) */
static int
lib_prompt_new(lua_State *L)
{
    const char *why;
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    LuaRun *run = park_run(L);
    LibPrompt *p = lua_newuserdatauv(L, sizeof *p, 1);
    *p = (LibPrompt){ .run = run };
    lib_class_set(L, PROMPT_TYPE, lib_prompt_methods);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, 2, 1);
    LineEditorUse use = { lib_prompt_wait, lib_prompt_complete, p };
    uv_mutex_lock(&lib_prompt_lock);
    int e = lib_prompt_one ? EBUSY : line_editor_open(&use, &p->editor, &why);
    if (e == 0)
        lib_prompt_one = p;
    uv_mutex_unlock(&lib_prompt_lock);
    if (e) {
        lua_pushnil(L);
        lua_pushstring(L, strerror(e));
        return 2;
    }
    lua_pushstring(L, why); /* NULL: nil */
    return 2;
}

/* agents() */
static int
lib_prompt_agents(lua_State *L)
{
    Sched *s = park_run(L)->sched;
    const AgentType **all = lua_newuserdatauv(
        L, LIB_PROMPT_AGENTS * sizeof *all, 0);
    lua_Integer n = 0;
    sched_lock(s);
    list_each(node, &s->agents) {
        if (n < LIB_PROMPT_AGENTS)
            all[n++] = container_of(node, AgentType, link);
    }
    sched_unlock(s);
    lua_createtable(L, (int)n, 0);
    for (lua_Integer i = 0; i < n; i++) {
        lua_pushstring(L, all[i]->name);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int
lib_prompt_task_fields(lua_State *L)
{
    lib_task_push_fields(L);
    return 1;
}

static int
lib_prompt_module(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "open", lib_prompt_new },
        { "agents", lib_prompt_agents },
        { "task_fields", lib_prompt_task_fields },
        { NULL, NULL },
    };
    luaL_newlib(L, functions);
    return 1;
}

void
lib_prompt_open(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, lib_prompt_module);
    lua_setfield(L, -2, "orun.prompt");
    lua_pop(L, 1);
}
