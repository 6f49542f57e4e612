/* show.h — text of others, made safe to show.
 *
 * What agents print, what scripts are given and what files are called may hold
 * bytes that move the cursor, change the terminal, reverse the direction of
 * text or cannot be seen at all. Such are written out: \x1b for a control
 * character and for each byte that is not UTF-8, <U+202E> for all else. This
 * is done to all that orun says, whether a terminal reads it or not: a log may
 * be looked at on one later.
 */
#ifndef ORUN_SHOW_H
#define ORUN_SHOW_H

#include "base/base.h"
#include "base/buf.h"

typedef enum ShowMode {
    SHOW_TEXT,  /* of many lines: newline, tab and CR LF stay */
    SHOW_LINE,  /* of one line: these are written out, too */
    SHOW_PRINT, /* as TEXT, but colours and zero-width characters, which other
                   scripts and emoji need, stay; colours end with the text */
    SHOW_DATA,  /* all stays: for what is data, and not shown as it is */
} ShowMode;

/* Append the text, secrets replaced and unsafe characters written out. Any
 * thread. */
void show_put(Buf *out, const char *text, size_t n, ShowMode mode);

/* The first `max` bytes of the text at most; more is told by "...". */
void show_head(Buf *out, const char *text, size_t n, size_t max,
               ShowMode mode);

/* As one line, of at most `max` bytes of the text; more is told by "...". */
void show_cut(Buf *out, const char *text, size_t n, size_t max);

/* Append the text with unsafe characters written out; secrets stay. */
void show_escape(Buf *out, const char *text, size_t n, ShowMode mode);

/* Has it nothing to write out? */
bool show_safe(const char *text, size_t n, ShowMode mode);

/* Write the text on `fd` in one write, as show_put in mode TEXT has it. */
void show_write(int fd, const char *text, size_t n);

/* What a write on standard output or error is to do that finds its reader gone
 * (EPIPE): NULL, as in a host, is nothing. `gone` is called each time, by any
 * thread, without a lock of orun's. Before there are threads. */
void show_on_gone(void (*gone)(void));

/* The reader has gone: do it. */
void show_gone(void);

#endif
