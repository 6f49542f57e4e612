/* lib_finally.h — `finally` of a task: the task that runs once it has ended. */
#ifndef ORUN_LIB_FINALLY_H
#define ORUN_LIB_FINALLY_H

#include "base/buf.h"
#include "task/task.h"
#include "vm/park.h"
#include <lua.h>

/* Raise unless there is nil or a function at idx. */
void lib_finally_check(lua_State *L, int idx);

/* Give the draft t, which has its options, a draft of what runs once it has
 * ended: the function at idx. 0, or what value_encode returns and its reason in
 * `why`; what there is belongs to t then. Raises nothing. */
int lib_finally_make(lua_State *L, LuaRun *run, int idx, Task *t, Buf *why);

#endif
