/* log.c — lines on stderr, or for the host. */
#include "base/log.h"
#include "base/buf.h"
#include "base/order.h"
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

/* Set before other threads start; NULL: stderr. */
static void (*log_host)(void *ud, int level, const char *line);
static void *log_host_ud;

void
log_to(void (*line)(void *ud, int level, const char *line), void *ud)
{
    log_host = line;
    log_host_ud = ud;
}

/* Give the host each line of the text, which is safe. */
static void
log_give(int level, Buf *text)
{
    char *at = buf_failed(text) ? NULL : (char *)(uintptr_t)buf_cstr(text);
    while (at && *at) {
        char *end = strchr(at, '\n');
        if (end)
            *end = '\0';
        log_host(log_host_ud, level, at);
        at = end ? end + 1 : NULL;
    }
}

void
log_tell(int level, const char *text, size_t n)
{
    Buf safe = { 0 };
    if (!log_host) {
        order_keep(STDERR_FILENO);
        sanitize_write(STDERR_FILENO, text, n);
        return;
    }
    sanitize_put(&safe, text, n, SANITIZE_TEXT);
    log_give(level, &safe);
    buf_free(&safe);
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
    if (log_host)
        log_give(LOG_DEBUG, &line);
    else if (!buf_failed(&line))
        (void)!write(STDERR_FILENO, line.p, line.n);
    buf_free(&text);
    buf_free(&line);
}
