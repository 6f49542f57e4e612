/* lib_orun.c — putting the Lua API together. */
#include "api/lib_orun.h"
#include "api/lib_arg.h"
#include "api/lib_base.h"
#include "api/lib_channel.h"
#include "api/lib_kept.h"
#include "api/lib_overview.h"
#include "api/lib_run_registry.h"
#include "api/lib_prompt.h"
#include "api/lib_screen.h"
#include "api/lib_terminal.h"
#include "base/version.h"
#include "value/module.h"
#include "value/value.h"
#include "vm/bundle.h"
#include "vm/handle.h"
#include <lauxlib.h>
#include <lualib.h>

static const luaL_Reg lib_orun_functions[] = {
    { "Task", lib_task },
    { "TaskOutput", lib_task_output },
    { "TaskCreate", lib_task_create },
    { "TaskGet", lib_task_get },
    { "TaskUpdate", lib_task_update },
    { "TaskStop", lib_task_stop },
    { "agent", lib_agent },
    { "bundled", lib_bundled },
    { "claim", lib_claim },
    { "collector", lib_collector },
    { "config", lib_config },
    { "dismiss", lib_dismiss },
    { "exec", lib_exec },
    { "forget", lib_forget },
    { "http", lib_http },
    { "limit", lib_limit },
    { "log", lib_log },
    { "now", lib_now },
    { "phase", lib_phase },
    { "report", lib_report },
    { "sleep", lib_sleep },
    { "slot", lib_slot },
    { "stopping", lib_stopping },
    { "unread", lib_unread },
    { NULL, NULL },
};

/* Few tasks need one of these. In a task's state each is there once it is asked
 * for, because every task has a copy of all that is in a pristine state. */
static const luaL_Reg lib_orun_rare[] = {
    { "clean", lib_clean },
    { "control", lib_control },
    { "entries", lib_entries },
    { "key", lib_key },
    { "nearest", lib_nearest },
    { "once", lib_once },
    { "peek", lib_peek },
    { "private_file", lib_private_file },
    { "private_folder", lib_private_folder },
    { "program", lib_program_path },
    { "random", lib_random },
    { "read_output", lib_read_output },
    { "real", lib_real },
    { "scan", lib_scan },
    { "script_place", lib_script_place },
    { "system", lib_system },
    { "ticks", lib_ticks },
    { "uuid", lib_uuid },
    { "yaml", lib_yaml },
    { NULL, NULL },
};

static const char *const lib_orun_globals[] = {
    "Task",       "TaskOutput", "TaskCreate", "TaskGet",
    "TaskUpdate", "TaskStop",   "TaskList",
};

/* Push the function of that name, made by what the light userdata in the first
 * upvalue points to (nil: there are none here); false if it is none. */
static bool
lib_orun_push_rare(lua_State *L, const char *name)
{
    LibOrunPush *const *push = lua_touserdata(L, lua_upvalueindex(1));
    for (const luaL_Reg *f = lib_orun_rare; push && f->name; f++)
        if (strcmp(f->name, name) == 0) {
            (*push)(L, f, false);
            return true;
        }
    return false;
}

/* orun.NAME for a NAME that is not there yet: the function or the bundled
 * module of that name, kept in the table; nil when there is none. */
static int
lib_orun_index(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    if (!lib_orun_push_rare(L, lua_tostring(L, 2))) {
        const char *module = lua_pushfstring(L, "orun.%s", lua_tostring(L, 2));
        if (!bundle_find(module))
            return 0;
        module_get(L);
    }
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    return 1;
}

/* TaskList{...} */
static int
lib_list_call(lua_State *L)
{
    lua_remove(L, 1);
    return lib_task_list(L);
}

/* TaskList:claim{...} */
static int
lib_list_claim(lua_State *L)
{
    lua_remove(L, 1);
    return lib_claim(L);
}

/* Push a primitive as it is. */
static void
lib_orun_push(lua_State *L, const luaL_Reg *f, bool method)
{
    (void)method;
    lua_pushcfunction(L, f->func);
}

/* Push the value that is both a function and has methods. */
static void
lib_orun_push_list(lua_State *L, LibOrunPush *push)
{
    lua_createtable(L, 0, 1);
    push(L, &(luaL_Reg){ "claim", lib_list_claim }, true);
    lua_setfield(L, -2, "claim");
    lua_createtable(L, 0, 2);
    push(L, &(luaL_Reg){ "TaskList", lib_list_call }, true);
    lua_setfield(L, -2, "__call");
    lua_pushliteral(L, "orun.TaskList");
    lua_setfield(L, -2, "__name");
    lua_setmetatable(L, -2);
}

/* The module at the top has its version, and finds what is bundled, and rare
 * functions by *push unless that is NULL; it is a constant. */
