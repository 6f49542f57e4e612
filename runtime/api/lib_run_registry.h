/* lib_roster.h — the runs of this user. */
#ifndef ORUN_LIB_ROSTER_H
#define ORUN_LIB_ROSTER_H

#include <lua.h>

/* read_roster() -> what roster_read gives; nil and why not.
 * lua/control/runs.lua makes a table of it. */
int lib_roster(lua_State *L);

#endif
