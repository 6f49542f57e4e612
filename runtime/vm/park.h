/* park.h — how Lua code waits.
 *
 * A thread of Go or Java that waits without a processor is "parked"; here it is
 * a coroutine that waits without a worker. One function, park, is called by the
 * script and by tasks:
 *   - in a task, where Lua can yield, it yields. The worker begins the wait
 *     once the coroutine has stopped, so that it cannot be resumed too early,
 *     and takes other work;
 *   - elsewhere (in the script; in a sort comparator, gsub or a coroutine of a
 *     task's own) it blocks the thread on a condition, and in a task a spare
 *     worker takes its place.
 * Either way the continuation runs when the wait has ended.
 */
#ifndef ORUN_PARK_H
#define ORUN_PARK_H

#include "base/fork.h"
#include "sched/sched.h"
#include "sched/wait.h"
#include "thread/pool.h"
#include "vm/vm.h"

/* One state running the code of one task (or the script): vm->owner. */
typedef struct LuaRun {
    /* Never changes. */
    Sched *sched;
    Pool *pool;
    struct Engine *engine;
    Task *task;
    Vm *vm;
    uint32_t attempt;

    /* Of an isolated task: its process. Written under the board's lock by the
     * thread that runs the state, which may read it without. */
    struct Isolate *isolate;

    /* Of a task that C code of the host does: its call. Written as `isolate`
     * is. */
    struct HostCall *host;

    /* Of a task with a worktree. Written as `isolate` is. */
    struct RunTree *tree;
    char **tree_env; /* what its programs are started with; NULL until that is
                      * there. Of the thread that runs the state */
    bool worktree_hook; /* one runs (run_tree.h), and not the task's code: a
                         * stop of the task waits for its end */

    /* Set for a request that is handled on the task's behalf
     * (connection.h): makes it continue after a wait, under the board's lock.
     * Such a run holds no slot, and one task may have several beside its own
     * code. NULL: this is the task's own code. */
    void (*on_behalf)(struct LuaRun *run);
    bool holds; /* … and its task is not released meanwhile (board_hold) */

    /* Of a guest (vm_guest.h), which blocks wherever it waits. */
    bool beside; /* others may wait for its task, the script, meanwhile */
    struct ParkBell *bell; /* wakes it; NULL: this is no guest */

    bool hosted; /* its code acts for the embedding program: beside the script,
                  * which may be stopped meanwhile. Never changes */

    /* Of the thread that runs the state. */
    WaitFor want; /* what the code asked to wait for … */
    bool wants;   /* … when it has just yielded for that */
    bool lingers; /* a program of it may have left others (program.h) */
    bool cleans;  /* its code is stopped, and has started a program since.
                   * Written under the board's lock */
    struct Unseen *unseen; /* failures of its programs (program.h) */
    uint64_t used;    /* nanoseconds on a processor; counted while there are
                       * views */
    int refused;      /* why its last call of Task made none, a code; or 0 */
    uint64_t claimed; /* the item that its code claimed last, 0: none */
    const char *path_seen, *cpath_seen; /* the script's package.path and cpath
                                         * that tasks have; kept alive in its
                                         * registry */
    const char *file; /* where the call is that is made for an isolated task;
                       * line 0: there is none, look at the stack */
    int line;

    /* Guarded by the board's lock. */
    List programs;         /* that its code has started (program.h) … */
    struct Program *shown; /* … the last whose output is the task's transcript,
                            * or NULL … */
    uint32_t shows;        /* … and how many of those there were */
    uint32_t counted;      /* programs that share the task's slot for them */
    Wait wait;
    double outside, since;  /* seconds for which the task's code has waited for
                             * something outside and left its worker to others;
                             * when it began to */
    double requeued, woken; /* seconds for which it could have gone on and had
                             * no slot; when its last wait ended, 0: it did not
                             * wait */
    uv_cond_t go;
    bool blocked;   /* its thread waits on `go` … */
    bool granted;   /* … until this */
    Worker *worker; /* runs it now; NULL while it is parked, and the script's */
    bool queued;    /* it is in the pool, to continue after a wait */
    bool given_up;  /* its thread is stuck, its task was reported as stopped */
    List stuck;     /* while given up, in the engine's list */
    struct LuaRun *lost; /* the one before it that no worker continues */
} LuaRun;

/* Set up / take down the waiting part. */
void park_init(LuaRun *run);
void park_destroy(LuaRun *run);

/* Is this process a fork of the one that has the run's threads? Then locks of
 * the run may be held forever, and nothing of it may be touched. */
static inline bool
park_forked(lua_State *L)
{
    const LuaRun *run = vm_of(L)->owner;
    return run && run->sched->forks != fork_count; /* a view has none */
}

/* Raise the error for that. */
_Noreturn void park_refuse_fork(lua_State *L);

/* The run that L belongs to. Raises in a fork: no primitive works there; and in
 * a guest that has none. */
static inline LuaRun *
park_run(lua_State *L)
{
    Vm *vm = vm_of(L);
    if (vm->guest)
        vm->guest(L, vm);
    if (park_forked(L))
        park_refuse_fork(L);
    return vm_of(L)->owner;
}

/* The code of a task that forked has ended in the child: flush its output,
 * print an error on standard error, and end the process with an exit code for
 * `status`. */
_Noreturn void park_end_fork(Vm *vm, int status);

/* Where the script is: sets short_src and currentline to the innermost line
 * that is not of orun's own Lua code; false if there is none. */
bool park_line(lua_State *L, lua_Debug *ar);

/* Is a finalizer running? */
bool park_finalizing(lua_State *L);

/* Raise an error in a finalizer: it may run at any point, also at the end of
 * the state, so nothing may wait there. The message begins with `what`. */
void park_check(lua_State *L, const char *what);

/* Wait, then continue in `k` (status, ctx as for lua_yieldk) with the same
 * stack. Call it as `return park(...)`. On the thread that runs L. */
int park(lua_State *L, const WaitFor *what, lua_KFunction k, lua_KContext ctx);

/* Block the script until run->want has happened. With the board's lock held,
 * which is released while it waits; run->wait.outcome is how it ended. */
void park_script(LuaRun *run);

/* How the last wait ended: WAIT_DONE, _TIMED_OUT, _DEADLOCK, or _RING (it did
 * not begin); raises when the task is being stopped or memory is out. For
 * continuations. */
int park_outcome(lua_State *L);

/* stop_resume returned LUA_YIELD with run->wants: begin the wait. True when it
 * is pending (another worker may already have the run), false when the run must
 * be resumed at once. */
bool park_begin(LuaRun *run) ON_WORKER;

/* The runner's `start` for a woken task: continue it. No lock held. Errors as
 * of pool_resume: no worker will ever run it. */
int park_go_on(LuaRun *run) NODISCARD;

/* The task is being stopped: if it waits for a worker, give it one at once.
 * With the board's lock held. */
void park_hurry(LuaRun *run);

/* A worker continues the run. Takes the board's lock. */
void park_resumed(LuaRun *run) ON_WORKER;

#endif
