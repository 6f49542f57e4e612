/* lib_related.h — which task may do what to which, and wait for it. */
#ifndef ORUN_LIB_RELATED_H
#define ORUN_LIB_RELATED_H

#include "task/task.h"
#include "vm/park.h"
#include <lua.h>

/* Is it the run's own task, or one that this has started, however far down, or
 * claimed? Of the script all are. */
bool lib_related(const LuaRun *run, const Task *t);

/* Is it one that the run's task had to wait for before it began? */
bool lib_related_blocks(const LuaRun *run, const Task *t);

/* Raise when the run's task may not end `t`, which the value at idx means. */
void lib_related_must(lua_State *L, const char *fn, const Task *t, int idx);

/* Raise unless the script itself, or somebody with its token, calls. */
void lib_related_script(lua_State *L, const char *what);

/* Refuse a wait that could never end because what it is for waits for the
 * caller, or needs writes that the caller has. */
void lib_related_cycle(lua_State *L, const WaitFor *what);

/* A wait has ended so: raises if a cycle has closed meanwhile. Returns true,
 * with nil and "timeout" pushed, when its time was up. */
bool lib_related_waited(lua_State *L, int outcome);

#endif
