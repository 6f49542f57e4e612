/* value_cycle.c — Tarjan's strongly connected components, without recursion.
 *
 * The nodes on the way to the one in hand are on `way`, each with its next
 * link; those that were met and whose component is not known are on `met`. A
 * component is complete when the first of its nodes that was met is left, and
 * then all that it leads to is done.
 */
#include "value/value_cycle.h"
#include "base/err.h"
#include "base/mem.h"
#include <stdlib.h>

#define CYCLE_DONE UINT32_MAX /* low, of a node that has its hash */

typedef struct CycleStep {
    uint32_t node, next;
} CycleStep;

typedef struct CycleWalk {
    ValueGraph *g;
    ValueCycleHash *make;
    void *ctx;
    CycleStep *way;
    uint32_t *met;
    size_t way_n, met_n;
    size_t work;    /* that may still be done in rounds */
    uint32_t count; /* nodes that were met so far */
} CycleWalk;

static int
value_cycle_order(const void *a, const void *b)
{
    return memcmp(a, b, DIGEST_SIZE);
}

/* Of n hashes leave each once, in order; how many there are. */
static size_t
value_cycle_distinct(unsigned char (*hashes)[DIGEST_SIZE], size_t n)
{
    size_t kept = 0;
    qsort(hashes, n, DIGEST_SIZE, value_cycle_order);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || memcmp(hashes[kept - 1], hashes[i], DIGEST_SIZE) != 0)
            memmove(hashes[kept++], hashes[i], DIGEST_SIZE);
    return kept;
}

/* One round: from the hashes of the n members to their next ones, by way of
 * `next`, where those that differ are afterwards. */
static int
value_cycle_round(CycleWalk *w, const uint32_t *members, size_t n,
                  unsigned char (*next)[DIGEST_SIZE], size_t *distinct)
{
    for (size_t i = 0; i < n; i++) {
        ValueNode *node = &w->g->nodes[members[i]];
        unsigned char before[DIGEST_SIZE];
        memcpy(before, node->hash, sizeof before);
        int error = w->make(w->ctx, node);
        if (error)
            return error;
        memcpy(next[i], node->hash, sizeof next[i]);
        memcpy(node->hash, before, sizeof before);
        size_t work = 1 + (size_t)node->count;
        if (work > w->work)
            return ORUN_ETOOBIG;
        w->work -= work;
    }
    for (size_t i = 0; i < n; i++)
        memcpy(w->g->nodes[members[i]].hash, next[i], sizeof next[i]);
    *distinct = value_cycle_distinct(next, n);
    return 0;
}

/* The hashes of the n nodes of a cycle. */
static int
value_cycle_rounds(CycleWalk *w, const uint32_t *members, size_t n)
{
    unsigned char(*next)[DIGEST_SIZE] = mem_zalloc(n, sizeof *next);
    size_t distinct = 0, before;
    int error = next ? 0 : ORUN_ENOMEM;
    for (size_t i = 0; i < n; i++)
        memset(w->g->nodes[members[i]].hash, 0, DIGEST_SIZE);
    do {
        before = distinct ? distinct : 1;
        if (!error)
            error = value_cycle_round(w, members, n, next, &distinct);
    } while (!error && distinct > before);
    for (size_t i = 0; i < n && !error; i++) {
        ValueNode *node = &w->g->nodes[members[i]];
        Digest digest;
        digest_begin(&digest);
        digest_add(&digest, "cycle", 5);
        digest_add(&digest, next, distinct * sizeof *next);
        digest_add(&digest, node->hash, sizeof node->hash);
        digest_end(&digest, node->hash);
    }
    mem_free(next);
    return error;
}

static bool
value_cycle_loops(const CycleWalk *w, const ValueNode *node)
{
    const ValueLink *link = w->g->links + node->first;
    for (uint32_t i = 0; i < node->count; i++)
        if (value_graph_node(w->g, &link[i]) == node)
            return true;
    return false;
}

/* The nodes from met[from] on are one component. */
static int
value_cycle_component(CycleWalk *w, size_t from)
{
    const uint32_t *members = w->met + from;
    size_t n = w->met_n - from;
    ValueNode *first = &w->g->nodes[members[0]];
    int error = n == 1 && !value_cycle_loops(w, first)
        ? w->make(w->ctx, first)
        : value_cycle_rounds(w, members, n);
    for (size_t i = 0; i < n; i++)
        w->g->nodes[members[i]].low = CYCLE_DONE;
    w->met_n = from;
    return error;
}

static void
value_cycle_enter(CycleWalk *w, ValueNode *node)
{
    uint32_t at = (uint32_t)(node - w->g->nodes);
    node->number = node->low = ++w->count;
    w->met[w->met_n++] = at;
    w->way[w->way_n++] = (CycleStep){ at, 0 };
}

/* Leave the last node of the way. */
static int
value_cycle_leave(CycleWalk *w)
{
    const ValueNode *node = &w->g->nodes[w->way[--w->way_n].node];
    if (node->low == node->number) {
        size_t from = w->met_n;
        while (w->g->nodes[w->met[from - 1]].number > node->number)
            from--;
        return value_cycle_component(w, from - 1);
    }
    ValueNode *up = &w->g->nodes[w->way[w->way_n - 1].node];
    up->low = up->low < node->low ? up->low : node->low;
    return 0;
}

static int
value_cycle_walk(CycleWalk *w, ValueNode *whole)
{
    int error = 0;
    value_cycle_enter(w, whole);
    while (w->way_n && !error) {
        CycleStep *step = &w->way[w->way_n - 1];
        ValueNode *node = &w->g->nodes[step->node];
        if (step->next == node->count) {
            error = value_cycle_leave(w);
            continue;
        }
        const ValueLink *link = &w->g->links[node->first + step->next++];
        ValueNode *to = value_graph_node(w->g, link);
        if (to && !to->number)
            value_cycle_enter(w, to);
        else if (to && to->low != CYCLE_DONE && to->number < node->low)
            node->low = to->number;
    }
    return error;
}

int
value_cycle_hash(ValueGraph *g, ValueCycleHash *make, void *ctx)
{
    ValueNode *whole = value_graph_node(g, g->links);
    int error = 0;
    if (!g->shared) { /* then what a node links to lies behind it */
        for (size_t i = g->node_count; i > 0 && !error; i--)
            error = make(ctx, &g->nodes[i - 1]);
        return error;
    }
    if (!whole)
        return 0;
    CycleWalk w = { .g = g, .make = make, .ctx = ctx };
    w.work = VALUE_CYCLE_WORK
        + (g->node_count + g->link_count) * VALUE_CYCLE_EACH;
    w.way = mem_zalloc(g->node_count, sizeof *w.way);
    w.met = mem_zalloc(g->node_count, sizeof *w.met);
    error = w.way && w.met ? value_cycle_walk(&w, whole) : ORUN_ENOMEM;
    mem_free(w.way);
    mem_free(w.met);
    return error;
}
