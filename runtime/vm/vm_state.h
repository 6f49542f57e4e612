/* vm_state.h — the struct of a Lua state of orun. */
#ifndef ORUN_VM_STATE_H
#define ORUN_VM_STATE_H

#include "base/base.h"
#include "vm/stop.h"
#include <lua.h>

typedef struct Vm {
    lua_State *L;  /* the main thread */
    lua_State *co; /* the coroutine its task runs in (the script: L) */
    Stop stop;
    void *owner;     /* of the layer above; at first config->ud */
    bool script;     /* the script's own state: not sandboxed */
    size_t limit;    /* memory limit in bytes, 0 none; may be set at any time */
    bool over_limit; /* an allocation failed because of the limit: nothing
                      * catches that error, and the task ends */
    int exit_code;   /* os.exit(n) was called: n, else -1 */
    /* Of a state of somebody else's (vm_guest.h): called before each primitive;
     * sees to it that there is an owner, or raises. NULL: the state is ours. */
    void (*guest)(lua_State *L, struct Vm *vm);
} Vm;

typedef struct VmConfig {
    void (*open)(lua_State *L, Vm *vm, void *ud); /* add libraries; may raise;
                                                   * NULL: none */
    void *ud;
    const char *path, *cpath;  /* package.path/cpath; NULL: Lua's; copied */
    size_t pooled;             /* unused states that are kept; 0: 64 */
    const lua_CFunction *more; /* called after `open`, in this order; may
                                * raise */
    size_t more_count;
    uint64_t seed; /* of the states' random numbers; 0: drawn */
} VmConfig;

/* The Vm of a state that orun made. Any lua_State of it, coroutines included.
 * Also in a signal's handler. */
static inline Vm *
vm_own(lua_State *L)
{
    return *(Vm **)lua_getextraspace(L);
}

/* Has there been a guest in this process? Then the Vm of any state. */
extern atomic_bool vm_state_guests;
Vm *vm_state_of(lua_State *L);

/* The Vm that vm_state_adopt has put into the registry of L's state, else NULL.
 * Needs room for one value. On the thread that runs L. */
Vm *vm_state_adopted(lua_State *L);

/* ( userdata -- ) The userdata's bytes begin with the Vm of L's state, which is
 * somebody else's. May raise (memory). */
void vm_state_adopt(lua_State *L);

/* The Vm a state belongs to, whoever made it. Any lua_State of it, coroutines
 * included. Needs room for one value on a guest's stack. */
static inline Vm *
vm_of(lua_State *L)
{
    if (atomic_load_explicit(&vm_state_guests, memory_order_relaxed))
        return vm_state_of(L);
    return vm_own(L);
}

#endif
