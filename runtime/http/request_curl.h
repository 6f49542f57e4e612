/* request_curl.h — a request as a transfer of libcurl.
 *
 * request.c has the life of a request and the exchange between the threads.
 */
#ifndef ORUN_REQUEST_CURL_H
#define ORUN_REQUEST_CURL_H

#include "http/request.h"

/* Make r->name and r->call.easy, ready to start. ORUN_ENOMEM. Any thread. */
int request_set_up(Request *r, const RequestSpec *spec) NODISCARD;

/* Note that data was sent or received just now. Any thread. */
void request_stir(Request *r);

/* Why it ended without an answer: a message with secrets replaced, which the
 * caller frees with mem_free. NULL when memory is out. */
char *request_explain(Request *r, CURLcode result, const char *late,
                      bool given_up) ON_IO;

static inline double
request_now(const Request *r)
{
    return board_now(&r->engine->sched.board);
}

#endif
