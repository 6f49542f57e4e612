/* value_hash.c — the bytes that a hash is taken of.
 *
 * Each is a letter, and what goes with it; numbers are 8 bytes, the low ones
 * first:
 *
 *   n f t 0 G B              nil, false, true, JSON's null, the globals, those
 *                            of orun's modules
 *   i integer, d bits        numbers
 *   s length bytes           a string; a long one that is a value is a node
 *   L length bytes           a C function
 *   M length bytes hash      a module
 *   h hash                   a handle
 *   N hash                   a node, which is one of
 *   S bytes                    a long string
 *   T count items              a table: `.` and a value, or `=`, key and value
 *   A count items              the same, marked as an array
 *   F hash count values        a function: its code, and what it captures
 *
 * VALUE_HASH_FORM comes first in what is taken of the whole; it changes with
 * all this.
 */
#include "value/value_hash.h"
#include "base/err.h"
#include "base/mem.h"
#include "value/code_hash.h"
#include "value/value_cycle.h"
#include "value/value_form.h"
#include "value/value_graph.h"

enum {
    VALUE_HASH_FORM = 1,
    VALUE_HASH_BATCH = 512, /* bytes that are collected before they are added */
};

typedef struct ValueHasher {
    ValueGraph g;
    const ValueHashOps *ops;             /* never NULL */
    unsigned char (*codes)[DIGEST_SIZE]; /* of functions; node->code - 1 */
    size_t codes_n, codes_cap;
    int error; /* the first */
    Digest digest;
    size_t n;
    unsigned char batch[VALUE_HASH_BATCH];
} ValueHasher;

static void
value_hash_fail(ValueHasher *h, int error)
{
    h->error = h->error ? h->error : error;
}

/* ---- bytes ---- */

static void
value_hash_flush(ValueHasher *h)
{
    digest_add(&h->digest, h->batch, h->n);
    h->n = 0;
}

static void
value_hash_put(ValueHasher *h, const void *p, size_t n)
{
    if (n > VALUE_HASH_BATCH - h->n)
        value_hash_flush(h);
    if (n > VALUE_HASH_BATCH) {
        digest_add(&h->digest, p, n);
    } else if (n) {
        memcpy(h->batch + h->n, p, n);
        h->n += n;
    }
}

static void
value_hash_letter(ValueHasher *h, char letter)
{
    value_hash_put(h, &letter, 1);
}

static void
value_hash_number(ValueHasher *h, uint64_t x)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++, x >>= 8)
        bytes[i] = (unsigned char)x;
    value_hash_put(h, bytes, sizeof bytes);
}

static void
value_hash_begin(ValueHasher *h)
{
    digest_begin(&h->digest);
    h->n = 0;
}

static void
value_hash_end(ValueHasher *h, unsigned char hash[DIGEST_SIZE])
{
    value_hash_flush(h);
    digest_end(&h->digest, hash);
}

/* ---- items ---- */

static void
value_hash_module(ValueHasher *h, const ValueItem *item)
{
    unsigned char hash[DIGEST_SIZE] = { 0 };
    if (h->ops->module)
        value_hash_fail(h, h->ops->module(h->ops->ctx, item->p, item->n, hash));
    value_hash_put(h, hash, sizeof hash);
}

static void
value_hash_handle(ValueHasher *h, uint64_t id)
{
    unsigned char hash[DIGEST_SIZE] = { 0 };
    value_hash_fail(h,
                    h->ops->handle ? h->ops->handle(h->ops->ctx, id, hash)
                                   : ORUN_EUNSENDABLE);
    value_hash_letter(h, 'h');
    value_hash_put(h, hash, sizeof hash);
}

/* Is it what only this program has? */
static bool
value_hash_is_own(ValueItemKind kind)
{
    return kind == ITEM_GLOBALS || kind == ITEM_BUNDLE || kind == ITEM_LIBRARY
        || kind == ITEM_MODULE || kind == ITEM_FUNCTION;
}

