/* log.h — debug lines, turned on by ORUN_LOG; and what is told on stderr.
 *
 * ORUN_LOG=sched,pool (or `all`) prints lines of those areas on stderr, each in
 * one write, with milliseconds since start, sanitized (sanitize.h). When it is
 * off a line costs one load. Any thread. The area "supervisor" is found by its
 * earlier name too, "keeper".
 */
#ifndef ORUN_LOG_H
#define ORUN_LOG_H

#include "base/base.h"

/* clang-format off */
#define LOG_AREAS(X) \
    X(SCHED, "sched") X(POOL, "pool") X(LOOP, "loop") \
    X(SUPERVISOR, "supervisor") X(VM, "vm") X(PROC, "proc") X(MAIN, "main")
/* clang-format on */

enum {
#define X(name, text) LOG_##name,
    LOG_AREAS(X)
#undef X
        LOG_AREA_COUNT
};

enum { LOG_DEBUG, LOG_INFO, LOG_WARNING }; /* levels; orun.h has them, too */

/* From now on lines go to `line` instead of stderr: one each, without its end,
 * sanitized. Before other threads start. */
void log_to(void (*line)(void *ud, int level, const char *line), void *ud);

/* Tell people, on stderr, unless lines go elsewhere: whole lines, which are
 * sanitized. Any thread that holds no lock. */
void log_tell(int level, const char *text, size_t n);

extern unsigned log_mask;

/* Read ORUN_LOG; call once, before other threads start. */
void log_init(void);

/* The first word of ORUN_LOG that is not an area, and its length; NULL if there
 * is none. */
const char *log_unknown(size_t *n);

void log_line(int area, const char *format, ...) PRINTF_LIKE(2, 3);

#define LOG(area, ...) \
    (log_mask & 1u << LOG_##area ? log_line(LOG_##area, __VA_ARGS__) : (void)0)

#endif
