/* mem.h — every allocation of orun's own code goes through here. Layer 0.
 *
 * The functions are malloc's with one addition: in the test build the n-th
 * allocation can be made to fail, so every error path can be walked. NULL
 * means out of memory; nothing here aborts. Any thread.
 */
#ifndef ORUN_MEM_H
#define ORUN_MEM_H

#include "base.h"

/* `size` bytes, uninitialised; freed with mem_free. */
void *mem_alloc(size_t size) NODISCARD;

/* `count` × `size` zeroed bytes, overflow checked. */
void *mem_zalloc(size_t count, size_t size) NODISCARD;

/* Grow or shrink; on NULL the old block is untouched. */
void *mem_realloc(void *p, size_t size) NODISCARD;

/* Free; NULL is fine. */
void mem_free(void *p);

/* A NUL-terminated copy of `n` bytes. */
char *mem_dup(const char *s, size_t n) NODISCARD;

/* Test build: the n-th allocation from now fails (0: none does). Elsewhere it
 * does nothing. */
void mem_fail_at(long n);

#endif
