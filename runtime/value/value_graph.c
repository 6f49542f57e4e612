/* value_graph.c — from a Value's bytes to its graph.
 *
 * One walk, front to back, as value_read.c goes; the layout is in value_form.h.
 * The nodes are made as their items begin, so they lie sorted by their offsets,
 * and what a REF or CELL asks for is found by searching them.
 */
#include "value/value_graph.h"
#include "base/err.h"
#include "base/mem.h"
#include "value/value_form.h"
#include <stdlib.h>

typedef struct GraphReader {
    ValueGraph *g;
    const unsigned char *at;
    size_t budget; /* entries that tables may still promise */
    int depth;
    int error; /* of the first failure; then all reads fail */
} GraphReader;

static void
value_graph_fail(GraphReader *r, int error)
{
    r->error = r->error ? r->error : error;
    r->at = r->g->end;
}

/* ---- items ---- */

/* A tag that needs no bytes of its own: what it stands for, or -1. */
static int
value_graph_plain(int tag)
{
    switch (tag) {
    case TAG_NIL: return ITEM_NIL;
    case TAG_FALSE: return ITEM_FALSE;
    case TAG_TRUE: return ITEM_TRUE;
    case TAG_NULL: return ITEM_NULL;
    case TAG_GLOBALS: return ITEM_GLOBALS;
    case TAG_BUNDLE: return ITEM_BUNDLE;
    default: return -1;
    }
}

/* A tag that a length and so many bytes follow: what it stands for, or -1. */
static int
value_graph_counted(int tag)
{
    switch (tag) {
    case TAG_STRING:
    case TAG_STRING_SHARED: return ITEM_STRING;
    case TAG_LIBRARY: return ITEM_LIBRARY;
    case TAG_MODULE: return ITEM_MODULE;
    default: return -1;
    }
}

/* The next n bytes; NULL when there are fewer. */
static const unsigned char *
value_graph_skip(const unsigned char **at, const unsigned char *end, size_t n)
{
    if (n > (size_t)(end - *at))
        return NULL;
    *at += n;
    return *at - n;
}

/* A number of 8 bytes, or the integer of a varint. */
static bool
value_graph_number(int tag, const unsigned char **at, const unsigned char *end,
                   ValueItem *item)
{
    uint64_t z;
    item->kind = tag == TAG_FLOAT ? ITEM_FLOAT : ITEM_INTEGER;
    if (tag == TAG_INT) {
        bool fine = value_get_varint(at, end, &z);
        item->integer = fine ? (lua_Integer)(z >> 1 ^ (z & 1 ? UINT64_MAX : 0))
                             : 0;
        return fine;
    }
    const unsigned char *p = value_graph_skip(at, end, sizeof item->integer);
    if (p)
        memcpy(&item->integer, p, sizeof item->integer);
    return p;
}

/* Read an item that is no table, function, REF or CELL; false when it is one of
 * them, or cut off. */
static bool
value_graph_scalar(const unsigned char **at, const unsigned char *end,
                   ValueItem *item)
{
    uint64_t n;
    if (*at == end)
        return false;
    int tag = *(*at)++, kind = value_graph_plain(tag);
    *item = (ValueItem){ .kind = (ValueItemKind)kind };
    if (kind >= 0)
        return true;
    if (tag >= TAG_SMALL) {
        item->kind = ITEM_INTEGER;
        item->integer = tag - TAG_SMALL;
        return true;
    }
    if (tag == TAG_INT || tag == TAG_INT64 || tag == TAG_FLOAT)
        return value_graph_number(tag, at, end, item);
    if (tag == TAG_HANDLE) {
        item->kind = ITEM_HANDLE;
        return value_get_varint(at, end, &item->id);
    }
    kind = tag >= TAG_SHORT ? ITEM_STRING : value_graph_counted(tag);
    if (tag >= TAG_SHORT)
        n = (uint64_t)tag - TAG_SHORT;
    else if (kind < 0 || !value_get_varint(at, end, &n))
        return false;
    if (n > (size_t)(end - *at))
        return false;
    item->kind = (ValueItemKind)kind;
    item->n = (size_t)n;
    item->p = (const char *)value_graph_skip(at, end, (size_t)n);
    return true;
}

