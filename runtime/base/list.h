/* list.h — an intrusive doubly linked ring.
 *
 * A node lives inside what it links; a list is a node of its own. A node that
 * is not in a list links to itself, so list_del may be called twice. The
 * owner's lock guards all of it.
 */
#ifndef ORUN_LIST_H
#define ORUN_LIST_H

#include "base/base.h"

typedef struct List {
    struct List *prev, *next;
} List;

static inline void
list_init(List *l)
{
    l->prev = l->next = l;
}

static inline bool
list_empty(const List *l)
{
    return l->next == l;
}

/* Put `node` at the end of `l`. */
static inline void
list_push(List *l, List *node)
{
    node->prev = l->prev;
    node->next = l;
    l->prev->next = node;
    l->prev = node;
}

/* Put `node` right after `at` (a list, for the front). */
static inline void
list_after(List *at, List *node)
{
    list_push(at->next, node);
}

static inline void
list_del(List *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* Take the first node out, or NULL. */
static inline List *
list_shift(List *l)
{
    List *node = l->next;
    if (node == l)
        return NULL;
    list_del(node);
    return node;
}

#define list_each(node, l) \
    for (List *node = (l)->next, *node##_next = node->next; node != (l); \
         node = node##_next, node##_next = node->next)

/* The one of `n` lists, a hash table, that objects of this name are in. */
static inline List *
list_named(List *rings, size_t n, const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return &rings[hash % n];
}

#endif
