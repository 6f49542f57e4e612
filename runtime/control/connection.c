/* connection.c — a connection to the control socket, on the io thread. */
#include "control/connection.h"
#include "base/err.h"
#include "base/mem.h"
#include "control/connection_state.h"
#include "thread/epoch.h"
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTION_READ = 64 << 10,
    CONNECTION_READS = 4,        /* in a row before others have a turn */
    CONNECTION_TOKEN_MS = 30000, /* until the first line with a valid token */
    CONNECTION_LAST_MS = 500,    /* for the reply of a run that ends */
};

static void connection_watch(Connection *c) ON_IO;

/* ---- the end ---- */

/* Unlink and free the connection once nothing refers to it. */
static void ON_IO
connection_free_if_done(Connection *c)
{
    if (c->handles > 0 || c->serving)
        return;
    list_del(&c->link);
    c->control->count--;
    line_reader_free(&c->in);
    buf_free(&c->out);
    mem_free(c);
}

static void
connection_closed(uv_handle_t *h)
{
    role_is_io();
    Connection *c = h->data;
    c->handles--;
    connection_free_if_done(c);
}

/* Close the connection, and end the wait of the request in flight. */
static void ON_IO
connection_close(Connection *c)
{
    if (c->fd < 0)
        return;
    uv_close((uv_handle_t *)&c->poll, connection_closed);
    uv_close((uv_handle_t *)&c->timer, connection_closed);
    close(c->fd);
    c->fd = -1;
    if (c->serving)
        request_handler_interrupt(c);
}

/* ---- sending ---- */

/* Send what the socket takes now; false if the client disconnected. */
static bool ON_IO
connection_flush(Connection *c)
{
    while (c->fd >= 0 && c->sent < c->out.n) {
        ssize_t n = send(c->fd, c->out.p + c->sent, c->out.n - c->sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n < 0)
            return false;
        c->sent += (size_t)n;
    }
    buf_free(&c->out);
    c->sent = 0;
    return c->fd >= 0;
}

/* Send an error, and read nothing more: what follows cannot be trusted to be
 * the beginning of a line. */
static void ON_IO
connection_refuse(Connection *c, const char *reason, const char *error)
{
    request_handler_refuse(&c->out, reason, error);
    c->input_done = true;
}

/* ---- requests ---- */

/* The task and attempt of a token; the attempt may be over. NULL: not a token
 * of this run. */
static Task *
connection_task(const Connection *c, const char *token, size_t n,
                uint32_t *attempt)
{
    uint64_t task;
    return token_read(&c->control->tokens, token, n, &task, attempt)
        ? board_find(&c->engine->sched.board, task)
        : NULL;
}

/* Start the request of a line: TOKEN, a space, JSON. */
static void ON_IO
connection_take_line(Connection *c, const char *line, size_t n)
{
    uint32_t attempt = 0;
    const char *space = n ? memchr(line, ' ', n) : NULL;
    size_t length = space ? (size_t)(space - line) : 0;
    epoch_enter();
    Task *t = connection_task(c, line, length, &attempt);
    if (!t) {
        epoch_leave();
        connection_refuse(c, "token",
                          "missing or invalid token (use "
                          "$ORUN_TASK_TOKEN)");
        return;
    }
    c->has_token = true;
    uv_timer_stop(&c->timer);
    buf_put(&c->line, space + 1, n - length - 1);
    c->serving = !buf_failed(&c->line)
        && request_handler_start(c, t, attempt) == 0;
    epoch_leave();
    if (!c->serving) {
        buf_free(&c->line);
        connection_refuse(c, "failed", "out of workers or memory");
    }
}

/* Start requests from the buffered lines, one at a time. */
static void ON_IO
connection_parse(Connection *c)
{
    const char *line;
    size_t n;
    while (!c->serving && !c->input_done) {
        int got = line_reader_next(&c->in, &line, &n);
        if (got == 0)
            return;
        if (got < 0) {
            connection_refuse(c, "too_big", "a line is longer than 4 MiB");
            return;
        }
        connection_take_line(c, line, n);
        line_reader_consume(&c->in);
    }
}

