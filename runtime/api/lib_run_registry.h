/* lib_run_registry.h — the live runs of this user. */
#ifndef ORUN_LIB_RUN_REGISTRY_H
#define ORUN_LIB_RUN_REGISTRY_H

#include <lua.h>

/* read_run_registry() -> the text of run_registry_read, which
 * lua/control/runs.lua parses; nil and the reason. */
int lib_run_registry(lua_State *L);

#endif
