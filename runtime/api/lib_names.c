/* lib_names.c — the names that Claude Code's own task tools have.
 *
 * Their callers write taskId for task_id; their items have a subject (our
 * description), a description (our prompt) and an activeForm. Both kinds of
 * names are taken; what has no place of its own here is kept in metadata.
 */
#include "api/lib_names.h"
#include "api/lib_arg.h"
#include "api/lib_orun.h"
#include "api/lib_task.h"
#include <lauxlib.h>

/* Push field `name` of the table at 1; false, and nothing is pushed, when it
 * has none. */
static bool
lib_names_get(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    if (lua_rawget(L, 1) != LUA_TNIL)
        return true;
    lua_pop(L, 1);
    return false;
}

/* The table at 1 is replaced by a copy that may be changed; returns true. */
static bool
lib_names_copy(lua_State *L)
{
    lua_newtable(L);
    int copy = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, copy);
    }
    lua_replace(L, 1);
    return true;
}

/* What `theirs` has is under `ours` from now on. */
static void
lib_names_move(lua_State *L, const char *fn, const char *theirs,
               const char *ours)
{
    if (!lib_names_get(L, theirs))
        return;
    if (lib_names_get(L, ours))
        luaL_error(L, "%s: both %s and %s are given; they mean the same", fn,
                   ours, theirs);
    lua_pushstring(L, ours);
    lua_insert(L, -2);
    lua_rawset(L, 1);
    lua_pushstring(L, theirs);
    lua_pushnil(L);
    lua_rawset(L, 1);
}

/* What `theirs` has, a text, is in metadata from now on, under that name. */
static void
lib_names_keep(lua_State *L, const char *fn, const char *theirs)
{
    if (!lib_names_get(L, theirs))
        return;
    arg_text(L, fn, theirs, lua_gettop(L), LIB_MAX_PROMPT);
    int value = lua_gettop(L);
    lua_newtable(L);
    if (lib_names_get(L, "metadata")) {
        arg_table(L, fn, "metadata", lua_gettop(L));
        for (lua_pushnil(L); lua_next(L, value + 2); lua_pop(L, 1)) {
            lua_pushvalue(L, -2);
            lua_pushvalue(L, -2);
            lua_rawset(L, value + 1);
        }
        lua_pop(L, 1);
    }
    lua_pushstring(L, theirs);
    lua_pushvalue(L, value);
    lua_rawset(L, value + 1);
    lua_pushliteral(L, "metadata");
    lua_insert(L, -2);
    lua_rawset(L, 1);
    lua_pushstring(L, theirs);
    lua_pushnil(L);
    lua_rawset(L, 1);
    lua_settop(L, value - 1);
}

/* Has the table at 1 one of these names? */
static bool
lib_names_any(lua_State *L, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lib_names_get(L, names[i])) {
            lua_pop(L, 1);
            return true;
        }
    return false;
}

void
lib_names_id(lua_State *L, const char *fn)
{
    static const char *const names[] = { "taskId" };
    if (lua_type(L, 1) == LUA_TTABLE && lib_names_any(L, names, 1)
        && lib_names_copy(L))
        lib_names_move(L, fn, "taskId", "task_id");
}

void
lib_names_create(lua_State *L, const char *fn)
{
    static const char *const names[] = { "activeForm", "subject" };
    if (lua_type(L, 1) != LUA_TTABLE || !lib_names_any(L, names, 2))
        return;
    lib_names_copy(L);
    if (lib_names_get(L, "subject")) {
        lua_pop(L, 1);
        lib_names_move(L, fn, "description", "prompt");
        lib_names_move(L, fn, "subject", "description");
    }
    lib_names_keep(L, fn, "activeForm");
}

void
lib_names_update(lua_State *L, const char *fn)
{
    static const char *const names[] = {
        "activeForm",
        "description",
        "subject",
        "taskId",
    };
    if (lua_type(L, 1) != LUA_TTABLE
        || !lib_names_any(L, names, countof(names)))
        return;
    lib_names_copy(L);
    lib_names_move(L, fn, "taskId", "task_id");
    for (size_t i = 0; i < 3; i++)
        lib_names_keep(L, fn, names[i]);
}
