/* keeper_post.c — the answers that are not sent yet. */
#include "keeper/keeper_post.h"
#include "base/buf.h"
#include "keeper/keeper_wire.h"
#include <errno.h>
#include <sys/socket.h>

static Buf keeper_post_out;
static size_t keeper_post_sent; /* bytes of it that are sent */

bool
keeper_post(uint32_t kind, uint64_t id, const void *body, size_t size)
{
    WireHead head = { WIRE_MAGIC, kind, size, id };
    buf_put(&keeper_post_out, &head, sizeof head);
    buf_put(&keeper_post_out, body, size);
    return !buf_failed(&keeper_post_out);
}

bool
keeper_post_start(uint64_t id, int pid, int err, int step)
{
    WireStarted w = { .pid = pid, .err = err, .step = step };
    return keeper_post(WIRE_STARTED, id, &w, sizeof w);
}

bool
keeper_post_flush(void)
{
    Buf *out = &keeper_post_out;
    while (keeper_post_sent < out->n) {
        ssize_t n = send(WIRE_SOCKET, out->p + keeper_post_sent,
                         out->n - keeper_post_sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN || errno == ENOBUFS;
        keeper_post_sent += (size_t)n;
    }
    keeper_post_sent = 0;
    buf_clear(out);
    return true;
}

bool
keeper_post_waits(void)
{
    return keeper_post_out.n > 0;
}
