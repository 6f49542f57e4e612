/* lib_report.h — what tasks have told of their work, in Lua. */
#ifndef ORUN_LIB_REPORT_H
#define ORUN_LIB_REPORT_H

#include "sched/report.h"
#include <lua.h>

/* Set in the table at the top what t has told: usage, cost, model, session_id,
 * denials, and while it runs activity. Any thread that has L. */
void lib_report_push(lua_State *L, Sched *s, const Task *t);

#endif
