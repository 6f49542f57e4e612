/* lib_guest.h — orun as a module of a Lua state that somebody else made. */
#ifndef ORUN_LIB_GUEST_H
#define ORUN_LIB_GUEST_H

#include "base/base.h"
#include <lua.h>

/* ( -- module ) In a state that vm_guest_new has seen. Nothing in it is
 * replaced and no global is set: one searcher is added after those there are,
 * which finds bundled modules. Raises, also when the state has no `require`. */
void lib_guest_open(lua_State *L);

/* orun.globals(): sets the globals that scripts of the command have. */
int lib_guest_globals(lua_State *L);

#endif
