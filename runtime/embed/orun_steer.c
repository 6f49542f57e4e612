/* orun_steer.c — interrupting, suspending, resuming a run. */
#include "embed/orun_own.h"
#include "engine/engine.h"
#include "process/program.h"
#include "sched/escalate.h"
#include "sched/lifecycle.h"
#include "sched/wait.h"

void
orun_interrupt(orun *o)
{
    if (api_guard_hold(orun_guard(o)) != 0)
        return;
    Sched *s = o->run.sched;
    bool again = stop_wanted(&o->vm->stop);
    engine_resume(o->engine);
    engine_hasten(o->engine, true);
    stop_request(&o->vm->stop, again ? STOP_HARD : STOP_ONCE, "interrupted");
    sched_lock(s);
    s->board.root->stopping = FAULT_CANCELLED;
    program_stop_all(&o->run, again);
    if (s->board.root->waiting)
        wait_fire(s->board.root->waiting, WAIT_STOPPED);
    sched_unlock(s);
    if (again) {
        escalate_hurry(s, true);
        lifecycle_cancel_script(s, WHY_SCRIPT); /* those that were spared */
    }
    api_guard_unhold(&o->guard);
}

void
orun_suspend(orun *o)
{
    if (api_guard_hold(orun_guard(o)) != 0)
        return;
    engine_suspend(o->engine);
    api_guard_unhold(&o->guard);
}

void
orun_resume(orun *o)
{
    if (api_guard_hold(orun_guard(o)) != 0)
        return;
    engine_resume(o->engine);
    api_guard_unhold(&o->guard);
}
