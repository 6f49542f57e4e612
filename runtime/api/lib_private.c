/* lib_private.c — private_folder, private_file: the user's alone.
 *
 * What orun remembers between runs is kept in folders and files of the user's
 * alone, whatever the umask is: neither others' links nor their folders are
 * written to. They block for a few calls of the system.
 */
#include "api/lib_arg.h"
#include "api/lib_orun.h"
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *
lib_private_path(lua_State *L, const char *fn)
{
    lua_settop(L, 1);
    const char *path = arg_text(L, fn, "path", 1, PATH_MAX - 1);
    if (!path || *path != '/')
        arg_error(L, fn, "path", 1, "expected an absolute path");
    return path;
}

/* Make what is missing of the folders above `path`, and it. 0, or an errno. */
static int
lib_private_make(const char *path)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST && errno != EISDIR
            && access(part, F_OK) != 0)
            return errno;
    }
    return 0;
}

/* The folder at `path` is this user's and nobody else's from now on; NULL, or
 * why not. */
static const char *
lib_private_take(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return strerror(errno);
    const char *why = NULL;
    if (fstat(fd, &st) != 0)
        why = strerror(errno);
    else if (st.st_uid != geteuid())
        why = "it belongs to another user";
    else if (st.st_mode & 077 && fchmod(fd, 0700) != 0)
        why = strerror(errno);
    close(fd);
    return why;
}

/* private_folder(path) -> path, once there is such a folder, 0700 and this
 * user's; those above it are made, too. nil and a message when it cannot be. */
int
lib_private_folder(lua_State *L)
{
    const char *path = lib_private_path(L, "private_folder");
    int e = lib_private_make(path);
    const char *why = e ? strerror(e) : lib_private_take(path);
    if (!why)
        return 1;
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", path, why);
    return 2;
}

static int
lib_private_close(lua_State *L)
{
    luaL_Stream *file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
    return luaL_fileresult(L, fclose(file->f) == 0, NULL);
}

/* private_file(path) -> a file of Lua's open for writing, new, 0600; nil and a
 * message when it cannot be made, or is there already. */
int
lib_private_file(lua_State *L)
{
    const char *path = lib_private_path(L, "private_file");
    luaL_Stream *file = lua_newuserdatauv(L, sizeof *file, 0);
    file->closef = NULL; /* closed, as long as this is not set */
    luaL_setmetatable(L, LUA_FILEHANDLE);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                  0600);
    file->f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file->f) {
        int e = errno;
        if (fd >= 0) {
            close(fd);
            unlink(path);
        }
        errno = e;
        return luaL_fileresult(L, 0, path);
    }
    file->closef = lib_private_close;
    return 1;
}
