/* request_curl.c — the options, callbacks and errors of libcurl's transfer. */
#include "http/request_curl.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/sanitize.h"
#include "base/secret.h"
#include "base/version.h"
#include <stdio.h>

void
request_stir(Request *r)
{
    atomic_store(&r->last, request_now(r));
}

/* ---- receiving; curl calls these on the io thread ---- */

/* Abort the transfer: returns 0, which does that in a callback. */
static size_t PRINTF_LIKE(2, 3)
    request_refuse(Request *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->why, sizeof r->why, format, args);
    va_end(args);
    return 0;
}

/* The line that ends the headers: of the answer, or of an interim one. */
static void
request_end_head(Request *r)
{
    Sched *s = &r->engine->sched;
    if (r->status < 200)
        return;
    sched_lock(s);
    r->headed = true;
    if (r->stream)
        op_done(&r->op);
    sched_unlock(s);
}

/* If the header line is the length of the body, where its value begins. */
static size_t
request_length_at(const char *p, size_t n)
{
    static const char name[] = "content-length:";
    size_t at = sizeof name - 1;
    if (n < at || strncasecmp(p, name, at) != 0)
        return 0;
    while (at < n && (p[at] == ' ' || p[at] == '\t'))
        at++;
    return at;
}

/* With two lengths, or one that is not a number of bytes, the end of the body
 * is unknown, so there is no body. NULL: the length is valid. */
static const char *
request_length_wrong(Request *r, const char *p, size_t n)
{
    size_t at = request_length_at(p, n);
    uint64_t length = 0;
    if (at == 0)
        return NULL;
    for (; n > at && (p[n - 1] == ' ' || p[n - 1] == '\t'); n--)
        continue;
    if (at == n)
        return "empty";
    for (; at < n; at++) {
        if (p[at] < '0' || p[at] > '9')
            return "not a number";
        if (length > (INT64_MAX - 9) / 10)
            return "beyond any size";
        length = length * 10 + (uint64_t)(p[at] - '0');
    }
    if (r->has_length && r->length != length)
        return "given twice, and differently";
    r->has_length = true;
    r->length = length;
    return NULL;
}

static size_t
request_header(char *p, size_t size, size_t n, void *ud)
{
    Request *r = ud;
    size_t all = size * n, keep = all;
    const char *wrong;
    request_stir(r);
    r->header_bytes += all;
    if (r->header_bytes > REQUEST_HEADERS)
        return request_refuse(r,
                              "the answer has more than %d bytes of "
                              "headers",
                              REQUEST_HEADERS);
    if (r->headed) /* trailers */
        return all;
    while (keep > 0 && (p[keep - 1] == '\n' || p[keep - 1] == '\r'))
        keep--;
    if (keep == 0) {
        request_end_head(r);
    } else if (keep > 5 && memcmp(p, "HTTP/", 5) == 0) {
        const char *space = memchr(p, ' ', keep);
        r->status = space ? atoi(space) : 0;
        r->has_length = false;
        buf_clear(&r->headers);
    } else if ((wrong = request_length_wrong(r, p, keep)) != NULL) {
        return request_refuse(r, "the answer's Content-Length is %s", wrong);
    } else {
        buf_put(&r->headers, p, keep);
        buf_putc(&r->headers, '\n');
    }
    return buf_failed(&r->headers) ? request_refuse(r, "out of memory") : all;
}

/* A piece of the body. Returns n, or what makes curl pause or abort the
 * transfer. */
static size_t
request_offer(Request *r, const char *p, size_t n)
{
    Sched *s = &r->engine->sched;
    sched_lock(s);
    r->paused = r->ready.n >= REQUEST_AHEAD;
    if (!r->paused)
        buf_put(&r->ready, p, n);
    bool failed = buf_failed(&r->ready), paused = r->paused;
    op_done(&r->op);
    sched_unlock(s);
    if (failed)
        return request_refuse(r, "out of memory");
    return paused ? CURL_WRITEFUNC_PAUSE : n;
}

