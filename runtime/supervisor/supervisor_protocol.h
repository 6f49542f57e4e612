/* supervisor_protocol.h — the messages between orun and its supervisor.
 *
 * Both ends are of one build and on one machine, so a message is plain structs:
 * a ProtocolHead, then a body of `size` bytes. orun sends SPAWN and SIGNAL, and
 * with no body SUSPEND, RESUME, PING and TASK_OVER, whose id is a task's. The
 * supervisor answers a SPAWN with STARTED, and EXITED at the child's end (only
 * EXITED if the child was short-lived), and a PING with a PING. The body of a
 * SPAWN is a ProtocolSpawn, then NUL-terminated strings: the working folder if
 * there is one, the arguments, the environment. Exactly PROTOCOL_FDS
 * descriptors travel with its first byte.
 */
#ifndef ORUN_SUPERVISOR_PROTOCOL_H
#define ORUN_SUPERVISOR_PROTOCOL_H

#include "base/base.h"

enum {
    PROTOCOL_MAGIC = 0x314b524f,
    PROTOCOL_SOCKET = 3, /* the supervisor's end */
    PROTOCOL_FDS = 3,
    PROTOCOL_MAX = 64 << 20 /* no kernel takes more arguments than this */
};

enum {
    PROTOCOL_SPAWN = 1,
    PROTOCOL_SIGNAL,
    PROTOCOL_STARTED,
    PROTOCOL_EXITED,
    PROTOCOL_SUSPEND,
    PROTOCOL_RESUME,
    PROTOCOL_TASK_OVER,
    PROTOCOL_PING
};

/* The step at which a start failed, and its name in ProcEnd.spawn_what. */
/* clang-format off */
#define PROTOCOL_STEPS(X) \
    X(NONE, "") X(FORK, "fork") X(CWD, "cwd") X(EXEC, "exec") \
    X(INTERPRETER, "interpreter") X(PIPE, "pipe") X(SUPERVISOR, "supervisor")
/* clang-format on */

enum {
#define X(name, text) PROTOCOL_STEP_##name,
    PROTOCOL_STEPS(X)
#undef X
        PROTOCOL_STEP_COUNT
};

typedef struct ProtocolHead {
    uint32_t magic, kind;
    uint64_t size; /* of the body that follows */
    uint64_t id;   /* of the child */
} ProtocolHead;

typedef struct ProtocolSpawn {
    uint64_t task;
    uint32_t argc, envc;
    uint32_t has_cwd, lingers; /* is there one? / do its orphans stay? */
} ProtocolSpawn;

typedef struct ProtocolSignal {
    int32_t signo, tree;
} ProtocolSignal;

typedef struct ProtocolStarted {
    int32_t pid, err, step, zero;
} ProtocolStarted;

typedef struct ProtocolExited {
    int32_t pid, status;
    double wall, cpu; /* seconds: since the start; user and system */
    int64_t max_rss;  /* KiB */
} ProtocolExited;

/* Read the head of the message at `p`, of which `n` bytes have come: 1 when all
 * of it has, 0 when more is needed, -1 when it is not a message. */
static inline int
protocol_head(const char *p, size_t n, ProtocolHead *head)
{
    if (n < sizeof *head)
        return 0;
    memcpy(head, p, sizeof *head);
    if (head->magic != PROTOCOL_MAGIC || head->size > PROTOCOL_MAX)
        return -1;
    return n - sizeof *head >= head->size;
}

#endif
