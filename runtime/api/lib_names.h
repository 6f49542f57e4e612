/* lib_names.h — Claude Code's names for the fields of a task. */
#ifndef ORUN_LIB_NAMES_H
#define ORUN_LIB_NAMES_H

#include <lua.h>

/* Argument 1 may have names of Claude Code's own tools: taskId; of TaskCreate
 * subject and activeForm; of TaskUpdate these and description. It is replaced
 * by a table with ours. */
void lib_names_id(lua_State *L, const char *fn);
void lib_names_create(lua_State *L, const char *fn);
void lib_names_update(lua_State *L, const char *fn);

#endif
