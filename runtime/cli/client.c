/* client.c — a state, a module, an exit code. */
#include "cli/client.h"
#include "api/lib_orun.h"
#include "base/log.h"
#include "base/sanitize.h"
#include "base/secret.h"
#include "cli/command.h"
#include "cli/options.h"
#include "value/module.h"
#include "vm/vm.h"
#include <lauxlib.h>
#include <stdio.h>
#include <unistd.h>

enum { CLIENT_FAILED = 1 };

/* The global `arg`: for `orun complete`, which knows all of them, the text of
 * help, the words of all commands, and the path of this program. */
static void
client_set_arg(lua_State *L, const char *words)
{
    char program[40];
    snprintf(program, sizeof program, "/proc/%ld/exe", (long)getpid());
    lua_newtable(L);
    lua_pushstring(L, options_help);
    lua_setfield(L, -2, "help");
    lua_pushstring(L, words);
    lua_setfield(L, -2, "commands");
    lua_pushstring(L, program);
    lua_setfield(L, -2, "program");
    lua_setglobal(L, "arg");
}

/* Protected; arguments: argc, argv, the words of all commands. */
static int
client_run(lua_State *L)
{
    int argc = (int)lua_tointeger(L, 1);
    char **argv = lua_touserdata(L, 2);
    luaL_checkstack(L, argc + 5, "too many arguments");
    client_set_arg(L, lua_touserdata(L, 3));
    lua_pushfstring(L, "orun.command.%s", argv[1]);
    module_get(L);
    for (int i = 2; i < argc; i++)
        lua_pushstring(L, argv[i]);
    lua_call(L, argc - 2, 1);
    return 1;
}

static void
client_tell(lua_State *L)
{
    Buf text = { 0 }, line = { 0 };
    vm_error_text(L, &text);
    buf_puts(&line, "orun: ");
    buf_put(&line, text.p, text.n);
    buf_putc(&line, '\n');
    sanitize_write(STDERR_FILENO, buf_cstr(&line), line.n);
    buf_free(&text);
    buf_free(&line);
}

int
client_main(int argc, char **argv)
{
    static const VmConfig config = { .open = lib_orun_open_client };
    Vm *vm = NULL;
    Buf words = { 0 };
    log_init();
    if (secret_open(environ) || vm_script_new(&config, &vm)) {
        fprintf(stderr, "orun: out of memory\n");
        secret_close();
        return CLIENT_FAILED;
    }
    command_words(&words);
    lua_pushcfunction(vm->L, client_run);
    lua_pushinteger(vm->L, argc);
    lua_pushlightuserdata(vm->L, argv);
    lua_pushlightuserdata(vm->L, (char *)buf_cstr(&words));
    int status = stop_pcall(&vm->stop, vm->L, 3, 1, 0);
    int code = status == LUA_OK ? (int)lua_tointeger(vm->L, -1) : CLIENT_FAILED;
    if (status != LUA_OK)
        client_tell(vm->L);
    vm_script_free(vm);
    buf_free(&words);
    secret_close();
    return code;
}