/* An item that is no node. */
static void
value_hash_item(ValueHasher *h, const ValueItem *item)
{
    static const char letters[] = {
        [ITEM_NIL] = 'n',     [ITEM_FALSE] = 'f',   [ITEM_TRUE] = 't',
        [ITEM_NULL] = '0',    [ITEM_GLOBALS] = 'G', [ITEM_BUNDLE] = 'B',
        [ITEM_INTEGER] = 'i', [ITEM_FLOAT] = 'd',   [ITEM_STRING] = 's',
        [ITEM_LIBRARY] = 'L', [ITEM_MODULE] = 'M',
    };
    if (item->kind == ITEM_HANDLE) {
        value_hash_handle(h, item->id);
        return;
    }
    if (h->ops->data && value_hash_is_own(item->kind))
        value_hash_fail(h, ORUN_EUNSENDABLE);
    value_hash_letter(h, letters[item->kind]);
    if (item->kind == ITEM_INTEGER || item->kind == ITEM_FLOAT) {
        value_hash_number(h, (uint64_t)item->integer); /* or the bits */
    } else if (item->kind >= ITEM_STRING) {
        value_hash_number(h, item->n);
        value_hash_put(h, item->p, item->n);
    }
    if (item->kind == ITEM_MODULE)
        value_hash_module(h, item);
}

/* What a link leads to. */
static void
value_hash_link(ValueHasher *h, const ValueLink *link)
{
    const ValueNode *node = value_graph_node(&h->g, link);
    ValueItem item = value_graph_item(&h->g, node ? node->at : link->to);
    if (!node || (item.kind == ITEM_STRING && item.n <= VALUE_GRAPH_LONG)) {
        value_hash_item(h, &item);
        return;
    }
    value_hash_letter(h, 'N');
    value_hash_put(h, node->hash, sizeof node->hash);
}

/* ---- nodes ---- */

static void
value_hash_table(ValueHasher *h, const ValueNode *node)
{
    const ValueLink *link = h->g.links + node->first;
    value_hash_number(h, node->count);
    for (uint32_t i = 0; i < node->count && !h->error; i++) {
        value_hash_letter(h, link[i].key ? '=' : '.');
        if (link[i].key) {
            ValueItem key = value_graph_key(&h->g, link[i].key);
            value_hash_item(h, &key);
        }
        value_hash_link(h, &link[i]);
    }
}

/* The modules that a function's code requires, which are among its strings. */
typedef struct ValueRequired {
    ValueHasher *h;
    Digest digest;
    bool any;
} ValueRequired;

static int
value_hash_required_one(void *ctx, const char *s, size_t n)
{
    static const unsigned char none[DIGEST_SIZE] = { 0 };
    ValueRequired *r = ctx;
    unsigned char hash[DIGEST_SIZE] = { 0 };
    int error = r->h->ops->module(r->h->ops->ctx, s, n, hash);
    if (error || memcmp(hash, none, sizeof hash) == 0)
        return error;
    r->any = true;
    digest_add(&r->digest, hash, sizeof hash);
    return 0;
}

/* What they are counts with the code that requires them. */
static int
value_hash_required(ValueHasher *h, const ValueItem *item,
                    unsigned char code[DIGEST_SIZE])
{
    ValueRequired r = { .h = h };
    if (!h->ops->module)
        return 0;
    digest_begin(&r.digest);
    digest_add(&r.digest, code, DIGEST_SIZE);
    int error = code_hash_required(item->p, item->n, value_hash_required_one,
                                   &r);
    if (!error && r.any)
        digest_end(&r.digest, code);
    return error;
}

/* Have the hash of the function's code; its number in h->codes. */
static size_t
value_hash_code(ValueHasher *h, ValueNode *node, const ValueItem *item)
{
    if (node->code)
        return node->code - 1;
    if (h->codes_n == h->codes_cap) {
        size_t cap = h->codes_cap ? h->codes_cap * 2 : 8;
        void *more = mem_realloc(h->codes, cap * sizeof *h->codes);
        if (!more)
            return value_hash_fail(h, ORUN_ENOMEM), 0;
        h->codes = more;
        h->codes_cap = cap;
    }
    unsigned char *code = h->codes[h->codes_n];
    value_hash_fail(h, code_hash(item->p, item->n, code));
    if (!h->error)
        value_hash_fail(h, value_hash_required(h, item, code));
    node->code = (uint32_t)++h->codes_n;
    return node->code - 1;
}

