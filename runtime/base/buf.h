/* buf.h — a growing string of bytes.
 *
 * Errors stick: after a failed growth every later call does nothing and
 * buf_failed() is true, so a writer checks once, at its end. Zero-initialise
 * to start; a Buf belongs to one thread at a time.
 */
#ifndef ORUN_BUF_H
#define ORUN_BUF_H

#include "base/base.h"
#include <stdarg.h>

typedef struct Buf {
    char *p;     /* the bytes; NUL-terminated after buf_cstr */
    size_t n;    /* how many */
    size_t cap;  /* how many fit */
    bool failed; /* an allocation was refused */
} Buf;

/* Append `n` bytes. */
void buf_put(Buf *b, const void *p, size_t n);
void buf_putc(Buf *b, char c);
void buf_puts(Buf *b, const char *s);

/* Append formatted text. */
void buf_printf(Buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(Buf *b, const char *format, va_list args);

/* Append a number of bytes or of seconds in the one form that orun uses, also
 * in lua/util/format.lua: "8 MiB", "1000 bytes"; "250 ms", "2.5 s",
 * "3 m 04 s". */
void buf_bytes(Buf *b, size_t n);
void buf_seconds(Buf *b, double s);

/* Make room for `n` more bytes; the caller adds to b->n how many it wrote. NULL
 * when memory is out. */
char *buf_room(Buf *b, size_t n);

/* The bytes as a C string, never NULL ("" after a failure). */
const char *buf_cstr(Buf *b);

/* Hand over the bytes, NUL-terminated and to be freed with mem_free, and leave
 * b empty. NULL after a failure. */
char *buf_take(Buf *b);

static inline bool
buf_failed(const Buf *b)
{
    return b->failed;
}

/* Forget the bytes, keep the room. */
void buf_clear(Buf *b);

/* Free the bytes; b is empty afterwards. */
void buf_free(Buf *b);

#endif