static void
lib_orun_finish(lua_State *L, LibOrunPush *const *push)
{
    lua_pushliteral(L, ORUN_VERSION);
    lua_setfield(L, -2, "version");
    lua_createtable(L, 0, 1);
    if (push)
        lua_pushlightuserdata(L, (void *)(uintptr_t)push);
    else
        lua_pushnil(L);
    lua_pushcclosure(L, lib_orun_index, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}

/* Pop the module: it is the global, and what require gives. */
static void
lib_orun_publish(lua_State *L)
{
    lua_pushvalue(L, -1);
    lua_setglobal(L, "orun");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_insert(L, -2);
    lua_setfield(L, -2, "orun");
    lua_pop(L, 1);
}

/* Push the module. */
static void
lib_orun_push_module(lua_State *L, bool script, LibOrunPush *const *push)
{
    lua_createtable(L, 0, countof(lib_orun_functions) + 1);
    for (const luaL_Reg *f = lib_orun_functions; f->name; f++) {
        (*push)(L, f, false);
        lua_setfield(L, -2, f->name);
    }
    for (const luaL_Reg *f = lib_orun_rare; script && f->name; f++) {
        (*push)(L, f, false);
        lua_setfield(L, -2, f->name);
    }
    lib_orun_push_list(L, *push);
    lua_setfield(L, -2, "TaskList");
    lib_orun_finish(L, push);
}

void
lib_orun_push_guest(lua_State *L, LibOrunPush *const *push)
{
    lib_overview_open(L);
    handle_open(L);
    lib_orun_push_module(L, true, push);
}

const char *
lib_orun_global(size_t n)
{
    return n < countof(lib_orun_globals) ? lib_orun_globals[n] : NULL;
}

/* Lua's own libraries are safe for many states. */
static void
lib_orun_open_base(lua_State *L, bool script)
{
    lib_base_open(L, script);
    lua_pushglobaltable(L);
    lib_unread_open(L);
    lua_pop(L, 1);
    lib_io_open(L, script);
    lib_package_open(L);
}

/* On top of the libraries: the module, whose primitives `push` makes. */
static void
lib_orun_make(lua_State *L, bool script, LibOrunPush *const *push)
{
    lib_bundle_open(L, script);
    handle_open(L);
    lib_orun_push_module(L, script, push);
    for (size_t i = 0; i < countof(lib_orun_globals); i++) {
        lua_getfield(L, -1, lib_orun_globals[i]);
        lua_setglobal(L, lib_orun_globals[i]);
    }
    lib_orun_publish(L);
    if (script)
        value_open(L);
}

void
lib_orun_open_by(lua_State *L, Vm *vm, LibOrunPush *const *push)
{
    lib_orun_open_base(L, vm->script);
    lib_orun_make(L, vm->script, push);
}

/* The functions are all that the module has. */
static void
lib_orun_open_some(lua_State *L, Vm *vm, const luaL_Reg *functions)
{
    lib_orun_open_base(L, vm->script);
    lib_bundle_open(L, vm->script);
    lua_newtable(L);
    luaL_setfuncs(L, functions, 0);
    lib_orun_finish(L, NULL);
    lib_orun_publish(L);
}

/* script_place() where no script runs. */
static int
lib_orun_no_script(lua_State *L)
{
    (void)L;
    return 0;
}

void
lib_orun_open_client(lua_State *L, Vm *vm, void *ud)
{
    static const luaL_Reg functions[] = {
        { "clean", lib_clean },
        { "nearest", lib_nearest },
        { "bundled", lib_bundled },
        { "entries", lib_entries },
        { "real", lib_real },
        { "script_place", lib_orun_no_script },
        { "channel", lib_channel },
        { "input", lib_channel_input },
        { "await", lib_channel_await },
        { "write", lib_channel_write },
        { "read_run_registry", lib_run_registry },
        { "kept_files", lib_kept_files },
        { "kept_forget", lib_kept_forget },
        { "kept_open", lib_kept_open },
        { "kept_remove", lib_kept_remove },
        { "kept_used", lib_kept_used },
        { "screen", lib_screen },
        { NULL, NULL },
    };
    (void)ud;
    lib_terminal_open(L);
    lib_orun_open_some(L, vm, functions);
}

void
lib_orun_open_view(lua_State *L, Vm *vm, void *ud)
{
    static const luaL_Reg functions[] = {
        { "clean", lib_clean },
        { "nearest", lib_nearest },
        { "entries", lib_entries },
        { "real", lib_real },
        { "private_file", lib_private_file },
        { "private_folder", lib_private_folder },
        { NULL, NULL },
    };
    (void)ud;
    lib_io_watch(L);
    lib_orun_open_some(L, vm, functions);
}

void (*lib_orun_more)(lua_State *L);

void
lib_orun_open(lua_State *L, Vm *vm, void *ud)
{
    static LibOrunPush *const push = lib_orun_push;
    (void)ud;
    lib_orun_open_base(L, vm->script);
    lib_shell_open(L);
    lib_overview_open(L);
    lib_orun_make(L, vm->script, &push);
    if (vm->script) {
        lib_terminal_open(L); /* for the commands that are scripts */
        lib_prompt_open(L);
    }
    if (lib_orun_more)
        lib_orun_more(L);
}
