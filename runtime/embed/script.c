/* script.c — reading scripts of a bounded size, text or bytecode. */
#include "embed/script.h"
#include "base/err.h"
#include <lauxlib.h>
#include <sys/stat.h>

int
script_load_text(lua_State *L, void *text)
{
    const ScriptText *t = text;
    return luaL_loadbufferx(L, t->code, t->size, t->name, NULL);
}

/* A directory or a huge file is refused before it is read. */
int
script_load_file(lua_State *L, void *path)
{
    struct stat st;
    const char *name = path;
    bool in = strcmp(name, "-") == 0;
    if (!in && stat(name, &st) == 0) {
        if (S_ISDIR(st.st_mode)) {
            lua_pushfstring(L, "cannot read %s: it is a folder", name);
            return LUA_ERRFILE;
        }
        if (st.st_size > SCRIPT_MAX) {
            lua_pushfstring(L,
                            "cannot read %s: it has %I bytes, and a script "
                            "may have %d",
                            name, (LUAI_UACINT)st.st_size, SCRIPT_MAX);
            return LUA_ERRFILE;
        }
    }
    return luaL_loadfilex(L, in ? NULL : name, NULL);
}

typedef struct ScriptLoad {
    int (*load)(lua_State *L, void *ud);
    void *ud;
} ScriptLoad;

/* Protected; argument: a ScriptLoad. */
static int
script_load_protected(lua_State *L)
{
    const ScriptLoad *how = lua_touserdata(L, 1);
    return how->load(L, how->ud) == LUA_OK ? 1 : lua_error(L);
}

int
script_load(lua_State *L, int (*load)(lua_State *L, void *ud), void *ud)
{
    ScriptLoad how = { load, ud };
    lua_pushcfunction(L, script_load_protected);
    lua_pushlightuserdata(L, &how);
    return lua_pcall(L, 1, 1, 0);
}

int
script_spread(lua_State *L)
{
    int n = (int)lua_tointeger(L, 2);
    lua_settop(L, 1);
    luaL_checkstack(L, n + 8, "too many arguments");
    if (lua_getglobal(L, "arg") == LUA_TTABLE)
        for (int i = 1; i <= n; i++)
            lua_rawgeti(L, 2, i);
    lua_remove(L, 2);
    return lua_gettop(L);
}

/* Protected; argument: the script's folder. */
static int
script_put_path(lua_State *L)
{
    const char *dir = lua_touserdata(L, 1);
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "path");
    const char *path = luaL_checkstring(L, -1);
    lua_pushfstring(L, "%s%s%s/?.lua;%s/?/init.lua", path, *path ? ";" : "",
                    dir, dir);
    lua_setfield(L, -3, "path");
    return 0;
}

int
script_add_path(lua_State *L, const char *path)
{
    int status = LUA_OK;
    char *real = strcmp(path, "-") == 0 ? NULL : realpath(path, NULL);
    char *slash = real ? strrchr(real, '/') : NULL;
    if (slash) {
        *slash = '\0';
        lua_pushcfunction(L, script_put_path);
        lua_pushlightuserdata(L, real);
        status = lua_pcall(L, 1, 0, 0);
    }
    free(real);
    if (status == LUA_ERRMEM)
        return ORUN_ENOMEM;
    lua_settop(L, 0);
    return 0;
}
