/* log.c — debug lines on stderr. */
#include "log.h"
#include <stdio.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

unsigned log_mask;
static struct timespec log_start;

static const char *const log_names[] = {
#define X(name, text) text,
    LOG_AREAS(X)
#undef X
};

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
}

void
log_line(int area, const char *format, ...)
{
    char line[1024];
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    double ms = (double)(t.tv_sec - log_start.tv_sec) * 1e3
        + (double)(t.tv_nsec - log_start.tv_nsec) / 1e6;
    int n = snprintf(line, sizeof line, "orun %9.3f %s: ", ms, log_names[area]);
    va_list args;
    va_start(args, format);
    int m = vsnprintf(line + n, sizeof line - (size_t)n - 1, format, args);
    va_end(args);
    n += m < 0 ? 0 : m;
    if (n > (int)sizeof line - 2)
        n = (int)sizeof line - 2;
    line[n++] = '\n';
    ssize_t written = write(2, line, (size_t)n);
    (void)written;
}
