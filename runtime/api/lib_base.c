/* lib_base.c — the basic functions, os, debug and string as tasks see them.
 *
 * What is replaced behaves as Lua's own in all that is not refused. A refusal
 * says what to do instead.
 */
#include "api/lib_base.h"
#include "api/lib_class.h"
#include "base/log.h"
#include "vm/vm.h"
#include <lauxlib.h>

int
lib_base_forward(lua_State *L, const char *name)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    if (status == LUA_OK)
        return lua_gettop(L);
    if (status == LUA_ERRRUN && lua_type(L, -1) == LUA_TSTRING) {
        const char *text = lua_tostring(L, -1);
        luaL_where(L, 1);
        luaL_gsub(L, text, "to '?'", lua_pushfstring(L, "to '%s'", name));
        lua_remove(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

void
lib_base_replace(lua_State *L, const char *name, lua_CFunction f)
{
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, f, 1);
    lua_setfield(L, -2, name);
}

/* Loading: text only in tasks. Without a name Lua reads standard input, which
 * is not a task's to read. */

static const char lib_base_refusal[] =
    "bytecode is refused: it could crash the process; load source text";

/* The failure at the top of the stack: is it that the chunk was binary? Then
 * say it our way. */
static void
lib_base_explain(lua_State *L)
{
    const char *text = lua_tostring(L, -1);
    if (!text || !strstr(text, "attempt to load a binary chunk"))
        return;
    lua_pop(L, 1);
    lua_pushstring(L, lib_base_refusal);
}

/* Lua's load or loadfile with argument `mode` set to text. */
static int
lib_base_load_text(lua_State *L, const char *name, int mode)
{
    if (!strchr(luaL_optstring(L, mode, "bt"), 't')) {
        lua_pushnil(L);
        lua_pushstring(L, lib_base_refusal);
        return 2;
    }
    if (lua_gettop(L) < mode)
        lua_settop(L, mode);
    lua_pushliteral(L, "t");
    lua_replace(L, mode);
    int results = lib_base_forward(L, name);
    if (results == 2 && lua_isnil(L, 1)) {
        if (vm_of(L)->over_limit)
            return stop_raise(L, &vm_of(L)->stop);
        lib_base_explain(L);
    }
    return results;
}

static int
lib_base_load(lua_State *L)
{
    if (!lua_isstring(L, 1))
        luaL_checktype(L, 1, LUA_TFUNCTION);
    return lib_base_load_text(L, "load", 3);
}

static int
lib_base_loadfile(lua_State *L)
{
    luaL_checkstring(L, 1);
    return lib_base_load_text(L, "loadfile", 2);
}

static int
lib_base_done_file(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    return lua_gettop(L) - 1;
}

static int
lib_base_dofile(lua_State *L)
{
    luaL_checkstring(L, 1);
    lua_settop(L, 1);
    if (luaL_loadfilex(L, lua_tostring(L, 1), "t") != LUA_OK) {
        lib_base_explain(L);
        return lua_error(L);
    }
    lua_callk(L, 0, LUA_MULTRET, 0, lib_base_done_file);
    return lib_base_done_file(L, LUA_OK, 0);
}

static int
lib_base_dump(lua_State *L)
{
    return luaL_error(L,
                      "string.dump: there is no bytecode in tasks; send "
                      "the function itself, or its source");
}

/* Metatables */

/* The table at the top is the metatable of one of orun's own userdata: push the
 * same without __gc, which is not to be called from Lua; it is made once. */
static void
lib_base_push_shown(lua_State *L)
{
    const void *key = lua_topointer(L, -1);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 4);
    for (lua_pushnil(L); lua_next(L, -3); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, -5);
    }
    lua_pushnil(L);
    lua_setfield(L, -2, "__gc");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

/* As Lua's own, but for what is orun's. */
static int
lib_base_getmetatable(lua_State *L)
{
    luaL_checkany(L, 1);
    if (!lua_getmetatable(L, 1)) {
        lua_pushnil(L);
        return 1;
    }
    if (luaL_getmetafield(L, 1, "__metatable") == LUA_TNIL
        && lua_type(L, 1) == LUA_TUSERDATA && lib_class_is_own(L))
        lib_base_push_shown(L);
    return 1;
}

/* os */

/* What is left of it in the 8 bits that an exit code has. */
static lua_Integer
lib_base_exit_code(lua_State *L)
{
    if (lua_isboolean(L, 1))
        return lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE;
    lua_Integer code = luaL_optinteger(L, 1, EXIT_SUCCESS);
    return code & 0xff;
}

