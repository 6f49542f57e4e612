/* api_error.c — the text of each thread.
 *
 * It is kept by POSIX's key of threads and not in thread-local storage, of
 * which a library that is loaded late has little; and by malloc, for it may be
 * older than the allocator that orun_setup sets.
 */
#include "embed/api_error.h"
#include "base/err.h"
#include "base/sanitize.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <uv.h>

typedef struct ApiError {
    const void *about;
    uint64_t when;
    int code;
    char *text; /* NULL: there was no memory for it */
} ApiError;

static uv_once_t api_error_once = UV_ONCE_INIT;
static pthread_key_t api_error_key;
static bool api_error_ready;
static atomic_uint_fast64_t api_error_count;

static void
api_error_free(void *error)
{
    free(((ApiError *)error)->text);
    free(error);
}

static void
api_error_init(void)
{
    api_error_ready = pthread_key_create(&api_error_key, api_error_free) == 0;
}

/* The calling thread's; NULL: no call of it has failed. */
static ApiError *
api_error_mine(void)
{
    uv_once(&api_error_once, api_error_init);
    return api_error_ready ? pthread_getspecific(api_error_key) : NULL;
}

static ApiError *
api_error_make(void)
{
    ApiError *error = api_error_mine();
    if (error || !api_error_ready || !(error = calloc(1, sizeof *error)))
        return error;
    if (pthread_setspecific(api_error_key, error) == 0)
        return error;
    free(error);
    return NULL;
}

uint64_t
api_error_now(void)
{
    return atomic_fetch_add(&api_error_count, 1) + 1;
}

/* A copy of the text, safe to print; NULL without memory. */
static char *
api_error_safe(const Buf *text)
{
    Buf safe = { 0 };
    sanitize_put(&safe, text->n ? text->p : "", text->n, SANITIZE_TEXT);
    size_t n = safe.n;
    char *copy = buf_failed(text) || buf_failed(&safe) ? NULL : malloc(n + 1);
    if (copy && n)
        memcpy(copy, safe.p, n);
    if (copy)
        copy[n] = '\0';
    buf_free(&safe);
    return copy;
}

int
api_error_set(const void *about, int code, const char *format, ...)
{
    Buf text = { 0 };
    int e = errno;
    ApiError *error = api_error_make();
    if (!error)
        return code;
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    char *copy = api_error_safe(&text);
    buf_free(&text);
    free(error->text);
    *error = (ApiError){ about, api_error_now(), code, copy };
    errno = e;
    return code;
}

const char *
api_error_text(void)
{
    const ApiError *error = api_error_mine();
    if (!error)
        return "";
    return error->text ? error->text : err_text(ORUN_ENOMEM);
}

uint64_t
api_error_when(const void *about)
{
    const ApiError *error = api_error_mine();
    return error && error->about == about ? error->when : 0;
}
