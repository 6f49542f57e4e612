/* lib_command.h — commands, as arrays of strings. */
#ifndef ORUN_LIB_COMMAND_H
#define ORUN_LIB_COMMAND_H

#include "base/base.h"
#include <lua.h>

/* Check a command at idx, a non-empty array of strings and numbers; returns its
 * length. */
lua_Integer lib_check_command(lua_State *L, const char *fn, int idx);

/* Push a new table with its n entries as strings. */
void lib_command_strings(lua_State *L, int idx, lua_Integer n);

/* A NULL-terminated copy of its n entries; NULL when memory is out. */
char **lib_command_copy(lua_State *L, int idx, lua_Integer n);

/* What a task that is this command is called: one line, cut, without secrets,
 * mem_free; NULL when memory is out. */
char *lib_command_title(char *const *argv);

/* What a task with this prompt is called, in the same form: its first line with
 * text, NULL when it has none. ORUN_ENOMEM. */
int lib_command_prompt_title(const char *prompt, char **title) NODISCARD;

#endif
