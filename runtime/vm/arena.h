/* arena.h — the memory of one Lua state, and how it is put back.
 *
 * A state lives in a slice: 256 KiB of address space, page-aligned, of which
 * only what is touched costs memory. The slice begins with the Arena itself;
 * behind it a bump pointer and free lists by size serve blocks. What does not
 * fit goes to pages.h or malloc and is kept track of, so it can be freed
 * whatever became of the state.
 *
 * Because everything a state owns is in its slice, an image of a slice is a
 * state that can be laid anywhere: ArenaImage remembers which words of it are
 * addresses inside the slice and moves them by the distance. An aligned word
 * that points into the slice is taken for an address. Nothing else can look
 * like one: it would have to hold the slice's 46-bit address by accident, and
 * an image is made of structs, names and library tables that hold none. So one
 * image makes every task's state, the first time and after every task.
 *
 * Who calls: the thread that has the state; ArenaMap under its owner's lock.
 */
#ifndef ORUN_ARENA_H
#define ORUN_ARENA_H

#include "base/base.h"
#include "base/list.h"

enum {
    ARENA_SLICE = 256 * 1024, /* address space of one state */
    ARENA_KEEP = 64 * 1024,   /* of which a resting state may keep resident */
    ARENA_RESERVE = 64 * 1024 /* beyond the limit, once it was hit, so that
                               * the error can be handled and told */
};

typedef struct Arena Arena;
typedef struct ArenaImage ArenaImage;

/* Slices, cut from large reservations that cost address space only. */
typedef struct ArenaMap {
    List regions;     /* the reservations, to unmap */
    char *next;       /* the part of the newest one that was never used */
    size_t left;      /* its size */
    void **given;     /* slices given back */
    size_t given_count, given_cap;
} ArenaMap;

void arena_map_init(ArenaMap *m);

/* A page-aligned slice of ARENA_SLICE bytes, or NULL when the system has no
 * address space left. */
void *arena_map_take(ArenaMap *m);

/* Get the first `n` bytes of a new slice from the system at once, which is
 * quicker than page by page. Only a hint. */
void arena_touch(void *slice, size_t n);

/* The slice's addresses go back to the map. */
void arena_map_give(ArenaMap *m, void *slice);

/* The slice's pages go back to the system. */
void arena_forget(void *slice);

/* Unmap everything; every slice is invalid afterwards. */
void arena_map_free(ArenaMap *m);

/* An empty arena in a slice. */
Arena *arena_in(void *slice);

/* An empty arena without a slice, all of it in pages and malloc'd blocks; NULL
 * when memory is out. Freed with arena_heap_free, and its blocks with it. */
Arena *arena_heap_new(void) NODISCARD;
void arena_heap_free(Arena *a);

/* Growth past *limit (0: none) is refused; *over becomes true when that was
 * final. Both must outlive the arena's use. */
void arena_limit(Arena *a, const size_t *limit, bool *over);

/* Was the growth that was asked for last refused because of the limit? */
bool arena_refused(const Arena *a);

/* Lua's allocator; `ud` is the Arena. */
void *arena_alloc(void *ud, void *p, size_t osize, size_t nsize);

/* Bytes Lua holds now. */
size_t arena_used(const Arena *a);

/* How many userdata were ever made in it. */
size_t arena_userdata(const Arena *a);

/* Free what is outside of the slice, and its memory past ARENA_KEEP. What was
 * in the arena must not be used again. */
void arena_drop(Arena *a);

/* A copy of what is in the arena. Errors: ORUN_ENOMEM; ORUN_ETOOBIG when it
 * outgrew its slice. */
int arena_image_new(const Arena *a, ArenaImage **out) NODISCARD;
void arena_image_free(ArenaImage *i);

/* Lay the image into `slice`, overwriting what is there (arena_drop first).
 * The limit is to be set anew. */
Arena *arena_image_lay(const ArenaImage *i, void *slice);

/* Bytes of one laid image, and how many of its words are addresses. */
size_t arena_image_size(const ArenaImage *i);
size_t arena_image_spots(const ArenaImage *i);

#endif
