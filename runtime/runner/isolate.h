/* isolate.h — the process of one isolated task, seen from orun.
 *
 * An Isolate starts an orun through the supervisor, with a socket as its
 * standard input and orun's own standard output and error, and exchanges frames
 * with it (frame.h). It lives on the io thread until the process is gone; the
 * run that stands in for the task on this side owns it, and waits on its Op.
 *
 *   greeting --HELLO--> working --CALL--> serving
 *                        |   ^---reply------'
 *                        '--END--> told ------> the process ends: ended
 *
 * Whatever else comes, whenever, is a breach of the protocol: the process is
 * killed and the task lost. From any state the end of the process is the end.
 * While it serves nothing is read, and a frame is bounded: a child that sends
 * without end is kept waiting by its socket.
 */
#ifndef ORUN_ISOLATE_H
#define ORUN_ISOLATE_H

#include "value/frame.h"
#include "vm/park.h"

typedef struct Isolate Isolate;

/* The first argument that makes an orun such a process. */
#define ISOLATE_ARGUMENT "--isolated-task"

/* One for the attempt of `run`, which will be told `start`, a START frame that
 * is taken over. Errors: ORUN_ENOMEM, ORUN_ESYS (there is no io thread); then
 * `start` is still the caller's. */
int isolate_new(LuaRun *run, Buf *start, Isolate **out) NODISCARD;

/* Start the process. Once, with no lock held. */
void isolate_go(Isolate *i);

/* Done when isolate_take has something to say. */
Op *isolate_op(Isolate *i);

/* The CALL to be served now, the caller's until it replies; NULL: there is
 * none, and with *ended there will be none any more. */
Frame *isolate_take(Isolate *i, bool *ended);

/* A Value of what was received, for the run to decode: good until the next
 * one or the end, whatever raises meanwhile. NULL when memory is out. */
const struct Value *isolate_hold(Isolate *i, const char *p, size_t n);

/* Answer it: a whole REPLY frame, taken over. */
void isolate_reply(Isolate *i, Buf *reply);

/* Ask the task's code to stop, then kill its process: its code is told at once,
 * has ISOLATE_GRACE for clean-up, as much again in which nothing is caught,
 * and is gone then; with `now`, at once. What the run waits for in its name
 * ends. Under the board's lock, any thread; called again, it can only be
 * quicker. */
void isolate_stop(Isolate *i, TaskFault why, bool now);

/* What came of it, once it has ended: fills *o, which then owns it. */
void isolate_judge(Isolate *i, Outcome *o);

/* Let go; a process that still runs is killed. NULL is fine. */
void isolate_free(Isolate *i);

/* Seconds. */
#define ISOLATE_GRACE 0.25

/* Bytes of data that an orun takes by itself, much of it address space only. */
#define ISOLATE_OWN ((size_t)128 << 20)

/* Bytes of data that the process may have in all when its Lua state may have
 * `limit`: as much again for C code and for what is on its way, and what an
 * orun takes by itself. */
static inline size_t
isolate_memory(size_t limit)
{
    return limit < SIZE_MAX / 4 ? 2 * limit + ISOLATE_OWN : SIZE_MAX / 2;
}

#endif
