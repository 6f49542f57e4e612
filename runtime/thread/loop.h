/* loop.h — the io thread: one uv loop and its mailbox.
 *
 * Everything that waits for the outside world lives on this thread. Other
 * threads reach it only by loop_post: a mutex queue carries the message, the
 * uv_async only wakes (sends coalesce, so the queue is drained whole).
 * Nothing that runs here may block. The thread blocks every signal, so none of
 * the host's lands there and a closed pipe is EPIPE. libuv aborts when
 * descriptors 0-2 are closed: the edge opens /dev/null on them first.
 */
#ifndef ORUN_LOOP_H
#define ORUN_LOOP_H

#include "base/base.h"
#include "base/list.h"
#include <uv.h>

typedef struct Loop Loop;

/* A message is embedded in its sender's object and belongs to the loop until
 * `run` is called, on the io thread, with no lock held. */
typedef struct LoopMsg {
    List link;
    void (*run)(struct LoopMsg *msg); /* on the io thread */
} LoopMsg;

/* Start the io thread. Errors: ORUN_ENOMEM, ORUN_ESYS (errno
 * tells). The caller ends it
 * with loop_stop. */
int loop_start(Loop **out) NODISCARD;

/* Hand `msg` over. Any thread; never blocks, never fails. After loop_stop
 * began, messages are still run once, before the thread ends. */
void loop_post(Loop *loop, LoopMsg *msg);

/* True on the io thread itself. Any thread. */
bool loop_is_io(Loop *loop);

/* The uv loop itself. */
uv_loop_t *loop_uv(Loop *loop) ON_IO;

/* Watch a descriptor, which becomes non-blocking. 0, or the errno and nothing
 * to close. */
int loop_watch(Loop *loop, uv_poll_t *poll, int fd, int events,
               uv_poll_cb call) ON_IO NODISCARD;

/* Run `fn(ud)` on the io thread and wait for it. Not from the io thread. */
void loop_call(Loop *loop, void (*fn)(Loop *loop, void *ud), void *ud);

/* End the thread and free the loop: waits until the owners have closed every
 * handle that keeps the loop alive and every message was run. Not from the io
 * thread; NULL is fine. */
void loop_stop(Loop *loop);

#endif
