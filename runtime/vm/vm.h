/* vm.h — Lua states: the script's, and pristine pooled ones for tasks.
 *
 * A task's state is an arena (arena.h). The libraries are opened once, in the
 * first; its image then makes every other state and, after a task, puts the
 * state back, so each task starts in the same pristine state. The libraries
 * above this layer come in through one callback, so this layer knows nothing
 * of them.
 *
 * What `open` may leave in a task's state is bound by this: it is copied. No
 * pointer to the Vm (it differs: ask vm_of); no userdata whose finalizer frees
 * something; no table keyed by tables, functions, userdata or coroutines (such
 * keys are hashed by address; strings, numbers, light userdata are fine). A
 * state that breaks the last rule is noticed and made anew for each task, which
 * is slow.
 */
#ifndef ORUN_VM_H
#define ORUN_VM_H

#include "base/base.h"
#include "base/buf.h"
#include "vm/vm_state.h"

typedef struct VmPool VmPool;

/* The pool for task states; cheap, the first vm_take opens the libraries.
 * Errors: ORUN_ENOMEM, ORUN_ESYS. */
int vmpool_new(const VmConfig *config, VmPool **out) NODISCARD;

/* NULL is fine. When a Vm was not given back, which is one that runs on a
 * thread stuck in C, all of the pool stays as it is: that thread uses it. */
void vmpool_free(VmPool *pool);

/* What package.path/cpath are from now on (the script may change its own);
 * resting states are made anew. On an error (ORUN_ENOMEM) nothing changes. Any
 * thread. */
int vmpool_set_path(VmPool *pool, const char *path, const char *cpath);

/* A pristine state, its stop reset, limit 0, its random numbers its own; NULL
 * when memory is out. Any thread. */
Vm *vm_take(VmPool *pool);

/* The first half of vm_give: run what has to run at the end, under the state's
 * Stop, so that the rest takes no time. Only vm_give may follow. The thread
 * that last ran it. */
void vm_close(Vm *vm);

/* Close what the task left (variables of its coroutine, finalizers, files),
 * then pool or free the state; raises nothing. A suspended task's <close>
 * handlers run here, under its Stop: when they cannot be trusted to end, see
 * to it that somebody asks for STOP_HARD. The thread that last ran it, or any
 * when it is suspended. */
void vm_give(VmPool *pool, Vm *vm);

/* True when vm_give would have to close something (files, finalizers) before
 * others may see what the task did. On the thread that has it. */
bool vm_dirty(const Vm *vm);

/* vm_give and vm_take in one: the same Vm, pristine again. False: that cannot
 * be done with this one (the paths were changed), and nothing was. */
bool vm_renew(VmPool *pool, Vm *vm);

/* Did the coroutine of this state, which ended with `status`, end for the
 * memory limit? On the thread that has it. */
bool vm_over_limit(const Vm *vm, int status);

/* The script's state: all libraries, nothing taken away, same `open`. */
int vm_script_new(const VmConfig *config, Vm **out) NODISCARD;
void vm_script_free(Vm *vm);

/* Append the error at the top of L, which may be a coroutine it killed, to
 * `to` as text. Raises nothing; a __tostring runs under the state's Stop. */
void vm_error_text(lua_State *L, Buf *to);

/* A message handler: what was raised as text with a traceback, but not that of
 * a memory error, nor of a stop. */
int vm_traceback(lua_State *L);

#endif
