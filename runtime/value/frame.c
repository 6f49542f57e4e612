/* frame.c — building and parsing frames, their fields, their checksum. */
#include "value/frame.h"
#include "base/err.h"
#include <uv.h>

enum {
    FRAME_MAGIC = 0x4e55524f, /* "ORUN" */
    FRAME_FORM = 1,
};

typedef struct FrameHead {
    uint32_t magic;
    uint16_t form, kind;
    uint32_t size; /* of the body */
    uint32_t sum;  /* of the head up to here, and the body */
} FrameHead;

MUST_BE(sizeof(FrameHead) == FRAME_HEAD);

enum { FRAME_SUMMED_HEAD = offsetof(FrameHead, sum) };

/* ---- the checksum: CRC-32C (Castagnoli), eight bytes a step ---- */

static uint32_t frame_table[8][256];

static void
frame_make_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t x = i;
        for (int bit = 0; bit < 8; bit++)
            x = x >> 1 ^ (x & 1 ? 0x82f63b78u : 0);
        frame_table[0][i] = x;
    }
    for (int k = 1; k < 8; k++)
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t x = frame_table[k - 1][i];
            frame_table[k][i] = x >> 8 ^ frame_table[0][x & 0xff];
        }
}

/* The next eight bytes, the first of them in the lowest bits. */
static uint64_t
frame_eight(const unsigned char *p)
{
    uint64_t x = 0;
    for (int i = 7; i >= 0; i--)
        x = x << 8 | p[i];
    return x;
}

uint32_t
frame_sum(uint32_t sum, const void *p, size_t n)
{
    static uv_once_t once = UV_ONCE_INIT;
    const unsigned char *at = p;
    uv_once(&once, frame_make_table);
    sum = ~sum;
    for (; n >= 8; n -= 8, at += 8) {
        uint64_t x = frame_eight(at) ^ sum;
        sum = 0;
        for (int k = 0; k < 8; k++)
            sum ^= frame_table[7 - k][x >> 8 * k & 0xff];
    }
    for (; n > 0; n--)
        sum = sum >> 8 ^ frame_table[0][(sum ^ *at++) & 0xff];
    return ~sum;
}

/* ---- frames ---- */

const char *
frame_name(int kind)
{
    static const char *const names[] = { "?",
#define X(name, text) text,
                                         FRAME_KINDS(X)
#undef X
    };
    return names[kind > 0 && kind < FRAME_KIND_COUNT ? kind : 0];
}

/* What is wrong with a head, NULL when nothing is. */
static const char *
frame_refuse(const FrameHead *head)
{
    if (head->magic != FRAME_MAGIC)
        return "this is not a frame";
    if (head->form != FRAME_FORM)
        return "a frame of another form";
    if (head->kind == FRAME_NONE || head->kind >= FRAME_KIND_COUNT)
        return "a frame of an unknown kind";
    if (head->size > FRAME_MAX)
        return "a frame that is too long";
    return NULL;
}

int
frame_parse(FrameParser *p, const Buf *in, Frame *out, const char **why)
{
    FrameHead head;
    if (in->n < sizeof head)
        return 0;
    memcpy(&head, in->p, sizeof head);
    if ((*why = frame_refuse(&head)) != NULL)
        return ORUN_EPROTO;
    size_t whole = sizeof head + head.size;
    size_t here = in->n < whole ? in->n : whole;
    if (p->summed == 0) {
        p->sum = frame_sum(0, in->p, FRAME_SUMMED_HEAD);
        p->summed = sizeof head;
    }
    p->sum = frame_sum(p->sum, in->p + p->summed, here - p->summed);
    p->summed = here;
    if (here < whole)
        return 0;
    if (p->sum != head.sum) {
        *why = "a frame with a wrong checksum";
        return ORUN_EPROTO;
    }
    *out = (Frame){ head.kind, in->p + sizeof head, in->p + whole };
    return 1;
}

void
frame_begin(Buf *b, int kind)
{
    FrameHead head = { .magic = FRAME_MAGIC,
                       .form = FRAME_FORM,
                       .kind = (uint16_t)kind };
    buf_put(b, &head, sizeof head);
}

int
frame_end(Buf *b)
{
    if (buf_failed(b))
        return ORUN_ENOMEM;
    FrameHead head;
    size_t size = b->n - sizeof head;
    if (size > FRAME_MAX)
        return ORUN_ETOOBIG;
    memcpy(&head, b->p, sizeof head);
    head.size = (uint32_t)size;
    memcpy(b->p, &head, sizeof head);
    head.sum = frame_sum(frame_sum(0, b->p, FRAME_SUMMED_HEAD),
                         b->p + sizeof head, size);
    memcpy(b->p, &head, sizeof head);
    return 0;
}

/* ---- fields ---- */

/* One that is longer than any frame makes the frame too long. */
void
frame_put(Buf *b, const void *p, size_t n)
{
    uint32_t size = n > FRAME_MAX ? FRAME_MAX + 1u : (uint32_t)n;
    buf_put(b, &size, sizeof size);
    buf_put(b, p, size == n ? n : 0);
    if (size != n)
        b->failed = true;
}

/* NULL is an empty field; a text ends in its NUL. */
void
frame_put_text(Buf *b, const char *s)
{
    frame_put(b, s, s ? strlen(s) + 1 : 0);
}

void
frame_put_number(Buf *b, uint64_t x)
{
    frame_put(b, &x, sizeof x);
}

bool
frame_get(Frame *f, const char **p, size_t *n)
{
    uint32_t size;
    size_t left = (size_t)(f->end - f->at);
    if (left < sizeof size)
        return false;
    memcpy(&size, f->at, sizeof size);
    if (size > left - sizeof size)
        return false;
    *p = f->at + sizeof size;
    *n = size;
    f->at = *p + size;
    return true;
}

bool
frame_get_text(Frame *f, const char **s)
{
    size_t n;
    if (!frame_get(f, s, &n))
        return false;
    if (n == 0)
        *s = NULL;
    return n == 0 || memchr(*s, '\0', n) == *s + n - 1;
}

bool
frame_get_number(Frame *f, uint64_t *x)
{
    const char *p;
    size_t n;
    if (!frame_get(f, &p, &n) || n != sizeof *x)
        return false;
    memcpy(x, p, sizeof *x);
    return true;
}
