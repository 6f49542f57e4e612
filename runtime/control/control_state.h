/* control_state.h — shared by control.c and connection.c. */
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
    bool started, watching; /* the timer is initialized, the poll is */
    int tries;              /* failed attempts to watch the socket */
    uv_poll_t poll;
    uv_timer_t timer; /* until the next attempt to watch or accept */
    List connections;
    size_t count; /* of them */
};

#endif
