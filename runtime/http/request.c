/* request.c — one request, from its start to its end.
 *
 *   request_start -> _go (io) -> _header, _body, … -> _done -> _finish
 *                                          _stopped (io) -----^
 *
 * One timer of the board, on the run's clock, serves the three limits of time.
 * It is armed for the earliest moment at which one of them could be exceeded,
 * and checks then whether one is.
 */
#include "http/request.h"
#include "base/err.h"
#include "base/mem.h"
#include "http/request_curl.h"
#include <math.h>

static void
request_unref(Request *r)
{
    if (atomic_fetch_sub(&r->refs, 1) != 1)
        return;
    if (r->call.easy)
        r->curl->easy_cleanup(r->call.easy);
    r->curl->slist_free_all(r->lines);
    buf_free(&r->ready);
    buf_free(&r->piece);
    buf_free(&r->headers);
    buf_free(&r->answer);
    mem_free(r->name);
    mem_free(r->body);
    mem_free(r->error);
    mem_free(r);
}

/* With the board's lock held, because it must not end before the message. */
static void
request_post(Request *r, LoopMsg *msg)
{
    atomic_fetch_add(&r->refs, 1);
    loop_post(r->engine->loop, msg);
}

/* ---- the end ---- */

/* The transfer has ended: drop its reference. */
static void ON_IO
request_finish(Request *r, CURLcode result)
{
    Sched *s = &r->engine->sched;
    sched_lock(s);
    board_disarm(&s->board, &r->timer);
    const char *late = r->late;
    bool given_up = r->stopping;
    sched_unlock(s);
    if (result != CURLE_OK || !r->headed) {
        r->error = request_explain(r, result, late, given_up);
        r->kind = late ? "timeout" : "http";
    }
    r->duration = request_now(r) - r->began;
    r->curl->easy_cleanup(r->call.easy);
    r->call.easy = NULL;
    sched_lock(s);
    r->ended = true;
    op_done(&r->op);
    sched_unlock(s);
    request_unref(r);
}

static void
request_done(HttpCall *call, CURLcode result)
{
    role_is_io();
    request_finish(container_of(call, Request, call), result);
}

static void
request_stopped(LoopMsg *msg)
{
    Request *r = container_of(msg, Request, stop_msg);
    role_is_io();
    if (r->begun && !r->ended) {
        http_cancel(r->http, &r->call);
        request_finish(r, CURLE_ABORTED_BY_CALLBACK);
    }
    request_unref(r);
}

/* With the board's lock held. */
static void
request_give_up(Request *r, const char *late)
{
    if (r->ended || r->stopping)
        return;
    r->stopping = true;
    r->late = late;
    request_post(r, &r->stop_msg);
}

/* ---- time ---- */

/* When the first of the limits will be reached, as of now, and which one. With
 * the board's lock held. */
static double
request_limit(Request *r, const char **which)
{
    double at = r->began + r->timeout, other;
    *which = "timeout";
    if (!atomic_load(&r->connected)) {
        other = r->began + r->connect_timeout;
        if (other < at)
            *which = "connect_timeout";
        return fmin(at, other);
    }
    other = r->paused ? INFINITY : atomic_load(&r->last) + r->idle_timeout;
    if (other < at)
        *which = "idle_timeout";
    return fmin(at, other);
}

/* The earliest moment at which one could be reached. */
static double
request_next_look(Request *r)
{
    const char *which;
    double at = request_limit(r, &which), now = request_now(r);
    return fmin(at, now + fmin(r->idle_timeout, r->timeout));
}

static void
request_due(Timer *timer)
{
    Request *r = container_of(timer, Request, timer);
    const char *which;
    if (request_limit(r, &which) <= request_now(r))
        request_give_up(r, which);
    else if (board_arm(&r->engine->sched.board, timer, request_next_look(r)))
        request_give_up(r, NULL);
}

/* ---- starting and continuing ---- */

/* The reader has taken what had been received. */
static void
request_more(LoopMsg *msg)
{
    Request *r = container_of(msg, Request, more_msg);
    Sched *s = &r->engine->sched;
    role_is_io();
    sched_lock(s);
    r->more_posted = false;
    bool go = r->paused && !r->ended;
    r->paused = false;
    sched_unlock(s);
    request_stir(r);
    if (go)
        http_resume(r->http, &r->call);
    request_unref(r);
}

static void
request_go(LoopMsg *msg)
{
    Request *r = container_of(msg, Request, go_msg);
    role_is_io();
    r->http = http_of(r->engine, r->curl);
    r->begun = r->http && http_begin(r->http, &r->call) == 0;
    if (!r->begun)
        request_finish(r, CURLE_OUT_OF_MEMORY);
    request_unref(r);
}

static Request *
request_new(Engine *h, const Libcurl *curl, const RequestSpec *spec)
{
    Request *r = mem_zalloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (Request){
        .engine = h,
        .curl = curl,
        .began = board_now(&h->sched.board),
        .timeout = spec->timeout,
        .connect_timeout = spec->connect_timeout,
        .idle_timeout = spec->idle_timeout,
        .max_body = spec->max_body,
        .stream = spec->stream,
        .repeatable = spec->repeatable,
        .go_msg.run = request_go,
        .stop_msg.run = request_stopped,
        .more_msg.run = request_more,
        .timer.fire = request_due,
        .call.done = request_done,
    };
    atomic_init(&r->refs, 1);
    atomic_init(&r->last, r->began);
    op_init(&r->op);
    return r;
}

int
request_start(Engine *h, const RequestSpec *spec, Request **out,
              const char **why)
{
    const Libcurl *curl = libcurl_get(why);
    if (!curl)
        return ORUN_ESYS;
    *why = "no io thread can be started";
    if (!engine_loop(h))
        return ORUN_ESYS;
    Request *r = request_new(h, curl, spec);
    if (!r)
        return ORUN_ENOMEM;
    int e = request_set_up(r, spec);
    sched_lock(&h->sched);
    if (e == 0)
        e = board_arm(&h->sched.board, &r->timer, request_next_look(r));
    if (e == 0) {
        atomic_fetch_add(&r->refs, 1); /* the transfer's */
        request_post(r, &r->go_msg);
    }
    sched_unlock(&h->sched);
    if (e)
        request_unref(r);
    else
        *out = r;
    return e;
}

/* ---- the owner's ---- */

bool
request_ready(Request *r)
{
    sched_lock(&r->engine->sched);
    bool is = r->op.done;
    sched_unlock(&r->engine->sched);
    return is;
}

bool
request_headed(Request *r)
{
    sched_lock(&r->engine->sched);
    bool is = r->headed;
    sched_unlock(&r->engine->sched);
    return is;
}

int
request_take(Request *r)
{
    Sched *s = &r->engine->sched;
    if (r->piece.n > 0) /* Lua had no memory for it */
        return 1;
    sched_lock(s);
    r->piece = r->ready;
    r->ready = (Buf){ 0 };
    bool ended = r->op.done = r->ended;
    if (r->paused && !ended && !r->more_posted) {
        r->more_posted = true;
        request_post(r, &r->more_msg);
    }
    sched_unlock(s);
    return r->piece.n > 0 ? 1 : ended ? -1 : 0;
}

void
request_stop(Request *r)
{
    sched_lock(&r->engine->sched);
    request_give_up(r, NULL);
    sched_unlock(&r->engine->sched);
}

void
request_drop(Request *r)
{
    if (!r)
        return;
    request_stop(r);
    request_unref(r);
}
