/* request.h — an HTTP request that Lua code has sent and may wait for.
 *
 * Behind orun.http. It belongs to the Lua code (a userdata's finalizer drops
 * it); the transfer itself is the io thread's. Everything of it is bounded: the
 * time to connect, between two bytes and in all, the headers, the body, and
 * what of a stream is here and was not read: beyond that the transfer pauses.
 * HTTP/1.1 only. Certificates are checked, redirects are never followed, and
 * nothing is sent twice that may have been carried out.
 */
#ifndef ORUN_REQUEST_H
#define ORUN_REQUEST_H

#include "engine/engine.h"
#include "http/http.h"
#include "sched/wait.h"

/* What a userdata that holds one is called. */
#define RESPONSE_TYPE "orun.response"

enum {
    REQUEST_HEADERS = 64 << 10, /* bytes of the answer's headers, at most */
    REQUEST_AHEAD = 256 << 10,  /* bytes of a stream that wait to be read */
};

typedef struct RequestSpec {
    const char *method, *url;
    const char *const *headers; /* "Name: value", NULL-terminated */
    const char *body;           /* NULL: none */
    size_t body_len;
    double timeout, connect_timeout, idle_timeout; /* s, or INFINITY */
    size_t max_body;            /* of the answer */
    bool stream;                /* what comes is taken piece by piece */
    bool repeatable;            /* sent twice, it does what it does once */
} RequestSpec;

typedef struct Request {
    /* Never changes. */
    Engine *engine;
    const Libcurl *curl;
    char *name;       /* "GET https://host/path", for messages */
    char *body;
    struct curl_slist *lines;
    double began, timeout, connect_timeout, idle_timeout; /* run clock, s */
    size_t max_body;
    bool stream, repeatable;
    atomic_int refs;  /* its owner, the transfer, each message on its way */
    LoopMsg go_msg, stop_msg, more_msg;

    /* Of any thread. */
    _Atomic double last; /* when something last came or went */
    atomic_bool connected;

    /* Guarded by the board's lock. */
    Op op;            /* done: there is something for the owner */
    Timer timer;
    Buf ready;        /* of a stream: came, and was not taken */
    bool headed;      /* status and headers are there */
    bool ended;       /* nothing more will come */
    bool stopping;    /* it is to be given up */
    bool paused;      /* `ready` is full */
    bool more_posted;
    const char *late; /* the option whose time is up; NULL: none */

    /* Of the owner's thread. */
    Buf piece;        /* of a stream: taken, and not given to Lua yet */

    /* The io thread's until it is headed, then it never changes. */
    int status;
    Buf headers;      /* lines, without their ends */

    /* The io thread's until it has ended, then it never changes. */
    Buf answer;       /* the body, but of a stream */
    char *error;      /* NULL: all of the answer came */
    const char *kind; /* of the error */
    double duration;

    /* Of the io thread. */
    Http *http;       /* once begun */
    HttpCall call;
    bool begun;
    bool sent;        /* once, at least */
    size_t header_bytes, got;
    uint64_t length;  /* of the body, as told; once has_length */
    bool has_length;
    curl_off_t uploaded;
    char why[96];     /* why it broke off itself; "": it did not */
    char said[CURL_ERROR_SIZE];
} Request;

/* Send it. Everything is copied. ORUN_ENOMEM; ORUN_ESYS, with the reason, a
 * constant, in *why. May block for the loading of libcurl. */
int request_start(Engine *h, const RequestSpec *spec, Request **out,
                  const char **why) NODISCARD;

/* May its owner go on: is there an answer (of a stream: its head, or its next
 * piece, or its end)? Any thread. */
bool request_ready(Request *r);

/* Are its status and headers there? Any thread. */
bool request_headed(Request *r);

/* Of a stream: see to it that r->piece holds what came next, and let more come.
 * Gives 1 when there is something, 0 when r->op is to be waited for, -1 when
 * it has ended. On the owner's thread. */
int request_take(Request *r);

/* Give it up, unless it has ended. Any thread. */
void request_stop(Request *r);

/* The owner lets go: one that runs is given up. NULL is fine. */
void request_drop(Request *r);

#endif
