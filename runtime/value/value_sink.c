/* value_sink.c — where the encoder puts bytes, and what it met. */
#include "value/value_sink.h"
#include "base/err.h"
#include "base/mem.h"
#include "value/value_form.h"

void
value_sink_init(ValueSink *s, size_t max)
{
    memset(s, 0, offsetof(ValueSink, seen_first));
    s->p = s->first;
    s->max = max;
    s->cap = max < SINK_INLINE ? max : SINK_INLINE;
}

void
value_sink_restart(ValueSink *s)
{
    if (s->seen_cap)
        memset(s->seen, 0, s->seen_cap * sizeof *s->seen);
    s->n = s->seen_n = s->handles_n = 0;
    s->err = 0;
}

void
value_sink_free(ValueSink *s)
{
    if (s->p != s->first)
        mem_free(s->p - VALUE_HEAD);
    if (s->seen != s->seen_first)
        mem_free(s->seen);
    mem_free(s->handles);
}

/* ---- bytes ---- */

unsigned char *
value_sink_grow(ValueSink *s, size_t n)
{
    if (n > s->max - s->n)
        return s->err = ORUN_ETOOBIG, NULL;
    size_t cap = s->cap * 2 > s->n + n ? s->cap * 2 : s->n + n;
    cap = cap < s->max ? cap : s->max; /* which is at least s->n + n */
    bool inside = s->p == s->first;
    unsigned char *block = inside ? mem_alloc(VALUE_HEAD + cap)
                           : mem_realloc(s->p - VALUE_HEAD, VALUE_HEAD + cap);
    if (!block)
        return s->err = ORUN_ENOMEM, NULL;
    s->p = block + VALUE_HEAD;
    s->cap = cap;
    if (inside)
        memcpy(s->p, s->first, s->n);
    return s->p + s->n;
}

int
value_sink_varint(ValueSink *s, int tag, uint64_t x)
{
    unsigned char *to = value_sink_room(s, 1 + VALUE_VARINT_MAX);
    if (!to)
        return s->err;
    *to = (unsigned char)tag;
    s->n = (size_t)(value_put_varint(to + 1, x) - s->p);
    return 0;
}

int
value_sink_eight(ValueSink *s, int tag, const void *p)
{
    unsigned char *to = value_sink_room(s, 9);
    if (!to)
        return s->err;
    *to = (unsigned char)tag;
    memcpy(to + 1, p, 8);
    s->n += 9;
    return 0;
}

int
value_sink_string(ValueSink *s, int tag, const void *p, size_t n)
{
    int err = value_sink_varint(s, tag, n);
    return err ? err : value_sink_bytes(s, p, n);
}

int
value_sink_bytes(ValueSink *s, const void *p, size_t n)
{
    unsigned char *to = value_sink_room(s, n);
    if (!to)
        return s->err;
    memcpy(to, p, n);
    s->n += n;
    return 0;
}

/* ---- addresses ---- */

static SinkSeen *
value_sink_slot(ValueSink *s, const void *p)
{
    size_t mask = s->seen_cap - 1;
    size_t i = ((uintptr_t)p >> 3) * 0x9E3779B97F4A7C15u >> 32 & mask;
    while (s->seen[i].p && s->seen[i].p != p)
        i = (i + 1) & mask;
    return &s->seen[i];
}

static int
value_sink_rehash(ValueSink *s)
{
    SinkSeen *old = s->seen;
    size_t cap = s->seen_cap;
    SinkSeen *now = mem_zalloc(cap * 4, sizeof *now);
    if (!now)
        return ORUN_ENOMEM;
    s->seen = now;
    s->seen_cap = cap * 4;
    for (size_t i = 0; i < cap; i++)
        if (old[i].p)
            *value_sink_slot(s, old[i].p) = old[i];
    if (old != s->seen_first)
        mem_free(old);
    return 0;
}

size_t *
value_sink_seen(ValueSink *s, const void *p)
{
    if (!s->seen_cap) {
        memset(s->seen_first, 0, sizeof s->seen_first);
        s->seen = s->seen_first;
        s->seen_cap = SINK_SEEN;
    } else if (s->seen_n * 4 >= s->seen_cap * 3 && value_sink_rehash(s)) {
        return s->err = ORUN_ENOMEM, NULL;
    }
    SinkSeen *slot = value_sink_slot(s, p);
    if (!slot->p) {
        *slot = (SinkSeen){ p, 0 };
        s->seen_n++;
    }
    return &slot->at;
}

void
value_sink_share(ValueSink *s, size_t at)
{
    unsigned char *tag = s->p + at;
    if (*tag == TAG_STRING || *tag == TAG_TABLE || *tag == TAG_ARRAY
        || *tag == TAG_FUNCTION)
        ++*tag;
    s->p[1] |= VALUE_HAS_SHARED;
}

/* ---- handles ---- */

static int
value_sink_list(ValueSink *s, uint64_t id)
{
    if (s->handles_n == s->handles_cap) {
        size_t cap = s->handles_cap ? s->handles_cap * 2 : 4;
        uint64_t *p = mem_realloc(s->handles, cap * sizeof *p);
        if (!p)
            return ORUN_ENOMEM;
        s->handles = p;
        s->handles_cap = cap;
    }
    s->handles[s->handles_n++] = id;
    return 0;
}

int
value_sink_handle(ValueSink *s, uint64_t id)
{
    /* An odd number is no address, so ids and addresses share the hash. */
    size_t *met = value_sink_seen(s, (void *)(uintptr_t)(id << 1 | 1));
    int err = met ? 0 : s->err;
    if (met && !*met) {
        *met = 1;
        err = value_sink_list(s, id);
    }
    return err ? err : value_sink_varint(s, TAG_HANDLE, id);
}

/* ---- the Value ---- */

int
value_sink_finish(ValueSink *s, struct Value **out)
{
    size_t ids = s->handles_n * sizeof *s->handles;
    size_t size = VALUE_HEAD + s->n + 1 + ids;
    bool inside = s->p == s->first;
    struct Value *v = inside ? mem_alloc(size)
                             : mem_realloc(s->p - VALUE_HEAD, size);
    if (!v)
        return ORUN_ENOMEM;
    if (inside)
        memcpy(v->bytes, s->first, s->n);
    atomic_init(&v->refs, 1);
    v->n = s->n;
    v->handles = (uint32_t)s->handles_n;
    v->trusted = true;
    v->mapped = false;
    v->bytes[s->n] = '\0';
    if (ids)
        memcpy(v->bytes + s->n + 1, s->handles, ids);
    s->p = s->first;
    *out = v;
    return 0;
}
