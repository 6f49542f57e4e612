/* vm_guest.c — the Vm of a state that somebody else made. */
#include "vm/vm_guest.h"
#include "vm/vm_open.h"
#include <lauxlib.h>

int
vm_guest_init(void)
{
    return vm_open_init();
}

/* The finalizer; its upvalue is what to call. The userdata stays where it is
 * until all finalizers have run. */
static int
vm_guest_gc(lua_State *L)
{
    void (*ends)(Vm *) = NULL;
    Vm *vm = lua_touserdata(L, 1);
    *(void **)&ends = lua_touserdata(L, lua_upvalueindex(1));
    if (vm->L)
        ends(vm);
    return 0;
}

Vm *
vm_guest_new(lua_State *L, size_t size, void (*ends)(Vm *vm))
{
    luaL_checkstack(L, 6, "orun");
    Vm *vm = lua_newuserdatauv(L, size, 0);
    memset(vm, 0, size);
    lua_createtable(L, 0, 1);
    lua_pushlightuserdata(L, *(void **)&ends);
    lua_pushcclosure(L, vm_guest_gc, 1);
    lua_setfield(L, -2, "__gc");
    lua_pushvalue(L, -2);
    vm_state_adopt(L);
    /* Nothing raises from here on. */
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    vm->L = vm->co = lua_tothread(L, -1);
    lua_pop(L, 1);
    stop_setup(&vm->stop);
    vm->script = true;
    vm->exit_code = -1;
    return vm;
}
