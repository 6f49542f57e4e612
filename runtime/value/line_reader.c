/* line_reader.c — where lines end. */
#include "value/line_reader.h"
#include "base/err.h"

/* Everything before `at` is done with. The bytes move only when more are
 * needed, so that many lines that came at once are not moved for each one. */
static void
line_reader_skip_to(LineReader *r, size_t at)
{
    r->from = r->seen = at;
}

/* Move what is left to the beginning of the buffer. */
static void
line_reader_pack(LineReader *r)
{
    if (r->from == 0)
        return;
    r->in.n -= r->from;
    r->seen -= r->from;
    memmove(r->in.p, r->in.p + r->from, r->in.n);
    r->from = 0;
}

/* The first LF that was not looked at yet, or NULL. */
static const char *
line_reader_end(const LineReader *r)
{
    size_t left = r->in.n - r->seen;
    return left ? memchr(r->in.p + r->seen, '\n', left) : NULL;
}

bool
line_reader_dropping(LineReader *r)
{
    if (!r->dropping)
        return false;
    const char *end = line_reader_end(r);
    size_t stop = end ? (size_t)(end - r->in.p) : r->in.n;
    if (r->dropped && stop > r->from)
        r->dropped(r->ud, r->in.p + r->from, stop - r->from);
    line_reader_skip_to(r, end ? stop + 1 : stop);
    r->dropping = !end;
    if (r->dropping)
        line_reader_pack(r);
    return r->dropping;
}

int
line_reader_next(LineReader *r, const char **p, size_t *n)
{
    if (line_reader_dropping(r))
        return 0;
    const char *end = line_reader_end(r);
    size_t stop = end ? (size_t)(end - r->in.p) : r->in.n;
    size_t length = stop - r->from;
    if (end && length > 0 && end[-1] == '\r')
        length--;
    if (length > r->most + !end) { /* a CR at the end is not counted */
        r->seen = r->from;         /* all of it is dropped */
        r->dropping = true;
        line_reader_dropping(r);
        return ORUN_ETOOBIG;
    }
    r->seen = stop;
    if (!end)
        line_reader_pack(r);
    *p = r->in.p + r->from;
    *n = length;
    return end != NULL;
}

void
line_reader_consume(LineReader *r)
{
    line_reader_skip_to(r, r->seen + 1);
}

bool
line_reader_partial(const LineReader *r)
{
    return r->dropping || r->in.n > r->from;
}

void
line_reader_free(LineReader *r)
{
    buf_free(&r->in);
    r->from = r->seen = 0;
    r->dropping = false;
}
