/* run_process.h — the runner of tasks that are programs.
 *
 * stdin is the prompt; an input comes after it (a string as it is, anything
 * else as JSON), an empty line between. stdout is the output, exactly; exit
 * code 0 is success. The environment is the snapshot taken at start, then the
 * agent type's, then the task's `env`, then ORUN_TASK_ID.
 */
#ifndef ORUN_RUN_PROCESS_H
#define ORUN_RUN_PROCESS_H

#include "process/program.h"

/* Fill in the runner. It finds its Engine around itself (engine->process). */
void run_process_init(Runner *r);

/* The same in a task's worktree, where a Lua run stands in for the program: the
 * body of its coroutine, whose argument 1 is the LuaRun, which starts it
 * (run->tree->program) and waits; and what its end means. On the thread that
 * runs the state. */
int run_process_body(lua_State *L);
void run_process_judge(LuaRun *run, Outcome *o);

/* What t printed so far on stdout, or stderr, held for the caller; NULL when it
 * does not run or is no program. Under the board's lock. */
struct Output *run_process_live(Task *t, bool err);

#endif
