/* task_entry.h — the call of a Lua task's function, and its outcome.
 *
 * Shared by the workers, which run a task in a thread, and by the process that
 * runs an isolated one: both call the function as fn(input, task), and both
 * make the same outcome of its end.
 */
#ifndef ORUN_TASK_ENTRY_H
#define ORUN_TASK_ENTRY_H

#include "task/task.h"
#include "value/value.h"
#include "vm/vm.h"

/* Where the function runs: the folder its programs start in, and its worktree
 * with the branch. Each may be NULL. */
typedef struct TaskPlace {
    const char *cwd, *path, *branch;
} TaskPlace;

/* Push the function, its input and task = {id=, description=, attempt=,
 * prompt=, model=, permissions=, schema=, resume=, cwd=, worktree=}, decoded
 * from t. `attempt` is an argument because the task may be in a later attempt
 * by now, if this one was given up. May raise. On the thread that runs L. */
void task_entry_push(lua_State *L, const Task *t, uint32_t attempt,
                     const TaskPlace *place, const ValueOps *code,
                     const ValueOps *input);

/* The coroutine yielded where nothing can resume it: leave that error in it.
 * Returns the status for task_entry_outcome. */
int task_entry_yielded(Vm *vm);

/* Make the outcome of t, whose coroutine in `vm` has ended with this status of
 * its last resume. Closes the coroutine's variables. Raises nothing. On the
 * thread that has the state. */
void task_entry_outcome(Vm *vm, const Task *t, int status, Outcome *o);

#endif
