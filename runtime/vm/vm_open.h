/* vm_open.h — a new Lua state with its libraries. */
#ifndef ORUN_VM_OPEN_H
#define ORUN_VM_OPEN_H

#include "vm/vm_state.h"

struct Arena;

/* Do what is needed once, before the first state. Errors: ORUN_ESYS. */
int vm_open_init(void) NODISCARD;

/* Make a state in `arena` with everything opened; sets vm->L, co and owner.
 * Errors: ORUN_ENOMEM; ORUN_EFAILED when a library raised, which is logged. */
int vm_open(Vm *vm, struct Arena *arena, const VmConfig *config) NODISCARD;

/* Make vm_of(L) return the Vm. Coroutines that are made later inherit this from
 * the main thread; it must be called for each older one. */
void vm_open_point(lua_State *L, Vm *vm);

#endif
