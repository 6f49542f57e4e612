/* vm_state.c — finding the Vm of a state that somebody else made. */
#include "vm/vm_state.h"
#include "vm/arena.h"
#include <lauxlib.h>

atomic_bool vm_state_guests;

static const char vm_state_key = 'v'; /* its address: the registry's key */

void
vm_state_adopt(lua_State *L)
{
    lua_rawsetp(L, LUA_REGISTRYINDEX, &vm_state_key);
    atomic_store(&vm_state_guests, true);
}

Vm *
vm_state_adopted(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_state_key);
    Vm *vm = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return vm;
}

/* In a state that knows nothing of orun, to which something has carried one of
 * our functions. */
static void
vm_state_none(lua_State *L, Vm *vm)
{
    (void)vm;
    luaL_error(
        L, "orun: this Lua state has not loaded it: require \"orun\" first");
}

Vm *
vm_state_of(lua_State *L)
{
    static Vm none = { .guest = vm_state_none, .exit_code = -1 };
    void *ud;
    if (lua_getallocf(L, &ud) == arena_alloc)
        return vm_own(L);
    Vm *vm = vm_state_adopted(L);
    return vm ? vm : &none;
}
