/* line_reader.h — splits bytes that come in pieces into lines, none too long.
 *
 * Programs send lines on the control socket, and `orun mcp` reads lines.
 * However the bytes are cut, what has come is a line, the beginning of one, or
 * too long. No byte is looked at twice.
 */
#ifndef ORUN_LINE_READER_H
#define ORUN_LINE_READER_H

#include "base/base.h"
#include "base/buf.h"

typedef struct LineReader { /* zeroed at first, but for `most` */
    size_t most;            /* the longest line, in bytes, without its end */
    Buf in;                 /* append here what was read */
    size_t from;            /* where in it the next line begins */
    size_t seen;            /* where the search for that line's end goes on */
    bool dropping; /* within a line that is too long: its rest is dropped */
    /* Gets a line that is too long, piece by piece; may be NULL. */
    void (*dropped)(void *ud, const char *p, size_t n);
    void *ud;
} LineReader;

/* The next whole line, without LF or CR LF. 1: *p, which is not NUL-terminated,
 * is valid until line_reader_consume, which the caller must call; 0: more bytes
 * are needed; ORUN_ETOOBIG, once for each line that is too long: it is dropped,
 * and the lines after it are read as usual. */
int line_reader_next(LineReader *r, const char **p, size_t *n);

/* Is the end of a line that is too long still to come? Drops what there is of
 * it, as line_reader_next does. */
bool line_reader_dropping(LineReader *r);

/* The line that line_reader_next returned is done with. */
void line_reader_consume(LineReader *r);

/* Has a line begun that has not ended? */
bool line_reader_partial(const LineReader *r);

/* Free the buffer. The reader can be used again. */
void line_reader_free(LineReader *r);

#endif
