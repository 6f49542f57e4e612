/* gate.h — who may call a runtime, and from where.
 *
 * Every runtime of the process is in one list, so a pointer that is none, or
 * no longer one, is told without being followed. One thread at a time is in a
 * call with a runtime; which one does not matter, so a host may hand it over.
 * The list and its lock outlive a fork: the child finds the runtimes of its
 * parent, and is told that they are not its own.
 */
#ifndef ORUN_GATE_H
#define ORUN_GATE_H

#include "base/base.h"
#include <uv.h>
#include <sys/types.h>

typedef struct Gate { /* the first member of a runtime */
    /* Never changes. */
    pid_t pid;
    /* Guarded by the list's lock: */
    struct Gate *next;
    int held;         /* calls beside that of the one inside */
    bool inside;      /* a thread is in a call, … */
    uv_thread_t thread; /* … namely this one */
} Gate;

/* Put a new runtime's gate on the list. Any thread. */
void gate_open(Gate *g);

/* Take it off the list, by the thread that is inside, and wait until nobody
 * holds it. True when it was the last one of this process. */
bool gate_close(Gate *g);

/* Begin a call; gate_leave ends it. `g` may be any pointer. Errors: ORUN_EINVAL
 * (not a runtime), ORUN_EFORKED, ORUN_ETHREAD (another thread is inside),
 * ORUN_ESTATE (this thread is: a script made the call). Any thread. */
int gate_enter(Gate *g) NODISCARD;
void gate_leave(Gate *g);

/* Keep it from being freed, for a call beside that of the one that is inside:
 * 0, and then gate_unhold; or ORUN_EINVAL, ORUN_EFORKED. Any thread. */
int gate_hold(Gate *g) NODISCARD;
void gate_unhold(Gate *g);

/* Bytes of stack that the calling thread has left; SIZE_MAX when that cannot be
 * told, as on a stack that the host has made by itself. */
size_t gate_stack(void);

#endif
