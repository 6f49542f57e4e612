/* wire.c — where lines end. */
#include "value/wire.h"
#include "base/err.h"

/* Done with all before `at`. The bytes move only when more are needed, so many
 * lines that came at once are not moved for each of them. */
static void
wire_pass(Wire *w, size_t at)
{
    w->from = w->seen = at;
}

/* Have what is left stand at the beginning. */
static void
wire_pack(Wire *w)
{
    if (w->from == 0)
        return;
    w->in.n -= w->from;
    w->seen -= w->from;
    memmove(w->in.p, w->in.p + w->from, w->in.n);
    w->from = 0;
}

/* The LF after what was looked at, or NULL. */
static const char *
wire_end(const Wire *w)
{
    size_t left = w->in.n - w->seen;
    return left ? memchr(w->in.p + w->seen, '\n', left) : NULL;
}

bool
wire_over(Wire *w)
{
    if (!w->over)
        return false;
    const char *end = wire_end(w);
    size_t stop = end ? (size_t)(end - w->in.p) : w->in.n;
    if (w->dropped && stop > w->from)
        w->dropped(w->ud, w->in.p + w->from, stop - w->from);
    wire_pass(w, end ? stop + 1 : stop);
    w->over = !end;
    if (w->over)
        wire_pack(w);
    return w->over;
}

int
wire_line(Wire *w, const char **p, size_t *n)
{
    if (wire_over(w))
        return 0;
    const char *end = wire_end(w);
    size_t stop = end ? (size_t)(end - w->in.p) : w->in.n;
    size_t length = stop - w->from;
    if (end && length > 0 && end[-1] == '\r')
        length--;
    if (length > w->most + !end) { /* a CR at the end is not counted */
        w->seen = w->from; /* all of it is dropped */
        w->over = true;
        wire_over(w);
        return ORUN_ETOOBIG;
    }
    w->seen = stop;
    if (!end)
        wire_pack(w);
    *p = w->in.p + w->from;
    *n = length;
    return end != NULL;
}

void
wire_eat(Wire *w)
{
    wire_pass(w, w->seen + 1);
}

bool
wire_begun(const Wire *w)
{
    return w->over || w->in.n > w->from;
}

void
wire_free(Wire *w)
{
    buf_free(&w->in);
    w->from = w->seen = 0;
    w->over = false;
}
