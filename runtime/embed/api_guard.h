/* api_guard.h — checks each call of the C API.
 *
 * Is the pointer a runtime, and may this thread call it now?
 *
 * All runtimes of the process are in one list, so an invalid or freed pointer
 * is detected without being dereferenced. One thread at a time may be in a call
 * with a runtime; any thread will do, so a host may hand a runtime over. The
 * list and its lock survive a fork: the child finds its parent's runtimes and
 * refuses to use them (ORUN_EFORKED).
 */
#ifndef ORUN_API_GUARD_H
#define ORUN_API_GUARD_H

#include "base/base.h"
#include <uv.h>
#include <sys/types.h>

typedef struct ApiGuard { /* the first member of struct orun */
    /* Never changes. */
    pid_t pid;
    /* Guarded by the list's lock: */
    struct ApiGuard *next;
    int held;           /* api_guard_hold without unhold yet */
    bool inside;        /* a thread is in a call: … */
    uv_thread_t thread; /* … this one */
} ApiGuard;

/* Add a new runtime to the list. Any thread. */
void api_guard_open(ApiGuard *g);

/* Remove it from the list; called by the thread that is inside. Waits until
 * nothing holds it. True: it was the last runtime of this process. */
bool api_guard_close(ApiGuard *g);

/* Begin a call; api_guard_leave ends it. `g` may be any pointer. Errors:
 * ORUN_EINVAL (not a runtime), ORUN_EFORKED (one of the parent process),
 * ORUN_ETHREAD (another thread is inside), ORUN_ESTATE (this thread is: a
 * script made the call). Any thread. */
int api_guard_enter(ApiGuard *g) NODISCARD;
void api_guard_leave(ApiGuard *g);

/* Keep the runtime from being freed, for a call that may run beside the one
 * inside; api_guard_unhold ends it. Errors: ORUN_EINVAL, ORUN_EFORKED. Any
 * thread. */
int api_guard_hold(ApiGuard *g) NODISCARD;
void api_guard_unhold(ApiGuard *g);

/* Bytes of stack that the calling thread has left. SIZE_MAX: unknown, as on a
 * stack that the host allocated itself. */
size_t api_guard_stack(void);

#endif
