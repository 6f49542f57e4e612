/* http_server.c — the HTTP server of the specs: loopback, and faulty at will.
 *
 *     http_server FOLDER        prints its port; ends with its standard input
 *
 * The path says what it does (see `modes` at the end), the query how:
 * /delay?ms=200. FOLDER has the files that /sse sends. One thread, a libuv
 * loop; it must be able to serve 500 connections at once.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

enum { PATH = 4096, IN = 64 << 20, CHUNK = 64 << 10 };

typedef struct Conn {
    uv_tcp_t tcp;
    uv_timer_t timer;
    int open;      /* handles not closed */
    int busy;      /* an answer is under way */
    long requests; /* on this connection */
    char *in;
    size_t n, cap;
    size_t whole; /* bytes of the request that is answered */
    char path[PATH], query[PATH];
    void (*step)(struct Conn *c); /* by the timer, or after a write */
    long left;                    /* bytes or steps to go */
    char *file;
    size_t file_n, file_at;
} Conn;

typedef struct Write {
    uv_write_t req;
    Conn *conn;
    enum { THEN_NEXT, THEN_CLOSE, THEN_STEP, THEN_NOTHING } then;
    char data[];
} Write;

static uv_loop_t *loop;
static const char *folder;
static long connections, opened, requests, sent, broken;

static void conn_serve(Conn *c);

/* ---- connections ---- */

static void
conn_closed(uv_handle_t *h)
{
    Conn *c = h->data;
    if (--c->open)
        return;
    opened--;
    free(c->in);
    free(c->file);
    free(c);
}

static void
conn_close(Conn *c)
{
    if (uv_is_closing((uv_handle_t *)&c->tcp))
        return;
    uv_close((uv_handle_t *)&c->tcp, conn_closed);
    uv_close((uv_handle_t *)&c->timer, conn_closed);
}

/* The answer is complete: take the request away, and serve the next. */
static void
conn_next(Conn *c)
{
    memmove(c->in, c->in + c->whole, c->n - c->whole);
    c->n -= c->whole;
    c->busy = 0;
    conn_serve(c);
}

static void
conn_written(uv_write_t *req, int status)
{
    Write *w = (Write *)req;
    Conn *c = w->conn;
    int then = w->then;
    free(w);
    if (status < 0 || uv_is_closing((uv_handle_t *)&c->tcp))
        return;
    if (then == THEN_NEXT)
        conn_next(c);
    else if (then == THEN_CLOSE)
        conn_close(c);
    else if (then == THEN_STEP)
        c->step(c);
}

static void
conn_send(Conn *c, const void *p, size_t n, int then)
{
    Write *w = malloc(sizeof *w + n);
    memcpy(w->data, p, n);
    w->conn = c;
    w->then = then;
    sent += (long)n;
    uv_buf_t buf = uv_buf_init(w->data, (unsigned)n);
    if (uv_write(&w->req, (uv_stream_t *)&c->tcp, &buf, 1, conn_written))
        free(w);
}

static void
conn_puts(Conn *c, const char *s, int then)
{
    conn_send(c, s, strlen(s), then);
}

/* A whole answer. `more`: further header lines. */
static void
conn_answer(Conn *c, int status, const char *type, const char *more,
            const char *body, size_t n)
{
    char head[2 * PATH];
    int head_n = snprintf(head, sizeof head,
                          "HTTP/1.1 %d Status\r\n"
                          "Content-Type: %s\r\nContent-Length: %zu\r\n%s\r\n",
                          status, type, n, more);
    char *all = malloc((size_t)head_n + n);
    memcpy(all, head, (size_t)head_n);
    memcpy(all + head_n, body, n);
    size_t whole = (size_t)head_n + (strncmp(c->in, "HEAD ", 5) ? n : 0);
    conn_send(c, all, whole, THEN_NEXT);
    free(all);
}

/* ---- the query ---- */

