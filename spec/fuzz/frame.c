/* frame.c — frames of an isolated task: whatever arrives, in whatever pieces,
 * is a frame, the beginning of one, or refused; and what is read can be sent.
 */
#include "value/frame.h"
#include "base/err.h"
#include "fuzz.h"

/* A head with the right sum before the body. */
static void
frame_forge(Buf *b, uint16_t kind, const void *body, size_t n)
{
    struct {
        uint32_t magic;
        uint16_t form, kind;
        uint32_t size;
    } head = { 0x4e55524f, 1, kind, (uint32_t)n };
    MUST_BE(sizeof head == FRAME_HEAD - sizeof(uint32_t));
    uint32_t sum = frame_sum(frame_sum(0, &head, sizeof head), body, n);
    buf_put(b, &head, sizeof head);
    buf_put(b, &sum, sizeof sum);
    buf_put(b, body, n);
}

/* Read every field, in some form; those that were taken go into `copy`. */
static size_t
frame_read(Frame f, FuzzBytes how, Buf *copy)
{
    const char *p;
    size_t n, fields = 0;
    uint64_t x;
    frame_begin(copy, f.kind);
    for (bool more = true; more; fields += more) {
        uint8_t form = fuzz_byte(&how);
        if (form % 4 == 1 && (more = frame_get_number(&f, &x)))
            frame_put_number(copy, x);
        else if (form % 4 == 2 && (more = frame_get_text(&f, &p)))
            frame_put_text(copy, p);
        else if (form % 4 != 1 && form % 4 != 2
                 && (more = frame_get(&f, &p, &n)))
            frame_put(copy, p, n);
        FUZZ_MUST(f.at <= f.end);
    }
    FUZZ_MUST(frame_end(copy) == 0);
    return fields;
}

/* The same, but all at once; then with a part that comes later. */
static int
frame_find(const Buf *in, size_t part, Frame *out)
{
    FrameParser whole = { 0 }, parts = { 0 };
    const char *why = NULL;
    Frame later;
    Buf some = { .p = in->p, .n = part < in->n ? part : in->n };
    int e = frame_parse(&whole, in, out, &why);
    FUZZ_MUST(e == 1 || e == 0 || (e == ORUN_EPROTO && why && *why));
    int first = frame_parse(&parts, &some, &later, &why);
    FUZZ_MUST(first == e || first == 0);
    some.n = in->n;
    if (first == 0)
        FUZZ_MUST(frame_parse(&parts, &some, &later, &why) == e);
    if (e == 1)
        FUZZ_MUST(out->kind == later.kind && out->at == later.at
                  && frame_name(out->kind));
    return e;
}

/* A first byte of 0: the rest is a stream; else the body of a frame. */
FUZZ(data, n)
{
    FuzzBytes bytes = { data, n };
    Buf in = { 0 }, copy = { 0 }, again = { 0 };
    Frame f, g;
    uint8_t kind = fuzz_byte(&bytes), part = fuzz_byte(&bytes);
    if (kind)
        frame_forge(&in, kind, bytes.p, bytes.n);
    else
        buf_put(&in, bytes.p, bytes.n);
    if (frame_find(&in, part, &f) == 1) {
        size_t fields = frame_read(f, bytes, &copy);
        FUZZ_MUST(frame_find(&copy, part, &g) == 1);
        FUZZ_MUST(frame_read(g, bytes, &again) == fields);
        FUZZ_MUST(copy.n == again.n && !memcmp(copy.p, again.p, copy.n));
    } else {
        FUZZ_MUST(!kind || kind >= FRAME_KIND_COUNT);
    }
    buf_free(&in);
    buf_free(&copy);
    buf_free(&again);
    return 0;
}