ValueItem
value_graph_item(const ValueGraph *g, size_t at)
{
    ValueItem item;
    const unsigned char *p = g->start + at;
    uint32_t code;
    switch (*p) {
    case TAG_TABLE:
    case TAG_TABLE_SHARED: return (ValueItem){ .kind = ITEM_TABLE };
    case TAG_ARRAY:
    case TAG_ARRAY_SHARED: return (ValueItem){ .kind = ITEM_ARRAY };
    case TAG_FUNCTION:
    case TAG_FUNCTION_SHARED:
        memcpy(&code, p + 2, sizeof code);
        item = (ValueItem){ .kind = ITEM_FUNCTION, .n = code };
        item.p = (const char *)p + 2 + sizeof code;
        return item;
    default: value_graph_scalar(&p, g->end, &item); return item;
    }
}

/* ---- nodes and links ---- */

/* `count` elements more, of `size` bytes, in the block that *p is. */
static bool
value_graph_grow(void **p, size_t *cap, size_t n, size_t count, size_t size)
{
    if (count <= *cap - n)
        return true;
    size_t more = *cap + *cap / 2 > n + count ? *cap + *cap / 2 : n + count;
    more = more < 16 ? 16 : more;
    void *block = more < SIZE_MAX / 2 / size ? mem_realloc(*p, more * size)
                                             : NULL;
    if (!block)
        return false;
    *p = block;
    *cap = more;
    return true;
}

/* `count` links more, all empty; the number of the first. */
static size_t
value_graph_add_links(GraphReader *r, size_t count)
{
    ValueGraph *g = r->g;
    size_t first = g->link_count;
    void *p = g->links;
    if (!value_graph_grow(&p, &g->link_cap, first, count, sizeof *g->links)) {
        value_graph_fail(r, ORUN_ENOMEM);
        return 0;
    }
    g->links = p;
    if (count)
        memset(g->links + first, 0, count * sizeof *g->links);
    g->link_count += count;
    return first;
}

/* The node of the item at `at`, to which link `slot` leads; its number. */
static size_t
value_graph_add_node(GraphReader *r, size_t slot, const unsigned char *at)
{
    ValueGraph *g = r->g;
    size_t n = g->node_count;
    void *p = g->nodes;
    if (n >= UINT32_MAX
        || !value_graph_grow(&p, &g->node_cap, n, 1, sizeof *g->nodes)) {
        value_graph_fail(r, ORUN_ENOMEM);
        return 0;
    }
    g->nodes = p;
    g->nodes[n] = (ValueNode){ .at = (size_t)(at - g->start) };
    g->node_count++;
    g->links[slot].to = n | VALUE_GRAPH_NODE;
    return n;
}

