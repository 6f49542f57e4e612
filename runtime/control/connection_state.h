/* connection_state.h — shared by connection.c and request_handler.c.
 *
 * connection.c does the io, on the io thread. request_handler.c handles one
 * request, on a worker. A Connection is freed when its handles are closed and
 * no request is in flight.
 */
#ifndef ORUN_CONNECTION_STATE_H
#define ORUN_CONNECTION_STATE_H

#include "control/connection.h"
#include "control/control_state.h"
#include "value/line_reader.h"
#include "vm/park.h"

struct Connection {
    /* Never changes. */
    Control *control;
    Engine *engine;

    /* Of the io thread. */
    List link; /* in control->connections */
    int fd;    /* -1: closed */
    uv_poll_t poll;
    uv_timer_t timer; /* closes a client that sends no valid token in time */
    int handles;      /* of the two, those not closed yet */
    bool has_token;   /* a valid token has come */
    bool input_done;  /* nothing more is read */
    bool serving;     /* a request is in flight */
    LineReader in;
    Buf out; /* to be sent, from `sent` on */
    size_t sent;

    /* The request. Of the io thread, but of the run's thread from
     * request_handler_start until the reply is posted. */
    Buf line; /* its JSON */
    Buf reply;
    LoopMsg reply_msg;
    Job job;
    LuaRun run; /* run.vm: written under the board's lock; NULL: it has no
                 * state */
};

/* Queue the request c->line for a worker, on behalf of that attempt of the
 * task. Errors, with nothing queued: ORUN_ENOMEM, ORUN_ESYS. */
int request_handler_start(Connection *c, Task *task,
                          uint32_t attempt) ON_IO NODISCARD;

/* Does a worker handle the request just now? Not if it is queued, or waits. */
bool request_handler_runs(Connection *c) ON_IO;

/* The client has disconnected: end what its request waits for. */
void request_handler_interrupt(Connection *c) ON_IO;

/* The reply cannot be delivered: release what the request claimed. Called by
 * the thread that owns the request. */
void request_handler_undo(Connection *c);

/* Free what the request used. */
void request_handler_finish(Connection *c);

/* Append an error reply. */
void request_handler_refuse(Buf *to, const char *reason, const char *error);

#endif
