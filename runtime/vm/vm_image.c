/* vm_image.c — a Lua state just opened, kept as bytes. */
#include "vm/vm_image.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "vm/arena.h"
#include <lauxlib.h>

enum { VM_IMAGE_DEPTH = 40 }; /* how many tables and functions are searched */

void *
vm_image_random(lua_State *L)
{
    int top = lua_gettop(L);
    void *state = NULL;
    if (lua_getglobal(L, "math") == LUA_TTABLE
        && lua_getfield(L, -1, "random") == LUA_TFUNCTION
        && lua_getupvalue(L, -1, 1) && lua_rawlen(L, -1) == VM_IMAGE_RANDOM)
        state = lua_touserdata(L, -1);
    lua_settop(L, top);
    return state;
}

/* A C function without upvalues is not an object but an address. */
static bool
vm_image_key_moves(lua_State *L)
{
    int type = lua_type(L, -2);
    if (type == LUA_TFUNCTION)
        return lua_iscfunction(L, -2) && !lua_getupvalue(L, -2, 1);
    return type != LUA_TTABLE && type != LUA_TUSERDATA && type != LUA_TTHREAD;
}

static bool vm_image_moves(lua_State *L, int depth);

/* What the value at the top refers to: upvalues, a metatable, fields. */
static bool
vm_image_inside_moves(lua_State *L, int depth)
{
    int at = lua_gettop(L);
    for (int i = 1; lua_isfunction(L, at) && lua_getupvalue(L, at, i); i++)
        if (!vm_image_moves(L, depth))
            return false;
    if (lua_getmetatable(L, at) && !vm_image_moves(L, depth))
        return false;
    if (lua_istable(L, at))
        for (lua_pushnil(L); lua_next(L, at);)
            if (!vm_image_key_moves(L) || !vm_image_moves(L, depth))
                return false;
    return true;
}

/* Search the value at the top, and pop it. False, with any stack, if something
 * cannot be moved. The table at index 1 holds the addresses already seen. */
static bool
vm_image_moves(lua_State *L, int depth)
{
    int type = lua_type(L, -1);
    const void *object = lua_topointer(L, -1);
    bool holds = type == LUA_TTABLE || type == LUA_TFUNCTION
        || type == LUA_TUSERDATA;
    bool is_new = holds && lua_rawgetp(L, 1, object) == LUA_TNIL;
    if (holds)
        lua_pop(L, 1);
    if (is_new) {
        luaL_checkstack(L, 8, NULL);
        lua_pushboolean(L, 1);
        lua_rawsetp(L, 1, object);
        if (depth == VM_IMAGE_DEPTH || !vm_image_inside_moves(L, depth + 1))
            return false;
    }
    lua_pop(L, 1);
    return true;
}

static int
vm_image_check(lua_State *L)
{
    lua_settop(L, 0);
    lua_newtable(L);
    lua_pushvalue(L, LUA_REGISTRYINDEX);
    if (!vm_image_moves(L, 0))
        return luaL_error(L, "a table in it is keyed by objects");
    return 0;
}

static void
vm_image_locate(VmImage *image, const Arena *arena, lua_State *L, lua_State *co)
{
    const char *slice = (const char *)arena, *random = vm_image_random(L);
    image->L = (size_t)((char *)L - slice);
    image->co = (size_t)((char *)co - slice);
    image->random = random ? (size_t)(random - slice) : 0;
    image->userdata = arena_userdata(arena);
    image->refs = 1;
}

int
vm_image_new(const Arena *arena, lua_State *L, lua_State *co, VmImage **out)
{
    VmImage *image = mem_zalloc(1, sizeof *image);
    if (!image)
        return ORUN_ENOMEM;
    vm_image_locate(image, arena, L, co);
    int e = arena_image_new(arena, &image->arena);
    if (e)
        goto fail;
    lua_pushcfunction(L, vm_image_check);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
        LOG(VM, "no image of a state: %s", lua_tostring(L, -1));
        e = ORUN_EFAILED;
        goto fail;
    }
    LOG(VM, "image of a state: %zu bytes, %zu addresses",
        arena_image_size(image->arena), arena_image_spots(image->arena));
    *out = image;
    return 0;
fail:
    vm_image_free(image);
    return e;
}

void
vm_image_free(VmImage *image)
{
    if (!image)
        return;
    arena_image_free(image->arena);
    mem_free(image);
}
