/* http.c — libcurl's multi interface on a uv loop.
 *
 * curl must not be called from its own callbacks, so ends are collected after
 * each call of it (http_collect). When a callback fails, because memory is out,
 * the multi handle cannot be used again: every transfer ends, and a new handle
 * is made for the next.
 */
#include "http/http.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

struct Http {
    EnginePart part;
    Loop *loop;
    const Libcurl *curl;
    CURLM *multi; /* NULL: made with the next transfer */
    uv_timer_t timer;
    List calls;  /* of HttpCall */
    int handles; /* how many handles of the loop are open */
};

/* A socket that the loop watches for curl. */
typedef struct HttpSocket {
    uv_poll_t poll;
    Http *http;
    curl_socket_t fd;
} HttpSocket;

static void
http_unref(Http *h)
{
    if (--h->handles == 0)
        mem_free(h);
}

/* ---- after curl was called ---- */

static void ON_IO
http_finish(Http *h, HttpCall *call, CURLcode result)
{
    h->curl->multi_remove_handle(h->multi, call->easy);
    list_del(&call->link);
    call->done(call, result);
}

static void ON_IO
http_end_all(Http *h, CURLcode result)
{
    while (!list_empty(&h->calls))
        http_finish(h, container_of(h->calls.next, HttpCall, link), result);
    if (h->multi)
        h->curl->multi_cleanup(h->multi);
    h->multi = NULL;
    uv_timer_stop(&h->timer);
}

/* Report the transfers that have ended. */
static void ON_IO
http_collect(Http *h, CURLMcode state)
{
    int left;
    if (state != CURLM_OK) {
        LOG(LOOP, "curl's multi handle is lost (%d)", (int)state);
        http_end_all(h, CURLE_OUT_OF_MEMORY);
        return;
    }
    for (CURLMsg *m; (m = h->curl->multi_info_read(h->multi, &left)) != NULL;) {
        char *owner = NULL;
        CURLcode result = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        h->curl->easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &owner);
        http_finish(h, (HttpCall *)(void *)owner, result);
    }
}

static void ON_IO
http_act(Http *h, curl_socket_t fd, int events)
{
    int running;
    if (h->multi)
        http_collect(
            h, h->curl->multi_socket_action(h->multi, fd, events, &running));
}

/* ---- what curl asks of the loop ---- */

static void
http_ready(uv_poll_t *poll, int status, int events)
{
    HttpSocket *s = container_of(poll, HttpSocket, poll);
    role_is_io();
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    http_act(s->http, s->fd, flags);
}

static void
http_socket_closed(uv_handle_t *handle)
{
    HttpSocket *s = container_of((uv_poll_t *)handle, HttpSocket, poll);
    http_unref(s->http);
    mem_free(s);
}

static HttpSocket *ON_IO
http_socket_new(Http *h, curl_socket_t fd)
{
    HttpSocket *s = mem_zalloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->http = h;
    s->fd = fd;
    if (uv_poll_init_socket(loop_uv(h->loop), &s->poll, fd)) {
        mem_free(s);
        return NULL;
    }
    h->handles++;
    return s;
}

/* CURLMOPT_SOCKETFUNCTION; `own` is what was assigned to the socket. */
static int
http_watch(CURL *easy, curl_socket_t fd, int what, void *ud, void *own)
{
    Http *h = ud;
    HttpSocket *s = own;
    (void)easy;
    role_is_io();
    if (what == CURL_POLL_REMOVE) {
        if (s) /* the descriptor is closed right after this */
            uv_close((uv_handle_t *)&s->poll, http_socket_closed);
        h->curl->multi_assign(h->multi, fd, NULL);
        return 0;
    }
    if (!s) {
        s = http_socket_new(h, fd);
        if (!s)
            return -1;
        h->curl->multi_assign(h->multi, fd, s);
    }
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0)
        | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&s->poll, events, http_ready) ? -1 : 0;
}

static void
http_timer_fired(uv_timer_t *timer)
{
    role_is_io();
    http_act(container_of(timer, Http, timer), CURL_SOCKET_TIMEOUT, 0);
}

/* CURLMOPT_TIMERFUNCTION */
static int
http_wants_timer(CURLM *multi, long ms, void *ud)
{
    Http *h = ud;
    (void)multi;
    role_is_io();
    uv_update_time(loop_uv(h->loop));
    if (ms < 0)
        uv_timer_stop(&h->timer);
    else
        uv_timer_start(&h->timer, http_timer_fired, (uint64_t)ms, 0);
    return 0;
}

/* ---- from above ---- */

static int ON_IO
http_open(Http *h)
{
    const Libcurl *curl = h->curl;
    h->multi = curl->multi_init();
    if (!h->multi)
        return ORUN_ENOMEM;
    curl->multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, http_watch);
    curl->multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    curl->multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, http_wants_timer);
    curl->multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    return 0;
}

static void
http_timer_closed(uv_handle_t *timer)
{
    http_unref(container_of((uv_timer_t *)timer, Http, timer));
}

/* End all transfers, and free it once the loop has closed its handles. */
static void
http_close(EnginePart *part)
{
    role_is_io();
    Http *h = container_of(part, Http, part);
    http_end_all(h, CURLE_ABORTED_BY_CALLBACK);
    uv_close((uv_handle_t *)&h->timer, http_timer_closed);
}

static Http *ON_IO
http_new(Loop *loop, const Libcurl *curl)
{
    Http *h = mem_zalloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->part = (EnginePart){ .close = http_close };
    h->loop = loop;
    h->curl = curl;
    list_init(&h->calls);
    uv_timer_init(loop_uv(loop), &h->timer);
    h->handles = 1;
    return h;
}

Http *
http_of(Engine *engine, const Libcurl *curl)
{
    EnginePart *part = engine->parts[PART_HTTP];
    if (part)
        return container_of(part, Http, part);
    Http *h = http_new(engine->loop, curl);
    if (h)
        engine->parts[PART_HTTP] = &h->part;
    return h;
}

int
http_begin(Http *h, HttpCall *call)
{
    if (!h->multi && http_open(h))
        return ORUN_ENOMEM;
    h->curl->easy_setopt(call->easy, CURLOPT_PRIVATE, call);
    if (h->curl->multi_add_handle(h->multi, call->easy) != CURLM_OK)
        return ORUN_ENOMEM;
    list_push(&h->calls, &call->link);
    return 0;
}

void
http_cancel(Http *h, HttpCall *call)
{
    h->curl->multi_remove_handle(h->multi, call->easy);
    list_del(&call->link);
}

void
http_resume(Http *h, HttpCall *call)
{
    /* Data that curl had received is passed to the owner in this call. */
    CURLcode result = h->curl->easy_pause(call->easy, CURLPAUSE_CONT);
    if (result != CURLE_OK)
        http_finish(h, call, result);
    http_act(h, CURL_SOCKET_TIMEOUT, 0);
}