static size_t
request_body(char *p, size_t size, size_t n, void *ud)
{
    Request *r = ud;
    size_t all = size * n;
    request_stir(r);
    if (all > r->max_body - r->got)
        return request_refuse(r,
                              "the answer's body has more than the %zu "
                              "bytes that `max_body` allows",
                              r->max_body);
    size_t taken = all;
    if (r->stream)
        taken = request_offer(r, p, all);
    else
        buf_put(&r->answer, p, all);
    if (buf_failed(&r->answer))
        return request_refuse(r, "out of memory");
    if (taken == all)
        r->got += all;
    return taken;
}

/* There is a connection, and the request is about to be sent. This is called
 * again if the connection was a kept one that had been closed. */
static int
request_sending(void *ud, char *ip, char *own_ip, int port, int own_port)
{
    Request *r = ud;
    (void)ip, (void)own_ip, (void)port, (void)own_port;
    if (r->sent && !r->repeatable) {
        request_refuse(r, "the connection was closed before an answer came");
        return CURL_PREREQFUNC_ABORT;
    }
    r->sent = true;
    request_stir(r);
    atomic_store(&r->connected, true);
    return CURL_PREREQFUNC_OK;
}

/* An upload counts as activity, too. */
static int
request_progress(void *ud, curl_off_t down, curl_off_t downed, curl_off_t up,
                 curl_off_t upped)
{
    Request *r = ud;
    (void)down, (void)downed, (void)up;
    if (upped != r->uploaded) {
        r->uploaded = upped;
        request_stir(r);
    }
    return 0;
}

/* ---- its options ---- */

static int
request_set_body(Request *r, const RequestSpec *spec)
{
    const Libcurl *c = r->curl;
    CURL *easy = r->call.easy;
    bool body = spec->body || strcmp(spec->method, "POST") == 0;
    int e = 0;
    if (strcmp(spec->method, "HEAD") == 0)
        e |= c->easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (body) {
        r->body = mem_dup(spec->body ? spec->body : "", spec->body_len);
        e |= !r->body;
        e |= c->easy_setopt(easy, CURLOPT_POSTFIELDS, r->body);
        e |= c->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                            (curl_off_t)spec->body_len);
    }
    e |= c->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, spec->method);
    return e;
}

static int
request_add_line(Request *r, const char *line)
{
    struct curl_slist *all = r->curl->slist_append(r->lines, line);
    if (all)
        r->lines = all;
    return all ? 0 : ORUN_ENOMEM;
}

/* Ours first: a name without a value removes a header that curl would send. The
 * caller's come after, and are sent. */
static int
request_set_headers(Request *r, const RequestSpec *spec)
{
    int e = request_add_line(r, "Expect:")
        | request_add_line(r, "Content-Type:");
    for (size_t i = 0; spec->headers[i]; i++)
        e |= request_add_line(r, spec->headers[i]);
    return e
        | (int)r->curl->easy_setopt(r->call.easy, CURLOPT_HTTPHEADER, r->lines);
}

static int
request_set_callbacks(Request *r)
{
    const Libcurl *c = r->curl;
    CURL *easy = r->call.easy;
    int e = 0;
#define SET(option, value) e |= c->easy_setopt(easy, CURLOPT_##option, value)
    SET(ERRORBUFFER, r->said);
    SET(HEADERFUNCTION, request_header);
    SET(HEADERDATA, r);
    SET(WRITEFUNCTION, request_body);
    SET(WRITEDATA, r);
    SET(PREREQFUNCTION, request_sending);
    SET(PREREQDATA, r);
    SET(XFERINFOFUNCTION, request_progress);
    SET(XFERINFODATA, r);
    SET(NOPROGRESS, 0L);
    return e;
}

/* What every request has. orun limits the time itself, because curl's clock
 * does not pause when orun's does; so curl's own limits are very long. */
static int
request_set_common(Request *r, const char *url)
{
    const Libcurl *c = r->curl;
    CURL *easy = r->call.easy;
    const char *certificates = getenv("SSL_CERT_FILE");
    int e = 0;
    SET(URL, url);
    SET(NOSIGNAL, 1L);
    SET(QUICK_EXIT, 1L);
    SET(PROTOCOLS_STR, "http,https");
    SET(FOLLOWLOCATION, 0L);
    SET(DISALLOW_USERNAME_IN_URL, 1L);
    SET(SSL_VERIFYPEER, 1L);
    SET(SSL_VERIFYHOST, 2L);
    SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CONNECTTIMEOUT_MS, 1000000000L);
    SET(USERAGENT, "orun/" ORUN_VERSION);
    if (certificates && *certificates)
        SET(CAINFO, certificates);
    return e;
