/* mem.h — every allocation made for orun goes through here.
 *
 * The functions are malloc's with one addition: in the test build any of them
 * can be made to fail, so every error path can be walked. NULL means out of
 * memory; nothing here aborts. Any thread.
 *
 * This is the one seam. Our own code calls it; the states of Lua get their
 * blocks by it (arena.c, json.c); a library that can be given an allocator is
 * given this one in the test build. In the test build only, because such a
 * choice is the whole process's, and the process may be somebody else's:
 * lib_test_failing.c has uv_replace_allocator, and is the place for
 * curl_global_init_mem and sqlite3_config(SQLITE_CONFIG_MALLOC).
 */
#ifndef ORUN_MEM_H
#define ORUN_MEM_H

#include "base/base.h"

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

/* Between the two, the small allocations of this thread, `size` bytes in all,
 * find their memory: for a library that aborts without. It was there a moment
 * ago, and a program that uses it up from another thread in this moment is
 * lost soon anyway. ORUN_ENOMEM, and nothing to end, when it is not there. */
int mem_begin_sure(size_t size) NODISCARD;
void mem_end_sure(void);

#ifdef ORUN_TEST
/* The next allocations but `first` - 1 fail, `count` of them; first 0: none. */
void mem_fail(long first, long count);

/* An allocation is asked for that is served from memory had before: is it to
 * fail? */
bool mem_refused(void);

/* Since the last mem_fail: how many were asked for, and how many failed. */
long mem_asked(void);
long mem_failed(void);

/* Blocks that were not freed yet. */
long mem_live(void);
#else
static inline bool
mem_refused(void)
{
    return false;
}
#endif

#endif
