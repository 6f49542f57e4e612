/* stuck.c — tasks whose threads are stuck in a C function. */
#include "runner/stuck.h"
#include "base/log.h"
#include "process/program.h"
#include "runner/host_call.h"
#include "runner/isolate.h"
#include "sched/lifecycle.h"

static const char stuck_help[] = "isolation = \"process\" gives such a task a "
                                 "process of its own, which can be ended";

enum { STUCK_NAMES = 10 }; /* tasks named in one message, at most */

/* Append "plan.lua:12: t3 (build)". */
static void
stuck_name(const Task *t, Buf *to)
{
    if (t->file)
        buf_printf(to, "%s:%d: ", t->file, t->line);
    board_name(t, to);
}

/* Append the names of the stuck tasks. With the lock held. */
static void
stuck_list(Engine *h, Buf *to)
{
    int n = 0;
    list_each(node, &h->stuck) {
        if (n++ >= STUCK_NAMES)
            continue;
        if (n > 1)
            buf_puts(to, ", ");
        stuck_name(container_of(node, LuaRun, stuck)->task, to);
    }
    if (n > STUCK_NAMES)
        buf_printf(to, " and %d more", n - STUCK_NAMES);
}

/* Append why nothing can begin or continue now. With the lock held. */
static void
stuck_why(Engine *h, Buf *to)
{
    int n = pool_stuck(h->pool);
    if (!stuck_full(h)) {
        buf_puts(to, "no worker could be started to go on with it");
        return;
    }
    buf_printf(to, "no thread to run it: %d %s stuck in C functions (", n,
               n == 1 ? "is" : "are");
    stuck_list(h, to);
    buf_printf(to, "), and no more are allowed; %s", stuck_help);
}

/* Runs whose tasks failed while they waited. They are kept, reachable here,
 * until the process ends. */
static LuaRun *_Atomic stuck_lost;

/* If t has begun its state stays as it is, because cleaning up would run Lua
 * code; its programs are ended. */
void
stuck_fail(Engine *h, Task *t)
{
    LuaRun *run = t->run;
    Buf why = { 0 };
    stuck_why(h, &why);
    if (run) {
        h->forsaken = true;
        run->lost = atomic_exchange(&stuck_lost, run);
        program_stop_all(run, true);
    }
    if (run && run->isolate)
        isolate_stop(run->isolate, FAULT_LOST, true);
    if (run && run->host) {
        host_call_stop(run->host);
        host_call_give_up(run->host);
    }
    lifecycle_fail(&h->sched, t, run ? FAULT_LOST : FAULT_SPAWN,
                   buf_take(&why));
}

void
stuck_add(Engine *h, LuaRun *run)
{
    stop_request(&run->vm->stop, STOP_HARD, "given up");
    if (!run->worker)
        return;
    LOG(SCHED, "t%llu is stuck in a C function: its worker is given up",
        (unsigned long long)run->task->id);
    run->given_up = true;
    list_push(&h->stuck, &run->stuck);
    pool_abandon(run->worker);
    pool_reject(h->pool);
}

void
stuck_lose(Engine *h, LuaRun *run)
{
    sched_lock(&h->sched);
    if (run->task->run == run)
        stuck_fail(h, run->task);
    lifecycle_propagate(&h->sched);
    sched_unlock(&h->sched);
}

void
stuck_remove(Engine *h, LuaRun *run)
{
    if (!run->given_up)
        return;
    sched_lock(&h->sched);
    list_del(&run->stuck);
    sched_unlock(&h->sched);
}

bool
stuck_full(const Engine *h)
{
    return pool_stuck(h->pool) >= pool_most(h->pool);
}

void
stuck_set_most(Engine *h, int most)
{
    sched_lock(&h->sched);
    pool_set_most(h->pool, most);
    pool_reject(h->pool);
    lifecycle_propagate(&h->sched);
    sched_unlock(&h->sched);
}

void
stuck_explain(Engine *h, Buf *to)
{
    sched_lock(&h->sched);
    stuck_why(h, to);
    sched_unlock(&h->sched);
}

void
stuck_report(Engine *h, Buf *to)
{
    sched_lock(&h->sched);
    if (!list_empty(&h->stuck)) {
        buf_puts(to, "still stuck in C functions, and given up: ");
        stuck_list(h, to);
        buf_printf(to, "\n%s", stuck_help);
    }
    sched_unlock(&h->sched);
}
