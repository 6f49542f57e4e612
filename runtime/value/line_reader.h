/* wire.h — lines that come piece by piece, of a bounded length.
 *
 * What programs say on the control socket, and what is said to `orun mcp`, are
 * lines. Whatever the bytes are and however they were cut, they are a line, the
 * beginning of one, or too long. Nothing is looked at twice.
 */
#ifndef ORUN_WIRE_H
#define ORUN_WIRE_H

#include "base/base.h"
#include "base/buf.h"

typedef struct Wire { /* zeroed at first, but for `most` */
    size_t most;  /* bytes of a line, without its end */
    Buf in;       /* append here what has come */
    size_t from;  /* where in it the next line begins */
    size_t seen;  /* where the search for the line's end goes on */
    bool over;    /* in a line that is too long: the rest of it is dropped */
    /* Is given a line that is too long, piece by piece; may be NULL. */
    void (*dropped)(void *ud, const char *p, size_t n);
    void *ud;
} Wire;

/* The next whole line, without LF or CR LF: 1, and *p (not NUL-terminated) is
 * good until wire_eat, which is due; 0: more is needed; ORUN_ETOOBIG, once for
 * each such line: it is not kept, and what follows it is read as ever. */
int wire_line(Wire *w, const char **p, size_t *n);

/* Has the rest of a line that is too long not come yet? What is there of it is
 * dropped; wire_line does that, too. */
bool wire_over(Wire *w);

/* Done with the line that was given. */
void wire_eat(Wire *w);

/* Has a line begun that did not end? */
bool wire_begun(const Wire *w);

/* Give everything back. */
void wire_free(Wire *w);

#endif
