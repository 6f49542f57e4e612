/* program.h — a program that Lua code has started and may wait for. Layer 5
 * (runners).
 *
 * Behind orun.exec, os.execute and io.popen. It belongs to the Lua code (a
 * userdata's finalizer drops it), and is among its run's programs until it has
 * ended, so that whoever stops the task ends them too, and code that sits in a
 * read of one comes back.
 */
#ifndef ORUN_PROGRAM_H
#define ORUN_PROGRAM_H

#include "launch.h"
#include "park.h"

typedef struct Program {
    /* Guarded by the board's lock. */
    Sched *sched;
    List link;      /* in LuaRun.programs until its end, or its owner's */
    Launch *launch; /* NULL from its end on */
    Op op;          /* done: its end */

    /* Never changes once it is done. */
    ProcEnd end;
    Output *out, *err; /* NULL without pipes */

    Buf text; /* the owner's: of one of them, on its way to Lua */
    atomic_int refs; /* its owner, and the launch */
} Program;

/* Start what `spec` says (done and ud are set here); spec->fds are taken,
 * whatever comes. Errors as launch_new. On the thread that runs the run's
 * state. */
int program_start(LuaRun *run, LaunchSpec *spec, Program **out) NODISCARD;

/* End it as launch_stop does, unless it has ended. Any thread. */
void program_stop(Program *p, bool hard);

/* The owner lets go: one that runs is ended. NULL is fine. */
void program_drop(Program *p);

/* The task is over: what its programs left behind goes, too. On the thread that
 * runs the run's state, or with the board's lock held. */
void program_task_over(LuaRun *run);

/* End all of a run's programs. With the board's lock held. */
void program_stop_all(LuaRun *run, bool hard);

#endif
