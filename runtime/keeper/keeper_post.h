/* keeper_post.h — what the keeper tells orun.
 *
 * Part of the keeper program only: one queue of answers, for its one socket.
 */
#ifndef ORUN_KEEPER_POST_H
#define ORUN_KEEPER_POST_H

#include "base/base.h"

/* Queue an answer. False when memory is out: orun must not wait for an answer
 * it will miss, so all has to end then. */
bool keeper_post(uint32_t kind, uint64_t id, const void *body, size_t size);

/* Queue the answer to a SPAWN. */
bool keeper_post_start(uint64_t id, int pid, int err, int step);

/* Send what can be sent now; false when the socket has ended. */
bool keeper_post_flush(void);

/* Is something queued? */
bool keeper_post_waits(void);

#endif
