/* control_state.h — what the files of the control socket share. */
#ifndef ORUN_CONTROL_STATE_H
#define ORUN_CONTROL_STATE_H

#include "control/control.h"

struct Control {
    /* Never changes. */
    EnginePart part;
    Engine *engine;
    char *path;
    TokenKeys tokens;
    LoopMsg start_msg;

    /* Of the io thread. */
    int fd;
    bool started, watching; /* the timer is one, the poll */
    int tries;              /* to watch, that failed */
    uv_poll_t poll;
    uv_timer_t timer; /* until the next attempt to accept somebody */
    List callers;
    size_t count;     /* of them */
};

#endif
