/* keeper_frame.h — one request on its way to the keeper. */
#ifndef ORUN_KEEPER_FRAME_H
#define ORUN_KEEPER_FRAME_H

#include "base/base.h"
#include "base/list.h"
#include "keeper/keeper_wire.h"
#include <sys/types.h>

typedef struct Frame {
    List link; /* in the keeper's queue */
    uint64_t id;
    size_t n, sent;
    int fds[WIRE_FDS]; /* to go with the first byte */
    bool with_fds;
    char bytes[];
} Frame;

/* A frame of that kind with room for `size` bytes after its head; NULL: out of
 * memory. */
Frame *keeper_frame_new(uint32_t kind, uint64_t id, size_t size);

/* The frame that asks for a process, without its descriptors; of `w`, task and
 * lingers are given. ORUN_EINVAL: no argv[0]; ORUN_ETOOBIG; ORUN_ENOMEM. errno
 * says the same. */
int keeper_frame_spawn(uint64_t id, WireSpawn w, const char *const *argv,
                       const char *const *env, const char *cwd,
                       Frame **out) NODISCARD;

/* Give it its descriptors, which are closed when it is sent or freed; -1 stands
 * for /dev/null. */
void keeper_frame_attach(Frame *f, const int fds[WIRE_FDS]);

/* Does it ask for a process, and is none of it sent? */
bool keeper_frame_asks(const Frame *f);

/* Send what `fd` takes of the rest; as send(2), and counted in f->sent. `null`
 * is /dev/null. */
ssize_t keeper_frame_send(Frame *f, int fd, int null);

void keeper_frame_free(Frame *f);

#endif
