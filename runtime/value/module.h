/* module.h — Lua modules by their names, from C.
 *
 * As `require` finds them, whatever a script has since made of the global of
 * that name: a sandbox may take it away.
 */
#ifndef ORUN_MODULE_H
#define ORUN_MODULE_H

#include "base/base.h"
#include <lua.h>

/* Keep package.loaded and `require` where module_get finds them: once for each
 * state, before foreign code runs in it. May raise. */
void module_open(lua_State *L);

/* ( require -- ) What module_get calls, in place of the global. May raise. */
void module_set_require(lua_State *L);

/* ( -- package.loaded ) or nil in a state that module_open has not seen. Never
 * raises. */
void module_push_loaded(lua_State *L);

/* ( name -- module ) Loads it when it is not loaded. Raises when it is not to
 * be had. */
void module_get(lua_State *L);

/* ( -- module ) */
static inline void
module_push(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    module_get(L);
}

/* ( -- module[field] ) */
static inline void
module_push_field(lua_State *L, const char *name, const char *field)
{
    module_push(L, name);
    lua_getfield(L, -1, field);
    lua_remove(L, -2);
}

/* ( value -- ) The module `name` is this value, and every other state finds it
 * by its name, too. Once the first is noted, others that are loaded are known
 * to this state only. May raise. */
void module_note(lua_State *L, const char *name);

/* ( -- modules that other states find ) or all that are loaded, in a state that
 * has noted none. Never raises. */
void module_push_noted(lua_State *L);

/* ( env -- ) The environment of bundled modules in this state, or a function
 * that makes it when it is needed, sets and returns it. May raise. */
void module_set_env(lua_State *L);

/* Its address, NULL when it is not made. Never raises. */
const void *module_env_at(lua_State *L);

/* ( -- env ) or the globals, where there is none. May raise. */
void module_push_env(lua_State *L);

#endif
