/* code_hash.c — a walk over a dump of Lua 5.4.
 *
 * The dump is a head, the number of upvalues, and a function:
 *
 *   source                       a string
 *   lines, first and last        two numbers
 *   parameters, vararg, stack    three bytes
 *   code                         a number, so many instructions of 4 bytes
 *   constants                    a number; a tag each, and what that has
 *   upvalues                     a number, three bytes each
 *   functions                    a number; each as this one
 *   lines                        a number, so many bytes
 *   absolute lines               a number, two numbers each
 *   locals                       a number; a string and two numbers each
 *   names of the upvalues        a number, a string each
 *
 * A number is a varint, high bits first, whose last byte has its top bit set. A
 * string is one more than its length (0: none), and the bytes.
 *
 * What counts is fed to the digest as it stands there, for each of its parts
 * says how long it is.
 */
#include "value/code_hash.h"
#include "base/err.h"
#include <lua.h>

/* What lua_dump puts first, on this machine. */
static const unsigned char code_hash_head[] = { 0x1B, 'L',  'u',  'a',
                                                0x54, 0,    0x19, 0x93,
                                                '\r', '\n', 0x1A, '\n' };

enum {
    CODE_INT_CHECK = 0x5678, /* a number of each kind follows the sizes */
    CODE_INSTRUCTION = 4,
    CODE_UPVALUE = 3, /* in the stack, index, kind */
};
#define CODE_NUM_CHECK 370.5

/* Tags of constants. */
enum {
    CODE_NIL = 0,
    CODE_FALSE = 1,
    CODE_INTEGER = 3,
    CODE_SHORT = 4,
    CODE_TRUE = 17,
    CODE_FLOAT = 19,
    CODE_LONG = 20,
};

typedef struct CodeReader {
    const unsigned char *at, *end;
    Digest *digest; /* NULL: only walk */
    bool failed;    /* malformed; then every read gives nothing */
    /* Told of each string constant; NULL: of no interest. */
    int (*each)(void *ctx, const char *s, size_t n);
    void *ctx;
    int result; /* of the first call that did not return 0 */
} CodeReader;

static void
code_hash_fail(CodeReader *r)
{
    r->failed = true;
    r->at = r->end;
}

/* The next n bytes, NULL when there are fewer. */
static const unsigned char *
code_hash_skip(CodeReader *r, size_t n)
{
    if (n > (size_t)(r->end - r->at))
        return code_hash_fail(r), NULL;
    r->at += n;
    return r->at - n;
}

static void
code_hash_feed(CodeReader *r, const unsigned char *from)
{
    if (r->digest && !r->failed)
        digest_add(r->digest, from, (size_t)(r->at - from));
}

static size_t
code_hash_number(CodeReader *r)
{
    size_t x = 0;
    while (r->at < r->end && x <= SIZE_MAX >> 8) {
        unsigned char c = *r->at++;
        x = x << 7 | (c & 0x7F);
        if (c & 0x80)
            return x;
    }
    code_hash_fail(r);
    return 0;
}

/* A number of things that take `each` bytes at least. */
static size_t
code_hash_count(CodeReader *r, size_t each)
{
    size_t n = code_hash_number(r);
    if (n > (size_t)(r->end - r->at) / each)
        code_hash_fail(r);
    return r->failed ? 0 : n;
}

/* A string's bytes; NULL for none. */
static const unsigned char *
code_hash_string(CodeReader *r, size_t *length)
{
    size_t n = code_hash_number(r);
    *length = n ? n - 1 : 0;
    return n && !r->failed ? code_hash_skip(r, n - 1) : NULL;
}

static void
code_hash_text(CodeReader *r)
{
    size_t n;
    const unsigned char *s = code_hash_string(r, &n);
    if (!s)
        code_hash_fail(r);
    else if (r->each && !r->result)
        r->result = r->each(r->ctx, (const char *)s, n);
}

static void
code_hash_constants(CodeReader *r)
{
    for (size_t n = code_hash_count(r, 1); n && !r->failed; n--) {
        const unsigned char *tag = code_hash_skip(r, 1);
        switch (tag ? *tag : -1) {
        case CODE_NIL:
        case CODE_FALSE:
        case CODE_TRUE: break;
        case CODE_INTEGER: code_hash_skip(r, sizeof(lua_Integer)); break;
        case CODE_FLOAT: code_hash_skip(r, sizeof(lua_Number)); break;
        case CODE_SHORT:
        case CODE_LONG: code_hash_text(r); break;
        default: code_hash_fail(r);
        }
    }
}

/* Where a function inside finds what it captures. What kind of local that is
 * matters to the compiler only. */