/* The value of `name`, percent-decoded; `other` when there is none. */
static const char *
query_text(Conn *c, const char *name, const char *other)
{
    static char value[PATH];
    size_t n = strlen(name), at = 0;
    const char *p = c->query;
    while (p && (strncmp(p, name, n) || p[n] != '='))
        if ((p = strchr(p, '&')) != NULL)
            p++;
    if (!p)
        return other;
    for (p += n + 1; *p && *p != '&'; p++) {
        unsigned code;
        if (*p == '%' && sscanf(p + 1, "%2x", &code) == 1) {
            value[at++] = (char)code;
            p += 2;
        } else {
            value[at++] = *p;
        }
    }
    value[at] = '\0';
    return value;
}

static long
query_number(Conn *c, const char *name, long other)
{
    const char *s = query_text(c, name, NULL);
    return s ? atol(s) : other;
}

static void
conn_timer_fired(uv_timer_t *t)
{
    Conn *c = t->data;
    c->step(c);
}

/* Call `step` in that many ms. */
static void
conn_later(Conn *c, long ms, void (*step)(Conn *c))
{
    c->step = step;
    uv_timer_start(&c->timer, conn_timer_fired, (uint64_t)ms, 0);
}

/* ---- modes ---- */

static const char OK_JSON[] = "{\"ok\": true}";

static void
mode_json(Conn *c)
{
    conn_answer(c, 200, "application/json", "", OK_JSON, strlen(OK_JSON));
}

/* The request as it came. */
static void
mode_echo(Conn *c)
{
    conn_answer(c, 200, "text/plain", "", c->in, c->whole);
}

/* code=, and retry= for Retry-After (twice: retry2=) */
static void
mode_status(Conn *c)
{
    char more[PATH] = "";
    const char *retry = query_text(c, "retry", NULL);
    if (retry)
        snprintf(more, sizeof more, "Retry-After: %s\r\n", retry);
    retry = query_text(c, "retry2", NULL);
    if (retry)
        snprintf(more + strlen(more), sizeof more - strlen(more),
                 "Retry-After: %s\r\n", retry);
    const char *body = "{\"error\": {\"message\": \"as you asked\"}}";
    conn_answer(c, (int)query_number(c, "code", 500), "application/json", more,
                body, strlen(body));
}

/* n= answers in any second, and 429 beyond, with Retry-After: 1 (bare=1:
 * without) */
static void
mode_rate(Conn *c)
{
    enum { MOST = 1000 };
    static uint64_t times[MOST];
    static long count;
    long n = query_number(c, "n", 10);
    uint64_t now = uv_now(loop), *oldest = &times[count % n];
    if (n > MOST || (*oldest && now - *oldest < 1000)) {
        const char *more = query_number(c, "bare", 0) ? ""
                                                      : "Retry-After: 1\r\n";
        conn_answer(c, 429, "application/json", more, "{}", 2);
        return;
    }
    *oldest = now;
    count++;
    mode_json(c);
}

static void
drip_step(Conn *c)
{
    if (c->left-- == 0) {
        conn_puts(c, "0\r\n\r\n", THEN_NEXT);
        return;
    }
    conn_puts(c, "1\r\nx\r\n", THEN_NOTHING);
    conn_later(c, query_number(c, "ms", 10), drip_step);
}

