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
} Vm;

typedef struct VmConfig {
    void (*open)(lua_State *L, Vm *vm, void *ud); /* add libraries; may raise;
                                                   * NULL: none */
    void *ud;
    const char *path, *cpath; /* package.path/cpath; NULL: Lua's; copied */
    size_t pooled;            /* unused states that are kept; 0: 64 */
} VmConfig;

/* The Vm a state belongs to. Any lua_State of it, coroutines included. */
static inline Vm *
vm_of(lua_State *L)
{
    return *(Vm **)lua_getextraspace(L);
}

#endif
