/* lib_limit.h — rates and budgets as scripts write them. */
#ifndef ORUN_LIB_LIMIT_H
#define ORUN_LIB_LIMIT_H

#include "sched/sched.h"
#include <lua.h>

/* Read `rate` ("50/min", "100000 tokens/min", or an array of these) and
 * `budget` ({usd=, tokens=, tasks=}), nil for none each; true when there is
 * something. May raise. */
bool lib_read_meter(lua_State *L, const char *fn, int rate, int budget,
                    MeterSpec *spec);

/* The pool called `name`, which argument `what` of fn names. Raises when no
 * orun.limit has made it. */
struct Limit *lib_limit_find(lua_State *L, const char *fn, const char *what,
                             const char *name);

/* Set in the table at the top why a ready task has not begun: `waiting_for`
 * ("slot", "rate", "throttled", "writes", "memory"), `waiting_at`, the limit's
 * name, and `wait`, seconds, where that is known. */
void lib_push_reason(lua_State *L, Sched *s, const Task *t);

#endif