static void
code_hash_captures(CodeReader *r, bool outermost)
{
    const unsigned char *from = r->at;
    size_t n = code_hash_count(r, CODE_UPVALUE);
    if (outermost) {
        code_hash_skip(r, n * CODE_UPVALUE);
        return;
    }
    code_hash_feed(r, from);
    for (; n; n--) {
        const unsigned char *one = code_hash_skip(r, CODE_UPVALUE);
        if (r->digest)
            digest_add(r->digest, one, 2);
    }
}

/* For the debugger; the names of the upvalues come last. */
static void
code_hash_debug(CodeReader *r)
{
    size_t length;
    code_hash_skip(r, code_hash_count(r, 1));
    for (size_t n = code_hash_count(r, 2); n && !r->failed; n--)
        code_hash_number(r), code_hash_number(r);
    for (size_t n = code_hash_count(r, 3); n && !r->failed; n--) {
        code_hash_string(r, &length);
        code_hash_number(r), code_hash_number(r);
    }
}

static void
code_hash_names(CodeReader *r)
{
    size_t length;
    for (size_t n = code_hash_count(r, 1); n && !r->failed; n--)
        code_hash_string(r, &length);
}

/* A function, but for the names of its upvalues. */
static void
code_hash_function(CodeReader *r, int depth) /* NOLINT(misc-no-recursion) */
{
    size_t length;
    if (depth > CODE_HASH_DEPTH)
        code_hash_fail(r);
    code_hash_string(r, &length); /* the source */
    code_hash_number(r);
    code_hash_number(r);
    const unsigned char *from = r->at;
    code_hash_skip(r, 3);
    size_t count = code_hash_count(r, CODE_INSTRUCTION);
    code_hash_skip(r, count * CODE_INSTRUCTION);
    code_hash_constants(r);
    code_hash_feed(r, from);
    code_hash_captures(r, depth == 0);
    from = r->at;
    size_t functions = code_hash_count(r, 1);
    code_hash_feed(r, from);
    for (; functions && !r->failed; functions--) {
        code_hash_function(r, depth + 1);
        code_hash_names(r);
    }
    code_hash_debug(r);
}

static bool
code_hash_same(CodeReader *r, const void *want, size_t n)
{
    const unsigned char *p = code_hash_skip(r, n);
    return p && memcmp(p, want, n) == 0;
}

/* Walk the dump, to the names of the outermost function's upvalues. */
static void
code_hash_walk(CodeReader *r)
{
    const unsigned char sizes[] = { CODE_INSTRUCTION, sizeof(lua_Integer),
                                    sizeof(lua_Number) };
    const lua_Integer integer = CODE_INT_CHECK;
    const lua_Number number = CODE_NUM_CHECK;
    if (!code_hash_same(r, code_hash_head, sizeof code_hash_head)
        || !code_hash_same(r, sizes, sizeof sizes)
        || !code_hash_same(r, &integer, sizeof integer)
        || !code_hash_same(r, &number, sizeof number))
        code_hash_fail(r);
    const unsigned char *from = r->at;
    code_hash_skip(r, 1); /* how many upvalues there are */
    code_hash_feed(r, from);
    code_hash_function(r, 0);
}

int
code_hash(const void *p, size_t n, unsigned char hash[DIGEST_SIZE])
{
    Digest digest;
    CodeReader r = { .at = p,
                     .end = (const unsigned char *)p + n,
                     .digest = &digest };
    digest_begin(&digest);
    code_hash_walk(&r);
    code_hash_names(&r);
    digest_end(&digest, hash);
    return r.failed || r.at != r.end ? ORUN_EPROTO : 0;
}

const char *
code_hash_upvalue(const void *p, size_t n, size_t i, size_t *length)
{
    CodeReader r = { .at = p, .end = (const unsigned char *)p + n };
    code_hash_walk(&r);
    size_t names = code_hash_count(&r, 1);
    const unsigned char *name = NULL;
    for (size_t k = 0; k <= i && i < names && !r.failed; k++)
        name = code_hash_string(&r, length);
    return r.failed ? NULL : (const char *)name;
}

/* Is it the word? (Then 1, and the walk tells no more.) */
static int
code_hash_is_require(void *ctx, const char *s, size_t n)
{
    static const char word[] = "require";
    (void)ctx;
    return n == sizeof word - 1 && memcmp(s, word, n) == 0;
}

int
code_hash_required(const void *p, size_t size,
                   int (*each)(void *ctx, const char *s, size_t n), void *ctx)
{
    CodeReader r = { .at = p,
                     .end = (const unsigned char *)p + size,
                     .each = code_hash_is_require };
    code_hash_walk(&r);
    if (r.failed || !r.result)
        return r.failed ? ORUN_EPROTO : 0;
    r = (CodeReader){ .at = p, .end = r.end, .each = each, .ctx = ctx };
    code_hash_walk(&r);
    return r.failed ? ORUN_EPROTO : r.result;
}
