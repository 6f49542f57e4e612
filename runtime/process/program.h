/* program.h — a program that Lua code has started and may wait for.
 *
 * Behind orun.exec, os.execute and io.popen. It belongs to the Lua code (a
 * userdata's finalizer drops it), and is among its run's programs until it has
 * ended, so that whoever stops the task ends them too, and code that sits in a
 * read of one comes back.
 */
#ifndef ORUN_PROGRAM_H
#define ORUN_PROGRAM_H

#include "process/launch.h"
#include "vm/park.h"

/* What a userdata is called that reads a program's output while it comes. */
#define STREAM_TYPE "orun.stream"

typedef struct Program {
    /* Guarded by the board's lock. */
    Sched *sched;
    List link;      /* in LuaRun.programs until its end, or its owner's */
    Launch *launch; /* NULL from its end on */
    Timer timer;    /* until its time is up */
    Op op;          /* done: its end */
    Op news;        /* done: it runs, has printed what was watched for, or has
                     * ended */
    uint32_t task;  /* the task it was started by (0: the script; never
                     * changes) */
    Task *transcript_of; /* the task whose transcript it prints, or NULL */
    bool running;        /* it was started, and may have ended */
    bool late;           /* its time was up */
    bool cleans;         /* it was started to clean up after a stop (never
                          * changes) */
    bool shares;         /* it writes where orun does (never changes) */
    LuaRun *counted_by;  /* the run that counts it, NULL: none does. Good as
                          * long as the program is linked */

    /* Never changes once it is done. */
    ProcEnd end;
    Output *out, *err; /* NULL without pipes */

    Buf text;        /* the owner's: of one of them, on its way to Lua */
    atomic_int refs; /* its owner, the launch, and LuaRun.shown */
} Program;

/* Seconds in which programs may clean up after a stop. */
#define PROGRAM_CLEANS LAUNCH_GRACE

/* Start what `spec` says (its callbacks and ud are set here), and end it after
 * `timeout` seconds on the run's clock (INFINITY: never); spec->fds are taken,
 * whatever comes. Errors as launch_new. On the thread that runs the run's
 * state.
 *
 * A program of a task that is being stopped is ended at once, unless the task's
 * code knows of the stop already: then it cleans up, and for that has
 * PROGRAM_CLEANS seconds from the first such program on, or less if the stop
 * becomes a hard one. */
int program_start(LuaRun *run, LaunchSpec *spec, double timeout,
                  Program **out) NODISCARD;

/* The folder in which the run's programs begin: its worktree, its task's cwd,
 * or NULL, orun's own. The thread that runs the run's state. */
const char *program_cwd(const LuaRun *run);

/* The variables that programs in a worktree are to be without, with a NULL. */
extern char *const program_hidden[];

/* What these programs' environment has (LaunchSpec.tree_env) so that they stay
 * in the worktree they begin in; NULL elsewhere. The same thread. */
char *const *program_tree_env(const LuaRun *run);

/* May code of the run start a program now? A Lua task needs a slot of the kind
 * for programs while one of its own runs. If false, wait for it (WAIT_FOR_SLOT)
 * and ask again. Not asked of the script, of a task that has such a slot itself
 * (its process is one, or its program), of one that is being stopped, and of
 * what orun does for a task. The thread that runs the run's state, without the
 * lock. */
bool program_may_start(LuaRun *run) NODISCARD;

typedef enum ProgramState {
    PROGRAM_STARTING,
    PROGRAM_RUNNING,
    PROGRAM_ENDED,
    PROGRAM_REFUSED,
} ProgramState;

/* How it is. It has been refused when it ended without ever having run. Any
 * thread. */
ProgramState program_state(Program *p);

/* Have p->news done with the next thing that happens: it runs, stdout has more
 * than `have` bytes, or it ends. Gives stdout, held for the caller: NULL before
 * it runs. Any thread. */
Output *program_watch(Program *p, size_t have);

/* Its stdout, or stderr, not held; NULL before it runs. With the board's lock
 * held. */
Output *program_output(const Program *p, bool err);

/* End it as launch_stop does, unless it has ended. Any thread. */
void program_stop(Program *p, bool hard);

/* Is a program of this run, which does t, the task's own work? It is if the
 * task has a slot of the kind for programs: it keeps the slot until the program
 * has ended, a stop is passed on to the program, and the task ends after it. (t
 * is an argument because a run that has just begun may know it, by run->task,
 * later than others know the run, by t->run.) */
bool program_is_work(const LuaRun *run, const Task *t);

/* Make its output the transcript of the run's task: what is read of that while
 * it runs and afterwards. On the thread that runs the run's state. */
void program_show(LuaRun *run, Program *p);

/* The transcript as of now, its stderr when `err`, held for the caller; NULL
 * when there is none. With the board's lock held. */
Output *program_shown(LuaRun *run, bool err);

/* The run's code has ended: keep the transcript with the outcome. ORUN_ENOMEM:
 * it is lost. On the thread that ran it. */
int program_capture(LuaRun *run, Outcome *o) NODISCARD;

/* Release the owner's reference; a program that runs is ended. NULL is fine. */
void program_drop(Program *p);

/* The task is over: what its programs left behind goes, too. On the thread that
 * runs the run's state, or with the board's lock held. */
void program_task_over(LuaRun *run);

/* A program of the run's code has failed so, as its caller at file:line is
 * notified. Gives a flag that is to be set when the code looks at that; NULL:
 * nobody asks for it. On the thread that runs the run's state, as the next
 * two. */
atomic_bool *program_failed(LuaRun *run, TaskFault fault, int code,
                            const char *file, int line);

/* The run's code has ended: report the failures that it has not looked at. */
void program_tell_unseen(LuaRun *run);

/* Its state has gone, too: drop their flags. */
void program_drop_unseen(LuaRun *run);

/* End all of a run's programs. With the board's lock held. */
void program_stop_all(LuaRun *run, bool hard);

#endif