static const char CHUNKED[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n";

/* n= bytes (default: no end), one each ms= */
static void
mode_drip(Conn *c)
{
    c->left = query_number(c, "n", -1);
    conn_puts(c, CHUNKED, THEN_NOTHING);
    drip_step(c);
}

/* says= a length, has= so many bytes, then the end (open=1: of the answer). One
 * write, so that what is too much has come when the answer is whole. */
static void
mode_length(Conn *c)
{
    enum { HEAD = 256 };
    long has = query_number(c, "has", 100);
    char *all = malloc(HEAD + (size_t)has);
    int head = snprintf(all, HEAD,
                        "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n"
                        "\r\n",
                        query_number(c, "says", 200));
    memset(all + head, 'x', (size_t)has);
    conn_send(c, all, (size_t)head + (size_t)has,
              query_number(c, "open", 0) ? THEN_NEXT : THEN_CLOSE);
    free(all);
}

/* A chunked answer that ends in the middle of one. */
static void
mode_cut(Conn *c)
{
    conn_puts(c, CHUNKED, THEN_NOTHING);
    conn_puts(c, "7\r\none\ntwo\r\n64\r\nthr", THEN_CLOSE);
}

static void
mode_html(Conn *c)
{
    const char *body = "<html><body>502 Bad Gateway</body></html>";
    conn_answer(c, 200, "text/html", "", body, strlen(body));
}

static void
mode_badjson(Conn *c)
{
    conn_answer(c, 200, "application/json", "", "{\"ok\": tr", 9);
}

static void
huge_step(Conn *c)
{
    static char bytes[CHUNK];
    long n = c->left < CHUNK ? c->left : CHUNK;
    memset(bytes, 'h', sizeof bytes);
    c->left -= n;
    c->step = huge_step;
    conn_send(c, bytes, (size_t)n, c->left > 0 ? THEN_STEP : THEN_NEXT);
}

/* n= bytes (1 GiB) */
static void
mode_huge(Conn *c)
{
    char head[256];
    c->left = query_number(c, "n", 1L << 30);
    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n"
             "\r\n",
             c->left);
    conn_puts(c, head, THEN_NOTHING);
    huge_step(c);
}

