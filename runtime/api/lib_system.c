/* lib_system.c — system: what this machine gives a run, for `orun doctor`. */
#include "api/lib_arg.h"
#include "api/lib_orun.h"
#include "base/libedit.h"
#include "base/sysmem.h"
#include "http/libcurl.h"
#include <lauxlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <uv.h>

/* Set field `name` of the table at the top to a number of bytes or things; no
 * field stands for "no limit". */
static void
lib_system_set(lua_State *L, const char *name, uint64_t n)
{
    if (n >= (uint64_t)LUA_MAXINTEGER)
        return;
    lua_pushinteger(L, (lua_Integer)n);
    lua_setfield(L, -2, name);
}

static void
lib_system_set_limit(lua_State *L, const char *name, int what)
{
    struct rlimit limit;
    if (getrlimit(what, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        lib_system_set(L, name, limit.rlim_cur);
}

/* The libraries' versions, and why there is no libcurl or libedit. */
static void
lib_system_set_libraries(lua_State *L)
{
    const char *why;
    const Libcurl *curl = libcurl_get(&why);
    lua_pushstring(
        L, LUA_VERSION_MAJOR "." LUA_VERSION_MINOR "." LUA_VERSION_RELEASE);
    lua_setfield(L, -2, "lua");
    lua_pushstring(L, uv_version_string());
    lua_setfield(L, -2, "libuv");
    lua_pushstring(L,
                   curl ? curl->version_info(CURLVERSION_NOW)->version : why);
    lua_setfield(L, -2, curl ? "libcurl" : "no_libcurl");
    if (!libedit_get(&why)) {
        lua_pushstring(L, why);
        lua_setfield(L, -2, "no_libedit");
    }
}

/* system(folder) -> {lua, libuv, libcurl or no_libcurl (why), no_libedit (why,
 * or nil), processors, memory, memory_free, descriptors, user_processes,
 * disk_free, disk}: versions are strings; bytes and counts are integers, nil
 * where there is no limit or nothing is known; the disk is that of `folder`.
 * Reads files. */
int
lib_system(lua_State *L)
{
    const char *folder = luaL_checkstring(L, 1);
    struct statvfs disk;
    lua_createtable(L, 0, 10);
    lib_system_set_libraries(L);
    lib_system_set(L, "processors", uv_available_parallelism());
    lib_system_set(L, "memory", sysmem_total(""));
    lib_system_set(L, "memory_free", sysmem_free(""));
    lib_system_set_limit(L, "descriptors", RLIMIT_NOFILE);
    lib_system_set_limit(L, "user_processes", RLIMIT_NPROC);
    if (statvfs(folder, &disk) == 0) {
        lib_system_set(L, "disk_free", (uint64_t)disk.f_bavail * disk.f_frsize);
        lib_system_set(L, "disk", (uint64_t)disk.f_blocks * disk.f_frsize);
    }
    return 1;
}
