/* http.h — transfers on the io thread: libcurl driven by the uv loop.
 *
 * curl says which sockets it watches and when it wants to be called; this has
 * the loop do so, and tells each call's end. One an engine, made with the first
 * call; it ends with the run. Connections are kept and used again.
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
    CURL *easy; /* made, set up and cleaned up by the owner */
    /* It has ended. On the io thread; not from inside a call of curl. */
    void (*done)(struct HttpCall *call, CURLcode result);
} HttpCall;

/* The run's. NULL when memory is out. */
Http *http_of(Engine *engine, const Libcurl *curl) ON_IO;

/* Begin; `done` comes later, once. ORUN_ENOMEM: it never will. */
int http_begin(Http *h, HttpCall *call) ON_IO NODISCARD;

/* Break off a call that was begun and is not done: `done` will not come. */
void http_cancel(Http *h, HttpCall *call) ON_IO;

/* Go on with a call whose owner made it pause. */
void http_resume(Http *h, HttpCall *call) ON_IO;

#endif