static void
connection_reply_posted(LoopMsg *msg)
{
    role_is_io();
    Connection *c = container_of(msg, Connection, reply_msg);
    bool fine = c->fd >= 0 && !buf_failed(&c->reply);
    if (fine) {
        buf_put(&c->out, c->reply.p, c->reply.n);
        fine = !buf_failed(&c->out) && connection_flush(c);
    }
    buf_free(&c->reply);
    if (!fine)
        request_handler_undo(c);
    request_handler_finish(c);
    c->serving = false;
    if (!fine) {
        connection_close(c);
        connection_free_if_done(c);
        return;
    }
    connection_parse(c);
    connection_watch(c);
}

/* ---- receiving ---- */

/* Read once; false when there is no more for now. */
static bool ON_IO
connection_read(Connection *c)
{
    char *room = buf_room(&c->in.in, CONNECTION_READ);
    if (!room) {
        connection_refuse(c, "failed", err_text(ORUN_ENOMEM));
        return false;
    }
    ssize_t n = recv(c->fd, room, CONNECTION_READ, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    if (n <= 0) {
        c->input_done = true; /* the client may still read its reply */
        return false;
    }
    c->in.in.n += (size_t)n;
    connection_parse(c);
    return !c->serving && !c->input_done;
}

/* Has the client closed its socket? Not if it only shut down its sending. */
static bool
connection_hung_up(const Connection *c)
{
    struct pollfd p = { .fd = c->fd };
    return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR);
}

static void
connection_event(uv_poll_t *poll, int status, int events)
{
    role_is_io();
    Connection *c = poll->data;
    bool there = true;
    if (status < 0 || events & UV_WRITABLE)
        there = connection_flush(c);
    if (events & UV_READABLE && !c->serving && !c->input_done)
        for (int n = 0; n < CONNECTION_READS && connection_read(c); n++)
            continue;
    if (!there || (c->serving && connection_hung_up(c)))
        connection_close(c);
    connection_watch(c);
}

/* Poll for what matters in this state. While a request is in flight that is
 * only a disconnect, which the loop reports whatever events were asked for. */
static void
connection_watch(Connection *c)
{
    int events = 0;
    if (c->fd < 0)
        return;
    if (c->out.n > c->sent && !connection_flush(c)) {
        connection_close(c);
        return;
    }
    if (c->out.n > c->sent)
        events |= UV_WRITABLE;
    if (c->serving)
        events |= UV_PRIORITIZED;
    else if (!c->input_done)
        events |= UV_READABLE;
    if (events)
        uv_poll_start(&c->poll, events, connection_event);
    else
        connection_close(c); /* every reply has been sent */
}

static void
connection_timed_out(uv_timer_t *timer)
{
    role_is_io();
    connection_close(timer->data);
}

int
connection_new(Control *control, int fd)
{
    Loop *loop = control->engine->loop;
    Connection *c = mem_zalloc(1, sizeof *c);
    if (!c)
        return ORUN_ENOMEM;
    *c = (Connection){ .control = control,
                       .engine = control->engine,
                       .fd = fd,
                       .in.most = CONTROL_LINE,
                       .handles = 2,
                       .reply_msg.run = connection_reply_posted };
    if (loop_watch(loop, &c->poll, fd, UV_READABLE, connection_event)) {
        mem_free(c);
        return ORUN_ESYS;
    }
    uv_timer_init(loop_uv(loop), &c->timer);
    c->poll.data = c->timer.data = c;
    uv_timer_start(&c->timer, connection_timed_out, CONNECTION_TOKEN_MS, 0);
    list_push(&control->connections, &c->link);
    control->count++;
    return 0;
}

void
connection_leave_all(Control *control)
{
    list_each(node, &control->connections) {
        Connection *c = container_of(node, Connection, link);
        if (c->serving ? request_handler_runs(c) : c->out.n > c->sent) {
            c->input_done = true;
            uv_timer_start(&c->timer, connection_timed_out, CONNECTION_LAST_MS,
                           0);
        } else {
            connection_close(c);
        }
    }
}

void
connection_free_all(Control *control)
{
    list_each(node, &control->connections) {
        Connection *c = container_of(node, Connection, link);
        if (c->serving)
            request_handler_finish(c);
        buf_free(&c->reply);
        line_reader_free(&c->in);
        buf_free(&c->out);
        mem_free(c);
    }
}
