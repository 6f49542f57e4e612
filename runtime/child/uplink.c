/* uplink.c — reading, handing over, writing. */
#include "child/uplink.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/thread.h"
#include "value/value.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    UPLINK_READ = 64 << 10,
    UPLINK_STACK = 128 << 10, /* bytes of the reading thread's */
};

struct Uplink {
    int fd;

    uv_mutex_t lock;
    uv_cond_t arrived;
    /* Guarded by the lock: */
    Stop *stop;
    int level;          /* of the stop that was asked for */
    const char *reason;
    bool full;          /* `next` is to be taken */
    Buf next;

    /* Of the thread that runs the task. */
    Buf taken;          /* what the last uplink_wait gave */
    Value *held;
    Buf released;
};

static void
uplink_put_value(Buf *b, const Value *v)
{
    size_t n = 0;
    const void *p = v ? value_bytes(v, &n) : NULL;
    frame_put(b, p, n);
}

/* The END frame of an outcome. */
static int
uplink_frame(Buf *b, const Outcome *o)
{
    frame_begin(b, FRAME_END);
    frame_put_number(b, o->state);
    frame_put_number(b, o->fault);
    frame_put_number(b, (uint64_t)(o->code + 1));
    frame_put_text(b, o->error);
    uplink_put_value(b, o->output);
    uplink_put_value(b, o->error_value);
    return frame_end(b);
}

/* What was received makes no sense: say so, if that can be done at once. The
 * other thread may be sending, which is no worse. */
static _Noreturn void
uplink_break(Uplink *u)
{
    Buf b = { 0 };
    Outcome o = { .state = TASK_FAILED, .fault = FAULT_LOST, .code = -1,
                  .error = "protocol: its process was told what it did not "
                           "ask for" };
    if (uplink_frame(&b, &o) == 0)
        (void)!send(u->fd, b.p, b.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    _exit(FRAME_BROKEN);
}

/* ---- the reading thread ---- */

/* level, TaskFault */
static void
uplink_stopped(Uplink *u, Frame *f)
{
    uint64_t level, fault;
    if (!frame_get_number(f, &level) || !frame_get_number(f, &fault)
        || level > STOP_HARD || fault >= FAULT_COUNT)
        uplink_break(u);
    uv_mutex_lock(&u->lock);
    u->level = (int)level;
    u->reason = task_fault_name((TaskFault)fault);
    if (u->stop)
        stop_request(u->stop, u->level, u->reason);
    uv_mutex_unlock(&u->lock);
}

/* Give the bytes up to `end` to the other thread; what follows them stays. */
static void
uplink_hand_over(Uplink *u, Buf *in, const char *end)
{
    Buf rest = { 0 };
    size_t whole = (size_t)(end - in->p);
    buf_put(&rest, end, in->n - whole);
    in->n = whole;
    uv_mutex_lock(&u->lock);
    if (u->full || buf_failed(&rest))
        uplink_break(u);
    u->next = *in;
    u->full = true;
    uv_cond_signal(&u->arrived);
    uv_mutex_unlock(&u->lock);
    *in = rest;
}

/* Act on the whole frames in `in`. */
static void
uplink_parse(Uplink *u, FrameParser *parser, Buf *in)
{
    Frame f;
    const char *why;
    int got;
    while ((got = frame_parse(parser, in, &f, &why)) > 0) {
        *parser = (FrameParser){ 0 };
        if (f.kind == FRAME_STOP) {
            uplink_stopped(u, &f);
            in->n = (size_t)(in->p + in->n - f.end);
            memmove(in->p, f.end, in->n);
        } else {
            uplink_hand_over(u, in, f.end);
        }
    }
    if (got < 0)
        uplink_break(u);
}

/* What comes does not fit into the memory that the process may have. The other
 * thread waits for it, so nobody else sends. */
static _Noreturn void
uplink_starve(Uplink *u, Buf *in)
{
    buf_free(in);
    uplink_end(u, &(Outcome){ .state = TASK_FAILED, .fault = FAULT_MEMORY,
                              .code = -1, .error = "not enough memory" });
}

static void
uplink_read(void *arg)
{
    Uplink *u = arg;
    Buf in = { 0 };
    FrameParser parser = { 0 };
    for (;;) {
        char *room = buf_room(&in, UPLINK_READ);
        if (!room)
            uplink_starve(u, &in);
        ssize_t n = recv(u->fd, room, UPLINK_READ, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            _exit(FRAME_GONE);
        in.n += (size_t)n;
        uplink_parse(u, &parser, &in);
    }
}

int
uplink_new(int fd, Uplink **out)
{
    Uplink *u = mem_zalloc(1, sizeof *u);
    if (!u)
        return ORUN_ENOMEM;
    u->fd = fd;
    uv_mutex_init(&u->lock);
    uv_cond_init(&u->arrived);
    uv_thread_t thread; /* never joined: it ends with the process */
    int e = thread_start(&thread, UPLINK_STACK, 0, uplink_read, u);
    if (e)
        mem_free(u);
    else
        *out = u;
    return e;
}

/* ---- the thread that runs the task ---- */

void
uplink_serve(Uplink *u, Stop *stop)
{
    uv_mutex_lock(&u->lock);
    u->stop = stop;
    if (stop && u->level)
        stop_request(stop, u->level, u->reason);
    uv_mutex_unlock(&u->lock);
}

void
uplink_send(Uplink *u, Buf *frame)
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
uplink_wait(Uplink *u, int kind)
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
        uplink_break(u);
    return f;
}

const Value *
uplink_hold(Uplink *u, const char *p, size_t n)
{
    value_drop(u->held);
    u->held = value_import(p, n, true);
    return u->held;
}

Buf *
uplink_released(Uplink *u)
{
    return &u->released;
}

/* Send END and end, or come back when there is no memory for it. */
static void
uplink_tell(Uplink *u, const Outcome *o)
{
    Buf b = { 0 };
    if (uplink_frame(&b, o) == 0) {
        uplink_send(u, &b);
        _exit(0);
    }
    buf_free(&b);
}

void
uplink_end(Uplink *u, const Outcome *o)
{
    uplink_tell(u, o);
    uplink_tell(u, &(Outcome){ .state = TASK_FAILED, .fault = FAULT_MEMORY,
                               .code = -1, .error = "not enough memory" });
    _exit(FRAME_BROKEN);
}
