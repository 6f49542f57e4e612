/* value_sink.h — where the encoder puts bytes, and what it met.
 *
 * The bytes grow in the block that becomes the Value; small ones never leave
 * the sink itself. Beside them it keeps a hash from addresses (of tables,
 * functions, upvalues, long strings) to where each was written, so the second
 * meeting becomes a REF. Belongs to one thread; a sink is 2 KB, on its stack.
 * Functions return 0, ORUN_ENOMEM or ORUN_ETOOBIG.
 */
#ifndef ORUN_VALUE_SINK_H
#define ORUN_VALUE_SINK_H

#include "base/base.h"

enum {
    SINK_INLINE = 1024, /* bytes before the first malloc */
    SINK_SEEN = 16,     /* addresses before the first malloc; a power of two */
};

/* An address that was met, and what its owner keeps about it (0 at first). */
typedef struct SinkSeen {
    const void *p;
    size_t at;
} SinkSeen;

struct Value;

typedef struct ValueSink {
    unsigned char *p;   /* the bytes: `first`, or inside a block */
    size_t n, cap, max; /* written, fit, allowed */
    int err;            /* why the last NULL */
    SinkSeen *seen;     /* open addressing; seen_cap is a power of two */
    size_t seen_n, seen_cap;
    uint64_t *handles;  /* ids, each once */
    size_t handles_n, handles_cap;

    SinkSeen seen_first[SINK_SEEN];
    unsigned char first[SINK_INLINE];
} ValueSink;

/* Begin; at most `max` bytes will be taken. */
void value_sink_init(ValueSink *s, size_t max);
/* Forget all that was written and met. */
void value_sink_restart(ValueSink *s);
/* Give everything back. */
void value_sink_free(ValueSink *s);

/* The bytes as a Value with one reference, the caller's; the sink is empty
 * then and still to be freed. */
int value_sink_finish(ValueSink *s, struct Value **out) NODISCARD;

/* Room for n bytes, more than there is; NULL and s->err when refused. */
unsigned char *value_sink_grow(ValueSink *s, size_t n);

/* Room for n bytes, which the caller then adds to s->n; NULL likewise. */
static inline unsigned char *
value_sink_room(ValueSink *s, size_t n)
{
    return n <= s->cap - s->n ? s->p + s->n : value_sink_grow(s, n);
}

static inline int
value_sink_tag(ValueSink *s, int tag)
{
    unsigned char *to = value_sink_room(s, 1);
    if (!to)
        return s->err;
    *to = (unsigned char)tag;
    s->n++;
    return 0;
}

/* A tag and a varint. */
int value_sink_varint(ValueSink *s, int tag, uint64_t x) NODISCARD;
/* A tag and the eight bytes at p. */
int value_sink_eight(ValueSink *s, int tag, const void *p) NODISCARD;
/* A tag, a length and that many bytes. */
int value_sink_string(ValueSink *s, int tag, const void *p, size_t n) NODISCARD;
/* The bytes alone. */
int value_sink_bytes(ValueSink *s, const void *p, size_t n) NODISCARD;

/* What is kept about p, 0 when it is new; NULL and s->err when memory is out.
 * Good until the next call. */
size_t *value_sink_seen(ValueSink *s, const void *p);

/* Make the item at `at` the SHARED kind of itself. */
void value_sink_share(ValueSink *s, size_t at);

/* Write the handle, and list it when it is new. */
int value_sink_handle(ValueSink *s, uint64_t id) NODISCARD;

#endif
