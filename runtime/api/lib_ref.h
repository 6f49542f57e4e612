/* lib_ref.h — the tasks that scripts name.
 *
 * A task is named by its id, by its handle, or by a table that has its id, such
 * as a result or an entry of the list.
 */
#ifndef ORUN_LIB_REF_H
#define ORUN_LIB_REF_H

#include "task/task.h"
#include <lua.h>

/* Of a task that is not there any more: function, argument, its number twice.
 */
#define LIB_REF_FORGOTTEN "%s: %s = t%I: t%I was forgotten (orun.forget), " \
    "and its result released; keep what you need of a result before"

/* The task meant by the value at idx (an id, a handle, or a table with `id` or
 * `task_id`). Raises for what was never one or is forgotten; a removed task is
 * returned. */
Task *lib_ref_task(lua_State *L, const char *fn, const char *name, int idx);

/* The number in the id that the value at idx is or has; 0: there is none. */
uint64_t lib_ref_number(lua_State *L, int idx);

/* Read an array of tasks (nil: none) as light userdata above the frame; gives
 * how many. */
lua_Integer lib_ref_tasks(lua_State *L, const char *fn, const char *name,
                           int idx);

#endif
