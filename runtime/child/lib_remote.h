/* lib_remote.h — the primitives in an isolated task's process.
 *
 * Each is a function that asks orun to call the primitive of that name in the
 * task's name, and waits for what it gives or raises: run_isolated.c answers.
 * Handles, lists and collectors are on this side what they are on the other.
 */
#ifndef ORUN_LIB_REMOTE_H
#define ORUN_LIB_REMOTE_H

#include "child/uplink.h"
#include "value/value.h"
#include "vm/vm.h"
#include <lauxlib.h>

/* The `open` of VmConfig there, where vm->owner is an Uplink: as lib_orun_open,
 * but for the primitives. May raise. */
void lib_remote_open(lua_State *L, Vm *vm, void *ud);

/* Learn the descriptions of tasks from a field of a frame; raises when they
 * make no sense. */
void lib_remote_learn(lua_State *L, const char *p, size_t n);

/* For decoding: handles are handles, with what was learned. */
extern const ValueOps lib_remote_decoding;

#endif
