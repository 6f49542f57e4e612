/* lib_bundle.c — bundled Lua: where it is found, and its environment.
 *
 * Bundled modules have an environment of their own, with the globals of a
 * pristine state and copies of its library tables, `string` by the name
 * _string, too (bundle_method.h): a script that has a variable called `type`,
 * takes `require` away or string.format, takes nothing from them. What else is
 * global, such as the primitives, they see through a metatable.
 *
 * In the script's state it is made at once. A task mostly needs none, so there
 * it is made with the first bundled module, of what a list says, which is the
 * same for all tasks: C functions by their addresses, and the rest of an array
 * that the state was opened with.
 */
#include "api/lib_base.h"
#include "base/thread.h"
#include "value/module.h"
#include "vm/bundle.h"
#include "vm/vm.h"
#include <lauxlib.h>
#include <string.h>

typedef struct BundleItem {
    const char *name;
    uint8_t library; /* in lib_bundle_libraries; 0: a global */
    lua_CFunction f; /* NULL: in the array */
} BundleItem;

static const char *const lib_bundle_libraries[] = {
    "_G", "coroutine", "table", "io", "os", "string", "utf8", "math",
};

enum { BUNDLE_ITEMS = 256 };

/* Written once, under the lock, and only read afterwards. */
static BundleItem lib_bundle_items[BUNDLE_ITEMS];
static size_t lib_bundle_count;

static const char lib_bundle_kept = 'k'; /* its address: the array's key */

static bool
lib_bundle_is_library(const char *name)
{
    for (size_t i = 0; i < countof(lib_bundle_libraries); i++)
        if (strcmp(lib_bundle_libraries[i], name) == 0)
            return true;
    return false;
}

/* Push the library's table as it is now; nil when it is none. */
static void
lib_bundle_push(lua_State *L, size_t library)
{
    lua_pushglobaltable(L);
    if (library == 0)
        return;
    lua_getfield(L, -1, lib_bundle_libraries[library]);
    lua_remove(L, -2);
}

/* ( env -- env ) With its copies of the libraries, empty, and its metatable. */
static void
lib_bundle_furnish(lua_State *L)
{
    for (size_t i = 1; i < countof(lib_bundle_libraries); i++) {
        lua_createtable(L, 0, 24);
        if (strcmp(lib_bundle_libraries[i], "string") == 0) {
            lua_pushvalue(L, -1);
            lua_setfield(L, -3, "_string");
        }
        lua_setfield(L, -2, lib_bundle_libraries[i]);
    }
    lua_createtable(L, 0, 1);
    lua_pushglobaltable(L);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}

