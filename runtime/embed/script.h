/* script.h — a script becomes a chunk at the top of a state. */
#ifndef ORUN_SCRIPT_H
#define ORUN_SCRIPT_H

#include "base/base.h"
#include <lua.h>

enum { SCRIPT_MAX = 16 << 20 }; /* bytes of a script */

typedef struct ScriptText {
    const char *name, *code; /* name as Lua wants it: "=name", "@file" */
    size_t size;
} ScriptText;

/* Each pushes the chunk and returns LUA_OK, or pushes the message and returns
 * an error status. Only on the thread that runs L. */
int script_load_text(lua_State *L, void *text); /* a ScriptText */
int script_load_file(lua_State *L, void *path); /* "-": standard input */

/* Call one of the two, protected; its chunk, or the error, is on the stack. The
 * status is Lua's. */
int script_load(lua_State *L, int (*load)(lua_State *L, void *ud), void *ud);

/* A function for Lua: of a chunk and the number of its arguments in `arg` it
 * makes the chunk and its arguments. */
int script_spread(lua_State *L);

/* Let `require` find modules beside the script at `path`, after those of
 * package.path. Returns 0, or ORUN_ENOMEM with the error on the stack. */
int script_add_path(lua_State *L, const char *path);

#endif
