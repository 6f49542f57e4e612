/* value_graph.h — what a Value's bytes hold, as tables, functions and links.
 *
 * Read without a Lua state, and of the bytes none is trusted. Each table, each
 * function, each long string and each string that is met again is a node; what
 * is in one are its links, in an order that depends on neither how the table is
 * laid out nor in which order it was filled: of a table the items of its
 * sequence (the keys 1..n), then the others by their keys; of a function what
 * it captures, in the order of its upvalues. What has more than one way to it
 * is one node with several links to it, so there may be cycles.
 *
 * Takes 16 bytes for each item of a table, 64 for each node. Belongs to one
 * thread; the Value must be held meanwhile.
 */
#ifndef ORUN_VALUE_GRAPH_H
#define ORUN_VALUE_GRAPH_H

#include "base/base.h"
#include "base/digest.h"
#include "value/value.h"
#include <lua.h>

enum { VALUE_GRAPH_LONG = 256 }; /* longer strings are nodes */

typedef enum ValueItemKind {
    ITEM_NIL,
    ITEM_FALSE,
    ITEM_TRUE,
    ITEM_NULL,    /* JSON's */
    ITEM_GLOBALS, /* what the code that runs it has for globals */
    ITEM_BUNDLE,  /* … the same of orun's own modules */
    ITEM_INTEGER,
    ITEM_FLOAT,
    ITEM_STRING,
    ITEM_LIBRARY, /* a C function: "module\0field" */
    ITEM_MODULE,  /* a module, by its name */
    ITEM_HANDLE,  /* a task's */
    ITEM_TABLE,
    ITEM_ARRAY, /* a table that is marked as an array of JSON */
    ITEM_FUNCTION,
} ValueItemKind;

/* One item: what it is and what goes with that. Of a function the bytes are its
 * dump. */
typedef struct ValueItem {
    ValueItemKind kind;
    size_t n; /* of p */
    union {
        const char *p;
        lua_Integer integer;
        lua_Number number;
        uint64_t id;
    };
} ValueItem;

typedef struct ValueNode {
    size_t at;                       /* offset of its item */
    size_t first;                    /* its links … */
    uint32_t count;                  /* … and how many */
    uint32_t number;                 /* value_cycle.c's, 0 at first … */
    uint32_t low;                    /* … as this one */
    uint32_t code;                   /* value_hash.c's, 0 at first … */
    unsigned char hash[DIGEST_SIZE]; /* … as this one */
} ValueNode;

#define VALUE_GRAPH_NODE (SIZE_MAX / 2 + 1)

typedef struct ValueLink {
    size_t key; /* offset of the key; 0: there is none, it is the next one */
    size_t to;  /* offset of an item; with VALUE_GRAPH_NODE the node's number */
} ValueLink;

typedef struct ValueGraph {
    const unsigned char *start, *end;
    ValueNode *nodes; /* by their offsets */
    ValueLink *links; /* the first is that to the whole */
    size_t node_count, node_cap, link_count, link_cap;
    bool shared; /* something has more than one way to it */
} ValueGraph;

/* Read v into *g. Errors: ORUN_ENOMEM; ORUN_EPROTO, it is malformed. Free *g in
 * any case. */
int value_graph_read(ValueGraph *g, const Value *v) NODISCARD;

void value_graph_free(ValueGraph *g);

/* The item at an offset that a link or a node has. */
ValueItem value_graph_item(const ValueGraph *g, size_t at);

/* The key at an offset that a link has, as Lua takes it: a float that is a
 * whole number is that integer. */
ValueItem value_graph_key(const ValueGraph *g, size_t at);

/* The node that the link leads to, NULL when it is none. */
static inline ValueNode *
value_graph_node(const ValueGraph *g, const ValueLink *link)
{
    return link->to & VALUE_GRAPH_NODE ? &g->nodes[link->to & ~VALUE_GRAPH_NODE]
                                       : NULL;
}

#endif
