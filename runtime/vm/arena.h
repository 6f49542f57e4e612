/* arena.h — the memory of one Lua state, and how it is put back.
 *
 * A state lives in a slice: 256 KiB of address space, page-aligned, of which
 * only what is touched costs memory. The slice begins with the Arena itself;
 * the rest is allocated by a bump pointer and free lists by size. Blocks that
 * do not fit come from pages.h or malloc and are recorded, so that they can be
 * freed whatever happened to the state.
 *
 * Because everything that a state owns is in its slice, an image of a slice is
 * a state that can be copied to any address: ArenaImage records which words of
 * it are addresses inside the slice, and adjusts them. Every aligned word that
 * points into the slice is taken for an address. Nothing else looks like one:
 * it would have to hold the slice's 46-bit address by accident, and an image
 * consists of structs, names and library tables. So one image makes every
 * task's state, at first and after every task.
 *
 * Threads: an Arena belongs to the thread that has the state; an ArenaMap is
 * guarded by its owner's lock.
 */
#ifndef ORUN_ARENA_H
#define ORUN_ARENA_H

#include "base/base.h"
#include "base/list.h"

enum {
    ARENA_SLICE = 256 * 1024, /* address space of one state */
    ARENA_KEEP = 64 * 1024,   /* that an unused state may keep resident */
    ARENA_RESERVE = 64 * 1024 /* beyond the limit, once it was hit, so that
                               * the error can be handled and reported */
};

typedef struct Arena Arena;
typedef struct ArenaImage ArenaImage;

/* Slices, cut from large reservations that cost address space only. */
typedef struct ArenaMap {
    List regions; /* the reservations, to unmap */
    char *next;   /* the part of the newest one that was never used */
    size_t left;  /* its size */
    void **given; /* slices given back */
    size_t given_count, given_cap;
} ArenaMap;

void arena_map_init(ArenaMap *m);

/* A page-aligned slice of ARENA_SLICE bytes, or NULL when the system has no
 * address space left. */
void *arena_map_take(ArenaMap *m);

/* Have the system provide the first `n` bytes of a new slice at once, which is
 * faster than page by page. Only a hint. */
void arena_touch(void *slice, size_t n);

/* The slice's addresses go back to the map. */
void arena_map_give(ArenaMap *m, void *slice);

/* The slice's pages go back to the system. */
void arena_forget(void *slice);

/* Unmap everything; every slice is invalid afterwards. */
void arena_map_free(ArenaMap *m);

/* An empty arena in a slice. */
Arena *arena_in(void *slice);

/* An empty arena without a slice, all in pages and malloc'd blocks; NULL when
 * memory is out. arena_heap_free frees it with its blocks. */
Arena *arena_heap_new(void) NODISCARD;
void arena_heap_free(Arena *a);

/* Refuse growth past *limit (0: none); *over becomes true when a refusal was
 * final. Both must exist as long as the arena is used. */
void arena_limit(Arena *a, const size_t *limit, bool *over);

/* Was the last request refused because of the limit? */
bool arena_refused(const Arena *a);

/* Lua's allocator; `ud` is the Arena. */
void *arena_alloc(void *ud, void *p, size_t osize, size_t nsize);

/* Bytes Lua holds now. */
size_t arena_used(const Arena *a);

/* How many userdata were ever made in it. */
size_t arena_userdata(const Arena *a);

/* Free what is outside of the slice, and its memory past ARENA_KEEP. The blocks
 * of the arena must not be used afterwards. */
void arena_drop(Arena *a);

/* A copy of what is in the arena. Errors: ORUN_ENOMEM; ORUN_ETOOBIG when it
 * outgrew its slice. */
int arena_image_new(const Arena *a, ArenaImage **out) NODISCARD;
void arena_image_free(ArenaImage *i);

/* Copy the image to `slice`, overwriting what is there (call arena_drop first).
 * The limit must be set again. */
Arena *arena_image_lay(const ArenaImage *i, void *slice);

/* Bytes of one copied image, and how many of its words are addresses. */
size_t arena_image_size(const ArenaImage *i);
size_t arena_image_spots(const ArenaImage *i);

#endif
