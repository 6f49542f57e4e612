/* sanitize.h — untrusted text, made safe to show.
 *
 * What agents print, what scripts are given and how files are named may hold
 * bytes that move the cursor, change the terminal, reverse the direction of
 * text or are invisible. These are escaped: \x1b for a control character and
 * for each byte that is not UTF-8, <U+202E> for other characters. All of
 * orun's messages are sanitized, even where no terminal reads them, because a
 * log may be shown on one later.
 */
#ifndef ORUN_SANITIZE_H
#define ORUN_SANITIZE_H

#include "base/base.h"
#include "base/buf.h"

typedef enum SanitizeMode {
    SANITIZE_TEXT,  /* of many lines: newline, tab and CR LF stay */
    SANITIZE_LINE,  /* of one line: these are escaped, too */
    SANITIZE_PRINT, /* as TEXT, but colours stay, and zero-width characters,
                     * which some scripts and emoji need; colours are reset at
                     * the end of the text */
    SANITIZE_DATA,  /* all stays: for data that is not shown as it is */
} SanitizeMode;

/* Append the text with secrets replaced and unsafe characters escaped. Any
 * thread. */
void sanitize_put(Buf *out, const char *text, size_t n, SanitizeMode mode);

/* The same of at most the first `max` bytes; "..." stands for the rest. */
void sanitize_head(Buf *out, const char *text, size_t n, size_t max,
                   SanitizeMode mode);

/* sanitize_head in mode LINE. */
void sanitize_cut(Buf *out, const char *text, size_t n, size_t max);

/* Append the text with unsafe characters escaped; secrets stay. */
void sanitize_escape(Buf *out, const char *text, size_t n, SanitizeMode mode);

/* Is there nothing to escape in it? */
bool sanitize_is_safe(const char *text, size_t n, SanitizeMode mode);

/* Sanitize the text in mode TEXT, and write it to `fd` in one write. */
void sanitize_write(int fd, const char *text, size_t n);

#endif
