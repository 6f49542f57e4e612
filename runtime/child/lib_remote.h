/* lib_remote.h — the primitives in an isolated task's process.
 *
 * Each is a function that asks the parent to call the primitive of that name on
 * the task's behalf, then returns or raises what the parent's call did
 * (run_isolated.c answers). Handles, lists and collectors work as they do in
 * the parent.
 */
#ifndef ORUN_LIB_REMOTE_H
#define ORUN_LIB_REMOTE_H

#include "child/parent_link.h"
#include "value/value.h"
#include "vm/vm.h"
#include <lauxlib.h>

/* The `open` of VmConfig, for a vm->owner that is a ParentLink. As
 * lib_orun_open, except for the primitives. May raise. */
void lib_remote_open(lua_State *L, Vm *vm, void *ud);

/* The run is kept: what is drawn is the parent's to draw. Set before a state is
 * opened. */
extern bool lib_remote_keeps;

/* Learn the descriptions of tasks from a field of a frame. Raises if it is
 * malformed. */
void lib_remote_learn(lua_State *L, const char *p, size_t n);

/* For decoding: makes handles, with the descriptions learned so far. */
extern const ValueOps lib_remote_decoding;

#endif
