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
#include "base/list.h"
#include <uv.h>
#include <sys/types.h>

/* A thread that calls a function of the host for a runtime. */
typedef struct ApiVisit {
    List link;
    uv_thread_t thread;
} ApiVisit;

typedef struct ApiGuard { /* the first member of struct orun */
    /* Never changes. */
    pid_t pid;
    /* Guarded by the list's lock: */
    struct ApiGuard *next;
    int held;           /* api_guard_hold without unhold yet */
    bool inside;        /* a thread is in a call: … */
    uv_thread_t thread; /* … this one */
    bool closing;       /* orun_free has begun */
    List visits;        /* threads that are in the host's own functions */
} ApiGuard;

/* Add a new runtime to the list. Any thread. */
void api_guard_open(ApiGuard *g);

/* Was there ever one in this process? Any thread. */
bool api_guard_used(void);

/* The thread that is inside frees the runtime: from now on all other calls are
 * refused (ORUN_ESHUTDOWN). */
void api_guard_shut(ApiGuard *g);

/* Then remove it from the list; waits until nothing holds it. True: it was the
 * last runtime of this process. */
bool api_guard_close(ApiGuard *g);

/* Begin a call; api_guard_leave ends it. `g` may be any pointer. Errors:
 * ORUN_EINVAL (not a runtime), ORUN_EFORKED (one of the parent process),
 * ORUN_ESHUTDOWN (it is being freed), ORUN_ETHREAD (another thread is inside),
 * ORUN_ESTATE (this thread is: a script made the call; or a function of the
 * host that was called for this runtime). Any thread. */
int api_guard_enter(ApiGuard *g) NODISCARD;
void api_guard_leave(ApiGuard *g);

/* Keep the runtime from being freed, for a call that may run beside the one
 * inside; api_guard_unhold ends it. Errors: ORUN_EINVAL, ORUN_EFORKED,
 * ORUN_ESHUTDOWN. Any thread. */
int api_guard_hold(ApiGuard *g) NODISCARD;
void api_guard_unhold(ApiGuard *g);

/* Between the two the calling thread is in functions of the host: it may hold
 * the runtime, and not enter it. Of a runtime that may be freed meanwhile, or
 * have been: then it does nothing. */
void api_guard_visit(ApiGuard *g, ApiVisit *v);
void api_guard_return(ApiGuard *g, ApiVisit *v);

/* Is orun_free of it going on? Of a runtime that is held. Any thread. */
bool api_guard_is_shut(ApiGuard *g);

/* Is the calling thread in a function of the host that was called for it? Of a
 * runtime that is held. */
bool api_guard_is_visit(ApiGuard *g);

/* Bytes of stack that the calling thread has left. SIZE_MAX: unknown, as on a
 * stack that the host allocated itself. */
size_t api_guard_stack(void);

#endif
