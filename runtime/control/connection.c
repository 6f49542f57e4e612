/* caller.c — a connection to the control socket, on the io thread. */
#include "control/caller.h"
#include "base/err.h"
#include "base/mem.h"
#include "control/caller_state.h"
#include "thread/era.h"
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CALLER_READ = 64 << 10,
    CALLER_READS = 4,        /* of one connection before others have a turn */
    CALLER_GREET_MS = 30000, /* until its first line with a token has come */
};

static void caller_watch(Caller *c) ON_IO;

/* ---- the end ---- */

/* The list entry and the memory go when nothing refers to it. */
static void ON_IO
caller_drop(Caller *c)
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
caller_closed(uv_handle_t *h)
{
    role_is_io();
    Caller *c = h->data;
    c->handles--;
    caller_drop(c);
}

/* The connection ends; what it waits for, too. */
static void ON_IO
caller_close(Caller *c)
{
    if (c->fd < 0)
        return;
    uv_close((uv_handle_t *)&c->poll, caller_closed);
    uv_close((uv_handle_t *)&c->timer, caller_closed);
    close(c->fd);
    c->fd = -1;
    if (c->serving)
        caller_interrupt(c);
}

/* ---- sending ---- */

/* Send what the socket takes now; false when nobody is there any more. */
static bool ON_IO
caller_flush(Caller *c)
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

/* It is told no, and nothing more is read: what follows cannot be trusted to be
 * what it seems. */
static void ON_IO
caller_refuse(Caller *c, const char *reason, const char *error)
{
    caller_put_refusal(&c->out, reason, error);
    c->deaf = true;
}

/* ---- calls ---- */

/* The task in whose name it is: its token's, and the attempt, which may be
 * over; NULL: it is none of this run's. */
static Task *
caller_knows(const Caller *c, const char *token, size_t n, uint32_t *attempt)
{
    uint64_t task;
    return token_read(&c->control->tokens, token, n, &task, attempt)
        ? board_find(&c->engine->sched.board, task) : NULL;
}

/* Act on a line: TOKEN, a space, JSON. */
static void ON_IO
caller_act(Caller *c, const char *line, size_t n)
{
    uint32_t attempt = 0;
    const char *space = n ? memchr(line, ' ', n) : NULL;
    size_t length = space ? (size_t)(space - line) : 0;
    era_enter();
    Task *t = caller_knows(c, line, length, &attempt);
    if (!t) {
        era_leave();
        caller_refuse(c, "token", "the line begins with no token of this run; "
                      "ORUN_TASK_TOKEN has it");
        return;
    }
    c->known = true;
    uv_timer_stop(&c->timer);
    buf_put(&c->line, space + 1, n - length - 1);
    c->serving = !buf_failed(&c->line) && caller_serve(c, t, attempt) == 0;
    era_leave();
    if (!c->serving) {
        buf_free(&c->line);
        caller_refuse(c, "failed", "no worker, or no memory, is left");
    }
}

/* Act on the lines that are there, one after the other. */
static void ON_IO
caller_parse(Caller *c)
{
    const char *line;
    size_t n;
    while (!c->serving && !c->deaf) {
        int got = line_reader_next(&c->in, &line, &n);
        if (got == 0)
            return;
        if (got < 0) {
            caller_refuse(c, "too_big", "a line has more than 4 MiB");
            return;
        }
        caller_act(c, line, n);
        line_reader_consume(&c->in);
    }
}

static void
caller_reply_posted(LoopMsg *msg)
{
    role_is_io();
    Caller *c = container_of(msg, Caller, reply_msg);
    bool fine = c->fd >= 0 && !buf_failed(&c->reply);
    if (fine) {
        buf_put(&c->out, c->reply.p, c->reply.n);
        fine = !buf_failed(&c->out) && caller_flush(c);
    }
    buf_free(&c->reply);
    if (!fine)
        caller_undo(c);
    caller_served(c);
    c->serving = false;
    if (!fine) {
        caller_close(c);
        caller_drop(c);
        return;
    }
    caller_parse(c);
    caller_watch(c);
}

/* ---- receiving ---- */

/* Take what is there; false when there is no more now. */
static bool ON_IO
caller_read(Caller *c)
{
    char *room = buf_room(&c->in.in, CALLER_READ);
    if (!room) {
        caller_refuse(c, "failed", err_text(ORUN_ENOMEM));
        return false;
    }
    ssize_t n = recv(c->fd, room, CALLER_READ, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    if (n <= 0) {
        c->deaf = true; /* it may still want its reply */
        return false;
    }
    c->in.in.n += (size_t)n;
    caller_parse(c);
    return !c->serving && !c->deaf;
}

/* Has the other end closed its socket? One that only sends no more has not. */
static bool
caller_left(const Caller *c)
{
    struct pollfd p = { .fd = c->fd };
    return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR);
}

static void
caller_event(uv_poll_t *poll, int status, int events)
{
    role_is_io();
    Caller *c = poll->data;
    bool there = true;
    if (status < 0 || events & UV_WRITABLE)
        there = caller_flush(c);
    if (events & UV_READABLE && !c->serving && !c->deaf)
        for (int n = 0; n < CALLER_READS && caller_read(c); n++)
            continue;
    if (!there || (c->serving && caller_left(c)))
        caller_close(c);
    caller_watch(c);
}

/* Have the loop look for what is of interest now. While a call is served that
 * is whether the caller leaves, which is told to whom waits for anything. */
static void
caller_watch(Caller *c)
{
    int events = 0;
    if (c->fd < 0)
        return;
    if (c->out.n > c->sent && !caller_flush(c)) {
        caller_close(c);
        return;
    }
    if (c->out.n > c->sent)
        events |= UV_WRITABLE;
    if (c->serving)
        events |= UV_PRIORITIZED;
    else if (!c->deaf)
        events |= UV_READABLE;
    if (events)
        uv_poll_start(&c->poll, events, caller_event);
    else
        caller_close(c); /* all is said */
}

static void
caller_late(uv_timer_t *timer)
{
    role_is_io();
    caller_close(timer->data);
}

int
caller_new(Control *control, int fd)
{
    Loop *loop = control->engine->loop;
    Caller *c = mem_zalloc(1, sizeof *c);
    if (!c)
        return ORUN_ENOMEM;
    *c = (Caller){ .control = control, .engine = control->engine, .fd = fd,
                   .in.most = CONTROL_LINE, .handles = 2,
                   .reply_msg.run = caller_reply_posted };
    if (loop_watch(loop, &c->poll, fd, UV_READABLE, caller_event)) {
        mem_free(c);
        return ORUN_ESYS;
    }
    uv_timer_init(loop_uv(loop), &c->timer);
    c->poll.data = c->timer.data = c;
    uv_timer_start(&c->timer, caller_late, CALLER_GREET_MS, 0);
    list_push(&control->callers, &c->link);
    control->count++;
    return 0;
}

void
caller_close_all(Control *control)
{
    list_each(node, &control->callers)
        caller_close(container_of(node, Caller, link));
}

void
caller_free_all(Control *control)
{
    list_each(node, &control->callers) {
        Caller *c = container_of(node, Caller, link);
        if (c->serving)
            caller_served(c);
        buf_free(&c->reply);
        line_reader_free(&c->in);
        buf_free(&c->out);
        mem_free(c);
    }
}
