/* http.h — transfers on the io thread: libcurl driven by the uv loop.
 *
 * curl says which sockets to watch and when it must be called. This has the
 * loop do that, and reports the end of each transfer. There is one for an
 * engine, made with the first transfer; it ends with the run. Connections are
 * kept and reused.
 */
#ifndef ORUN_HTTP_H
#define ORUN_HTTP_H

#include "base/list.h"
#include "engine/engine.h"
#include "http/libcurl.h"

typedef struct Http Http;

/* One transfer; embedded in its owner. */
typedef struct HttpCall {
    List link;  /* among those that run */
    CURL *easy; /* made, set up and freed by the owner */
    /* It has ended. On the io thread; not from inside a call of curl. */
    void (*done)(struct HttpCall *call, CURLcode result);
} HttpCall;

/* That of the run. NULL when memory is out. */
Http *http_of(Engine *engine, const Libcurl *curl) ON_IO;

/* Start the transfer; `done` is called later, once. After ORUN_ENOMEM it never
 * is. */
int http_begin(Http *h, HttpCall *call) ON_IO NODISCARD;

/* Abort a transfer that has begun and is not done; `done` is not called. */
void http_cancel(Http *h, HttpCall *call) ON_IO;

/* Resume a transfer that its owner paused. */
void http_resume(Http *h, HttpCall *call) ON_IO;

#endif
