/* stop.h — ending Lua code that does not end by itself.
 *
 * A Stop says how hard the code of one state must be stopped. The level only
 * rises, but for a line of a prompt, whose end is not that of the script. Level
 * 0 costs nothing at run time: no hook is installed before a stop is requested.
 * A request raises the level and signals the thread that runs the state
 * (SIGURG). The signal handler sets a count hook on the innermost running
 * coroutine, which everything here that switches coroutines publishes. The
 * level is read again after each switch, so a signal that arrives meanwhile is
 * not lost. Only the thread itself sets a hook on what it runs.
 *
 *   STOP_NONE  run
 *   STOP_ONCE  raise the reason once, then let clean-up (<close>, handlers) run
 *   STOP_HARD  every instruction raises a memory error, which message handlers
 *              do not see; pcall, xpcall and the coroutine functions raise it
 *              again, and code that still catches it gets another one at its
 *              next instruction
 *
 * In a state that is over its memory limit (vm.h) nothing can catch the error
 * either, but other code runs: <close> handlers have the reserve.
 *
 * Not stopped: a C function that does not call Lua, and a finalizer before
 * STOP_HARD. SIGURG must not be blocked where Lua runs.
 */
#ifndef ORUN_STOP_H
#define ORUN_STOP_H

#include "base/base.h"
#include <lua.h>
#include <uv.h>
#include <stdatomic.h>
#include <sys/types.h>
#include <time.h>

enum { STOP_NONE, STOP_ONCE, STOP_HARD };

typedef struct Stop {
    atomic_int level;             /* any thread may raise it */
    atomic_int raised;            /* STOP_ONCE when that error was raised */
    _Atomic(const char *) reason; /* constant text; set before the level */
    uv_mutex_t lock;              /* guards the rest */
    bool running;                 /* a thread is inside, … */
    uv_thread_t thread;           /* … namely this one */
    pid_t tid;                    /* as the system calls it */
    bool ticking;                 /* the timer is there */
    timer_t timer;                /* read by the signal handler, too */
    atomic_int ticks;             /* how many signals it has still to send */
} Stop;

/* Install the SIGURG handler, once a process; later calls do nothing. It
 * passes the signal on to a handler that was there before. Errors: ORUN_ESYS.
 * Any thread. */
int stop_init(void) NODISCARD;

/* Zero a Stop and make its lock. */
void stop_setup(Stop *s);

/* Back to STOP_NONE. No thread may be running the state. */
void stop_reset(Stop *s);
void stop_destroy(Stop *s);

/* Raise the level (only stop_forgive lowers it) and interrupt the thread that
 * runs, if any. `reason` is a constant string; the error's text is "stopped:
 * reason". Any thread. */
void stop_request(Stop *s, int level, const char *reason);

/* A request at STOP_ONCE has done its work: the code goes on at STOP_NONE.
 * False when the level is another one, which stays. On the thread that runs. */
bool stop_forgive(Stop *s);

/* The same as stop_request at STOP_ONCE for code that learns of the stop by
 * other means: only primitives that wait raise. Any thread. */
void stop_tell(Stop *s, const char *reason);

/* lua_resume of a task's coroutine, published as the innermost one. An error
 * leaves the coroutine dead, as in lua_resume: read the error, then call
 * stop_close. Raises nothing. On the worker that has the state. */
int stop_resume(Stop *s, lua_State *co, int nargs, int *nresults);

/* Close the variables of a coroutine that failed or is suspended, so their
 * handlers run, under the same level. Returns LUA_OK with an empty stack, or
 * the status of an error with only the error on it. Raises nothing. On the
 * worker that has the state. */
int stop_close(Stop *s, lua_State *co);

/* lua_pcall on a state's main thread, published likewise: for the script, and
 * for C that calls Lua between resumes. */
int stop_pcall(Stop *s, lua_State *L, int nargs, int nresults, int msgh);

/* Was a stop requested? Primitives check this when they wake, and then raise
 * with stop_raise. */
static inline bool
stop_wanted(const Stop *s)
{
    return atomic_load_explicit(&s->level, memory_order_relaxed) != STOP_NONE;
}

/* May no code run at all? Then everything that could act for the task
 * raises. */
static inline bool
stop_hard(const Stop *s)
{
    return atomic_load_explicit(&s->level, memory_order_relaxed) == STOP_HARD;
}

/* Has the code been told that it is stopped, and may it still clean up? */
static inline bool
stop_cleans(Stop *s)
{
    return atomic_load(&s->level) == STOP_ONCE
        && atomic_load(&s->raised) == STOP_ONCE;
}

/* Raise "stopped: reason" or, at STOP_HARD and when the state is over its
 * memory limit, a memory error. */
int stop_raise(lua_State *L, Stop *s);

/* Prepare a state for stop_close_state, once, before any other object with a
 * finalizer is made in it. May raise. */
void stop_guard(lua_State *L);

/* lua_close of a state that stop_guard has seen. Finalizers that do not end are
 * ended when the level is STOP_HARD, or becomes STOP_HARD. On the thread that
 * has the state. */
void stop_close_state(Stop *s, lua_State *L);

#endif
