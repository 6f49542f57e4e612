/* lib_task.h — Task{...}, and what other functions that make tasks share. */
#ifndef ORUN_LIB_TASK_H
#define ORUN_LIB_TASK_H

#include "task/task.h"
#include "vm/park.h"
#include <lua.h>

/* The script's state is being closed, and finalizers run: what is made for Lua
 * to free would no longer be freed. */
bool lib_task_closing(const LuaRun *run);

/* Push the array of the names that fields of Task have. */
void lib_task_push_fields(lua_State *L);

enum {
    LIB_MAX_LABEL = 64 << 10,  /* bytes of a description */
    LIB_MAX_PROMPT = 16 << 20, /* bytes of a prompt */
};

/* Put the draft on the board, where it is *out, blocked by the n tasks from
 * index `first` on and by those that handles inside its input stand for. Errors
 * as lifecycle_add. */
int lib_task_add(lua_State *L, Task *draft, int first, lua_Integer n,
                 Task **out);

#endif
