/* vm_guest.h — Lua states that somebody else made.
 *
 * The state of a program that has loaded orun as a module is a guest: its code
 * may call the primitives, and nothing of it is ours. Nothing in it is
 * replaced, its errors and loops are its own, and where it waits its thread
 * blocks (park_bell.h). Its Vm lives in a userdata in its registry, whose
 * finalizer is called when the state ends.
 */
#ifndef ORUN_VM_GUEST_H
#define ORUN_VM_GUEST_H

#include "vm/vm_state.h"

/* Once before the first: what orun needs of the process. ORUN_ENOMEM,
 * ORUN_ESYS. */
int vm_guest_init(void) NODISCARD;

/* ( -- ) Make L's state a guest: in its registry is a userdata of `size` bytes,
 * which begins with the Vm and is zero but for that, until `ends` has been
 * called, as the state is closed. Once for a state. May raise (memory). On the
 * thread that runs L. */
Vm *vm_guest_new(lua_State *L, size_t size, void (*ends)(Vm *vm));

#endif
