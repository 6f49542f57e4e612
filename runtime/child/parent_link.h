/* uplink.h — the connection of an isolated task's process to its orun.
 *
 * A thread reads, so that a stop reaches code that runs and the end of orun
 * ends the process whatever that is doing; the thread that runs the task writes
 * and waits for replies. It sends one frame at a time, and then waits, so there
 * is never more than one frame for it.
 */
#ifndef ORUN_UPLINK_H
#define ORUN_UPLINK_H

#include "task/task.h"
#include "value/frame.h"
#include "vm/stop.h"

typedef struct Uplink Uplink;

/* Read from the socket `fd`. Errors: ORUN_ENOMEM, ORUN_ESYS. It lives as long
 * as the process. */
int uplink_new(int fd, Uplink **out) NODISCARD;

/* Whom a stop is for from now on, the one that has come already included;
 * NULL: for nobody. On the thread that runs the task, as all below. */
void uplink_serve(Uplink *u, Stop *stop);

/* Send the frame and free it; the process ends when orun is gone. */
void uplink_send(Uplink *u, Buf *frame);

/* Wait for the next frame, which must be of this kind, else the process ends.
 * It is good until the next one. */
Frame uplink_wait(Uplink *u, int kind);

/* A Value of received bytes, to be decoded: good until the next one, whatever
 * raises meanwhile. NULL when memory is out. */
const struct Value *uplink_hold(Uplink *u, const char *p, size_t n);

/* The numbers of collectors that were let go and orun was not told yet, as
 * fields. */
Buf *uplink_released(Uplink *u);

/* Tell the outcome and end the process. */
_Noreturn void uplink_end(Uplink *u, const Outcome *o);

#endif
