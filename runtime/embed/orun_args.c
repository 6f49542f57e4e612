/* orun_args.c — the arguments of a script. */
#include "embed/orun_own.h"
#include "embed/script_steps.h"
#include <lauxlib.h>

typedef struct OrunArgs {
    int argc, script;
    const char *const *argv;
} OrunArgs;

static int
orun_args_table(lua_State *L)
{
    const OrunArgs *a = lua_touserdata(L, 1);
    lua_createtable(L, a->argc, a->script + 1);
    for (int i = 0; i < a->argc; i++) {
        lua_pushstring(L, a->argv[i]);
        lua_rawseti(L, -2, i - a->script);
    }
    lua_setglobal(L, "arg");
    return 0;
}

static int
orun_take_args(orun *o, int argc, const char *const *argv, int script)
{
    if (argc < 0 || (argc && !argv) || script < 0 || script > argc)
        return orun_fail(o, ORUN_EINVAL,
                         "orun_set_args: argc is %d and script "
                         "is %d; script is an index of argv",
                         argc, script);
    OrunArgs a = { argc, script, argv };
    lua_State *L = o->vm->L;
    lua_pushcfunction(L, orun_args_table);
    lua_pushlightuserdata(L, &a);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK) {
        o->args = argc - script - 1 > 0 ? argc - script - 1 : 0;
        if (orun_keep_args(o, argc, argv) == 0)
            return 0;
        return orun_fail(o, ORUN_ENOMEM, "%s", err_text(ORUN_ENOMEM));
    }
    return orun_raised(o, ORUN_ENOMEM, 1);
}

int
orun_set_args(orun *o, int argc, const char *const *argv, int script)
{
    int e = orun_enter(o, "orun_set_args");
    if (e)
        return e;
    return orun_leave(o, orun_take_args(o, argc, argv, script));
}

int
orun_run_steps(orun *o, const char *path, ScriptSteps *steps)
{
    int e = orun_run_path(o, path, script_steps_load, steps);
    if (e != ORUN_EFAILED || !steps->syntax)
        return e;
    o->status = 2;
    return ORUN_ESYNTAX;
}
