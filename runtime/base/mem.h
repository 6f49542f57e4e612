/* mem.h — every allocation made for orun goes through here.
 *
 * The functions are malloc's with one addition: in the test build any of them
 * can be made to fail, so every error path can be walked. NULL means out of
 * memory; nothing here aborts. Any thread.
 *
 * This is the one seam. Our own code calls it; the states of Lua get their
 * blocks by it (arena.c, json.c); a library that can be given an allocator is
 * given this one in the test build. In the test build only, because such a
 * choice is for the whole process, which may be another program's:
 * lib_test_failing.c has uv_replace_allocator and
 * sqlite3_config(SQLITE_CONFIG_MALLOC), and is the place for
 * curl_global_init_mem.
 */
#ifndef ORUN_MEM_H
#define ORUN_MEM_H

#include "base/base.h"

/* From now on memory comes from `alloc`, which is realloc, and free for n 0, on
 * any thread. Before anything was allocated. */
void mem_from(void *(*alloc)(void *ud, void *p, size_t n), void *ud);

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

/* Between the two calls this thread's small allocations, `size` bytes in all,
 * succeed: for a library that would abort otherwise. The memory was available a
 * moment ago; a program that uses it up in another thread at this moment is
 * lost soon anyway. ORUN_ENOMEM if it is not available: then do not call
 * mem_end_sure. */
int mem_begin_sure(size_t size) NODISCARD;
void mem_end_sure(void);

#ifdef ORUN_TEST
/* Let `count` allocations fail, from the `first` next on; first 0: none. */
void mem_fail(long first, long count);

/* An allocation is about to be served from memory that was reserved before:
 * should it fail? */
bool mem_refused(void);

/* How many allocations were requested, and failed, since the last mem_fail. */
long mem_asked(void);
long mem_failed(void);

/* How many blocks are allocated now. */
long mem_live(void);
#else
static inline bool
mem_refused(void)
{
    return false;
}
#endif

#endif
