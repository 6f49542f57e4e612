/* wire.c — where lines end. */
#include "wire.h"
#include "err.h"

/* Drop the first n bytes. */
static void
wire_drop(Wire *w, size_t n)
{
    w->seen = 0;
    if (n == 0)
        return;
    w->in.n -= n;
    memmove(w->in.p, w->in.p + n, w->in.n);
}

/* The LF after what was looked at, or NULL. */
static const char *
wire_end(const Wire *w)
{
    size_t left = w->in.n - w->seen;
    return left ? memchr(w->in.p + w->seen, '\n', left) : NULL;
}

/* Drop what is there of a line that is too long; false: all of it is gone. */
static bool
wire_skip(Wire *w)
{
    const char *end = wire_end(w);
    wire_drop(w, end ? (size_t)(end - w->in.p) + 1 : w->in.n);
    w->over = !end;
    return w->over;
}

int
wire_line(Wire *w, const char **p, size_t *n)
{
    if (w->over && wire_skip(w))
        return 0;
    const char *end = wire_end(w);
    size_t length = end ? (size_t)(end - w->in.p) : w->in.n;
    if (end && length > 0 && end[-1] == '\r')
        length--;
    if (length > w->most + !end) { /* a CR at the end is not counted */
        wire_skip(w);
        return ORUN_ETOOBIG;
    }
    w->seen = end ? (size_t)(end - w->in.p) : w->in.n;
    *p = w->in.p;
    *n = length;
    return end != NULL;
}

void
wire_eat(Wire *w)
{
    wire_drop(w, w->seen + 1);
}

bool
wire_begun(const Wire *w)
{
    return w->over || w->in.n > 0;
}

void
wire_free(Wire *w)
{
    buf_free(&w->in);
    w->seen = 0;
    w->over = false;
}
