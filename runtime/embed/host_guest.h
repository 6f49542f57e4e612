/* host_guest.h — Lua code that acts for the embedding program.
 *
 * It runs on the calling thread, in a pristine state of a task, beside the
 * script and whatever other threads do. It may do all that the script may;
 * where it waits the thread blocks, until orun_free ends that.
 */
#ifndef ORUN_HOST_GUEST_H
#define ORUN_HOST_GUEST_H

#include "embed/host.h"
#include "engine/engine.h"

/* Call body(arg), arg a light userdata, which may raise. Returns 0;
 * ORUN_EFAILED (it raised, and `why` has the text), ORUN_ESHUTDOWN,
 * ORUN_ENOMEM, or ORUN_EINVAL: the thread has too little stack, as `why` says.
 * `refused`, unless it is NULL, gets why its last call of Task made none, a
 * code. Any thread that is inside an epoch. */
int host_guest_call(Host *h, Engine *engine, lua_CFunction body, void *arg,
                    int *refused, Buf *why) NODISCARD;

/* The same for code that belongs to this attempt at t, which goes on until it
 * has returned. */
int host_guest_call_for(Host *h, Engine *engine, Task *t, uint32_t attempt,
                        lua_CFunction body, void *arg, int *refused,
                        Buf *why) NODISCARD;

#endif
