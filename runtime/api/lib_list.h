/* lib_list.h — entries of the task list, as Lua tables. */
#ifndef ORUN_LIB_LIST_H
#define ORUN_LIB_LIST_H

#include "task/task.h"
#include <lua.h>

/* Push a task as TaskList shows it: {id, kind, description, status, owner,
 * blockedBy, metadata, attempts, priority, subagent_type}. lib_push_item adds
 * what a worker needs, prompt and input. */
void lib_push_entry(lua_State *L, Task *t);
void lib_push_item(lua_State *L, Task *t);

#endif
