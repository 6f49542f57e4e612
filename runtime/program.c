/* program.c — between a Lua state and a Launch. */
#include "program.h"
#include "err.h"
#include "mem.h"
#include "run_tree.h"
#include "wait.h"
#include <math.h>

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

/* Something is new. */
static void
program_tell(Program *p, bool runs)
{
    sched_lock(p->sched);
    p->running |= runs;
    op_done(&p->news);
    if (p->work)
        wait_fire_growth(p->work);
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

static void
program_done(Launch *l, const ProcEnd *end, void *ud)
{
    Program *p = ud;
    p->end = *end;
    p->out = output_hold(launch_out(l));
    p->err = output_hold(launch_err(l));
    sched_lock(p->sched);
    board_disarm(&p->sched->board, &p->timer);
    p->launch = NULL;
    list_del(&p->link);
    op_done(&p->op);
    op_done(&p->news);
    sched_unlock(p->sched);
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
    p->work = spec->work ? run->task : NULL;
    p->timer.fire = program_due;
    op_init(&p->op);
    op_init(&p->news);
    atomic_init(&p->refs, 2);
    return p;
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
        if (run->task->stopping && !run->steward)
            launch_stop(l, run->task->stop_rung > 1);
    }
    sched_unlock(run->sched);
    return e;
}

const char *
program_cwd(const LuaRun *run)
{
    const TaskOptions *opt = run->task->opt;
    const char *tree = run->tree ? run->tree->cwd : NULL;
    return tree ? tree : opt ? opt->cwd : NULL;
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
    spec->tree_env = run->tree ? run->tree->env : NULL;
    int e = buf_failed(&place) ? ORUN_ENOMEM : launch_new(run->host, spec, &l);
    if (buf_failed(&place))
        launch_close(spec);
    buf_free(&place);
    if (e == 0 && (e = program_enter(p, run, l, timeout)) != 0)
        launch_free(l);
    if (e) {
        mem_free(p);
        return e;
    }
    run->lingers |= spec->lingers;
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
        return output_hold(err ? p->err : p->out);
    return output_hold(err ? launch_err(p->launch) : launch_out(p->launch));
}

Output *
program_watch(Program *p, size_t have)
{
    sched_lock(p->sched);
    Output *out = p->launch ? launch_out(p->launch) : p->out;
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
    list_del(&p->link); /* the run may go before it has ended */
    if (p->launch)
        launch_stop(p->launch, false);
    sched_unlock(p->sched);
    program_unref(p);
}

void
program_task_over(LuaRun *run)
{
    if (run->lingers)
        launch_task_over(run->host, run->task->id);
    run->lingers = false;
}

void
program_stop_all(LuaRun *run, bool hard)
{
    list_each(node, &run->programs)
        launch_stop(container_of(node, Program, link)->launch, hard);
}
