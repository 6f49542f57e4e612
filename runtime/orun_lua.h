/* orun_lua.h — orun in a lua_State of yours (Lua 5.4).
 *
 * For programs that have Lua in them already. `orun.h` runs scripts in a state
 * of orun's own; here the code of your state calls Task and the other
 * primitives itself:
 *
 *     luaL_requiref(L, "orun", luaopen_orun, 0);
 *     lua_pop(L, 1);
 *     luaL_dostring(L, "local orun = require 'orun'"
 *                      " print(orun.Task{run = function() return 1
 * end}.output)");
 *
 * Nothing in your state is replaced, and no global is set: package.loaded.orun
 * is there, and one searcher after yours, which finds what orun brings in Lua.
 * What waits blocks the thread that runs the state; tasks run on orun's own
 * threads, in states of their own, as in the command. A state is used by one
 * thread at a time, it need not be the same one each time. It must have
 * `package` and `require`, and the other libraries as it is opened, for what
 * orun brings in Lua uses them (luaL_openlibs); a script may lose them later.
 *
 * Link the Lua that the state is of, and only that: with two copies in one
 * process, luaopen_orun raises an error that names both files.
 *
 * Ctrl-C. A handler that sets a hook with a count of 1, as the `lua` command's
 * does, ends a wait: the hook is called, and its error raised.
 *
 * After a fork the child's state can be closed; primitives raise an error in
 * it, unless orun was first used there.
 */
#ifndef ORUN_LUA_H
#define ORUN_LUA_H

#include "orun.h"
#include <lua.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ( -- module ) The module, which is package.loaded.orun from then on. It
 * has a runtime of its own, made by the first call that needs one.
 * orun.close() ends it, or the end of the state: what still runs is
 * cancelled then, and a line on standard error says so, and what failed and
 * was never read. May raise. Returns 1. */
int luaopen_orun(lua_State *L);

/* ( -- module ) The module of a runtime of yours, in place of one of its own.
 * Several states may share it. Their tasks are the program's, as those of
 * orun_start: no script ends them, nor orun.close(), nor the end of the state;
 * and orun.finish() raises an error. Once orun_free has begun, waits end with
 * an error, and each primitive raises one. Raises as well: memory; `o` is not a
 * runtime; L has the module of another one. Returns 1. */
int orun_lua_open(lua_State *L, orun *o);

/* What `open` puts into package.preload, package.loaded and the globals is
 * there in the script's state, and in that of every task: C functions and plain
 * tables, no userdata, and no table keyed by tables or functions. It is called
 * without arguments, in the script's state and in some for tasks, on any thread
 * of orun; states that are copied from one that is open do not call it again.
 * Before the first task. It has no effect on states of yours. Errors:
 * ORUN_EINVAL (open is NULL), ORUN_ESTATE (there are tasks), ORUN_EFAILED (it
 * raised an error, which errmsg has), ORUN_ENOMEM. One thread at a time, as
 * orun_run_file. */
int orun_lua_on_state(orun *o, lua_CFunction open);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
