/* caller_state.h — what the files of caller share.
 *
 * caller.c has the connection, on the io thread; caller_serve.c the call, on a
 * worker. A Caller is freed when its handles are closed and no call of it is in
 * flight.
 */
#ifndef ORUN_CALLER_STATE_H
#define ORUN_CALLER_STATE_H

#include "control/caller.h"
#include "control/control_state.h"
#include "value/line_reader.h"
#include "vm/park.h"

struct Caller {
    /* Never changes. */
    Control *control;
    Engine *engine;

    /* Of the io thread. */
    List link;       /* in control->callers */
    int fd;          /* -1: closed */
    uv_poll_t poll;
    uv_timer_t timer; /* until a line with a token must have come */
    int handles;     /* of the two that are not closed */
    bool known;      /* one has */
    bool deaf;       /* nothing more will come, or is wanted */
    bool serving;    /* a call is in flight */
    LineReader in;
    Buf out;         /* to be sent, from `sent` on */
    size_t sent;

    /* The call: the io thread's until caller_serve, and from the reply on; of
     * the run meanwhile. */
    Buf line;        /* the JSON of it */
    Buf reply;
    LoopMsg reply_msg;
    Job job;
    LuaRun run;      /* run.vm: written under the board's lock; NULL when it
                      * has no state */
};

/* Have a worker serve c->line in the name of the task. Errors: ORUN_ENOMEM,
 * ORUN_ESYS: nobody will. */
int caller_serve(Caller *c, Task *task, uint32_t attempt) ON_IO NODISCARD;

/* Nobody wants the reply any more: end what the call waits for. */
void caller_interrupt(Caller *c) ON_IO;

/* The call was in vain: what it has claimed goes back. Any thread that has
 * it. */
void caller_undo(Caller *c);

/* Free what the call had. */
void caller_served(Caller *c);

/* Append a reply that says no. */
void caller_put_refusal(Buf *to, const char *reason, const char *error);

#endif
