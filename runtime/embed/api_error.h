/* api_error.h — why the last call of a thread that failed did so.
 *
 * The text belongs to the thread, so several may be in calls at once, and a
 * call that has no runtime (orun_new) has words, too.
 */
#ifndef ORUN_API_ERROR_H
#define ORUN_API_ERROR_H

#include "base/base.h"

/* The text says that a call with `about` (NULL: with no runtime) has failed,
 * sanitized. Returns `code`. Keeps errno. Any thread. */
int api_error_set(const void *about, int code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The text, "" if no call of this thread has failed. Valid until the next
 * api_error_set of this thread. */
const char *api_error_text(void);

/* When it was set, as api_error_now counts, if it is about that runtime; else
 * 0. */
uint64_t api_error_when(const void *about);

/* A number larger than all before it. Any thread. */
uint64_t api_error_now(void);

#endif
