/* lib_result.h — results of tasks, and waiting for one. */
#ifndef ORUN_LIB_RESULT_H
#define ORUN_LIB_RESULT_H

#include "task/task.h"
#include <lua.h>

/* Push the result of a task as TaskOutput returns it. */
void lib_push_result(lua_State *L, Task *t, bool timed_out);

/* The table on top is the result of t, which has failed: the failure counts as
 * unread until one of its fields that say so is read. */
void lib_hide_failure(lua_State *L, Task *t);

/* Wait for t (until deadline) and return its result: `return lib_await(...)`.
 */
int lib_await(lua_State *L, const char *fn, Task *t, double deadline);

/* The same, and wait for the end of the `finally` of t, too. */
int lib_await_finally(lua_State *L, const char *fn, Task *t, Task *finally);

/* Note in t where in the script it was called: the file and the line; of a call
 * that an isolated task makes, those there. */
void lib_where(lua_State *L, Task *t);

#endif