/* n= headers */
static void
mode_headers(Conn *c)
{
    long n = query_number(c, "n", 100000);
    size_t cap = (size_t)n * 32 + 256, at;
    char *all = malloc(cap);
    at = (size_t)sprintf(all,
                         "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                         "X-Twice: one\r\nx-twice:two \r\nX-Empty:\r\n");
    for (long i = 0; i < n; i++)
        at += (size_t)sprintf(all + at, "X-H-%ld: %ld\r\n", i, i);
    at += (size_t)sprintf(all + at, "\r\n");
    conn_send(c, all, at, THEN_NEXT);
    free(all);
}

/* to= */
static void
mode_redirect(Conn *c)
{
    char more[2 * PATH];
    snprintf(more, sizeof more, "Location: %s\r\n",
             query_text(c, "to", "file:///etc/passwd"));
    conn_answer(c, 302, "text/plain", more, "", 0);
}

static void
sse_step(Conn *c)
{
    size_t piece = (size_t)query_number(c, "piece", 1 << 20);
    size_t n = c->file_n - c->file_at;
    if (n == 0) {
        conn_close(c);
        return;
    }
    n = n < piece ? n : piece;
    conn_send(c, c->file + c->file_at, n, THEN_NOTHING);
    c->file_at += n;
    conn_later(c, query_number(c, "ms", 0), sse_step);
}

/* file= of the folder, in pieces of piece= bytes, one each ms=; the answer ends
 * with the connection */
static void
mode_sse(Conn *c)
{
    char path[2 * PATH];
    const char *name = query_text(c, "file", "");
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = strchr(name, '/') ? NULL : fopen(path, "rb");
    if (!f) {
        conn_answer(c, 404, "text/plain", "", "no such file", 12);
        return;
    }
    free(c->file);
    c->file = malloc(IN);
    c->file_n = fread(c->file, 1, IN, f);
    c->file_at = 0;
    fclose(f);
    conn_puts(c,
              "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
              "Connection: close\r\n\r\n",
              THEN_NOTHING);
    sse_step(c);
}

static void
mode_never(Conn *c)
{
    (void)c;
}

static void
mode_close(Conn *c)
{
    conn_close(c);
}

/* The first request of a connection is answered, the second breaks it. */
static void
mode_once(Conn *c)
{
    if (c->requests == 1)
        mode_json(c);
    else
        conn_close(c);
}

static void
mode_reset(Conn *c)
{
    uv_tcp_close_reset(&c->tcp, conn_closed);
    uv_close((uv_handle_t *)&c->timer, conn_closed);
}

static void
mode_garbage(Conn *c)
{
    conn_puts(c, "220 smtp.example ESMTP\r\n", THEN_CLOSE);
}

/* Words before the answer, and one after it. */
static void
mode_words(Conn *c)
{
    conn_puts(c,
              "HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\n"
              "HTTP/1.1 200 OK\r\nX-Late: yes\r\nTrailer: X-After\r\n"
              "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
              "X-After: yes\r\n\r\n",
              THEN_NEXT);
}

/* What it has seen, as lines: connections, those open now, requests, bytes
 * sent, answers that could not be completed. */
static void
mode_stats(Conn *c)
{
    char body[256];
    int n = snprintf(body, sizeof body,
                     "connections %ld\nopen %ld\n"
                     "requests %ld\nsent %ld\nbroken %ld\n",
                     connections, opened, requests, sent, broken);
    conn_answer(c, 200, "text/plain", "", body, (size_t)n);
}

/* ---- a model: /llm/NAME/… ----
 *
 * The n-th request for NAME is answered with the file NAME.n of the folder, or
 * NAME where that is not there: as it is when it begins with "HTTP/", else as
 * an event stream. The request is left in NAME.n.request. */

enum { NAMES = 64, NAME = 64 };

/* How many requests there were for it, this one included. */
static long
llm_count(const char *name)
{
    static struct {
        char name[NAME];
        long count;
    } all[NAMES];
    for (int i = 0; i < NAMES; i++) {
        if (!all[i].name[0])
            snprintf(all[i].name, NAME, "%s", name);
        if (strcmp(all[i].name, name) == 0)
            return ++all[i].count;
    }
    return 0;
}

static FILE *
llm_open(const char *name, long n, const char *after, const char *mode)
{
    char path[2 * PATH];
    if (n)
        snprintf(path, sizeof path, "%s/%s.%ld%s", folder, name, n, after);
    else
        snprintf(path, sizeof path, "%s/%s", folder, name);
    return fopen(path, mode);
}

static void
mode_llm(Conn *c)
{
    char name[NAME] = "";
    sscanf(c->path, "/llm/%63[^/]", name);
    long n = llm_count(name);
    FILE *seen = llm_open(name, n, ".request", "wb");
    if (seen) {
        fwrite(c->in, 1, c->whole, seen);
        fclose(seen);
    }
    FILE *f = llm_open(name, n, "", "rb");
    if (!f)
        f = llm_open(name, 0, "", "rb");
    if (!f) {
        conn_answer(c, 404, "text/plain", "", "no such file", 12);
        return;
    }
    char *text = malloc(IN);
    size_t size = fread(text, 1, IN, f);
    fclose(f);
    if (strncmp(text, "HTTP/", 5) == 0)
        conn_send(c, text, size, THEN_CLOSE);
    else
        conn_answer(c, 200, "text/event-stream", "", text, size);
    free(text);
}

/* ms= before it answers as /json does */
static void
mode_delay(Conn *c)
{
    conn_later(c, query_number(c, "ms", 200), mode_json);
}

static const struct {
    const char *path;
    void (*run)(Conn *c);
} modes[] = {
    { "/json", mode_json },       { "/echo", mode_echo },
    { "/status", mode_status },   { "/rate", mode_rate },
    { "/drip", mode_drip },       { "/length", mode_length },
    { "/cut", mode_cut },         { "/html", mode_html },
    { "/badjson", mode_badjson }, { "/huge", mode_huge },
    { "/headers", mode_headers }, { "/redirect", mode_redirect },
    { "/sse", mode_sse },         { "/never", mode_never },
    { "/close", mode_close },     { "/once", mode_once },
    { "/reset", mode_reset },     { "/garbage", mode_garbage },
    { "/words", mode_words },     { "/stats", mode_stats },
    { "/delay", mode_delay },
};

/* ---- requests ---- */

/* The end of the request in c->in; 0 while it is not complete. */
static size_t
request_end(Conn *c)
{
    char *head = memmem(c->in, c->n, "\r\n\r\n", 4);
    size_t body = 0;
    if (!head)
        return 0;
    *head = '\0';
    const char *length = strcasestr(c->in, "\r\nContent-Length:");
    if (length)
        body = strtoul(length + 17, NULL, 10);
    *head = '\r';
    size_t end = (size_t)(head - c->in) + 4 + body;
    return end <= c->n ? end : 0;
}

static void
conn_serve(Conn *c)
{
    char target[PATH] = "";
    size_t whole = c->busy || c->n == 0 ? 0 : request_end(c);
    if (whole == 0)
        return;
    c->whole = whole;
    c->busy = 1;
    c->requests++;
    requests++;
    sscanf(c->in, "%*s %4095s", target);
    char *query = strchr(target, '?');
    if (query)
        *query++ = '\0';
    snprintf(c->path, sizeof c->path, "%s", target);
    snprintf(c->query, sizeof c->query, "%s", query ? query : "");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i].path, c->path) == 0) {
            modes[i].run(c);
            return;
        }
    if (strncmp(c->path, "/llm/", 5) == 0)
        mode_llm(c);
    else if (c->path[0] == '/') /* else it is asked as a proxy */
        conn_answer(c, 404, "text/plain", "", "no such mode", 12);
    else
        mode_echo(c);
}

