/* isolate_state.h — the struct of an Isolate, for the files of isolate. */
#ifndef ORUN_ISOLATE_STATE_H
#define ORUN_ISOLATE_STATE_H

#include "engine/engine.h"
#include "process/proc.h"
#include "process/supervisor_client.h"
#include "runner/isolate.h"

typedef enum IsolateState {
    ISOLATE_GREETING,
    ISOLATE_WORKING,
    ISOLATE_SERVING,
    ISOLATE_REPORTED
} IsolateState;

/* How far its stop has got; the last two end any process. */
enum { RUNG_NONE, RUNG_ONCE, RUNG_HARD, RUNG_KILLED };

struct Isolate {
    /* Never changes. */
    Engine *engine;
    uint64_t task;
    size_t limit; /* of the Lua state, bytes */
    char **env, *cwd;
    atomic_int refs;
    atomic_bool kill_sent; /* kill_msg */
    LoopMsg go_msg, reply_msg, stop_msg, kill_msg;

    /* Guarded by the board's lock. */
    LuaRun *run; /* its run on this side; NULL once that has freed it */
    Op op;
    bool called; /* there is a CALL to take */
    bool ended;
    TaskFault why; /* why it is being stopped; NONE: it is not */

    /* The io thread's; the run's between isolate_take and isolate_reply. */
    Buf in;     /* what was read and not acted on yet */
    Frame call; /* a CALL in it */
    Buf reply;
    struct Value *held; /* the run decodes it */

    /* Of the io thread. */
    IsolateState state;
    int rung;
    bool begun;   /* the start was tried */
    bool early;   /* a stop came before that */
    bool cleaned; /* after the stop it had its time for programs */
    int fd;       /* -1: not open */
    bool deaf;    /* nothing more is read */
    bool gone;    /* the process has ended, or never began … */
    bool cut;     /* … in the middle of a frame */
    FrameParser parser;
    Buf out; /* to be sent, from `sent` on */
    size_t sent;
    SupervisorChild child;
    uv_poll_t poll;
    uv_timer_t timer;
    int handles;       /* how many of these two are open */
    char lost[160];    /* how it broke the protocol; "": it did not */
    char refused[256]; /* why it is the wrong program; "": it is not */
    ProcEnd end;
    Outcome reported; /* by END, … */
    Buf unseen;       /* … which has a field with this (unseen.h) */
};

#endif
