/* log.c — debug lines on stderr. */
#include "base/log.h"
#include "base/buf.h"
#include "base/sanitize.h"
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

enum { LOG_SIZE = 1024 }; /* bytes of a line, at most */

unsigned log_mask;
static struct timespec log_start;

static const char *const log_names[] = {
#define X(name, text) text,
    LOG_AREAS(X)
#undef X
};

/* The earlier name of LOG_SUPERVISOR. */
static const char log_alias[] = "keeper";

void
log_init(void)
{
    const char *wanted = getenv("ORUN_LOG");
    clock_gettime(CLOCK_MONOTONIC, &log_start);
    if (!wanted)
        return;
    for (unsigned i = 0; i < LOG_AREA_COUNT; i++)
        if (strstr(wanted, log_names[i]) || strstr(wanted, "all"))
            log_mask |= 1u << i;
    if (strstr(wanted, log_alias))
        log_mask |= 1u << LOG_SUPERVISOR;
}

static bool
log_is(const char *word, size_t n, const char *name)
{
    return strlen(name) == n && strncmp(word, name, n) == 0;
}

const char *
log_unknown(size_t *n)
{
    static const char between[] = ", ";
    const char *at = getenv("ORUN_LOG");
    for (; at && *(at += strspn(at, between)); at += *n) {
        *n = strcspn(at, between);
        bool known = log_is(at, *n, "all") || log_is(at, *n, log_alias);
        for (size_t i = 0; i < countof(log_names) && !known; i++)
            known = log_is(at, *n, log_names[i]);
        if (!known)
            return at;
    }
    return NULL;
}

void
log_line(int area, const char *format, ...)
{
    Buf text = { 0 }, line = { 0 };
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    double ms = (double)(t.tv_sec - log_start.tv_sec) * 1e3
        + (double)(t.tv_nsec - log_start.tv_nsec) / 1e6;
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    buf_printf(&line, "orun %9.3f %s: ", ms, log_names[area]);
    sanitize_cut(&line, text.p, text.n, LOG_SIZE);
    buf_putc(&line, '\n');
    ssize_t written = write(2, line.p, buf_failed(&line) ? 0 : line.n);
    (void)written;
    buf_free(&text);
    buf_free(&line);
}
