/* parent_link.h — an isolated task's connection to its parent, the orun that
 * started it.
 *
 * A thread reads, so that a stop reaches code that is running, and the end of
 * the parent ends this process whatever it does. The thread that runs the task
 * writes and waits for replies. It sends one frame at a time and then waits, so
 * at most one frame is on its way to it.
 */
#ifndef ORUN_PARENT_LINK_H
#define ORUN_PARENT_LINK_H

#include "task/task.h"
#include "value/frame.h"
#include "vm/stop.h"

typedef struct ParentLink ParentLink;

/* Start to read from the socket `fd`. The link lives as long as the process.
 * Errors: ORUN_ENOMEM, ORUN_ESYS. */
int parent_link_new(int fd, ParentLink **out) NODISCARD;

/* Deliver stops to `stop` from now on, including one that has already come;
 * NULL: to nobody. This and all below: only the thread that runs the task. */
void parent_link_serve(ParentLink *u, Stop *stop);

/* Send the frame and free it. Ends the process if the parent is gone. */
void parent_link_send(ParentLink *u, Buf *frame);

/* Wait for the next frame. Ends the process if it is not of this kind. Valid
 * until the next call. */
Frame parent_link_wait(ParentLink *u, int kind);

/* A Value made of received bytes, for decoding. Valid until the next call, even
 * if Lua raises meanwhile. NULL: out of memory. */
const struct Value *parent_link_hold(ParentLink *u, const char *p, size_t n);

/* The numbers of objects collected here that the parent has not been told about
 * yet, as fields. */
Buf *parent_link_released(ParentLink *u);

/* Send the outcome and end the process. */
_Noreturn void parent_link_end(ParentLink *u, const Outcome *o);

#endif
