/* program.c — between a Lua state and a Launch. */
#include "program.h"
#include "err.h"
#include "mem.h"

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

static void
program_done(Launch *l, const ProcEnd *end, void *ud)
{
    Program *p = ud;
    p->end = *end;
    p->out = output_hold(launch_out(l));
    p->err = output_hold(launch_err(l));
    sched_lock(p->sched);
    p->launch = NULL;
    list_del(&p->link);
    op_done(&p->op);
    sched_unlock(p->sched);
    launch_free(l);
    program_unref(p);
}

int
program_start(LuaRun *run, LaunchSpec *spec, Program **out)
{
    Program *p = mem_zalloc(1, sizeof *p);
    spec->done = program_done;
    spec->ud = p;
    if (!p) {
        launch_close(spec);
        return ORUN_ENOMEM;
    }
    Launch *l;
    int e = launch_new(run->host, spec, &l);
    if (e) {
        mem_free(p);
        return e;
    }
    run->lingers |= spec->lingers;
    p->sched = run->sched;
    op_init(&p->op);
    atomic_init(&p->refs, 2);
    sched_lock(run->sched);
    p->launch = l;
    list_push(&run->programs, &p->link);
    if (run->task->stopping)
        launch_stop(l, run->task->stop_rung > 1);
    sched_unlock(run->sched);
    launch_go(l);
    *out = p;
    return 0;
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
