/* request.h — an HTTP request that Lua code has sent and may wait for.
 *
 * Behind orun.http. It belongs to the Lua code (a userdata's finalizer drops
 * it); the transfer itself belongs to the io thread. Everything is bounded: the
 * time to connect, between two bytes and in all; the headers; the body; and the
 * part of a stream that was received but not read, beyond which the transfer
 * pauses. HTTP/1.1 only. Certificates are checked, redirects are never
 * followed, and nothing that may have been carried out is sent twice.
 */
#ifndef ORUN_REQUEST_H
#define ORUN_REQUEST_H

#include "engine/engine.h"
#include "http/http.h"
#include "sched/wait.h"

/* The type name of a userdata that holds one. */
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
    size_t max_body;                               /* of the answer */
    bool stream;     /* the answer is read piece by piece */
    bool repeatable; /* sending it twice has the effect of once */
} RequestSpec;

typedef struct Request {
    /* Never changes. */
    Engine *engine;
    const Libcurl *curl;
    char *name; /* "GET https://host/path", for messages */
    char *body;
    struct curl_slist *lines;
    double began, timeout, connect_timeout, idle_timeout; /* run clock, s */
    size_t max_body;
    bool stream, repeatable;
    atomic_int refs; /* of its owner, the transfer, each posted message */
    LoopMsg go_msg, stop_msg, more_msg;

    /* Of any thread. */
    _Atomic double last; /* when data was last sent or received */
    atomic_bool connected;

    /* Guarded by the board's lock. */
    Op op; /* done when there is something for the owner */
    Timer timer;
    Buf ready;     /* of a stream: received, and not taken yet */
    bool headed;   /* status and headers have been received */
    bool ended;    /* nothing more will be received */
    bool stopping; /* it is being aborted */
    bool paused;   /* `ready` is full */
    bool more_posted;
    const char *late; /* the option whose time is up, or NULL */

    /* Of the owner's thread. */
    Buf piece; /* of a stream: taken, but not passed to Lua yet */

    /* The io thread's until it is headed, then it never changes. */
    int status;
    Buf headers; /* lines, without their ends */

    /* The io thread's until it has ended, then it never changes. */
    Buf answer;       /* the body, unless it is a stream */
    char *error;      /* NULL: the whole answer was received */
    const char *kind; /* of the error */
    double duration;

    /* Of the io thread. */
    Http *http; /* once begun */
    HttpCall call;
    bool begun;
    bool sent; /* once, at least */
    size_t header_bytes, got;
    uint64_t length; /* of the body, from the headers, if has_length */
    bool has_length;
    curl_off_t uploaded;
    char why[96]; /* why this aborted it; "": it did not */
    char said[CURL_ERROR_SIZE];
} Request;

/* Send it. Everything is copied. Errors: ORUN_ENOMEM; ORUN_ESYS, with the
 * reason, a constant, in *why. May block while libcurl is loaded. */
int request_start(Engine *h, const RequestSpec *spec, Request **out,
                  const char **why) NODISCARD;

/* Is there something for its owner: the answer or, of a stream, its head, its
 * next piece or its end? Any thread. */
bool request_ready(Request *r);

/* Have its status and headers been received? Any thread. */
bool request_headed(Request *r);

/* Of a stream: move what was received next to r->piece, and let the transfer
 * continue. Returns 1 if there is something, 0 if the owner must wait for
 * r->op, -1 at the end. On the owner's thread. */
int request_take(Request *r);

/* Abort it, unless it has ended. Any thread. */
void request_stop(Request *r);

/* Drop the owner's reference; a request that is running is aborted. NULL is
 * fine. */
void request_drop(Request *r);

#endif
