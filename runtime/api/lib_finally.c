/* lib_finally.c — from a function to the draft of a task that cleans up. */
#include "api/lib_finally.h"
#include "api/lib_arg.h"
#include "base/err.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "vm/handle.h"
#include <lauxlib.h>

void
lib_finally_check(lua_State *L, int idx)
{
    if (arg_given(L, idx) && lua_type(L, idx) != LUA_TFUNCTION)
        arg_error(L, "Task", "finally", idx,
                  "expected a function(result, task), which runs once the "
                  "task has ended");
}

/* What the draft f has of t, and its title. */
static bool
lib_finally_fill(Task *f, const Task *t, const TaskOptions *from)
{
    Buf title = { 0 };
    f->kind = TASK_LUA;
    f->own_code = true;
    f->priority = t->priority;
    f->file = t->file;
    f->line = t->line;
    f->opt->finally = f->opt->detach = f->opt->despite_failure = true;
    f->opt->in_worktree = from && (from->worktree || from->in_worktree);
    buf_puts(&title, "finally");
    if (t->description)
        buf_printf(&title, " of %s", t->description);
    f->description = buf_take(&title);
    if (t->opt->cwd)
        f->opt->cwd = mem_dup(t->opt->cwd, strlen(t->opt->cwd));
    if (t->opt->phase)
        f->opt->phase = mem_dup(t->opt->phase, strlen(t->opt->phase));
    return f->description && (!t->opt->cwd || f->opt->cwd)
        && (!t->opt->phase || f->opt->phase);
}

int
lib_finally_make(lua_State *L, LuaRun *run, int idx, Task *t, Buf *why)
{
    Task *f = t->opt->after = mem_zalloc(1, sizeof *f);
    if (!f || !(f->opt = mem_zalloc(1, sizeof *f->opt))
        || !lib_finally_fill(f, t, run->task->opt))
        return ORUN_ENOMEM;
    int e = arg_encode(L, "Task", "finally", idx, &handle_encoding, &f->code,
                       why);
    return e ? e : engine_keep(run->engine, &f->code);
}
