/* keeper_wire.h — what goes over the keeper's socket.
 *
 * Both ends are of one build and one machine, so frames are plain structs: a
 * WireHead, then `size` bytes. orun sends SPAWN and SIGNAL, and, with no body,
 * SUSPEND, RESUME, PING and OVER (whose id is a task's). The keeper answers
 * STARTED and EXITED (of a short-lived child only the latter), and PING with a
 * PING. A SPAWN's body is a WireSpawn followed by NUL-terminated strings (the
 * working folder if there is one, the arguments, the environment), and exactly
 * WIRE_FDS descriptors travel with its first byte.
 */
#ifndef ORUN_KEEPER_WIRE_H
#define ORUN_KEEPER_WIRE_H

#include "base/base.h"

enum {
    WIRE_MAGIC = 0x314b524f,
    WIRE_SOCKET = 3, /* the keeper's end */
    WIRE_FDS = 3,
    WIRE_MAX = 64 << 20 /* no kernel takes more arguments than this */
};

enum {
    WIRE_SPAWN = 1, WIRE_SIGNAL, WIRE_STARTED, WIRE_EXITED, WIRE_SUSPEND,
    WIRE_RESUME, WIRE_OVER, WIRE_PING
};

/* The step at which a start failed, and its name in ProcEnd.spawn_what. */
#define WIRE_STEPS(X) \
    X(NONE, "") X(FORK, "fork") X(CWD, "cwd") X(EXEC, "exec") \
    X(INTERPRETER, "interpreter") X(PIPE, "pipe") X(KEEPER, "keeper")

enum {
#define X(name, text) WIRE_STEP_##name,
    WIRE_STEPS(X)
#undef X
    WIRE_STEP_COUNT
};

typedef struct WireHead {
    uint32_t magic, kind;
    uint64_t size; /* of the body that follows */
    uint64_t id;   /* of the child */
} WireHead;

typedef struct WireSpawn {
    uint64_t task;
    uint32_t argc, envc;
    uint32_t has_cwd, lingers; /* is there one / do its strays stay? */
} WireSpawn;

typedef struct WireSignal {
    int32_t signo, tree;
} WireSignal;

typedef struct WireStarted {
    int32_t pid, err, step, zero;
} WireStarted;

typedef struct WireExited {
    int32_t pid, status;
    double wall, cpu; /* seconds: since the start; user and system */
    int64_t max_rss;  /* KiB */
} WireExited;

/* The head at `p`, where `n` bytes are: 1 when the frame is whole, 0 when more
 * is needed, -1 when this is no frame. */
static inline int
wire_head(const char *p, size_t n, WireHead *head)
{
    if (n < sizeof *head)
        return 0;
    memcpy(head, p, sizeof *head);
    if (head->magic != WIRE_MAGIC || head->size > WIRE_MAX)
        return -1;
    return n - sizeof *head >= head->size;
}

#endif
