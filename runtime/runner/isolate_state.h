/* isolate_state.h — what the files of isolate share.
 *
 * isolate.c has the life of the process and what is between the threads,
 * isolate_talk.c the frames, isolate_judge.c what came of it; isolate_state.c
 * what the first two both do.
 */
#ifndef ORUN_ISOLATE_STATE_H
#define ORUN_ISOLATE_STATE_H

#include "engine/engine.h"
#include "process/proc.h"
#include "process/supervisor_client.h"
#include "runner/isolate.h"

enum { ISOLATE_LINGER_MS = 5000 }; /* from the last word to the exit */

typedef enum IsolateState {
    ISOLATE_GREETING, ISOLATE_WORKING, ISOLATE_SERVING, ISOLATE_TOLD
} IsolateState;

/* How far up its stop ladder; the last two are the end of any ladder. */
enum { RUNG_NONE, RUNG_ONCE, RUNG_HARD, RUNG_KILLED };

struct Isolate {
    /* Never changes. */
    Engine *engine;
    uint64_t task;
    size_t limit;   /* of the Lua state, bytes */
    char **env, *cwd;
    atomic_int refs;
    atomic_bool kill_sent; /* kill_msg */
    uv_timer_cb due; /* of `timer` */
    LoopMsg go_msg, reply_msg, stop_msg, kill_msg;

    /* Guarded by the board's lock. */
    LuaRun *run;    /* who stands in for it; NULL when it has let go */
    Op op;
    bool called;    /* a CALL is to be taken */
    bool ended;
    TaskFault why;  /* it is stopped for; NONE: it is not */

    /* The io thread's, but for the run's between isolate_take and _reply. */
    Buf in;         /* of what is read the part that was not acted on */
    Frame call;     /* a CALL in it */
    Buf reply;
    struct Value *held; /* the run decodes it */

    /* Of the io thread. */
    IsolateState state;
    int rung;
    bool begun;     /* the start was tried */
    bool early;     /* a stop came before that */
    int fd;         /* -1: not open */
    bool deaf;      /* nothing more is read */
    bool gone;      /* the process has ended, or never was … */
    bool cut;       /* … in the middle of a frame */
    FrameParser parser;
    Buf out;        /* to be sent, from `sent` on */
    size_t sent;
    SupervisorChild child;
    uv_poll_t poll;
    uv_timer_t timer;
    int handles;    /* of the two that are not closed */
    char lost[160]; /* which breach of the protocol there was; "": none */
    char refused[256]; /* why it is not the right program; "": it is */
    ProcEnd end;
    Outcome told;   /* what END said */
};

/* The rest is for the io thread. */

/* One reference less; the last one frees. Any thread. */
void isolate_unref(Isolate *i);

/* Post one of its messages, which holds a reference until it has come. Any
 * thread. */
void isolate_post(Isolate *i, LoopMsg *msg);

/* Call i->due that much later, and not before. */
void isolate_arm(Isolate *i, uint64_t ms) ON_IO;

/* SIGKILL to the process and all its descendants, unless they are dead. */
void isolate_kill(Isolate *i) ON_IO;

/* The run is to serve the call, which is in i->in. */
void isolate_hand_over(Isolate *i, const Frame *call) ON_IO;

/* The protocol is broken: nothing it says counts any more, it is killed. */
void isolate_lose(Isolate *i, const char *format, ...) ON_IO
    PRINTF_LIKE(2, 3);

/* Is what the child says of interest? Not while a call is served: it has
 * nothing to say then. */
bool isolate_listens(const Isolate *i) ON_IO;

/* Have the loop look for what is of interest now. */
void isolate_watch(Isolate *i) ON_IO;

/* Talk by `fd`, which is taken when it gives 0; else the errno. */
int isolate_open(Isolate *i, int fd) ON_IO NODISCARD;

/* Send the frame, which is taken over; send what the socket takes now. */
void isolate_send(Isolate *i, Buf *frame) ON_IO;
void isolate_flush(Isolate *i) ON_IO;

/* Take what is there; false when there is no more now. */
bool isolate_read(Isolate *i) ON_IO;

/* The message by which the run replies. */
void isolate_reply_posted(LoopMsg *msg);

#endif
