/* script.h — a script becomes a chunk at the top of a state. Layer 8 (edge). */
#ifndef ORUN_SCRIPT_H
#define ORUN_SCRIPT_H

#include "base.h"
#include <lua.h>

enum { SCRIPT_MAX = 16 << 20 }; /* bytes of a script */

typedef struct ScriptText {
    const char *name, *code; /* name as Lua wants it: "=name", "@file" */
    size_t size;
} ScriptText;

/* Each pushes the chunk and gives LUA_OK, or an error's status and pushes the
 * message. Text only, never bytecode. On the thread that runs L. */
int script_load_text(lua_State *L, void *text); /* a ScriptText */
int script_load_file(lua_State *L, void *path); /* "-": standard input */

/* What stands beside the script at `path` can be required from now on. */
void script_add_path(lua_State *L, const char *path);

#endif
