/* vm.h — Lua states: the script's, and pristine pooled ones for tasks.
 *
 * A task's state is an arena (arena.h). The libraries are opened once, in the
 * first state. Its image then makes every other state and restores a state
 * after a task, so each task starts in the same pristine state. The libraries
 * above this layer are opened by a callback, so this layer knows nothing of
 * them.
 *
 * What `open` leaves in a task's state is copied, so it must not leave there: a
 * pointer to the Vm (each state has another: use vm_of); a userdata whose
 * finalizer frees something; a table keyed by tables, functions, userdata or
 * coroutines, because such keys are hashed by address (strings, numbers and
 * light userdata are fine). If the last rule is broken, every task's state is
 * opened from scratch, which is slow.
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

/* NULL is fine. If a Vm was not given back, because its thread is stuck in C,
 * the whole pool is leaked, because that thread uses it. */
void vmpool_free(VmPool *pool);

/* Set package.path and cpath for tasks from now on (the script may change its
 * own); pooled states are replaced. On ORUN_ENOMEM nothing changes. Any
 * thread. */
int vmpool_set_path(VmPool *pool, const char *path, const char *cpath);

/* Have `open` be called after what opened a task's state until now, and see
 * that it can: states that are in use are as they were. Errors: ORUN_ENOMEM,
 * ORUN_EFAILED (it raised an error); then it is not called. Any thread. */
int vmpool_add_open(VmPool *pool, lua_CFunction open) NODISCARD;

/* Append the package.path of tasks; nothing: Lua's own. Any thread. */
void vmpool_path(VmPool *pool, Buf *out);

/* A pristine state, its stop reset, limit 0, its random numbers its own; NULL
 * when memory is out. Any thread. */
Vm *vm_take(VmPool *pool);

/* The first half of vm_give: run handlers and finalizers, under the state's
 * Stop, so that the rest takes no time. Only vm_give may follow. On the thread
 * that last ran it. */
void vm_close(Vm *vm);

/* Close what the task left (variables of its coroutine, finalizers, files),
 * then pool or free the state; raises nothing. A suspended task's <close>
 * handlers run here, under its Stop: when they may not end, another thread must
 * request STOP_HARD. On the thread that last ran it, or on any if it is
 * suspended. */
void vm_give(VmPool *pool, Vm *vm);

/* Must vm_give close something (files, finalizers) before others may see what
 * the task did? On the thread that has it. */
bool vm_dirty(const Vm *vm);

/* vm_give and vm_take in one: the same Vm, pristine again. False, with nothing
 * done, if this one cannot be used again (the paths were changed). */
bool vm_renew(VmPool *pool, Vm *vm);

/* Did the coroutine of this state, which ended with `status`, end because of
 * the memory limit? On the thread that has it. */
bool vm_over_limit(const Vm *vm, int status);

/* The script's state: all libraries, nothing taken away, same `open`. */
int vm_script_new(const VmConfig *config, Vm **out) NODISCARD;
void vm_script_free(Vm *vm);

/* Append the error at the top of L, which may be a coroutine it killed, to
 * `to` as text. Raises nothing; a __tostring runs under the state's Stop. */
void vm_error_text(lua_State *L, Buf *to);

/* A message handler: the error as text, with a traceback unless it is a memory
 * error or a stop. */
int vm_traceback(lua_State *L);

#endif
