/* pages.h — small blocks of a Lua state, packed tightly.
 *
 * malloc costs 8 bytes and rounding for each block, and scatters the memory of
 * tables: too much for a script that holds a million handles. A page is 16 KiB
 * at an address that is a multiple of that, and holds blocks of one size. Its
 * head counts them, so a block can be freed without its size, and an empty page
 * can be used for another size. Blocks are 8-byte aligned, which is all that
 * Lua needs.
 *
 * Pages come from malloc, many at once, and are freed only all together, by
 * pages_free. On the thread that has the state.
 */
#ifndef ORUN_PAGES_H
#define ORUN_PAGES_H

#include "base/base.h"

enum { PAGES_LARGEST = 512 }; /* bytes of a block */

typedef struct Pages Pages;

/* NULL when memory is out. */
Pages *pages_new(void) NODISCARD;

/* Free every block at once; NULL is fine. */
void pages_free(Pages *p);

/* A block of n bytes, 1 to PAGES_LARGEST; NULL when memory is out. */
void *pages_get(Pages *p, size_t n) NODISCARD;
void pages_put(Pages *p, void *block);

/* The size that n bytes take. */
static inline size_t
pages_fit(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

#endif
