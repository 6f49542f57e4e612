/* run_tree.h — the git worktree around a task's work.
 *
 * A Lua run whose task asked for a worktree goes through three stages, each in
 * a pristine state of its own:
 *
 *   BEFORE --made--> WORK --whatever its end--> AFTER --> the task's end
 *      |               (told to stop meanwhile: straight to AFTER)
 *      '--refused--> the task has failed: nothing runs elsewhere instead
 *
 * BEFORE and AFTER run lua/worktree/init.lua, which makes the place and commits
 * what was left there. A stop of the task, and its time-out, are for WORK
 * alone: the steward's code ends by itself, so that nothing a task did is lost
 * by stopping it. Whoever is in a hurry (escalate_hurry) gets no AFTER: the
 * next run that uses the repository finds what was left.
 */
#ifndef ORUN_RUN_TREE_H
#define ORUN_RUN_TREE_H

#include "process/program.h"
#include "vm/park.h"

typedef enum RunStage { RUN_BEFORE, RUN_WORK, RUN_AFTER } RunStage;

/* Of the thread that runs the state, but for `stage` and `program`, which it
 * writes under the board's lock. */
typedef struct RunTree {
    RunStage stage, next;
    bool alone;                /* no worktree: there is WORK only */
    char *path, *branch;       /* NULL until BEFORE has made it */
    struct Value *state;       /* what BEFORE gave, for AFTER */
    Outcome held;              /* how WORK has ended … */
    TaskFault stopped;         /* … and what it was stopped for, or NONE */
    Program *program;          /* that is the work (run_process.h), or NULL */
} RunTree;

/* The run is to do a task that wants a worktree: it is in BEFORE. ORUN_ENOMEM
 * leaves it without one. */
int run_tree_open(LuaRun *run) NODISCARD;

/* The same for a program that a Lua run stands in for without a worktree: it is
 * in WORK, and there is no other stage. */
int run_tree_open_alone(LuaRun *run) NODISCARD;

/* The steward's body: argument 1 is the LuaRun. */
int run_tree_entry(lua_State *L);

/* A stage has ended so. True: it takes what `o` holds, and when the state is
 * pristine again run_tree_turn begins the next one. False: the task has ended
 * so. Without a worktree: false. */
bool run_tree_ended(LuaRun *run, Outcome *o);

/* False: the attempt was given up meanwhile, and there is none. */
bool run_tree_turn(LuaRun *run) NODISCARD;

/* The task is being stopped: true when that is for the steward, who sees to it.
 * Under the board's lock. */
bool run_tree_stop(LuaRun *run, bool hard);

/* Let go of it, if there is one. */
void run_tree_close(LuaRun *run);

#endif
