/* lib_agent.h — agent types by their name. */
#ifndef ORUN_LIB_AGENT_H
#define ORUN_LIB_AGENT_H

#include "task/agent.h"
#include <lua.h>

/* The agent type of that name: defined in the script, or found in a file or
 * among the built-in ones, which defines it. Raises Task's error when there is
 * none. Reads files the first time. */
const struct AgentType *lib_agent_find(lua_State *L, const char *name);

/* orun.agent of the table at 1, whose tasks are done by the C code that the
 * AgentHost at 2, light userdata, names; it is copied. Raises as orun.agent. */
int lib_agent_host(lua_State *L);

#endif
