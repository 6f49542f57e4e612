/* lib_test_memory.c — doors to pages and sysmem for the unit specs.
 *
 * Each block of pages() is filled with bytes of its own, which must still be
 * there when it is looked at or given back: overlapping blocks would show.
 */
#include "base/sysmem.h"
#include "lib_test.h"
#include "vm/pages.h"
#include "vm/park.h"
#include "vm/vm_seed.h"
#include <lauxlib.h>
#include <lualib.h>

#define LIB_PAGES "orun.test.pages"
enum { LIB_PAGES_MAX = 100000 };

typedef struct LibPages {
    Pages *pages;
    struct LibBlock {
        unsigned char *p;
        size_t n;
    } *blocks;
} LibPages;

static unsigned char
lib_pages_byte(size_t i, size_t at)
{
    return (unsigned char)(i * 31 + at * 7 + 1);
}

static struct LibBlock *
lib_pages_at(lua_State *L, LibPages *all)
{
    lua_Integer i = luaL_checkinteger(L, 2);
    luaL_argcheck(L, i >= 0 && i < LIB_PAGES_MAX, 2, "no such block");
    return &all->blocks[i];
}

/* get(i, n) -> true, or false when memory is out; and how it is aligned. */
static int
lib_pages_get(lua_State *L)
{
    LibPages *all = luaL_checkudata(L, 1, LIB_PAGES);
    struct LibBlock *b = lib_pages_at(L, all);
    b->n = (size_t)luaL_checkinteger(L, 3);
    lib_test_arm();
    b->p = pages_get(all->pages, b->n);
    lib_test_disarm();
    for (size_t at = 0; b->p && at < b->n; at++)
        b->p[at] = lib_pages_byte((size_t)(b - all->blocks), at);
    lua_pushboolean(L, b->p != NULL);
    lua_pushboolean(L, ((uintptr_t)b->p & 7) == 0);
    return 2;
}

/* put(i) -> were its bytes as they were? */
static int
lib_pages_put(lua_State *L)
{
    LibPages *all = luaL_checkudata(L, 1, LIB_PAGES);
    struct LibBlock *b = lib_pages_at(L, all);
    bool intact = true;
    for (size_t at = 0; at < b->n; at++)
        intact &= b->p[at] == lib_pages_byte((size_t)(b - all->blocks), at);
    pages_put(all->pages, b->p);
    b->p = NULL;
    lua_pushboolean(L, intact);
    return 1;
}

static int
lib_pages_gone(lua_State *L)
{
    LibPages *all = lua_touserdata(L, 1);
    pages_free(all->pages);
    free(all->blocks);
    *all = (LibPages){ 0 };
    return 0;
}

/* pages() -> an object with get and put */
static int
lib_test_pages(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "get", lib_pages_get },
        { "put", lib_pages_put },
        { NULL, NULL },
    };
    LibPages *all = lib_test_object(L, LIB_PAGES, sizeof *all, methods,
                                    lib_pages_gone);
    all->pages = pages_new();
    all->blocks = calloc(LIB_PAGES_MAX, sizeof *all->blocks);
    if (!all->pages || !all->blocks)
        return luaL_error(L, "out of memory");
    return 1;
}

/* sysmem(root) -> bytes there are, bytes that are free (nil: unknown) */
static int
lib_test_sysmem(lua_State *L)
{
    const char *root = luaL_checkstring(L, 1);
    size_t left = sysmem_free(root);
    lua_pushinteger(L, (lua_Integer)sysmem_total(root));
    if (left == SIZE_MAX)
        lua_pushnil(L);
    else
        lua_pushinteger(L, (lua_Integer)left);
    return 2;
}

/* agent_took(name, KiB): a program of that type has taken so much */
static int
lib_test_agent_took(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    agent_took(sched_agent(park_run(L)->sched, name),
               (long)luaL_checkinteger(L, 2));
    return 0;
}

/* seeded(seed, code) -> what the code returns, a text, in a state that was made
 * with that seed (integer, or nil: the process's); was the seed asked for? */
static int
lib_test_seeded(lua_State *L)
{
    uint32_t before = vm_seed_get();
    const char *code = luaL_checkstring(L, 2);
    vm_seed_set((uint32_t)luaL_optinteger(L, 1, (lua_Integer)before));
    lua_State *other = luaL_newstate();
    vm_seed_set(before);
    if (!other)
        return luaL_error(L, "out of memory");
    luaL_openlibs(other);
    bool ran = luaL_dostring(other, code) == LUA_OK;
    const char *text = lua_tostring(other, -1);
    lua_pushstring(L, text ? text : "?");
    lua_close(other);
    lua_pushboolean(L, vm_seed_used());
    return ran ? 2 : lua_error((lua_pop(L, 1), L));
}

int
luaopen_test_memory(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "pages", lib_test_pages },
        { "sysmem", lib_test_sysmem },
        { "agent_took", lib_test_agent_took },
        { "seeded", lib_test_seeded },
        { NULL, NULL },
    };
    luaL_newlib(L, functions);
    return 1;
}
