/* task_result.h — how a task ended, as a Lua table.
 *
 * The outcome of a final task never changes, so it is read without the lock.
 */
#ifndef ORUN_TASK_RESULT_H
#define ORUN_TASK_RESULT_H

#include "sched/sched.h"
#include "value/value.h"
#include <lua.h>

/* Set what the result of t, which is final, tells of its outcome, in the table
 * on top. May raise. */
void task_result_set(lua_State *L, const Task *t);

/* Push the whole result of t, which is final, as a plain table. May raise. */
void task_result_push(lua_State *L, const Task *t);

/* For decoding the input of t: as handle_decoding, but if t runs despite
 * failures, a task that did not complete becomes its result, and its failure
 * has been seen. */
ValueOps task_result_decoding(Sched *s, Task *t);

#endif
