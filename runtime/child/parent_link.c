/* parent_link.c — the reading thread, sending, waiting for replies. */
#include "child/parent_link.h"
#include "child/unseen.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/thread.h"
#include "value/value.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PARENT_LINK_READ = 64 << 10,
    PARENT_LINK_STACK = 128 << 10, /* bytes of the reading thread's */
};

struct ParentLink {
    int fd;

    uv_mutex_t lock;
    uv_cond_t arrived;
    /* Guarded by the lock: */
    Stop *stop;
    int level; /* of the stop requested so far */
    const char *reason;
    bool full; /* `next` holds a frame */
    Buf next;

    /* Of the thread that runs the task. */
    Buf taken; /* what parent_link_wait returned last */
    Value *held;
    Buf released;
};

static void
parent_link_put_value(Buf *b, const Value *v)
{
    size_t n = 0;
    const void *p = v ? value_bytes(v, &n) : NULL;
    frame_put(b, p, n);
}

/* The END frame of an outcome. */
static int
parent_link_frame(Buf *b, const Outcome *o)
{
    frame_begin(b, FRAME_END);
    frame_put_number(b, o->state);
    frame_put_number(b, o->fault);
    frame_put_number(b, (uint64_t)(o->code + 1));
    frame_put_text(b, o->error);
    parent_link_put_value(b, o->output);
    parent_link_put_value(b, o->error_value);
    if (o->state == TASK_COMPLETED) /* by the thread that ran the task */
        unseen_put(b);
    else
        frame_put(b, NULL, 0);
    return frame_end(b);
}

/* The protocol is broken: report that if it can be done at once, and exit. The
 * other thread may be sending too, which makes it no worse. */
static _Noreturn void
parent_link_break(ParentLink *u)
{
    Buf b = { 0 };
    Outcome o = { .state = TASK_FAILED,
                  .fault = FAULT_LOST,
                  .code = -1,
                  .error = "protocol: its process received an unexpected "
                           "message" };
    if (parent_link_frame(&b, &o) == 0)
        (void)!send(u->fd, b.p, b.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    _exit(FRAME_BROKEN);
}

/* ---- the reading thread ---- */

/* level, TaskFault */
static void
parent_link_stopped(ParentLink *u, Frame *f)
{
    uint64_t level, fault;
    if (!frame_get_number(f, &level) || !frame_get_number(f, &fault)
        || level > STOP_HARD || fault >= FAULT_COUNT)
        parent_link_break(u);
    uv_mutex_lock(&u->lock);
    u->level = (int)level;
    u->reason = task_fault_name((TaskFault)fault);
    if (u->stop)
        stop_request(u->stop, u->level, u->reason);
    uv_mutex_unlock(&u->lock);
}

/* Hand the bytes up to `end` to the other thread; keep what follows. */
static void
parent_link_hand_over(ParentLink *u, Buf *in, const char *end)
{
    Buf rest = { 0 };
    size_t whole = (size_t)(end - in->p);
    buf_put(&rest, end, in->n - whole);
    in->n = whole;
    uv_mutex_lock(&u->lock);
    if (u->full || buf_failed(&rest))
        parent_link_break(u);
    u->next = *in;
    u->full = true;
    uv_cond_signal(&u->arrived);
    uv_mutex_unlock(&u->lock);
    *in = rest;
}

/* Act on the whole frames in `in`. */
static void
parent_link_parse(ParentLink *u, FrameParser *parser, Buf *in)
{
    Frame f;
    const char *why;
    int got;
    while ((got = frame_parse(parser, in, &f, &why)) > 0) {
        *parser = (FrameParser){ 0 };
        if (f.kind == FRAME_STOP) {
            parent_link_stopped(u, &f);
            in->n = (size_t)(in->p + in->n - f.end);
            memmove(in->p, f.end, in->n);
        } else {
            parent_link_hand_over(u, in, f.end);
        }
    }
    if (got < 0)
        parent_link_break(u);
}

/* What arrives does not fit into the process's memory limit. The other thread
 * is waiting for it, so no other frame is being sent. */
static _Noreturn void
parent_link_starve(ParentLink *u, Buf *in)
{
    buf_free(in);
    parent_link_end(u,
                    &(Outcome){ .state = TASK_FAILED,
                                .fault = FAULT_MEMORY,
                                .code = -1,
                                .error = "not enough memory" });
}

static void
parent_link_read(void *arg)
{
    ParentLink *u = arg;
    Buf in = { 0 };
    FrameParser parser = { 0 };
    for (;;) {
        char *room = buf_room(&in, PARENT_LINK_READ);
        if (!room)
            parent_link_starve(u, &in);
        ssize_t n = recv(u->fd, room, PARENT_LINK_READ, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            _exit(FRAME_GONE);
        in.n += (size_t)n;
        parent_link_parse(u, &parser, &in);
    }
}

int
parent_link_new(int fd, ParentLink **out)
{
    ParentLink *u = mem_zalloc(1, sizeof *u);
    if (!u)
        return ORUN_ENOMEM;
    u->fd = fd;
    uv_mutex_init(&u->lock);
    uv_cond_init(&u->arrived);
    uv_thread_t thread; /* never joined: it ends with the process */
    int e = thread_start(&thread, PARENT_LINK_STACK, 0, parent_link_read, u);
    if (e)
        mem_free(u);
    else
        *out = u;
    return e;
}

/* ---- the thread that runs the task ---- */

void
parent_link_serve(ParentLink *u, Stop *stop)
{
    uv_mutex_lock(&u->lock);
    u->stop = stop;
    if (stop && u->level)
        stop_request(stop, u->level, u->reason);
    uv_mutex_unlock(&u->lock);
}

void
parent_link_send(ParentLink *u, Buf *frame)
{
    for (size_t done = 0; done < frame->n;) {
        ssize_t n = send(u->fd, frame->p + done, frame->n - done, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            _exit(FRAME_GONE);
        done += n > 0 ? (size_t)n : 0;
    }
    buf_free(frame);
}

Frame
parent_link_wait(ParentLink *u, int kind)
{
    Frame f;
    const char *why;
    uv_mutex_lock(&u->lock);
    while (!u->full)
        uv_cond_wait(&u->arrived, &u->lock);
    buf_free(&u->taken);
    u->taken = u->next;
    u->next = (Buf){ 0 };
    u->full = false;
    uv_mutex_unlock(&u->lock);
    if (frame_parse(&(FrameParser){ 0 }, &u->taken, &f, &why) != 1
        || f.kind != kind)
        parent_link_break(u);
    return f;
}

const Value *
parent_link_hold(ParentLink *u, const char *p, size_t n)
{
    value_drop(u->held);
    u->held = value_import(p, n, true);
    return u->held;
}

Buf *
parent_link_released(ParentLink *u)
{
    return &u->released;
}

/* Send END and exit; returns if there is no memory for it. */
static void
parent_link_tell(ParentLink *u, const Outcome *o)
{
    Buf b = { 0 };
    if (parent_link_frame(&b, o) == 0) {
        parent_link_send(u, &b);
        _exit(0);
    }
    buf_free(&b);
}

void
parent_link_end(ParentLink *u, const Outcome *o)
{
    parent_link_tell(u, o);
    parent_link_tell(u,
                     &(Outcome){ .state = TASK_FAILED,
                                 .fault = FAULT_MEMORY,
                                 .code = -1,
                                 .error = "not enough memory" });
    _exit(FRAME_BROKEN);
}
