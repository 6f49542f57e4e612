/* lib_fs.c — entries, scan, real, program: looking at the file system.
 *
 * For finding agent files and the programs that are agents, and for
 * orun.files. A Task call does that before there is a task, where nothing can
 * wait for a program, so these make a few blocking system calls. Strings are
 * the system's bytes.
 */
#include "api/lib_arg.h"
#include "api/lib_class.h"
#include "api/lib_orun.h"
#include "engine/engine.h"
#include "process/program.h"
#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define LIB_FS_TYPE "orun.folder"

enum { LIB_FS_ENTRIES = 10000 };

static int
lib_fs_gc(lua_State *L)
{
    uv_fs_req_cleanup(lua_touserdata(L, 1));
    return 0;
}

static const luaL_Reg lib_fs_methods[] = {
    { "__gc", lib_fs_gc },
    { NULL, NULL },
};

static const char *
lib_fs_path(lua_State *L, const char *fn)
{
    lua_settop(L, 1);
    const char *path = arg_text(L, fn, "path", 1, PATH_MAX - 1);
    if (!path || !*path)
        arg_error(L, fn, "path", 1, "expected a path");
    return path;
}

/* nil, the reason, its name */
static int
lib_fs_failed(lua_State *L, int err)
{
    lua_pushnil(L);
    lua_pushstring(L, strerror(err));
    lua_pushstring(L, err == ENOENT || err == ENOTDIR ? "absent" : "refused");
    return 3;
}

/* What is at the path of the folder's entry, or what the link there leads to;
 * false when there is nothing. */
static bool
lib_fs_look(lua_State *L, const char *folder, const char *name, bool follow,
            uv_stat_t *st)
{
    uv_fs_t look;
    const char *path = lua_pushfstring(L, "%s/%s", folder, name);
    int failed = follow ? uv_fs_stat(NULL, &look, path, NULL)
                        : uv_fs_lstat(NULL, &look, path, NULL);
    *st = look.statbuf;
    uv_fs_req_cleanup(&look);
    lua_pop(L, 1);
    return failed == 0;
}

/* The kind of an entry; links to files are followed. *st is what it is, for
 * files only if `measures`. */
static const char *
lib_fs_kind(lua_State *L, const char *folder, const uv_dirent_t *entry,
            bool measures, uv_stat_t *st)
{
    uv_dirent_type_t type = entry->type;
    if (type == UV_DIRENT_UNKNOWN || (type == UV_DIRENT_FILE && measures)) {
        if (!lib_fs_look(L, folder, entry->name, false, st))
            return "other";
        type = S_ISREG(st->st_mode) ? UV_DIRENT_FILE
            : S_ISDIR(st->st_mode)  ? UV_DIRENT_DIR
            : S_ISLNK(st->st_mode)  ? UV_DIRENT_LINK
                                    : UV_DIRENT_UNKNOWN;
    }
    if (type != UV_DIRENT_LINK)
        return type == UV_DIRENT_FILE ? "file"
            : type == UV_DIRENT_DIR   ? "folder"
                                      : "other";
    if (!lib_fs_look(L, folder, entry->name, true, st))
        return "broken link";
    return S_ISREG(st->st_mode) ? "file"
        : S_ISDIR(st->st_mode)  ? "linked folder"
                                : "other";
}

/* Of a file: its size and the time of its last change, in the tables at 4 and
 * 5. */
static void
lib_fs_measure(lua_State *L, const char *name, const uv_stat_t *st)
{
    lua_pushinteger(L, (lua_Integer)st->st_size);
    lua_setfield(L, 4, name);
    lua_pushnumber(L,
                   (lua_Number)st->st_mtim.tv_sec
                       + (lua_Number)st->st_mtim.tv_nsec / 1e9);
    lua_setfield(L, 5, name);
}

/* Put the kinds of the folder's entries, `most` at most, into the table at 3,
 * and what files are into those at 4 and 5, if `measures`. Returns 0 or what
 * errno says. The value at 2 frees the list of entries. */
