/* lib_base.h — Lua's own libraries, made safe for many states.
 *
 * Everywhere: files are closed in children; a line printed is one write; C
 * modules are opened one at a time and stay loaded; bundled modules are found.
 * In tasks moreover what would reach beyond the task is taken away: bytecode,
 * ending the process, the locale, standard input, finalizers, most of debug.
 */
#ifndef ORUN_LIB_BASE_H
#define ORUN_LIB_BASE_H

#include "base/base.h"
#include <lua.h>

/* Replace what has to be replaced in a state whose libraries are open; to be
 * called from VmConfig.open, first, and what follows next. Gives 0; may
 * raise. */
int lib_base_open(lua_State *L, bool script);

/* The rest, in files of their own: next and its like, for the table on top; io
 * and print, package and require. */
void lib_unread_open(lua_State *L);
void lib_io_open(lua_State *L, bool script);

/* This state is one of views: the files it writes are shown to somebody. */
void lib_io_watch(lua_State *L);
void lib_package_open(lua_State *L);

/* Bundled Lua: its environment, after all else is replaced; its searcher. */
void lib_bundle_open(lua_State *L, bool script);
int lib_bundle_search(lua_State *L);

/* orun.bundled(folder): see lib_bundle.c. */
int lib_bundled(lua_State *L);

/* os.execute and io.popen, where a LuaRun owns the state. After
 * lib_base_open. */
void lib_shell_open(lua_State *L);

/* For a replaced function: call Lua's own, upvalue 1, with the arguments there
 * are. Gives the count of results, which are then all of the stack. An error's
 * text gets the position and the name that it would have had. */
int lib_base_forward(lua_State *L, const char *name);

/* Put the function `f` in place of field `name` of the table at the top; its
 * upvalue 1 is what was there. */
void lib_base_replace(lua_State *L, const char *name, lua_CFunction f);

#endif
