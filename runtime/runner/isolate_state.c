/* isolate_state.c — what isolate.c and isolate_talk.c do to an Isolate. */
#include "runner/isolate_state.h"
#include "base/log.h"
#include "base/mem.h"
#include "value/value.h"
#include <signal.h>

enum { ISOLATE_GIVE_UP_MS = 10000 }; /* from SIGKILL to the exit */

void
isolate_unref(Isolate *i)
{
    if (atomic_fetch_sub(&i->refs, 1) != 1)
        return;
    task_strings_free(i->env);
    mem_free(i->cwd);
    buf_free(&i->in);
    buf_free(&i->out);
    buf_free(&i->reply);
    outcome_clear(&i->told);
    value_drop(i->held);
    mem_free(i);
}

void
isolate_post(Isolate *i, LoopMsg *msg)
{
    atomic_fetch_add(&i->refs, 1);
    loop_post(engine_loop(i->engine), msg);
}

void
isolate_hand_over(Isolate *i, const Frame *call)
{
    Sched *s = &i->engine->sched;
    i->state = ISOLATE_SERVING;
    i->call = *call;
    sched_lock(s);
    i->called = true;
    if (i->run)
        op_done(&i->op);
    sched_unlock(s);
}

void
isolate_arm(Isolate *i, uint64_t ms)
{
    uv_update_time(i->timer.loop);
    uv_timer_start(&i->timer, i->due, ms, 0);
}

void
isolate_kill(Isolate *i)
{
    if (i->rung == RUNG_KILLED || i->gone || !i->begun)
        return;
    LOG(PROC, "t%llu: killing its process %d", (unsigned long long)i->task,
        i->child.pid);
    i->rung = RUNG_KILLED;
    supervisor_client_signal(supervisor_client_of(i->engine), &i->child,
                             SIGKILL, true);
    isolate_arm(i, ISOLATE_GIVE_UP_MS);
}