static int
lib_fs_list(lua_State *L, const char *path, int most, bool measures)
{
    uv_fs_t *list = lua_newuserdatauv(L, sizeof *list, 0);
    memset(list, 0, sizeof *list);
    lib_class_set(L, LIB_FS_TYPE, lib_fs_methods);
    for (int i = 0; i < 3; i++)
        lua_newtable(L);
    int n = uv_fs_scandir(NULL, list, path, 0, NULL);
    if (n < 0 || n > most)
        return n < 0 ? -n : E2BIG;
    uv_dirent_t entry;
    while (uv_fs_scandir_next(list, &entry) == 0) {
        uv_stat_t st;
        const char *kind = lib_fs_kind(L, path, &entry, measures, &st);
        lua_pushstring(L, entry.name);
        lua_pushstring(L, kind);
        lua_rawset(L, 3);
        if (measures && strcmp(kind, "file") == 0)
            lib_fs_measure(L, entry.name, &st);
    }
    uv_fs_req_cleanup(list);
    return 0;
}

/* entries(path) -> {name = kind, …} of a folder: "file" (also by a link),
 * "folder", "linked folder", "broken link" or "other"; nil, message and
 * "absent" or "refused". More than 10,000 entries are refused. */
int
lib_entries(lua_State *L)
{
    const char *path = lib_fs_path(L, "entries");
    int failed = lib_fs_list(L, path, LIB_FS_ENTRIES, false);
    lua_settop(L, 3);
    return failed ? lib_fs_failed(L, failed) : 1;
}

/* scan(path) -> {name = kind, …} as entries, however many; {name = size, …} in
 * bytes and {name = mtime, …} in seconds, of files. The path begins where the
 * programs of this task do. */
int
lib_scan(lua_State *L)
{
    const char *path = lib_fs_path(L, "scan"), *base = program_cwd(park_run(L));
    if (base && path[0] != '/') {
        path = lua_pushfstring(L, "%s/%s", base, path);
        lua_replace(L, 1);
    }
    int failed = lib_fs_list(L, path, INT_MAX, true);
    return failed ? lib_fs_failed(L, failed) : 3;
}

/* real(path) -> the path without links, the number of its owner, and whether
 * that is this user or root; nil, message and "absent" or "refused" */
int
lib_real(lua_State *L)
{
    char real[PATH_MAX];
    struct stat st;
    const char *path = lib_fs_path(L, "real");
    if (!realpath(path, real) || stat(real, &st) != 0)
        return lib_fs_failed(L, errno);
    lua_pushstring(L, real);
    lua_pushinteger(L, (lua_Integer)st.st_uid);
    lua_pushboolean(L, st.st_uid == geteuid() || st.st_uid == 0);
    return 3;
}

static bool
lib_fs_runs(const char *path)
{
    struct stat st;
    return access(path, X_OK) == 0 && stat(path, &st) == 0
        && S_ISREG(st.st_mode);
}

/* program(name) -> the path of the program that this command name runs, looked
 * up in PATH as it was when orun started; nil: not found */
int
lib_program_path(lua_State *L)
{
    char path[PATH_MAX];
    const char *name = lib_fs_path(L, "program"), *at = "";
    char **env = park_run(L)->engine->env;
    for (; env && *env; env++)
        if (strncmp(*env, "PATH=", 5) == 0)
            at = *env + 5;
    if (strchr(name, '/')) {
        lua_pushstring(L, lib_fs_runs(name) ? name : NULL);
        return 1;
    }
    for (;; at++) {
        size_t n = strcspn(at, ":");
        int len = snprintf(path, sizeof path, "%.*s%s%s", (int)n, at,
                           n ? "/" : "", name);
        if (len > 0 && (size_t)len < sizeof path && lib_fs_runs(path)) {
            lua_pushstring(L, path);
            return 1;
        }
        at += n;
        if (!*at)
            return 0;
    }
}
