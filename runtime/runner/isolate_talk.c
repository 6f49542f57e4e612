/* isolate_talk.c — the frames of an isolated task's process: sent, received. */
#include "base/err.h"
#include "base/mem.h"
#include "base/version.h"
#include "runner/isolate_state.h"
#include "value/value.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

enum {
    ISOLATE_READ = 64 << 10,
    ISOLATE_READS = 4, /* of one socket before others have a turn */
};

/* ---- sending ---- */

bool
isolate_listens(const Isolate *i)
{
    return !i->deaf && i->state != ISOLATE_SERVING;
}

static void isolate_event(uv_poll_t *poll, int status, int events);

int
isolate_open(Isolate *i, int fd)
{
    int err = loop_watch(engine_loop(i->engine), &i->poll, fd, UV_READABLE,
                         isolate_event);
    if (err)
        return err;
    i->fd = fd;
    i->poll.data = i;
    i->handles++;
    return 0;
}

void
isolate_watch(Isolate *i)
{
    int events = 0;
    if (i->fd < 0)
        return;
    if (isolate_listens(i))
        events |= UV_READABLE;
    if (i->out.n > i->sent)
        events |= UV_WRITABLE;
    if (events)
        uv_poll_start(&i->poll, events, isolate_event);
    else
        uv_poll_stop(&i->poll);
}

