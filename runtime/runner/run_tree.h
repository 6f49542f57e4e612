/* run_tree.h — the git worktree around a task's work.
 *
 * A Lua run whose task asked for a worktree goes through three stages, each in
 * a pristine state of its own:
 *
 *   BEFORE --made--> WORK --whatever its end--> AFTER --> the task's end
 *      |               (stopped meanwhile: straight to AFTER)
 *      '--refused--> the task has failed: it runs nowhere else instead
 *
 * BEFORE and AFTER are hooks: they run lua/worktree/init.lua, which makes the
 * worktree and commits what was left there. A stop of the task, and its
 * time-out, are for WORK alone. A hook is left to end by itself, so that
 * stopping a task loses nothing of its work. When the run is hurried
 * (escalate_hurry) there is no AFTER: the next run that uses the repository
 * finds what was left.
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
    bool alone;          /* no worktree: there is WORK only */
    char *path, *branch; /* NULL until BEFORE has made it */
    struct Value *state; /* what BEFORE returned, for AFTER */
    Outcome deferred;    /* that of WORK, until AFTER has ended … */
    TaskFault stopped;   /* … and why WORK was stopped, or NONE */
    Program *program;    /* does the work (run_process.h), or NULL */
} RunTree;

/* The run begins a task that has a worktree: it is in BEFORE. Without memory,
 * ORUN_ENOMEM, there is no RunTree. */
int run_tree_open(LuaRun *run) NODISCARD;

/* The same for a program that a Lua run starts without a worktree: it is in
 * WORK, and there is no other stage. */
int run_tree_open_alone(LuaRun *run) NODISCARD;

/* The entry of a hook's coroutine: argument 1 is the LuaRun. */
int run_tree_entry(lua_State *L);

/* A stage has ended with the outcome `o`. True: it takes `o` over, and
 * run_tree_turn begins the next stage once the state is pristine again. False:
 * the task has ended with this outcome; so it has without a worktree. */
bool run_tree_ended(LuaRun *run, Outcome *o);

/* False: the attempt was given up meanwhile, and there is no next stage. */
bool run_tree_turn(LuaRun *run) NODISCARD;

/* The task is being stopped. True if a hook runs: this has done what there is
 * to do. Under the board's lock. */
bool run_tree_stop(LuaRun *run, bool hard);

/* Free the RunTree, if there is one. */
void run_tree_close(LuaRun *run);

#endif
