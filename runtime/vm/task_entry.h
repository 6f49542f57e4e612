/* body.h — the code of a Lua task: what is called, what its end means.
 *
 * Shared by the workers, which run a task in a thread, and by the process that
 * runs an isolated one: both call it as fn(input, task), and both tell its end
 * in the same words.
 */
#ifndef ORUN_BODY_H
#define ORUN_BODY_H

#include "task/task.h"
#include "value/value.h"
#include "vm/vm.h"

/* Where the function is: the folder its programs begin in, and its worktree
 * with the branch; each may be NULL. */
typedef struct BodyPlace {
    const char *cwd, *path, *branch;
} BodyPlace;

/* Push the function, its input and task = {id=, description=, attempt=,
 * prompt=, model=, permissions=, schema=, resume=, cwd=, worktree=}, decoded
 * from t. The attempt is given: t's own may be another one by now, when this
 * one was given up. May raise. On the thread that runs L. */
void body_push(lua_State *L, const Task *t, uint32_t attempt,
               const BodyPlace *place, const ValueOps *code,
               const ValueOps *input);

/* The coroutine yielded where nobody can go on with it: leave that error in it;
 * gives the status to judge it by. */
int body_yielded(Vm *vm);

/* What the ended coroutine of `vm`, which ran t, means, by the status of its
 * last resume; its variables are closed then. Raises nothing. On the thread
 * that has it. */
void body_judge(Vm *vm, const Task *t, int status, Outcome *o);

#endif
