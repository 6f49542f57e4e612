/* finish.h — orun.finish: all tasks have ended, and no failure is unread. */
#ifndef ORUN_FINISH_H
#define ORUN_FINISH_H

#include "base/base.h"
#include <lua.h>

/* Push the function for a state in which no task's code runs. *from, which
 * lives as long as the state, is the id below which failures were reported. May
 * raise. */
void finish_push(lua_State *L, size_t *from);

#endif
