/* host_call.h — one attempt at a task that C code of the host does.
 *
 *     new ---> held by a run ---> ended by the host --------> closed ---> freed
 *                      |                                        ^  release
 *                      '--> given up (grace is over) -----------'
 *
 * The host has the orun_call from `start` on until it ends it, and may do so on
 * any thread, inside `start` or years after the runtime is gone. The run has it
 * until it closes it. So it belongs to both, and whoever is the last calls
 * `release` and frees it. It owns all that it points to.
 *
 * All calls of the process are in one table, so a pointer that is none, or no
 * longer, is detected without being followed. Its lock is the last in the order
 * of locks: nothing else is taken, and nothing called, while it is held. A
 * thread that needs the run of a call beyond that enters the call: the run
 * closes it, and goes on, only when all have left.
 *
 * `stop` is called by threads of this file, which come and go as they are
 * needed: it may block, and may come while `start` blocks a worker.
 */
#ifndef ORUN_HOST_CALL_H
#define ORUN_HOST_CALL_H

#include "base/err.h"
#include "orun.h"
#include "task/agent.h"
#include "task/output.h"
#include "vm/park.h"

/* How the host ended a call. */
typedef enum HostEnd {
    HOST_NOT_YET,
    HOST_TEXT,
    HOST_JSON,
    HOST_FAILED,
    HOST_GIVEN_UP, /* it did not */
} HostEnd;

typedef struct HostCall {
    orun_call call; /* first: the host's view; its texts are `owned` */
    AgentHost agent;
    unsigned forks;       /* fork_count when it was made */
    struct Value *prompt; /* holds call.prompt; or NULL */
    char *owned[6];       /* the other texts of `call` */
    uv_mutex_t writing;   /* held by the thread that appends to `out` */

    /* Guarded by the table's lock: */
    List link;          /* in the table */
    List queued;        /* … and among those whose `stop` is to be called */
    LuaRun *run;        /* NULL: not held by one yet, or closed */
    int refs;           /* the host, the run, and a thread that calls `stop` */
    int inside;         /* threads that have entered */
    bool stopped;       /* it should end */
    bool told;          /* `stop` is called once, and this was it */
    bool telling;       /* … and it has not returned yet */
    bool dropped;       /* given up, and the host has dropped it since */
    uint8_t ended;      /* a HostEnd; with it: */
    uint8_t fault;      /* HOST_FAILED: a TaskFault */
    struct Value *text; /* HOST_TEXT, HOST_JSON; the run's once it is ended */
    char *why;          /* HOST_FAILED, may be NULL; the run's as well */

    /* Guarded by the board's lock: */
    Op op;       /* done: it was ended, or given up */
    Output *out; /* what the host has appended, NULL: nothing */
} HostCall;

/* A call of that agent, with one reference, the run's. NULL: no memory. */
HostCall *host_call_new(const AgentHost *agent);

/* It is complete, and `run` is about to call `start`: the host has a reference
 * of its own from now on. */
void host_call_open(HostCall *c, LuaRun *run);

/* Call one of the agent's functions. With no lock held. */
void host_call_run(HostCall *c, AgentCalled *f);

/* The run no longer has it: waits until no thread is inside, and `stop` has
 * returned; then drops the run's reference, which may call `release`. On the
 * thread that runs the run, with no lock held; may block. */
void host_call_close(HostCall *c);

/* It should end: tell the host, by `stop` if there is one. Any thread, the
 * board's lock may be held. */
void host_call_stop(HostCall *c);

/* The host is not waited for any longer, unless it has just ended the call. The
 * board's lock may be held. */
void host_call_give_up(HostCall *c);

/* ---- for the host: any thread, no lock held ---- */

/* Enter a call that has not ended, until host_call_leave. `c` may be any
 * pointer. Errors: ORUN_EINVAL (not a call, or released), ORUN_ESTATE (the host
 * has ended it), ORUN_ESHUTDOWN (given up), ORUN_EFORKED (the parent's). */
int host_call_enter(orun_call *c, HostCall **out) NODISCARD;
void host_call_leave(HostCall *c);

/* End it, with `text` (HOST_TEXT and HOST_JSON; taken, even on an error) or
 * with a fault and `why` (HOST_FAILED; the same), and drop the host's
 * reference. Errors as host_call_enter; only after ORUN_ESHUTDOWN was the
 * reference there, and is dropped. */
int host_call_end(orun_call *c, HostEnd how, struct Value *text,
                  TaskFault fault, char *why) NODISCARD;

/* Should it end? 0, 1, or an error as host_call_enter has, but for a call that
 * was given up or has ended: 1. */
int host_call_stopped(orun_call *c);

/* Append to its output. Errors as host_call_enter, ORUN_ENOMEM, and ORUN_ESYS:
 * the disk took no more. May block for a file write. */
int host_call_write(orun_call *c, const void *p, size_t n) NODISCARD;

#endif