/* That nobody is there any more is noticed by reading. */
void
isolate_flush(Isolate *i)
{
    while (i->fd >= 0 && i->sent < i->out.n) {
        ssize_t n = send(i->fd, i->out.p + i->sent, i->out.n - i->sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        i->sent = n < 0 ? i->out.n : i->sent + (size_t)n;
    }
    buf_free(&i->out);
    i->sent = 0;
}

void
isolate_send(Isolate *i, Buf *frame)
{
    if (i->out.n == 0) {
        buf_free(&i->out);
        i->out = *frame;
    } else {
        buf_put(&i->out, frame->p, frame->n);
        buf_free(frame);
    }
    *frame = (Buf){ 0 };
    if (buf_failed(&i->out))
        isolate_kill(i);
    isolate_flush(i);
    isolate_watch(i);
}

/* ---- what the child tells ---- */

void
isolate_lose(Isolate *i, const char *format, ...)
{
    if (!i->lost[0]) {
        va_list args;
        va_start(args, format);
        vsnprintf(i->lost, sizeof i->lost, format, args);
        va_end(args);
    }
    i->deaf = true;
    isolate_watch(i);
    isolate_kill(i);
}

/* It must be of this build: what is exchanged are functions. */
static bool ON_IO
isolate_greeted(Isolate *i, Frame *f)
{
    const char *version, *build;
    if (!frame_get_text(f, &version) || !frame_get_text(f, &build)
        || !version || !build)
        return false;
    if (strcmp(version, ORUN_VERSION) != 0 || strcmp(build, build_id) != 0) {
        snprintf(i->refused, sizeof i->refused, "'%s' is orun %.32s (build "
                 "%.32s), and this is orun %s (build %s): an isolated task "
                 "needs the same", i->engine->program, version, build,
                 ORUN_VERSION, build_id);
        i->deaf = true;
        isolate_kill(i);
    }
    i->state = ISOLATE_WORKING;
    if (i->rung == RUNG_NONE)
        uv_timer_stop(&i->timer);
    return true;
}

/* A value of the outcome: an empty field is none. */
static bool ON_IO
isolate_get_value(Isolate *i, Frame *f, Value **out)
{
    const char *p;
    size_t n;
    if (!frame_get(f, &p, &n))
        return false;
    *out = n ? value_import(p, n, true) : NULL;
    if (n && !*out)
        isolate_lose(i, "%s", err_text(ORUN_ENOMEM));
    return true;
}

/* state, fault, exit code + 1, error, output, error value */
static bool ON_IO
isolate_told(Isolate *i, Frame *f)
{
    uint64_t state, fault, code;
    const char *error;
    Outcome *o = &i->told;
    if (!frame_get_number(f, &state) || !frame_get_number(f, &fault)
        || !frame_get_number(f, &code) || !frame_get_text(f, &error)
        || !isolate_get_value(i, f, &o->output)
        || !isolate_get_value(i, f, &o->error_value) || f->at != f->end)
        return false;
    if (i->lost[0]) /* a value, for want of memory */
        return true;
    bool completed = state == TASK_COMPLETED && fault == FAULT_NONE;
    bool failed = state == TASK_FAILED && fault != FAULT_NONE
        && fault < FAULT_COUNT && fault != FAULT_BLOCKED
        && fault != FAULT_CANCELLED && fault != FAULT_SIGNAL;
    if ((!completed && !failed) || code > 256)
        return false;
    o->state = (TaskState)state;
    o->fault = (TaskFault)fault;
    o->code = (int)code - 1;
    o->error = error ? mem_dup(error, strlen(error)) : NULL;
    i->state = ISOLATE_TOLD;
    if (i->rung == RUNG_NONE)
        isolate_arm(i, ISOLATE_LINGER_MS);
    return true;
}

/* Act on a whole frame. False: it does not belong here. */
static bool ON_IO
isolate_act(Isolate *i, Frame *f)
{
    if (i->state == ISOLATE_GREETING && f->kind == FRAME_HELLO)
        return isolate_greeted(i, f);
    if (i->state != ISOLATE_WORKING || f->end != i->in.p + i->in.n)
        return false;
    if (f->kind == FRAME_CALL)
        return isolate_hand_over(i, f), true;
    return f->kind == FRAME_END && isolate_told(i, f);
}

/* Act on the frames that are there. */
static void ON_IO
isolate_parse(Isolate *i)
{
    while (isolate_listens(i)) {
        Frame f;
        const char *why;
        int got = frame_parse(&i->parser, &i->in, &f, &why);
        if (got == 0)
            return;
        if (got < 0 || !isolate_act(i, &f)) {
            if (got < 0)
                isolate_lose(i, "%s", why);
            else
                isolate_lose(i, "a %s frame out of place, or with other than "
                             "its fields", frame_name(f.kind));
            return;
        }
        if (i->state == ISOLATE_SERVING)
            return; /* the run has it now */
        i->parser = (FrameParser){ 0 };
        i->in.n = (size_t)(i->in.p + i->in.n - f.end);
        memmove(i->in.p, f.end, i->in.n);
    }
}

bool
isolate_read(Isolate *i)
{
    char *room = buf_room(&i->in, ISOLATE_READ);
    if (!room) {
        isolate_lose(i, "out of memory");
        return false;
    }
    ssize_t n = recv(i->fd, room, ISOLATE_READ, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    if (n <= 0) {
        i->deaf = true; /* most often it has ended: that will be told */
        if (i->rung == RUNG_NONE && !i->gone)
            isolate_arm(i, ISOLATE_LINGER_MS);
        return false;
    }
    i->in.n += (size_t)n;
    isolate_parse(i);
    return isolate_listens(i);
}

static void
isolate_event(uv_poll_t *poll, int status, int events)
{
    role_is_io();
    Isolate *i = poll->data;
    if (status < 0 || events & UV_WRITABLE)
        isolate_flush(i);
    if ((status < 0 || events & UV_READABLE) && isolate_listens(i))
        for (int n = 0; n < ISOLATE_READS && isolate_read(i); n++)
            continue;
    isolate_watch(i);
}

/* ---- replying ---- */

void
isolate_reply_posted(LoopMsg *msg)
{
    role_is_io();
    Isolate *i = container_of(msg, Isolate, reply_msg);
    buf_free(&i->in);
    i->parser = (FrameParser){ 0 };
    if (!i->gone) {
        i->state = ISOLATE_WORKING;
        if (buf_failed(&i->reply))
            isolate_lose(i, "out of memory");
        else
            isolate_send(i, &i->reply);
    }
    isolate_unref(i);
}