/* os.exit(code, close) ends the task, or the script and then, in order, the
 * program. As with Lua's own, nothing runs afterwards, not even <close>,
 * unless `close` is true: then an error is raised, and <close> runs as it
 * passes. Code that catches it cannot wait for anything, and a second call is
 * the hard one. */
static int
lib_base_exit(lua_State *L)
{
    Vm *vm = vm_of(L);
    bool again = vm->exit_code >= 0;
    vm->exit_code = (int)lib_base_exit_code(L);
    stop_request(&vm->stop,
                 lua_toboolean(L, 2) && !again ? STOP_ONCE : STOP_HARD,
                 "os.exit");
    return stop_raise(L, &vm->stop);
}

static int
lib_base_setlocale(lua_State *L)
{
    if (luaL_optstring(L, 1, NULL))
        return luaL_error(L,
                          "os.setlocale: refused in a task, for the locale "
                          "is the whole process's; set it at the start of the "
                          "script");
    return lib_base_forward(L, "setlocale");
}

/* Warnings of the script: off until warn("@on"), as in Lua's own program. */

enum { LIB_BASE_WARN = 1000 }; /* bytes of a warning that are told at once */

typedef struct LibBaseWarn {
    bool on, more;
    size_t n;
    char text[LIB_BASE_WARN];
} LibBaseWarn;

static void
lib_base_warn_tell(LibBaseWarn *w)
{
    if (w->n)
        log_tell(LOG_WARNING, w->text, w->n);
    w->n = 0;
}

static void
lib_base_warn_put(LibBaseWarn *w, const char *text)
{
    size_t n = strlen(text);
    if (n > sizeof w->text - w->n)
        lib_base_warn_tell(w);
    if (n > sizeof w->text) {
        log_tell(LOG_WARNING, text, n);
        return;
    }
    memcpy(w->text + w->n, text, n);
    w->n += n;
}

static void
lib_base_warn(void *ud, const char *text, int more)
{
    LibBaseWarn *w = ud;
    if (!w->more && !more && *text == '@') {
        if (strcmp(text, "@on") == 0 || strcmp(text, "@off") == 0)
            w->on = text[2] == 'n';
        return;
    }
    if (w->on) {
        if (!w->more)
            lib_base_warn_put(w, "Lua warning: ");
        lib_base_warn_put(w, text);
        if (!more) {
            lib_base_warn_put(w, "\n");
            lib_base_warn_tell(w);
        }
    }
    w->more = more;
}

static void
lib_base_open_warn(lua_State *L)
{
    LibBaseWarn *w = lua_newuserdatauv(L, sizeof *w, 0);
    *w = (LibBaseWarn){ 0 };
    lua_setfield(L, LUA_REGISTRYINDEX, "orun.warn");
    lua_setwarnf(L, lib_base_warn, w);
}

/* What tasks do not have */

/* debug becomes a table of the two functions that only look. */
static void
lib_base_keep_debug(lua_State *L)
{
    static const char *const kept[] = { "traceback", "getinfo" };
    lua_createtable(L, 0, countof(kept));
    lua_getglobal(L, "debug");
    for (size_t i = 0; i < countof(kept); i++) {
        lua_getfield(L, -1, kept[i]);
        lua_setfield(L, -3, kept[i]);
    }
    lua_pop(L, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "debug");
    lua_pop(L, 1);
    lua_setglobal(L, "debug");
}

static void
lib_base_open_task(lua_State *L)
{
    lib_base_replace(L, "load", lib_base_load);
    lib_base_replace(L, "loadfile", lib_base_loadfile);
    lib_base_replace(L, "dofile", lib_base_dofile);
    lua_getfield(L, -1, "os");
    lib_base_replace(L, "setlocale", lib_base_setlocale);
    lua_getfield(L, -2, "string");
    lib_base_replace(L, "dump", lib_base_dump);
    lua_pop(L, 2);
    lib_base_keep_debug(L);
}

int
lib_base_open(lua_State *L, bool script)
{
    lua_pushglobaltable(L);
    lib_base_replace(L, "getmetatable", lib_base_getmetatable);
    lua_getfield(L, -1, "os");
    lib_base_replace(L, "exit", lib_base_exit);
    lua_pop(L, 1);
    if (script)
        lib_base_open_warn(L);
    else
        lib_base_open_task(L);
    lua_pop(L, 1);
    return 0;
}