/* The node whose item began at that offset, or NULL. */
static ValueNode *
value_graph_find(const ValueGraph *g, uint64_t offset)
{
    size_t low = 0, high = g->node_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (g->nodes[middle].at == offset)
            return &g->nodes[middle];
        if (g->nodes[middle].at < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- the order of keys ---- */

/* The keys of a sequence come first, so that those which go on where the array
 * ends are met first. */
static int
value_graph_rank(const ValueItem *key)
{
    if (key->kind == ITEM_INTEGER)
        return key->integer > 0 ? 0 : 1;
    return 2 + (int)key->kind;
}

ValueItem
value_graph_key(const ValueGraph *g, size_t at)
{
    ValueItem key = value_graph_item(g, at);
    lua_Integer integer;
    if (key.kind == ITEM_FLOAT && key.number >= (lua_Number)LUA_MININTEGER
        && key.number < -(lua_Number)LUA_MININTEGER
        && (lua_Number)(integer = (lua_Integer)key.number) == key.number) {
        key.kind = ITEM_INTEGER;
        key.integer = integer;
    }
    return key;
}

static int
value_graph_compare(const ValueItem *a, const ValueItem *b)
{
    int order = value_graph_rank(a) - value_graph_rank(b);
    if (order)
        return order;
    switch (a->kind) {
    case ITEM_INTEGER:
        return (a->integer > b->integer) - (a->integer < b->integer);
    case ITEM_FLOAT: return (a->number > b->number) - (a->number < b->number);
    case ITEM_STRING: break;
    default: return 0;
    }
    size_t n = a->n < b->n ? a->n : b->n;
    order = n ? memcmp(a->p, b->p, n) : 0;
    return order ? order : (a->n > b->n) - (a->n < b->n);
}

static int
value_graph_by_key(const void *a, const void *b, void *g)
{
    ValueItem x = value_graph_key(g, ((const ValueLink *)a)->key);
    ValueItem y = value_graph_key(g, ((const ValueLink *)b)->key);
    return value_graph_compare(&x, &y);
}

/* Put `count` links that have keys, behind a sequence of n, in order. */
static void
value_graph_sort(GraphReader *r, ValueLink *links, size_t count, size_t n)
{
    if (count > 1)
        qsort_r(links, count, sizeof *links, value_graph_by_key, r->g);
    ValueItem last, key;
    size_t next = n + 1; /* of the sequence; 0: it has ended */
    for (size_t i = 0; i < count; i++, last = key) {
        key = value_graph_key(r->g, links[i].key);
        bool positive = value_graph_rank(&key) == 0;
        bool there = positive && (lua_Unsigned)key.integer <= n;
        if (there || (i > 0 && value_graph_compare(&last, &key) == 0)) {
            value_graph_fail(r, ORUN_EPROTO);
            return;
        }
        if (positive && (lua_Unsigned)key.integer == next)
            links[i].key = 0, next++;
        else
            next = 0;
    }
}

/* ---- the walk ---- */

static void value_graph_value(GraphReader *r, size_t slot);

static uint64_t
value_graph_varint(GraphReader *r)
{
    uint64_t x = 0;
    if (!value_get_varint(&r->at, r->g->end, &x))
        value_graph_fail(r, ORUN_EPROTO);
    return x;
}

static uint32_t
value_graph_u32(GraphReader *r)
{
    uint32_t x = 0;
    const unsigned char *p = value_graph_skip(&r->at, r->g->end, sizeof x);
    if (p)
        memcpy(&x, p, sizeof x);
    else
        value_graph_fail(r, ORUN_EPROTO);
    return x;
}

static bool
value_graph_enter(GraphReader *r)
{
    if (r->depth >= VALUE_MAX_DEPTH)
        value_graph_fail(r, ORUN_EPROTO);
    r->depth += !r->error;
    return !r->error;
}

/* A string, number or boolean; or a string that was met before. */
static void
value_graph_read_key(GraphReader *r, size_t slot)
{
    ValueGraph *g = r->g;
    ValueItem key = { .kind = ITEM_NIL };
    value_graph_value(r, slot);
    if (r->error)
        return;
    const ValueNode *node = value_graph_node(g, &g->links[slot]);
    size_t at = node ? node->at : g->links[slot].to;
    key = value_graph_item(g, at);
    bool fine = key.kind == ITEM_STRING || key.kind == ITEM_INTEGER
        || key.kind == ITEM_FALSE || key.kind == ITEM_TRUE
        || (key.kind == ITEM_FLOAT && key.number == key.number);
    if (!fine)
        value_graph_fail(r, ORUN_EPROTO);
    g->links[slot] = (ValueLink){ .key = at };
}

static void
value_graph_table(GraphReader *r, size_t slot)
{
    ValueGraph *g = r->g;
    size_t node = value_graph_add_node(r, slot, r->at - 1);
    uint32_t array = value_graph_u32(r), pairs = value_graph_u32(r);
    uint64_t promised = array + (uint64_t)pairs * 2;
    if (promised > r->budget || (uint64_t)array + pairs > UINT32_MAX)
        value_graph_fail(r, ORUN_EPROTO);
    if (!value_graph_enter(r))
        return;
    r->budget -= (size_t)promised;
    size_t first = value_graph_add_links(r, (size_t)array + pairs);
    if (r->error)
        return;
    g->nodes[node].first = first;
    g->nodes[node].count = array + pairs;
    for (size_t i = 0; i < (size_t)array + pairs && !r->error; i++) {
        if (i >= array)
            value_graph_read_key(r, first + i);
        if (!r->error)
            value_graph_value(r, first + i);
    }
    if (!r->error)
        value_graph_sort(r, g->links + first + array, pairs, array);
    r->depth--;
}

/* An upvalue that another function has: what is in it, or begins to be. */
static void
value_graph_cell(GraphReader *r, size_t slot)
{
    ValueGraph *g = r->g;
    const ValueNode *owner = value_graph_find(g, value_graph_varint(r));
    const unsigned char *index = value_graph_skip(&r->at, g->end, 1);
    if (!g->shared || !owner || !index || *index == 0 || *index > owner->count
        || value_graph_item(g, owner->at).kind != ITEM_FUNCTION
        || !g->links[owner->first + *index - 1].to)
        value_graph_fail(r, ORUN_EPROTO);
    else
        g->links[slot].to = g->links[owner->first + *index - 1].to;
}

static void
value_graph_function(GraphReader *r, size_t slot)
{
    ValueGraph *g = r->g;
    size_t node = value_graph_add_node(r, slot, r->at - 1);
    const unsigned char *upvalues = value_graph_skip(&r->at, g->end, 1);
    uint32_t code = value_graph_u32(r);
    if (!upvalues || !value_graph_skip(&r->at, g->end, code))
        value_graph_fail(r, ORUN_EPROTO);
    if (!value_graph_enter(r))
        return;
    size_t first = value_graph_add_links(r, *upvalues);
    if (r->error)
        return;
    g->nodes[node].first = first;
    g->nodes[node].count = *upvalues;
    for (size_t i = first; i < first + *upvalues && !r->error; i++) {
        if (r->at < g->end && *r->at == TAG_CELL)
            r->at++, value_graph_cell(r, i);
        else
            value_graph_value(r, i);
    }
    r->depth--;
}

static void
value_graph_ref(GraphReader *r, size_t slot)
{
    const ValueNode *node = value_graph_find(r->g, value_graph_varint(r));
    if (!r->g->shared || r->error || !node)
        value_graph_fail(r, ORUN_EPROTO);
    else
        r->g->links[slot].to = (size_t)(node - r->g->nodes) | VALUE_GRAPH_NODE;
}

/* Any other item: what begins at r->at. */
static void
value_graph_other(GraphReader *r, size_t slot)
{
    ValueItem item;
    const unsigned char *at = r->at;
    if (!value_graph_scalar(&r->at, r->g->end, &item))
        value_graph_fail(r, ORUN_EPROTO);
    else if (*at == TAG_STRING_SHARED
             || (item.kind == ITEM_STRING && item.n > VALUE_GRAPH_LONG))
        value_graph_add_node(r, slot, at);
    else
        r->g->links[slot].to = (size_t)(at - r->g->start);
}

/* Read the item at r->at, to which link `slot` shall lead. */
static void
value_graph_value(GraphReader *r, size_t slot)
{
    if (r->at == r->g->end) {
        value_graph_fail(r, ORUN_EPROTO);
        return;
    }
    switch (*r->at) {
    case TAG_TABLE:
    case TAG_TABLE_SHARED:
    case TAG_ARRAY:
    case TAG_ARRAY_SHARED: r->at++, value_graph_table(r, slot); break;
    case TAG_FUNCTION:
    case TAG_FUNCTION_SHARED: r->at++, value_graph_function(r, slot); break;
    case TAG_REF: r->at++, value_graph_ref(r, slot); break;
    default: value_graph_other(r, slot);
    }
}

int
value_graph_read(ValueGraph *g, const Value *v)
{
    size_t n;
    const unsigned char *p = value_bytes(v, &n);
    *g = (ValueGraph){ .start = p, .end = p + n };
    if (n <= VALUE_HEAD_BYTES || p[0] != VALUE_FORM)
        return ORUN_EPROTO;
    g->shared = p[1] & VALUE_HAS_SHARED;
    GraphReader r = { .g = g, .at = p + VALUE_HEAD_BYTES, .budget = n };
    size_t slot = value_graph_add_links(&r, 1);
    if (!r.error)
        value_graph_value(&r, slot);
    if (!r.error && r.at != g->end)
        r.error = ORUN_EPROTO;
    return r.error;
}

void
value_graph_free(ValueGraph *g)
{
    mem_free(g->nodes);
    mem_free(g->links);
    *g = (ValueGraph){ 0 };
}