#undef SET
}

/* The method, and the URL without the parts that may be private. */
static char *
request_name(const RequestSpec *spec)
{
    Buf b = { 0 };
    buf_printf(&b, "%s ", spec->method);
    sanitize_cut(&b, spec->url, strcspn(spec->url, "?#"), 200);
    return buf_take(&b);
}

int
request_set_up(Request *r, const RequestSpec *spec)
{
    r->name = request_name(spec);
    r->call.easy = r->curl->easy_init();
    if (!r->name || !r->call.easy || request_set_common(r, spec->url)
        || request_set_callbacks(r) || request_set_body(r, spec)
        || request_set_headers(r, spec))
        return ORUN_ENOMEM;
    return 0;
}

/* ---- its errors ---- */

/* What curl's common results mean. */
static const char *
request_meaning(CURLcode result)
{
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "the host's name cannot be resolved";
    case CURLE_COULDNT_RESOLVE_PROXY:
        return "the proxy's name cannot be resolved";
    case CURLE_COULDNT_CONNECT: return "cannot connect";
    case CURLE_PARTIAL_FILE: return "the answer was cut short";
    case CURLE_GOT_NOTHING:
        return "the connection was closed before an answer came";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return "the connection broke";
    case CURLE_PEER_FAILED_VERIFICATION:
        return "the server's certificate cannot be trusted";
    case CURLE_SSL_CONNECT_ERROR: return "no secure connection could be made";
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY: return "the answer is not HTTP";
    case CURLE_OUT_OF_MEMORY: return "out of memory";
    default: return "the transfer failed";
    }
}

/* How much was received of an answer that had announced its length; false if it
 * had not. */
static bool
request_put_length(Request *r, Buf *b)
{
    curl_off_t length = -1;
    r->curl->easy_getinfo(r->call.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
                          &length);
    if (length > 0)
        buf_printf(b, " (%zu of its %" CURL_FORMAT_CURL_OFF_T " bytes came)",
                   r->got, length);
    return length > 0;
}

/* More details: the figures, the system's error, or curl's own words, which
 * differ between its versions. */
static void
request_put_detail(Request *r, CURLcode result, Buf *b)
{
    long e = 0;
    if (result == CURLE_COULDNT_CONNECT)
        r->curl->easy_getinfo(r->call.easy, CURLINFO_OS_ERRNO, &e);
    const char *said = e ? strerror((int)e) : r->said;
    if (result == CURLE_OUT_OF_MEMORY
        || (result == CURLE_PARTIAL_FILE && request_put_length(r, b)))
        return;
    if (!*said)
        said = r->curl->easy_strerror(result);
    buf_puts(b, " (");
    sanitize_cut(b, said, strlen(said), CURL_ERROR_SIZE);
    buf_putc(b, ')');
}

/* "no answer within 1 s (timeout)" */
static void
request_put_late(const Request *r, const char *late, Buf *b)
{
    bool connect = strcmp(late, "connect_timeout") == 0;
    bool idle = strcmp(late, "idle_timeout") == 0;
    buf_puts(b,
             connect    ? "no connection within "
                 : idle ? "nothing came for "
                        : "no answer within ");
    buf_seconds(b,
                connect    ? r->connect_timeout
                    : idle ? r->idle_timeout
                           : r->timeout);
    buf_printf(b, " (%s)", late);
}

char *
request_explain(Request *r, CURLcode result, const char *late, bool given_up)
{
    Buf b = { 0 };
    buf_puts(&b, r->name);
    buf_puts(&b, ": ");
    if (late) {
        request_put_late(r, late, &b);
    } else if (*r->why) {
        buf_puts(&b, r->why);
    } else if (given_up) {
        buf_puts(&b, "it was given up");
    } else {
        buf_puts(&b, request_meaning(result));
        request_put_detail(r, result, &b);
    }
    if (r->sent && !r->repeatable && !r->headed)
        buf_puts(&b, "; whether it was carried out is not known");
    char *text = buf_take(&b);
    secret_mask_string(&text);
    return text;
}
