/* keeper_frame.c — one request on its way to the keeper. */
#include "process/keeper_frame.h"
#include "base/err.h"
#include "base/mem.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

Frame *
keeper_frame_new(uint32_t kind, uint64_t id, size_t size)
{
    Frame *f = mem_alloc(sizeof *f + sizeof(WireHead) + size);
    if (!f)
        return NULL;
    WireHead head = { WIRE_MAGIC, kind, size, id };
    f->id = id;
    f->n = sizeof head + size;
    f->sent = 0;
    f->with_fds = false;
    memcpy(f->bytes, &head, sizeof head);
    return f;
}

/* Count the strings of `list` and add their bytes to *size. */
static uint32_t
keeper_frame_measure(const char *const *list, size_t *size)
{
    uint32_t n = 0;
    for (; list[n]; n++)
        *size += strlen(list[n]) + 1;
    return n;
}

static char *
keeper_frame_put(char *to, const char *const *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        to = stpcpy(to, list[i]) + 1;
    return to;
}

int
keeper_frame_spawn(uint64_t id, WireSpawn w, const char *const *argv,
                   const char *const *env, const char *cwd, Frame **out)
{
    size_t size = sizeof(WireSpawn) + (cwd ? strlen(cwd) + 1 : 0);
    w.has_cwd = cwd != NULL;
    w.argc = keeper_frame_measure(argv, &size);
    w.envc = keeper_frame_measure(env, &size);
    if (w.argc == 0)
        return errno = EINVAL, ORUN_EINVAL;
    if (size > WIRE_MAX)
        return errno = E2BIG, ORUN_ETOOBIG;
    Frame *f = keeper_frame_new(WIRE_SPAWN, id, size);
    if (!f)
        return errno = ENOMEM, ORUN_ENOMEM;
    char *to = f->bytes + sizeof(WireHead);
    to = mempcpy(to, &w, sizeof w);
    to = keeper_frame_put(to, &cwd, w.has_cwd);
    to = keeper_frame_put(to, argv, w.argc);
    keeper_frame_put(to, env, w.envc);
    *out = f;
    return 0;
}

void
keeper_frame_attach(Frame *f, const int fds[WIRE_FDS])
{
    f->with_fds = true;
    memcpy(f->fds, fds, sizeof f->fds);
}

bool
keeper_frame_asks(const Frame *f)
{
    return f->with_fds;
}

static void
keeper_frame_close(Frame *f)
{
    for (int i = 0; f->with_fds && i < WIRE_FDS; i++)
        if (f->fds[i] >= 0)
            close(f->fds[i]);
    f->with_fds = false;
}

ssize_t
keeper_frame_send(Frame *f, int fd, int null)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof f->fds)];
    } control = { 0 };
    struct iovec io = { f->bytes + f->sent, f->n - f->sent };
    struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1 };
    if (f->with_fds) {
        int fds[WIRE_FDS];
        for (int i = 0; i < WIRE_FDS; i++)
            fds[i] = f->fds[i] < 0 ? null : f->fds[i];
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof fds);
        memcpy(CMSG_DATA(&control.head), fds, sizeof fds);
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof control.bytes;
    }
    ssize_t n = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) {
        f->sent += (size_t)n;
        keeper_frame_close(f);
    }
    return n;
}

void
keeper_frame_free(Frame *f)
{
    if (!f)
        return;
    keeper_frame_close(f);
    mem_free(f);
}
