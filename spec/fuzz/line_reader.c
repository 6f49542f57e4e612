/* line_reader.c — lines on the control socket and for `orun mcp`: however the
 * bytes are cut, they are the same lines, and of those only one that is too
 * long is lost.
 */
#include "value/line_reader.h"
#include "base/err.h"
#include "fuzz.h"

/* What is read of the bytes, given `step` at a time: each line, and a mark for
 * each that was too long. */
static void
line_reader_read_all(const uint8_t *p, size_t n, size_t most, size_t step,
                     Buf *out)
{
    LineReader r = { .most = most };
    const char *line;
    size_t length;
    for (size_t at = 0; at < n; at += step) {
        buf_put(&r.in, p + at, n - at < step ? n - at : step);
        for (int got; (got = line_reader_next(&r, &line, &length)) != 0;) {
            FUZZ_MUST(got == 1 || got == ORUN_ETOOBIG);
            buf_puts(out, got == 1 ? "<" : "!");
            if (got != 1)
                continue;
            FUZZ_MUST(length <= most && line >= r.in.p
                      && line + length < r.in.p + r.in.n);
            buf_put(out, line, length);
            buf_puts(out, ">\n");
            line_reader_consume(&r);
        }
        FUZZ_MUST(r.in.n <= most + 1 + step);
    }
    buf_puts(out, line_reader_partial(&r) ? "+" : "");
    line_reader_free(&r);
}

/* The same, by looking at all of it. */
static void
line_reader_expect(const uint8_t *p, size_t n, size_t most, Buf *out)
{
    while (n > 0) {
        const uint8_t *end = memchr(p, '\n', n);
        size_t length = end ? (size_t)(end - p) : n, shown = length;
        if (end && shown > 0 && p[shown - 1] == '\r')
            shown--;
        if (end && shown <= most) {
            buf_puts(out, "<");
            buf_put(out, p, shown);
            buf_puts(out, ">\n");
        } else if (end || shown > most + 1) {
            buf_puts(out, "!");
        }
        if (!end)
            buf_puts(out, "+");
        n -= end ? length + 1 : n;
        p += end ? length + 1 : 0;
    }
}

/* The first byte: the longest line; the second: how many bytes come at once. */
FUZZ(data, n)
{
    FuzzBytes bytes = { data, n };
    size_t most = fuzz_byte(&bytes) % 32, step = fuzz_byte(&bytes) % 16 + 1;
    Buf some = { 0 }, whole = { 0 }, right = { 0 };
    line_reader_read_all(bytes.p, bytes.n, most, step, &some);
    line_reader_read_all(bytes.p, bytes.n, most, bytes.n + 1, &whole);
    line_reader_expect(bytes.p, bytes.n, most, &right);
    FUZZ_MUST(!buf_failed(&right) && some.n == right.n && whole.n == right.n);
    FUZZ_MUST(right.n == 0
              || (!memcmp(some.p, right.p, right.n)
                  && !memcmp(whole.p, right.p, right.n)));
    buf_free(&some);
    buf_free(&whole);
    buf_free(&right);
    return 0;
}
