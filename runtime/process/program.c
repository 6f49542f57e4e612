/* program.c — between a Lua state and a Launch. */
#include "process/program.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/terminal.h"
#include "sched/slot_number.h"
#include "sched/slots.h"
#include "sched/wait.h"
#include <errno.h>
#include <math.h>

/* What tells git of another repository, and would lead it out of this one; and
 * what it would ask, or show, somebody with. */
char *const program_hidden[] = { "GIT_DIR",
                                 "GIT_WORK_TREE",
                                 "GIT_INDEX_FILE",
                                 "GIT_COMMON_DIR",
                                 "GIT_OBJECT_DIRECTORY",
                                 "GIT_ALTERNATE_OBJECT_DIRECTORIES",
                                 "GIT_NAMESPACE",
                                 "GIT_PREFIX",
                                 "GIT_CONFIG",
                                 "GIT_CONFIG_PARAMETERS",
                                 "GIT_CONFIG_COUNT",
                                 "GIT_GRAFT_FILE",
                                 "GIT_SHALLOW_FILE",
                                 "GIT_REPLACE_REF_BASE",
                                 "GIT_NO_REPLACE_OBJECTS",
                                 "GIT_QUARANTINE_PATH",
                                 "GIT_IMPLICIT_WORK_TREE",
                                 "GIT_INTERNAL_SUPER_PREFIX",
                                 NULL };

