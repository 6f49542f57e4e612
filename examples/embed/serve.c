/* serve.c — an HTTP endpoint on libuv that runs a Lua function per request.
 *
 * Build it where orun was built, and run it:
 *
 *     $ cc -o serve -iquote runtime examples/embed/serve.c build/liborun.a \
 *         $(pkg-config --cflags --libs lua5.4 libuv) -lm -pthread
 *     $ ./serve
 *
 * With a port (./serve 8080) it serves for ever; without one it asks itself
 * once, prints the answer, and ends. A request is a task: its path is the
 * input, its time is limited, and no other request waits for it.
 */
#include "orun.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static const char handler[] = "local path = ...\n"
                              "local name = path:match('^/hello/(%w+)$')\n"
                              "if not name then error('no such page', 0) end\n"
                              "return 'Hello, ' .. name .. '!\\n'\n";

typedef struct Client {
    uv_tcp_t tcp; /* first: a handle's address is its client's */
    uv_write_t write;
    char in[1024], out[2048];
    size_t n;
} Client;

static orun *host;

static void
gone(uv_handle_t *tcp)
{
    free(tcp);
}

static void
written(uv_write_t *write, int status)
{
    (void)status;
    uv_close((uv_handle_t *)write->handle, gone);
}

/* The task of the request is final: answer. */
static void
done(orun *o, uint64_t id, void *ud)
{
    Client *c = ud;
    const orun_result *r;
    if (orun_take(o, id, &r))
        return;
    int fine = r->state == ORUN_COMPLETED;
    const char *body = fine && r->output ? r->output : r->error;
    int n = snprintf(c->out, sizeof c->out,
                     "HTTP/1.0 %s\r\nContent-Type: text/plain\r\n\r\n%.1500s",
                     fine ? "200 OK" : "500 Failed", body);
    orun_drop(r);
    orun_forget(o, id);
    uv_buf_t buf = uv_buf_init(c->out, (unsigned)n);
    uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, written);
}

static void
room(uv_handle_t *tcp, size_t size, uv_buf_t *buf)
{
    Client *c = (Client *)tcp;
    (void)size;
    *buf = uv_buf_init(c->in + c->n, (unsigned)(sizeof c->in - 1 - c->n));
}

static void
came(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    Client *c = (Client *)stream;
    char path[200], input[210];
    uint64_t id;
    (void)buf;
    c->n += n > 0 ? (size_t)n : 0;
    c->in[c->n] = '\0';
    if (n > 0 && !strstr(c->in, "\r\n\r\n"))
        return;
    uv_read_stop(stream);
    if (n < 0 || sscanf(c->in, "GET %199[^ \"\\]", path) != 1) {
        uv_close((uv_handle_t *)stream, gone);
        return;
    }
    snprintf(input, sizeof input, "\"%s\"", path);
    orun_task t = { sizeof t,     .lua = handler, .input = input,
                    .timeout = 5, .done = done,   .ud = c };
    if (orun_start(host, &t, &id)) {
        fprintf(stderr, "%s\n", orun_errmsg(host));
        uv_close((uv_handle_t *)stream, gone);
    }
}

static void
connected(uv_stream_t *server, int status)
{
    Client *c = status ? NULL : calloc(1, sizeof *c);
    if (!c)
        return;
    uv_tcp_init(server->loop, &c->tcp);
    if (uv_accept(server, (uv_stream_t *)&c->tcp)
        || uv_read_start((uv_stream_t *)&c->tcp, room, came))
        uv_close((uv_handle_t *)&c->tcp, gone);
}

static void
ready(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    orun_dispatch(poll->data);
}

/* A program asks the server, and the loop ends with it. */
static void
answered(orun *o, uint64_t id, void *ud)
{
    const orun_result *r;
    if (orun_take(o, id, &r) == 0)
        printf("%s", r->output);
    orun_drop(r);
    uv_stop(ud);
}

static void
ask(uv_loop_t *loop, int port)
{
    char input[40];
    uint64_t id;
    snprintf(input, sizeof input, "\"http://127.0.0.1:%d/hello/you\"", port);
    orun_task t = { sizeof t, .lua = "return orun.http{url = ...}.body",
                    .input = input, .done = answered, .ud = loop };
    if (orun_start(host, &t, &id))
        uv_stop(loop);
}

int
main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    struct sockaddr_in at;
    int n = sizeof at, port = argc > 1 ? atoi(argv[1]) : 0;
    uv_tcp_t server;
    uv_poll_t poll;
    if (orun_new(NULL, &host))
        return fprintf(stderr, "%s\n", orun_errmsg(NULL)), 1;
    uv_ip4_addr("127.0.0.1", port, &at);
    uv_tcp_init(loop, &server);
    uv_tcp_bind(&server, (struct sockaddr *)&at, 0);
    int e = uv_listen((uv_stream_t *)&server, 64, connected);
    if (e)
        return fprintf(stderr, "%s\n", uv_strerror(e)), 1;
    uv_tcp_getsockname(&server, (struct sockaddr *)&at, &n);
    poll.data = host;
    uv_poll_init(loop, &poll, orun_fd(host));
    uv_poll_start(&poll, UV_READABLE, ready);
    if (argc < 2)
        ask(loop, (at.sin_port & 255) << 8 | at.sin_port >> 8);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_poll_stop(&poll); /* before orun_free closes the descriptor */
    return orun_free(host);
}

/*
 * --> Hello, you!
 */