static void
conn_room(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
    static char room[CHUNK];
    (void)h, (void)hint;
    *buf = uv_buf_init(room, sizeof room);
}

static void
conn_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    Conn *c = stream->data;
    if (n < 0 || c->n + (size_t)n > IN) {
        broken += c->busy;
        conn_close(c);
        return;
    }
    while (c->n + (size_t)n >= c->cap)
        c->in = realloc(c->in, c->cap = c->cap ? c->cap * 2 : 4096);
    memcpy(c->in + c->n, buf->base, (size_t)n);
    c->n += (size_t)n;
    conn_serve(c);
}

static void
server_accept(uv_stream_t *server, int status)
{
    Conn *c = calloc(1, sizeof *c);
    (void)status;
    uv_tcp_init(loop, &c->tcp);
    uv_timer_init(loop, &c->timer);
    c->tcp.data = c->timer.data = c;
    c->open = 2;
    opened++;
    connections++;
    if (uv_accept(server, (uv_stream_t *)&c->tcp)
        || uv_read_start((uv_stream_t *)&c->tcp, conn_room, conn_read))
        conn_close(c);
}

static void
server_input(uv_poll_t *poll, int status, int events)
{
    char byte;
    (void)poll, (void)events;
    if (status < 0 || fread(&byte, 1, 1, stdin) == 0)
        exit(0);
}

int
main(int argc, char **argv)
{
    uv_tcp_t server;
    uv_poll_t input;
    struct sockaddr_in at;
    int size = sizeof at;
    signal(SIGPIPE, SIG_IGN);
    loop = uv_default_loop();
    folder = argc > 1 ? argv[1] : ".";
    uv_tcp_init(loop, &server);
    uv_ip4_addr("127.0.0.1", 0, &at);
    if (uv_tcp_bind(&server, (struct sockaddr *)&at, 0)
        || uv_listen((uv_stream_t *)&server, 1024, server_accept)) {
        fprintf(stderr, "http_server: cannot listen\n");
        return 1;
    }
    uv_tcp_getsockname(&server, (struct sockaddr *)&at, &size);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    if (uv_poll_init(loop, &input, 0) == 0)
        uv_poll_start(&input, UV_READABLE, server_input);
    return uv_run(loop, UV_RUN_DEFAULT);
}
