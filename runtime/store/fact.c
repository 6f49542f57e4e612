/* fact.c — the fields of a fact's body, written and read.
 */
#include "store/fact.h"
#include "base/err.h"

enum { FACT_HEAD = 5 }; /* tag and length */

static void
fact_bytes(unsigned char *to, uint64_t value, int n)
{
    for (int i = 0; i < n; i++)
        to[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t
fact_value(const unsigned char *p, int n)
{
    uint64_t value = 0;
    for (int i = n; i-- > 0;)
        value = value << 8 | p[i];
    return value;
}

void
fact_put(Buf *body, FactTag tag, const void *p, size_t n)
{
    unsigned char head[FACT_HEAD] = { (unsigned char)tag };
    if (n > UINT32_MAX) {
        body->failed = true;
        return;
    }
    fact_bytes(head + 1, n, 4);
    buf_put(body, head, sizeof head);
    if (n)
        buf_put(body, p, n);
}

void
fact_put_text(Buf *body, FactTag tag, const char *text)
{
    fact_put(body, tag, text, strlen(text));
}

void
fact_put_int(Buf *body, FactTag tag, int64_t value)
{
    unsigned char bytes[8];
    fact_bytes(bytes, (uint64_t)value, 8);
    fact_put(body, tag, bytes, sizeof bytes);
}

void
fact_put_number(Buf *body, FactTag tag, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    fact_put_int(body, tag, (int64_t)bits);
}

void
fact_first(FactField *f, const void *body, size_t n)
{
    static const unsigned char none;
    const unsigned char *p = body ? body : &none;
    *f = (FactField){ .rest = p, .end = p + n };
}

int
fact_next(FactField *f)
{
    size_t left = (size_t)(f->end - f->rest);
    if (left == 0)
        return 0;
    if (left < FACT_HEAD)
        return ORUN_EPROTO;
    uint64_t n = fact_value(f->rest + 1, 4);
    if (n > left - FACT_HEAD)
        return ORUN_EPROTO;
    f->tag = f->rest[0];
    f->p = f->rest + FACT_HEAD;
    f->n = (size_t)n;
    f->rest = f->p + n;
    return 1;
}

int
fact_find(const void *body, size_t n, FactTag tag, FactField *out)
{
    int more;
    fact_first(out, body, n);
    while ((more = fact_next(out)) > 0 && out->tag != tag)
        ;
    return more;
}

bool
fact_int(const FactField *f, int64_t *out)
{
    if (f->n != 8)
        return false;
    *out = (int64_t)fact_value(f->p, 8);
    return true;
}

bool
fact_number(const FactField *f, double *out)
{
    int64_t bits;
    if (!fact_int(f, &bits))
        return false;
    memcpy(out, &bits, sizeof bits);
    return true;
}

const char *
fact_tag_name(uint8_t tag, FactForm *form)
{
    static const struct {
        const char *name;
        uint8_t tag, form;
    } all[] = {
#define X(name, number, lua, form) { lua, number, FACT_AS_##form },
        FACT_TAGS(X)
#undef X
    };
    for (size_t i = 0; i < countof(all); i++)
        if (all[i].tag == tag) {
            *form = (FactForm)all[i].form;
            return all[i].name;
        }
    return NULL;
}
