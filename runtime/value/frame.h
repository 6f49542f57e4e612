/* frame.h — messages between orun and an isolated task.
 *
 * A frame is 16 bytes of head (magic, form, kind, size of the body, CRC-32C of
 * all that and the body) and a body, which is a row of fields: 32 bits of
 * length and as many bytes. Both ends are on one machine and, when the first
 * frames were exchanged, known to be of one build. The head never changes, so
 * two builds can tell each other apart.
 *
 *   child                          orun
 *   HELLO  version, build  ----->
 *          <-----  START  version, build, what is to be done
 *   CALL   a primitive     ----->
 *          <-----  REPLY  its results, or what it raised
 *   END    the outcome     ----->
 *          <-----  STOP   at any time: how hard, why
 *
 * The child has never more than one frame on its way: it waits for the reply.
 * Nothing here trusts what was received: whatever the bytes are, they are a
 * frame, the beginning of one, or refused with a reason.
 */
#ifndef ORUN_FRAME_H
#define ORUN_FRAME_H

#include "base/base.h"
#include "base/buf.h"

/* clang-format off */
#define FRAME_KINDS(X) \
    X(HELLO, "HELLO") X(START, "START") X(CALL, "CALL") X(REPLY, "REPLY") \
    X(END, "END") X(STOP, "STOP")
/* clang-format on */

enum {
    FRAME_NONE,
#define X(name, text) FRAME_##name,
    FRAME_KINDS(X)
#undef X
        FRAME_KIND_COUNT
};

/* Exit codes of a child that has lost its orun, or cannot go on. */
enum {
    FRAME_GONE = 70,
    FRAME_BROKEN = 71,
    FRAME_REFUSED = 72, /* no thread, or no memory, before it greeted */
};

enum {
    FRAME_HEAD = 16,
    FRAME_MAX = 288 << 20, /* bytes of a body: the largest value and a prompt */
};

/* How a value goes in a CALL or a REPLY: a number, then one of these. */
enum {
    CARRY_VALUE,  /* names of handles' tasks (id, text; in one field), value
                   * as bytes */
    CARRY_LIST,   /* the same of what TaskList gives */
    CARRY_OBJECT, /* the number of an object, a collector or a response,
                   * which stays in orun; in a REPLY after it its type, then
                   * its fields as CARRY_VALUE has them */
};

/* A whole frame, and what of it was not read yet. */
typedef struct Frame {
    int kind;
    const char *at, *end; /* into the Buf it was found in */
} Frame;

/* What is known of the frame that is arriving; zeroed for each. */
typedef struct FrameParser {
    size_t summed; /* bytes that are in `sum` */
    uint32_t sum;
} FrameParser;

/* Is the beginning of `in` a frame? 1: *out is it, and bytes may follow it; 0:
 * more is needed; ORUN_EPROTO: never, *why (a constant) tells. To be called
 * again, with the same parser, when bytes were added: each is looked at once.
 */
int frame_parse(FrameParser *p, const Buf *in, Frame *out, const char **why);

/* "CALL" for FRAME_CALL; a constant. */
const char *frame_name(int kind);

/* Begin a frame in `b`, which is empty; fields; end it. Errors of the Buf
 * stick; frame_end returns 0, ORUN_ENOMEM or ORUN_ETOOBIG. */
void frame_begin(Buf *b, int kind);
void frame_put(Buf *b, const void *p, size_t n);
void frame_put_text(Buf *b, const char *s); /* NULL is kept as that */
void frame_put_number(Buf *b, uint64_t x);
int frame_end(Buf *b) NODISCARD;

/* Take the next field: false if there is none, or if it is not of that kind. A
 * text is NUL-terminated inside of the frame, or NULL. */
bool frame_get(Frame *f, const char **p, size_t *n) NODISCARD;
bool frame_get_text(Frame *f, const char **s) NODISCARD;
bool frame_get_number(Frame *f, uint64_t *x) NODISCARD;

/* CRC-32C of n more bytes, after those that gave `sum` (0 at first). */
uint32_t frame_sum(uint32_t sum, const void *p, size_t n);

#endif