static void
program_unref(Program *p)
{
    if (atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    output_drop(p->out);
    output_drop(p->err);
    buf_free(&p->text);
    mem_free(p);
}

/* Something is new. With the board's lock held. */
static void
program_news(Program *p)
{
    op_done(&p->news);
    if (p->transcript_of)
        wait_fire_growth(p->transcript_of);
}

static void
program_tell(Program *p, bool runs)
{
    sched_lock(p->sched);
    p->running |= runs;
    program_news(p);
    sched_unlock(p->sched);
}

static void
program_started(void *ud)
{
    program_tell(ud, true);
}

static void
program_grew(void *ud)
{
    program_tell(ud, false);
}

static void
program_due(Timer *timer)
{
    Program *p = container_of(timer, Program, timer);
    p->late = true;
    launch_stop(p->launch, false);
}

/* Must the programs of this run have a slot? */
static bool
program_needs_slot(const LuaRun *run)
{
    return !run->vm->script && !run->on_behalf && !run->worktree_hook
        && run->task->slot != SLOT_PROCESS;
}

/* If no program of the run needs the slot for programs that its task has,
 * others get it. With the board's lock held. */
static void
program_settle(LuaRun *run)
{
    if (run->counted == 0 && run->task->run == run)
        slots_programs_over(run->sched, run->task);
}

/* It no longer is among its run's programs. With the board's lock held. */
static void
program_leave(Program *p)
{
    LuaRun *run = list_empty(&p->link) ? NULL : p->counted_by;
    list_del(&p->link);
    if (!run)
        return;
    run->counted--;
    program_settle(run);
}

static void
program_done(Launch *l, const ProcEnd *end, void *ud)
{
    Program *p = ud;
    p->end = *end;
    p->out = output_hold(launch_out(l));
    p->err = output_hold(launch_err(l));
    event_used(&p->sched->board, p->task, (uint64_t)(end->cpu * 1e9));
    sched_lock(p->sched);
    board_disarm(&p->sched->board, &p->timer);
    p->launch = NULL;
    if (!end->spawn_errno && !end->lost) /* its start may not have been told */
        p->running = true;
    program_leave(p);
    op_done(&p->op);
    program_news(p);
    sched_unlock(p->sched);
    if (p->shares)
        terminal_foot_hold(false);
    launch_free(l);
    program_unref(p);
}

static Program *
program_new(LuaRun *run, const LaunchSpec *spec)
{
    Program *p = mem_zalloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->sched = run->sched;
    p->task = run->task->id;
    p->transcript_of = spec->work ? run->task : NULL;
    p->cleans = !run->vm->script && !run->on_behalf && !run->worktree_hook
        && stop_cleans(&run->vm->stop);
    p->timer.fire = program_due;
    op_init(&p->op);
    op_init(&p->news);
    atomic_init(&p->refs, 2);
    return p;
}

/* Its task is being stopped: end it, unless it cleans up and that may still
 * take a while. With the board's lock held. */
static void
program_clean(Program *p, LuaRun *run)
{
    Sched *s = run->sched;
    Task *t = run->task;
    bool may = p->cleans && t->stop_rung <= 1 && !sched_hurried(s, t);
    bool first = !run->cleans;
    run->cleans |= may;
    if (may && first && task_due(t)) /* else who waits for its process looks */
        may = sched_arm(s, t, board_now(&s->board) + PROGRAM_CLEANS) == 0;
    if (!may)
        launch_stop(p->launch, t->stop_rung > 1);
}

/* It is among the run's programs, and its time runs. ORUN_ENOMEM: it is not. */
static int
program_enter(Program *p, LuaRun *run, Launch *l, double timeout)
{
    Board *b = &run->sched->board;
    int e = 0;
    sched_lock(run->sched);
    if (timeout < INFINITY)
        e = board_arm(b, &p->timer, board_now(b) + timeout);
    if (e == 0) {
        p->launch = l;
        list_push(&run->programs, &p->link);
        if (program_needs_slot(run) && run->task->programs != PROGRAMS_NONE) {
            p->counted_by = run;
            run->counted++;
        }
        if (run->task->stopping && !run->worktree_hook)
            program_clean(p, run);
    }
    sched_unlock(run->sched);
    return e;
}

const char *
program_cwd(const LuaRun *run)
{
    const TaskOptions *opt = run->task->opt;
    const char *place = opt ? opt->place : NULL;
    return place ? place : opt ? opt->cwd : NULL;
}

char *const *
program_tree_env(const LuaRun *run)
{
    const TaskOptions *opt = run->task->opt;
    if (run->tree_env)
        return run->tree_env;
    return opt && opt->in_worktree ? program_hidden : NULL;
}

/* Where the program begins: where its run is, unless it says so in full. */
static const char *
program_place(const LuaRun *run, const char *cwd, Buf *path)
{
    const char *base = program_cwd(run);
    if (!cwd || !base || cwd[0] == '/')
        return cwd ? cwd : base;
    buf_printf(path, "%s/%s", base, cwd);
    return buf_cstr(path);
}

/* A program could not be started: its slot may be others'. */
static void
program_unused(LuaRun *run)
{
    int err = errno;
    sched_lock(run->sched);
    if (program_needs_slot(run))
        program_settle(run);
    sched_unlock(run->sched);
    errno = err;
}

bool
program_may_start(LuaRun *run)
{
    if (!program_needs_slot(run))
        return true;
    sched_lock(run->sched);
    bool may = run->task->stopping || slots_program(run->sched, run->task);
    sched_unlock(run->sched);
    return may;
}

int
program_start(LuaRun *run, LaunchSpec *spec, double timeout, Program **out)
{
    Launch *l;
    Program *p = program_new(run, spec);
    if (!p) {
        launch_close(spec);
        return ORUN_ENOMEM;
    }
    spec->started = program_started;
    spec->grew = program_grew;
    spec->done = program_done;
    spec->ud = p;
    Buf place = { 0 };
    spec->cwd = program_place(run, spec->cwd, &place);
    spec->tree_env = program_tree_env(run);
    spec->slot = slot_number(run->sched, run->task);
    spec->type_env = run->task->opt ? run->task->opt->env : NULL;
    int e = buf_failed(&place) ? ORUN_ENOMEM
                               : launch_new(run->engine, spec, &l);
    if (buf_failed(&place))
        launch_close(spec);
    buf_free(&place);
    if (e == 0 && (e = program_enter(p, run, l, timeout)) != 0)
        launch_free(l);
    if (e) {
        mem_free(p);
        program_unused(run);
        return e;
    }
    run->lingers |= spec->lingers;
    p->shares = spec->fds;
    if (p->shares)
        terminal_foot_hold(true);
    launch_go(l);
    *out = p;
    return 0;
}

ProgramState
program_state(Program *p)
{
    sched_lock(p->sched);
    bool ended = !p->launch, ran = p->running;
    sched_unlock(p->sched);
    if (ended)
        return ran ? PROGRAM_ENDED : PROGRAM_REFUSED;
    return ran ? PROGRAM_RUNNING : PROGRAM_STARTING;
}

Output *
program_output(const Program *p, bool err)
{
    if (!p->launch)
        return err ? p->err : p->out;
    return err ? launch_err(p->launch) : launch_out(p->launch);
}

Output *
program_watch(Program *p, size_t have)
{
    sched_lock(p->sched);
    Output *out = program_output(p, false);
    bool more = out && output_watch(out, have);
    p->news.done = !p->launch || more;
    output_hold(out);
    sched_unlock(p->sched);
    return out;
}

void
program_stop(Program *p, bool hard)
{
    sched_lock(p->sched);
    if (p->launch)
        launch_stop(p->launch, hard);
    sched_unlock(p->sched);
}

void
program_drop(Program *p)
{
    if (!p)
        return;
    sched_lock(p->sched);
    program_leave(p); /* the run may go before it has ended */
    if (p->launch)
        launch_stop(p->launch, false);
    sched_unlock(p->sched);
    program_unref(p);
}

void
program_task_over(LuaRun *run)
{
    if (run->lingers)
        launch_task_over(run->engine, run->task->id);
    run->lingers = false;
}

void
program_stop_all(LuaRun *run, bool hard)
{
    list_each(node, &run->programs)
        launch_stop(container_of(node, Program, link)->launch, hard);
}

bool
program_is_work(const LuaRun *run, const Task *t)
{
    return t->slot == SLOT_PROCESS && !run->isolate && !run->vm->script;
}

/* ---- failures that nobody looks at ---- */

typedef struct Unseen {
    struct Unseen *next;
    atomic_bool seen;
    TaskFault fault;
    int code, line;
    const char *file; /* engine_intern's */
} Unseen;

atomic_bool *
program_failed(LuaRun *run, TaskFault fault, int code, const char *file,
               int line)
{
    bool asked = run->sched->board.events && !run->vm->script && !run->on_behalf
        && !run->worktree_hook;
    Unseen *u = asked ? mem_alloc(sizeof *u) : NULL;
    if (!u)
        return NULL;
    *u = (Unseen){ .next = run->unseen,
                   .fault = fault,
                   .code = code,
                   .line = line,
                   .file = engine_intern(run->engine, file) };
    run->unseen = u;
    return &u->seen;
}

void
program_tell_unseen(LuaRun *run)
{
    Board *b = &run->sched->board;
    for (const Unseen *u = run->unseen; u; u = u->next) {
        if (atomic_load(&u->seen))
            continue;
        board_lock(b);
        event_add(b,
                  (Event){ .kind = EVENT_UNSEEN,
                           .task = run->task->id,
                           .what = (uint8_t)u->fault,
                           .n = (uint64_t)u->code,
                           .line = u->line,
                           .text = u->file });
        board_unlock(b);
    }
}

void
program_drop_unseen(LuaRun *run)
{
    for (Unseen *u; (u = run->unseen) != NULL; mem_free(u))
        run->unseen = u->next;
}

/* ---- transcripts ---- */

/* Gives what it was; NULL: nothing. With the board's lock held. */
static Program *
program_unshow(LuaRun *run)
{
    Program *p = run->shown;
    if (p)
        p->transcript_of = NULL;
    run->shown = NULL;
    return p;
}

void
program_show(LuaRun *run, Program *p)
{
    atomic_fetch_add(&p->refs, 1);
    sched_lock(run->sched);
    Program *before = program_unshow(run);
    run->shown = p;
    run->shows++;
    p->transcript_of = run->task;
    wait_fire_growth(run->task);
    sched_unlock(run->sched);
    if (before)
        program_unref(before);
}

Output *
program_shown(LuaRun *run, bool err)
{
    return run->shown ? output_hold(program_output(run->shown, err)) : NULL;
}

/* All in files: an agent's transcript is large, and seldom read. */
static void
program_rest(const Captured *c)
{
    output_rest(c->out, 0);
    output_rest(c->err, LAUNCH_STDERR);
}

int
program_capture(LuaRun *run, Outcome *o)
{
    Captured c = { .nth = run->shows };
    if (!run->shows) /* which nobody else changes */
        return 0;
    sched_lock(run->sched);
    run->shows = 0;
    if (!run->shown) {
        sched_unlock(run->sched);
        return 0;
    }
    c.out = program_shown(run, false);
    c.err = program_shown(run, true);
    Program *p = program_unshow(run);
    bool ended = !p->launch;
    sched_unlock(run->sched);
    program_unref(p);
    Captured *kept = c.out ? mem_alloc(sizeof *kept) : NULL;
    if (!kept) {
        output_drop(c.out);
        output_drop(c.err);
        return c.out ? ORUN_ENOMEM : 0;
    }
    if (ended)
        program_rest(&c);
    *kept = c;
    o->captured = kept;
    return 0;
}