static void
value_hash_function(ValueHasher *h, const ValueNode *node, size_t code)
{
    value_hash_put(h, h->codes[code], sizeof h->codes[code]);
    value_hash_number(h, node->count);
    for (uint32_t i = 0; i < node->count && !h->error; i++)
        value_hash_link(h, &h->g.links[node->first + i]);
}

/* For value_cycle_hash: what the node is, from what it links to. */
static int
value_hash_node(void *ctx, ValueNode *node)
{
    ValueHasher *h = ctx;
    ValueItem item = value_graph_item(&h->g, node->at);
    if (h->ops->data && value_hash_is_own(item.kind))
        value_hash_fail(h, ORUN_EUNSENDABLE);
    size_t code = item.kind == ITEM_FUNCTION ? value_hash_code(h, node, &item)
                                             : 0;
    if (h->error)
        return h->error;
    value_hash_begin(h);
    if (item.kind == ITEM_STRING) {
        value_hash_letter(h, 'S');
        value_hash_put(h, item.p, item.n);
    } else if (item.kind == ITEM_FUNCTION) {
        value_hash_letter(h, 'F');
        value_hash_function(h, node, code);
    } else {
        value_hash_letter(h, item.kind == ITEM_ARRAY ? 'A' : 'T');
        value_hash_table(h, node);
    }
    value_hash_end(h, node->hash);
    return h->error;
}

/* ---- the whole ---- */

static int
value_hash_whole(ValueHasher *h, const ValueLink *link,
                 unsigned char hash[DIGEST_SIZE])
{
    value_hash_begin(h);
    value_hash_letter(h, VALUE_HASH_FORM);
    value_hash_link(h, link);
    value_hash_end(h, hash);
    return h->error;
}

/* Tell what the function, which is the whole, consists of. */
static int
value_hash_parts(ValueHasher *h, const ValueNode *node)
{
    ValueItem code = value_graph_item(&h->g, node->at);
    int error = h->ops->part(h->ops->ctx, NULL, 0, h->codes[node->code - 1]);
    for (uint32_t i = 0; i < node->count && !error; i++) {
        const ValueLink *link = &h->g.links[node->first + i];
        const ValueNode *to = value_graph_node(&h->g, link);
        ValueItemKind kind =
            value_graph_item(&h->g, to ? to->at : link->to).kind;
        if (kind == ITEM_GLOBALS || kind == ITEM_BUNDLE)
            continue;
        unsigned char hash[DIGEST_SIZE];
        size_t n = 0;
        const char *name = code_hash_upvalue(code.p, code.n, i, &n);
        error = value_hash_whole(h, link, hash);
        if (!error)
            error = h->ops->part(h->ops->ctx, name ? name : "?", name ? n : 1,
                                 hash);
    }
    return error;
}

int
value_hash(const Value *v, const ValueHashOps *ops,
           unsigned char hash[DIGEST_SIZE])
{
    static const ValueHashOps none = { 0 };
    ValueHasher h;
    memset(&h, 0, offsetof(ValueHasher, digest));
    h.ops = ops ? ops : &none;
    int error = value_graph_read(&h.g, v);
    if (!error)
        error = value_cycle_hash(&h.g, value_hash_node, &h);
    if (!error)
        error = value_hash_whole(&h, h.g.links, hash);
    const ValueNode *node = error ? NULL : value_graph_node(&h.g, h.g.links);
    if (node && node->code && h.ops->part)
        error = value_hash_parts(&h, node);
    mem_free(h.codes);
    value_graph_free(&h.g);
    value_rest(v);
    return error;
}
