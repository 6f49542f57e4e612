/* lib_io.c — print and io, for many threads and their children.
 *
 * Standard output and error belong to the whole process: what one call prints
 * goes out in one piece. Files are opened close-on-exec, for children are
 * started all the time. A task's standard input is empty.
 */
#include "api/lib_base.h"
#include "base/err.h"
#include "base/order.h"
#include "base/sanitize.h"
#include "base/terminal.h"
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

/* Printing. What print puts on a terminal cannot drive it, for it is mostly
 * what agents wrote; into a pipe or a file it goes as it is. A script that
 * means to drive the terminal uses io.write. */

static int
lib_io_print(lua_State *L)
{
    int n = lua_gettop(L);
    luaL_Buffer line;
    luaL_buffinit(L, &line);
    for (int i = 1; i <= n; i++) {
        if (i > 1)
            luaL_addchar(&line, '\t');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&line);
    }
    luaL_addchar(&line, '\n');
    luaL_pushresult(&line);
    size_t size;
    const char *text = lua_tolstring(L, -1, &size);
    Buf safe = { 0 };
    if (!sanitize_is_safe(text, size, SANITIZE_PRINT)
        && isatty(STDOUT_FILENO)) {
        sanitize_escape(&safe, text, size, SANITIZE_PRINT);
        text = buf_cstr(&safe);
        size = buf_failed(&safe) ? 0 : safe.n;
    }
    order_keep(STDOUT_FILENO);
    flockfile(stdout);
    terminal_enter(STDOUT_FILENO);
    bool gone = (fwrite(text, 1, size, stdout) < size || fflush(stdout) != 0)
        && errno == EPIPE;
    terminal_leave(STDOUT_FILENO, size ? text[size - 1] : '\0');
    funlockfile(stdout);
    bool failed = buf_failed(&safe);
    buf_free(&safe);
    if (gone) {
        terminal_reader_gone();
        return luaL_error(L, "print: %s", strerror(EPIPE));
    }
    return failed ? luaL_error(L, "print: %s", err_text(ORUN_ENOMEM)) : 0;
}

static const char lib_io_views; /* its address: a registry key */

void
lib_io_watch(lua_State *L)
{
    lua_pushboolean(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &lib_io_views);
}

/* A write to descriptor `fd` has failed, errno says how: has the reader of what
 * this process prints gone, or that of a view's file? */
static void
lib_io_failed(lua_State *L, int fd)
{
    int e = errno;
    bool view = lua_rawgetp(L, LUA_REGISTRYINDEX, &lib_io_views)
        == LUA_TBOOLEAN;
    lua_pop(L, 1);
    if (e == EPIPE && (view || fd == STDOUT_FILENO || fd == STDERR_FILENO))
        terminal_reader_gone();
    errno = e;
}

/* *last becomes the last character. */
static bool
lib_io_put(lua_State *L, FILE *f, int index, char *last)
{
    *last = '0';
    if (lua_isinteger(L, index))
        return fprintf(f, LUA_INTEGER_FMT, lua_tointeger(L, index)) >= 0;
    if (lua_type(L, index) == LUA_TNUMBER)
        return fprintf(f, LUA_NUMBER_FMT, lua_tonumber(L, index)) >= 0;
    size_t n;
    const char *s = lua_tolstring(L, index, &n);
    if (n)
        *last = s[n - 1];
    return fwrite(s, 1, n, f) == n;
}

/* Write the values from index 2 on to the file at index 1, which is given
 * back. All are looked at first, so nothing raises while the file is held. */
static int
lib_io_write_to(lua_State *L, const luaL_Stream *file)
{
    FILE *f = file->f;
    int n = lua_gettop(L);
    for (int i = 2; i <= n; i++)
        if (lua_type(L, i) != LUA_TNUMBER)
            luaL_checkstring(L, i);
    bool ok = true;
    char last = '\0';
    int fd = fileno(f);
    bool compared = order_keep(fd);
    flockfile(f);
    terminal_enter(fd);
    for (int i = 2; i <= n; i++)
        ok = lib_io_put(L, f, i, &last) && ok;
    if (terminal_footed(fd) || (compared && last == '\n'))
        ok = fflush(f) == 0 && ok;
    int e = errno;
    terminal_leave(fd, last);
    funlockfile(f);
    errno = e;
    if (!ok)
        lib_io_failed(L, fileno(file->f));
    lua_pushvalue(L, 1);
    return ok ? 1 : luaL_fileresult(L, 0, NULL);
}

static int
lib_io_file_write(lua_State *L)
{
    luaL_Stream *file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
    if (!file->closef)
        return luaL_error(L, "attempt to use a closed file");
    return lib_io_write_to(L, file);
}

