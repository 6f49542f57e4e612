/* run_process.h — the runner of tasks that are programs.
 *
 * stdin is the prompt, then an empty line and the input, if there is one (a
 * string as it is, anything else as JSON). stdout is the output, byte by byte;
 * exit code 0 is success. The environment is the snapshot taken at start, then
 * that of the agent type, then the task's `env`, then ORUN_TASK_ID.
 */
#ifndef ORUN_RUN_PROCESS_H
#define ORUN_RUN_PROCESS_H

#include "process/program.h"

/* Fill in the runner. It finds its Engine around itself (engine->process). */
void run_process_init(Runner *r);

/* A program in a task's worktree is started by a Lua run. This is the entry of
 * its coroutine, whose argument 1 is the LuaRun: it starts the program
 * (run->tree->program) and waits. The other makes the outcome of its end. On
 * the thread that runs the state. */
int run_process_entry(lua_State *L);
void run_process_entry_outcome(LuaRun *run, Outcome *o);

/* What t has printed so far on stdout, or stderr, with a reference for the
 * caller. NULL if it does not run, or is neither a program nor C code of the
 * host that has printed something. Under the board's lock. */
struct Output *run_process_live(Task *t, bool err);

#endif