/* ( env value -- env ) */
static void
lib_bundle_set(lua_State *L, size_t library, const char *name)
{
    if (library == 0) {
        lua_pushstring(L, name);
        lua_insert(L, -2);
        lua_rawset(L, -3);
        return;
    }
    lua_getfield(L, -2, lib_bundle_libraries[library]);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

/* The environment in the script's state: of what is there. */
static void
lib_bundle_copy(lua_State *L)
{
    lua_createtable(L, 0, 48);
    lib_bundle_furnish(L);
    for (size_t i = 0; i < countof(lib_bundle_libraries); i++) {
        lib_bundle_push(L, i);
        if (!lua_istable(L, -1)) { /* a guest may lack it */
            lua_pop(L, 1);
            continue;
        }
        for (lua_pushnil(L); lua_next(L, -2);) {
            const char *name = lua_type(L, -2) == LUA_TSTRING
                ? lua_tostring(L, -2)
                : "_G";
            if (i == 0 && lib_bundle_is_library(name)) {
                lua_pop(L, 1);
                continue;
            }
            lua_pushvalue(L, -4); /* env */
            lua_insert(L, -2);
            lib_bundle_set(L, i, name);
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    module_set_env(L);
}

/* The environment in a task's state: of the list. */
static int
lib_bundle_make(lua_State *L)
{
    lua_Integer kept = 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lib_bundle_kept);
    lua_createtable(L, 0, 48);
    lib_bundle_furnish(L);
    for (size_t i = 0; i < lib_bundle_count; i++) {
        const BundleItem *item = &lib_bundle_items[i];
        if (item->f)
            lua_pushcfunction(L, item->f);
        else
            lua_rawgeti(L, -2, ++kept);
        lib_bundle_set(L, item->library, item->name);
    }
    lua_pushvalue(L, -1);
    module_set_env(L);
    return 1;
}

/* Add the field whose name and value are on top. */
static void
lib_bundle_list_field(lua_State *L, size_t library)
{
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2)
                                                      : "_G";
    if ((library == 0 && lib_bundle_is_library(name))
        || lib_bundle_count == BUNDLE_ITEMS)
        return;
    lua_CFunction f = lua_tocfunction(L, -1);
    if (f && lua_getupvalue(L, -1, 1)) {
        lua_pop(L, 1);
        f = NULL; /* it is more than an address */
    }
    BundleItem *item = &lib_bundle_items[lib_bundle_count];
    item->name = strdup(name); /* for the life of the process */
    item->library = (uint8_t)library;
    item->f = f;
    lib_bundle_count += item->name != NULL;
}

static void
lib_bundle_list(lua_State *L)
{
    for (size_t i = 0; i < countof(lib_bundle_libraries); i++) {
        lib_bundle_push(L, i);
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
            lib_bundle_list_field(L, i);
        lua_pop(L, 1);
    }
}

/* Keep what the list does not hold itself. */
static void
lib_bundle_keep(lua_State *L)
{
    lua_Integer kept = 0;
    lua_createtable(L, 48, 0);
    for (size_t i = 0; i < lib_bundle_count; i++) {
        const BundleItem *item = &lib_bundle_items[i];
        if (item->f)
            continue;
        lib_bundle_push(L, item->library);
        lua_getfield(L, -1, item->name);
        lua_rawseti(L, -3, ++kept);
        lua_pop(L, 1);
    }
    lua_rawsetp(L, LUA_REGISTRYINDEX, &lib_bundle_kept);
}

void
lib_bundle_open(lua_State *L, bool script)
{
    static uv_mutex_t lock = THREAD_MUTEX_INIT;
    if (script) {
        lib_bundle_copy(L);
        return;
    }
    uv_mutex_lock(&lock);
    if (lib_bundle_count == 0)
        lib_bundle_list(L);
    uv_mutex_unlock(&lock);
    lib_bundle_keep(L);
    lua_pushcfunction(L, lib_bundle_make);
    module_set_env(L);
}

int
lib_bundle_search(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const BundleFile *file = bundle_find(name);
    bool ours = strncmp(name, "orun.", 5) == 0;
    if (!file && ours)
        lua_pushfstring(L, "no bundled module '%s'", name);
    if (!file)
        return ours;
    const char *chunk = lua_pushfstring(L, "=[orun]/%s", file->file);
    if (luaL_loadbufferx(L, file->text, file->size, chunk, "t") != LUA_OK)
        return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s",
                          name, chunk + 1, lua_tostring(L, -1));
    module_push_env(L);
    lua_setupvalue(L, -2, 1);
    lua_pushstring(L, chunk + 1);
    return 2;
}

/* bundled(folder) -> the names of the modules whose files are in that folder of
 * lua/, which has a "/" at its end; bundled(module) -> its text, nil when there
 * is none of that name */
int
lib_bundled(lua_State *L)
{
    size_t n;
    const char *folder = luaL_checklstring(L, 1, &n);
    lua_Integer count = 0;
    const BundleFile *file = bundle_find(folder);
    if (n == 0 || folder[n - 1] != '/') {
        lua_pushlstring(L, file ? file->text : NULL, file ? file->size : 0);
        return file ? 1 : 0;
    }
    lua_newtable(L);
    for (size_t i = 0; i < bundle_count; i++) {
        if (strncmp(bundle_files[i].file, folder, n) != 0)
            continue;
        lua_pushstring(L, bundle_files[i].name);
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}
