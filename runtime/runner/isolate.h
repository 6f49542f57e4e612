/* isolate.h — the process of one isolated task, seen from orun.
 *
 * An Isolate starts an orun through the supervisor, with a socket as its
 * standard input and orun's own standard output and error, and exchanges frames
 * with it (frame.h). It lives on the io thread until the process is gone. The
 * task's run on this side owns it, and waits on its Op.
 *
 *   greeting --HELLO--> working --CALL--> serving
 *                        |   ^---reply------'
 *                        '--END--> reported --> the process ends: ended
 *
 * Anything else, at any time, breaks the protocol: the process is killed and
 * the task is lost. In any state the end of the process is the end. While a
 * call is served nothing is read, and the size of a frame is bounded, so a
 * child that sends without end blocks on its socket.
 */
#ifndef ORUN_ISOLATE_H
#define ORUN_ISOLATE_H

#include "value/frame.h"
#include "vm/park.h"

typedef struct Isolate Isolate;

/* The first argument that makes an orun such a process. */
#define ISOLATE_ARGUMENT "--isolated-task"

/* Make one for the attempt of `run`. Its process will be sent `start`, a START
 * frame that is taken over. Errors: ORUN_ENOMEM, ORUN_ESYS (there is no io
 * thread); then `start` is still the caller's. */
int isolate_new(LuaRun *run, Buf *start, Isolate **out) NODISCARD;

/* Start the process. Once, with no lock held. */
void isolate_go(Isolate *i);

/* It is done when isolate_take has something to return. */
Op *isolate_op(Isolate *i);

/* The CALL to serve now, the caller's until it replies. NULL if there is none;
 * with *ended there will not be another. */
Frame *isolate_take(Isolate *i, bool *ended);

/* Make a Value of bytes that were received, for the run to decode. It is valid
 * until the next call or the end, even if an error is raised meanwhile. NULL
 * when memory is out. */
const struct Value *isolate_hold(Isolate *i, const char *p, size_t n);

/* Answer the CALL with a whole REPLY frame, which is taken over. */
void isolate_reply(Isolate *i, Buf *reply);

/* Stop the task in three steps: its code is interrupted at once; after
 * ISOLATE_GRACE (and PROGRAM_CLEANS, if a program of its clean-up still runs)
 * it is interrupted again, and nothing catches that; after as
 * long again the process is killed. With `now` it is killed at once. The wait
 * of a call that the run makes for the task ends. Another call can only make
 * it quicker. Under the board's lock, any thread. */
void isolate_stop(Isolate *i, TaskFault why, bool now);

/* Make the outcome of a process that has ended; *o owns it afterwards. */
void isolate_outcome(Isolate *i, Outcome *o);

/* Free it; a process that still runs is killed. NULL is fine. */
void isolate_free(Isolate *i);

/* Seconds. */
#define ISOLATE_GRACE 0.25

/* Bytes of data that an orun needs for itself, mostly address space. */
#define ISOLATE_OWN ((size_t)128 << 20)

/* Bytes of data that the process may have when its Lua state may have `limit`:
 * as much again for C code and for values on their way, and what an orun needs
 * for itself. */
static inline size_t
isolate_memory(size_t limit)
{
    return limit < SIZE_MAX / 4 ? 2 * limit + ISOLATE_OWN : SIZE_MAX / 2;
}

#endif
