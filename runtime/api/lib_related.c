/* lib_related.c — what the calling task may do to others, and wait for.
 *
 * The script may do all. A task may stop what it has started, however far down,
 * and what it has claimed, or what it was given the handle of; and its programs
 * may read that, and what they were to wait for. A handle is passed on by
 * those that have it; an id can be guessed. No task may wait for one that waits
 * for it.
 */
#include "api/lib_related.h"
#include "api/lib_orun.h"
#include "base/err.h"
#include "engine/engine.h"
#include "sched/wait.h"
#include "vm/handle.h"
#include <lauxlib.h>
#include <stdio.h>

/* Under the board's lock. */
static bool
lib_related_descends(const Task *t, const Task *from)
{
    for (; t; t = t->parent)
        if (t == from)
            return true;
    return false;
}

bool
lib_related(const LuaRun *run, const Task *t)
{
    const Task *mine = run->task;
    if (mine->id == 0 || t == mine)
        return true;
    sched_lock(run->sched);
    bool own = lib_related_descends(t, mine) || task_claimer(t) == mine;
    board_unlock(&run->sched->board);
    return own;
}

bool
lib_related_blocks(const LuaRun *run, const Task *t)
{
    const Task *mine = run->task;
    bool found = false;
    sched_lock(run->sched);
    for (uint32_t i = 0; mine->edges && i < mine->edges->blocker_count; i++)
        found = found || mine->edges->blockers[i] == t;
    board_unlock(&run->sched->board);
    return found;
}

void
lib_related_must(lua_State *L, const char *fn, const Task *t, int idx)
{
    char id[HANDLE_ID_SIZE], mine[HANDLE_ID_SIZE];
    const LuaRun *run = park_run(L);
    if (handle_is(L, idx) || lib_related(run, t))
        return;
    handle_name(t->id, id);
    handle_name(run->task->id, mine);
    luaL_error(L,
               "%s: %s is not a task of %s: a task may stop what it started "
               "or claimed, or has the handle of; the script may stop all",
               fn, id, mine);
}

void
lib_related_script(lua_State *L, const char *what)
{
    char mine[HANDLE_ID_SIZE];
    const LuaRun *run = park_run(L);
    if (run->task->id == 0)
        return;
    handle_name(run->task->id, mine);
    luaL_error(L,
               "%s: only the script may do that, and this is %s; a task may "
               "stop and read what it started or claimed",
               what, mine);
}

void
lib_related_cycle(lua_State *L, const WaitFor *what)
{
    LuaRun *run = park_run(L);
    Buf path = { 0 };
    char text[512] = "";
    sched_lock(run->sched);
    int e = wait_closes_cycle(&run->sched->board, run->task, what, &path);
    board_unlock(&run->sched->board);
    if (e == ORUN_ECYCLE)
        snprintf(text, sizeof text, "%s", buf_cstr(&path));
    buf_free(&path);
    if (e == ORUN_ENOMEM)
        luaL_error(L, "%s: %s", what->fn, err_text(e));
    if (*text)
        luaL_error(L, "%s: deadlock: %s would wait for each other for ever",
                   what->fn, text);
}

bool
lib_related_waited(lua_State *L, int outcome)
{
    if (outcome == WAIT_CYCLE) {
        WaitFor what = park_run(L)->want;
        lib_related_cycle(L, &what);
    }
    if (outcome != WAIT_TIMED_OUT)
        return false;
    lua_pushnil(L);
    lua_pushliteral(L, "timeout");
    return true;
}
