/* pages.h — small blocks of a Lua state, packed tightly.
 *
 * What malloc gives costs 8 bytes and rounding a block, and the memory of one
 * table lies far from that of the next: too much for a script that holds a
 * million handles. A page is 16 KiB at an address that is a multiple of that,
 * and holds blocks of one size; its head counts them, so a block is given back
 * without being told its size, and a page that has become empty serves any
 * other size. Blocks are 8-byte aligned, which is all that Lua asks for.
 *
 * Pages come from malloc, many at once, and go back to it only all together:
 * pages_free. Who calls: the thread that has the state.
 */
#ifndef ORUN_PAGES_H
#define ORUN_PAGES_H

#include "base/base.h"

enum { PAGES_LARGEST = 512 }; /* bytes of a block */

typedef struct Pages Pages;

/* NULL when memory is out. */
Pages *pages_new(void) NODISCARD;

/* Gives back every block at once; NULL is fine. */
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