/* file:flush() */
static int
lib_io_file_flush(lua_State *L)
{
    luaL_Stream *file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
    if (!file->closef)
        return luaL_error(L, "attempt to use a closed file");
    errno = 0;
    bool ok = fflush(file->f) == 0;
    if (!ok)
        lib_io_failed(L, fileno(file->f));
    return luaL_fileresult(L, ok, NULL);
}

/* io.write; upvalue 1: Lua's io.output, which tells the default file. */
static int
lib_io_write(lua_State *L)
{
    for (int i = 1; i <= lua_gettop(L); i++)
        if (lua_type(L, i) != LUA_TNUMBER)
            luaL_checkstring(L, i);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_call(L, 0, 1);
    lua_insert(L, 1);
    luaL_Stream *file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
    if (!file->closef)
        return luaL_error(L, "default output file is closed");
    return lib_io_write_to(L, file);
}

/* Opening */

static int
lib_io_close(lua_State *L)
{
    luaL_Stream *file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
    bool ok = fclose(file->f) == 0;
    if (!ok)
        lib_io_failed(L, -1);
    return luaL_fileresult(L, ok, NULL);
}

static bool
lib_io_mode_ok(const char *mode)
{
    if (*mode == '\0' || !strchr("rwa", *mode))
        return false;
    mode += mode[1] == '+' ? 2 : 1;
    return strcmp(mode, "") == 0 || strcmp(mode, "b") == 0;
}

static int
lib_io_open_file(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const char *mode = luaL_optstring(L, 2, "r");
    luaL_argcheck(L, lib_io_mode_ok(mode), 2, "invalid mode");
    char with[8];
    snprintf(with, sizeof with, "%se", mode);
    luaL_Stream *file = lua_newuserdatauv(L, sizeof *file, 0);
    file->closef = NULL; /* closed, as long as this is not set */
    luaL_setmetatable(L, LUA_FILEHANDLE);
    errno = 0;
    file->f = fopen(name, with);
    if (!file->f)
        return luaL_fileresult(L, 0, name);
    file->closef = lib_io_close;
    return 1;
}

/* The functions of Lua that open files by themselves; upvalue 1: such a
 * function, 2: its name. Files among the results get the flag. */
static int
lib_io_opening(lua_State *L)
{
    int n = lib_base_forward(L, lua_tostring(L, lua_upvalueindex(2)));
    for (int i = 1; i <= n; i++) {
        luaL_Stream *file = luaL_testudata(L, i, LUA_FILEHANDLE);
        if (file && file->closef && fileno(file->f) > 2)
            fcntl(fileno(file->f), F_SETFD, FD_CLOEXEC);
    }
    return n;
}

static void
lib_io_open_opening(lua_State *L)
{
    static const char *const names[] = { "lines", "input", "output", "popen",
                                         "tmpfile" };
    for (size_t i = 0; i < countof(names); i++) {
        lua_getfield(L, -1, names[i]);
        lua_pushstring(L, names[i]);
        lua_pushcclosure(L, lib_io_opening, 2);
        lua_setfield(L, -2, names[i]);
    }
}

/* Standard input of tasks: one empty file for all, never closed. */

static FILE *lib_io_empty;

static void
lib_io_make_empty(void)
{
    lib_io_empty = fopen("/dev/null", "re");
}

static void
lib_io_hide_input(lua_State *L)
{
    static uv_once_t once = UV_ONCE_INIT;
    uv_once(&once, lib_io_make_empty);
    lua_getfield(L, -1, "stdin");
    luaL_Stream *file = luaL_checkudata(L, -1, LUA_FILEHANDLE);
    if (lib_io_empty)
        file->f = lib_io_empty;
    lua_pop(L, 1);
}

void
lib_io_open(lua_State *L, bool script)
{
    lua_pushcfunction(L, lib_io_print);
    lua_setglobal(L, "print");
    lua_getglobal(L, "io");
    lua_getfield(L, -1, "output");
    lua_pushcclosure(L, lib_io_write, 1);
    lua_setfield(L, -2, "write");
    lib_io_open_opening(L);
    lua_pushcfunction(L, lib_io_open_file);
    lua_setfield(L, -2, "open");
    if (!script)
        lib_io_hide_input(L);
    luaL_getmetatable(L, LUA_FILEHANDLE);
    lua_getfield(L, -1, "__index");
    lua_pushcfunction(L, lib_io_file_write);
    lua_setfield(L, -2, "write");
    lua_pushcfunction(L, lib_io_file_flush);
    lua_setfield(L, -2, "flush");
    lua_pop(L, 3);
}
