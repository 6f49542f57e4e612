/* request_curl.h — what a request is to libcurl.
 *
 * request.c has the life of a request and what is between the threads.
 */
#ifndef ORUN_REQUEST_CURL_H
#define ORUN_REQUEST_CURL_H

#include "http/request.h"

/* Make r->name and r->call.easy, all set up. ORUN_ENOMEM. Any thread. */
int request_set_up(Request *r, const RequestSpec *spec) NODISCARD;

/* Something came or went just now. Any thread. */
void request_stir(Request *r);

/* Why it ended without an answer: a message with secrets replaced, mem_free'd
 * by the caller; NULL when memory is out. */
char *request_explain(Request *r, CURLcode result, const char *late,
                      bool given_up) ON_IO;

static inline double
request_now(const Request *r)
{
    return board_now(&r->engine->sched.board);
}

#endif
