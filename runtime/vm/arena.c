/* arena.c — the memory of one Lua state, and how it is restored.
 *
 * Sizes are rounded to 16 bytes up to 1 KiB and to a quarter of a power of two
 * up to 64 KiB, so a freed block serves the next one of its class. Blocks never
 * merge: a state lives for one task. But a large one that is freed (Lua leaves
 * some behind as its string table grows) is cut up for small ones, which keeps
 * a state in few pages. Beyond the slice, or without one (the script's state),
 * small blocks come from pages.h and the others from malloc.
 */
#include "vm/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "vm/pages.h"
#include <lua.h>
#include <sys/mman.h>

/* In a build for sanitizers every block is malloc'd, so that they see it. */
#ifdef ORUN_MALLOC_STATES
enum { ARENA_PAGED = 0 };
#else
enum { ARENA_PAGED = PAGES_LARGEST };
#endif

enum {
    ARENA_GRAIN = 16,
    ARENA_SMALL = 1024,      /* up to here a class is one grain wide */
    ARENA_LARGE = 64 * 1024, /* the largest block served from a slice */
    ARENA_CUT = 512,         /* from here a freed block may be cut up */
    ARENA_CLASSES = 64 + 6 * 4 + 1,
    ARENA_REGION = 64 * 1024 * 1024,
    ARENA_PATIENCE = 16, /* how often a memory error may be caught */
};

/* At the start of a slice, so that an image holds it too. */
struct Arena {
    size_t size;         /* of the slice; 0: there is none */
    size_t top;          /* offset of the first byte never handed out */
    size_t cut, cut_end; /* offsets of what is left of a block being cut up */
    size_t used;         /* bytes Lua holds */
    size_t userdata;     /* made so far */
    size_t refused;      /* the growth that was refused last, or 0 */
    unsigned given_up;   /* refused growths that were not requested again */
    const size_t *limit;
    bool *over;
    List big;     /* malloc'd blocks */
    Pages *pages; /* small blocks beyond the slice; NULL: none yet */
    uint32_t free[ARENA_CLASSES]; /* offset of the first block, 0 none; in
                                   * its first bytes that of the next */
};

/* The head of a malloc'd block. */
typedef struct ArenaBig {
    List link;
} ArenaBig;

struct ArenaImage {
    const char *base; /* the slice it was taken from */
    size_t size;
    size_t spots;
    uint32_t *spot; /* offsets of the words that are addresses inside */
    char *bytes;
};

static const size_t arena_no_limit;
static bool arena_over_unread;

/* Slices */

void
arena_map_init(ArenaMap *m)
{
    memset(m, 0, sizeof *m);
    list_init(&m->regions);
}

/* The first slice of a region carries the link by which it is found again. */
static bool
arena_map_grow(ArenaMap *m)
{
    char *p = mem_refused()
        ? MAP_FAILED
        : mmap(NULL, ARENA_REGION, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return false;
    /* A huge page would make eight states resident instead of one. */
    madvise(p, ARENA_REGION, MADV_NOHUGEPAGE);
    list_push(&m->regions, (List *)(void *)p);
    m->next = p + ARENA_SLICE;
    m->left = ARENA_REGION - ARENA_SLICE;
    return true;
}

void *
arena_map_take(ArenaMap *m)
{
    if (m->given_count)
        return m->given[--m->given_count];
    if (m->left < ARENA_SLICE && !arena_map_grow(m))
        return NULL;
    char *slice = m->next;
    m->next += ARENA_SLICE;
    m->left -= ARENA_SLICE;
    return slice;
}

void
arena_touch(void *slice, size_t n)
{
#ifdef MADV_POPULATE_WRITE
    madvise(slice, n, MADV_POPULATE_WRITE);
#else
    (void)slice, (void)n;
#endif
}

void
arena_forget(void *slice)
{
    madvise(slice, ARENA_SLICE, MADV_DONTNEED);
}

/* Without memory for the note the addresses are lost until the map is freed,
 * which is harmless. */
void
arena_map_give(ArenaMap *m, void *slice)
{
    if (m->given_count == m->given_cap) {
        size_t cap = m->given_cap ? m->given_cap * 2 : 64;
        void **given = mem_realloc(m->given, cap * sizeof *given);
        if (!given)
            return;
        m->given = given;
        m->given_cap = cap;
    }
    m->given[m->given_count++] = slice;
}

void
arena_map_free(ArenaMap *m)
{
    List *region;
    while ((region = list_shift(&m->regions)))
        munmap(region, ARENA_REGION);
    mem_free(m->given);
    arena_map_init(m);
}

/* Arenas */

static void
arena_init(Arena *a, size_t size)
{
    memset(a, 0, sizeof *a);
    a->size = size;
    a->top = (sizeof *a + ARENA_GRAIN - 1) & ~(size_t)(ARENA_GRAIN - 1);
    list_init(&a->big);
    arena_limit(a, &arena_no_limit, &arena_over_unread);
}

Arena *
arena_in(void *slice)
{
    arena_init(slice, ARENA_SLICE);
    return slice;
}

Arena *
arena_heap_new(void)
{
    Arena *a = mem_alloc(sizeof *a);
    if (a)
        arena_init(a, 0);
    return a;
}

void
arena_heap_free(Arena *a)
{
    if (!a)
        return;
    arena_drop(a);
    mem_free(a);
}

void
arena_limit(Arena *a, const size_t *limit, bool *over)
{
    a->limit = limit;
    a->over = over;
    a->refused = 0;
    a->given_up = 0;
}

bool
arena_refused(const Arena *a)
{
    return a->refused != 0;
}

size_t
arena_used(const Arena *a)
{
    return a->used;
}

size_t
arena_userdata(const Arena *a)
{
    return a->userdata;
}

void
arena_drop(Arena *a)
{
    List *big;
    while ((big = list_shift(&a->big)))
        mem_free(container_of(big, ArenaBig, link));
    pages_free(a->pages);
    a->pages = NULL;
    if (a->top > ARENA_KEEP && a->size)
        madvise((char *)a + ARENA_KEEP, a->size - ARENA_KEEP, MADV_DONTNEED);
}

/* Blocks */

/* The class of a size and, in *n, the size of its blocks. */
static inline unsigned
arena_class(size_t *n)
{
    if (*n <= ARENA_SMALL) {
        unsigned c = (unsigned)((*n + ARENA_GRAIN - 1) / ARENA_GRAIN);
        *n = (size_t)c * ARENA_GRAIN;
        return c;
    }
    unsigned shift = 61u - (unsigned)__builtin_clzll(*n - 1);
    size_t step = (size_t)1 << shift;
    *n = (*n + step - 1) & ~(step - 1);
    return 64 + (shift - 8) * 4 + (unsigned)((*n >> shift) - 4);
}

static inline bool
arena_owns(const Arena *a, const void *p)
{
    return (size_t)((const char *)p - (const char *)a) < a->size;
}

static void *
arena_get_big(Arena *a, size_t n)
{
    ArenaBig *b = n < SIZE_MAX - sizeof *b ? mem_alloc(sizeof *b + n) : NULL;
    if (!b)
        return NULL;
    list_after(&a->big, &b->link);
    return b + 1;
}

/* A block that is not in the slice. */
static void *
arena_get_outside(Arena *a, size_t n)
{
    if (n > ARENA_PAGED)
        return arena_get_big(a, n);
    if (mem_refused() || (!a->pages && !(a->pages = pages_new())))
        return NULL;
    return pages_get(a->pages, n);
}

static void *
arena_get(Arena *a, size_t n)
{
    if (n > ARENA_LARGE || !a->size)
        return arena_get_outside(a, n);
    if (mem_refused())
        return NULL;
    size_t fit = n;
    unsigned c = arena_class(&fit);
    char *p = (char *)a + a->free[c];
    if (a->free[c])
        a->free[c] = *(uint32_t *)(void *)p;
    else if (fit <= a->cut_end - a->cut)
        p = (char *)a + a->cut, a->cut += fit;
    else if (a->top + fit <= a->size)
        p = (char *)a + a->top, a->top += fit;
    else
        p = arena_get_outside(a, n);
    return p;
}

static void
arena_put_inside(Arena *a, void *p, size_t n)
{
    unsigned c = arena_class(&n);
    uint32_t at = (uint32_t)((char *)p - (char *)a);
    if (n >= ARENA_CUT && a->cut == a->cut_end) {
        a->cut = at;
        a->cut_end = at + n;
        return;
    }
    *(uint32_t *)p = a->free[c];
    a->free[c] = at;
}

static void
arena_put(Arena *a, void *p, size_t n)
{
    if (arena_owns(a, p)) {
        arena_put_inside(a, p, n);
    } else if (n <= ARENA_PAGED) {
        pages_put(a->pages, p);
    } else {
        ArenaBig *b = (ArenaBig *)p - 1;
        list_del(&b->link);
        mem_free(b);
    }
}

static void *
arena_resize_big(void *p, size_t nsize)
{
    ArenaBig *b = (ArenaBig *)p - 1;
    if (nsize >= SIZE_MAX - sizeof *b)
        return NULL;
    b = mem_realloc(b, sizeof *b + nsize);
    if (!b)
        return NULL;
    b->link.prev->next = b->link.next->prev = &b->link;
    return b + 1;
}

static void *
arena_resize(Arena *a, void *p, size_t osize, size_t nsize)
{
    size_t ofit = osize, nfit = nsize;
    if (arena_owns(a, p)) {
        if (nsize <= ARENA_LARGE && arena_class(&ofit) == arena_class(&nfit))
            return p;
    } else if (osize > ARENA_PAGED && nsize > ARENA_PAGED) {
        return arena_resize_big(p, nsize);
    } else if (osize <= ARENA_PAGED && pages_fit(osize) == pages_fit(nsize)) {
        return p;
    }
    void *q = arena_get(a, nsize);
    if (!q)
        return NULL;
    memcpy(q, p, osize < nsize ? osize : nsize);
    arena_put(a, p, osize);
    return q;
}

/* Lua answers a refusal with a full collection and asks once more: the second
 * refusal of the same growth is final, and opens the reserve. Its buffers (of
 * string.rep, table.concat …) raise an error at once, which may be caught, but
 * only so often. */
static bool
arena_over_limit(Arena *a, size_t growth)
{
    size_t limit = *a->limit;
    bool again = a->refused == growth;
    a->given_up += a->refused && !again;
    a->refused = 0;
    if (limit == 0 || (growth <= limit && a->used <= limit - growth))
        return false;
    if (*a->over && growth <= ARENA_RESERVE
        && a->used <= limit + ARENA_RESERVE - growth)
        return false;
    a->refused = growth;
    if (again || a->given_up >= ARENA_PATIENCE)
        *a->over = true;
    return true;
}

void *
arena_alloc(void *ud, void *p, size_t osize, size_t nsize)
{
    Arena *a = ud;
    if (!p) { /* then osize says what kind of object it is for */
        a->userdata += osize == LUA_TUSERDATA;
        osize = 0;
    }
    if (nsize == 0) {
        if (p)
            arena_put(a, p, osize);
        a->used -= osize;
        return NULL;
    }
    if (nsize > osize && arena_over_limit(a, nsize - osize))
        return NULL;
    void *q = p ? arena_resize(a, p, osize, nsize) : arena_get(a, nsize);
    bool stays = arena_owns(a, p) || nsize > ARENA_PAGED
        || osize <= ARENA_PAGED;
    if (!q && nsize <= osize && stays)
        q = p; /* a block may be larger than Lua thinks, not elsewhere */
    if (q)
        a->used += nsize - osize;
    return q;
}

/* Images */

static inline bool
arena_points_inside(const Arena *a, uintptr_t word)
{
    return word - (uintptr_t)a <= a->top;
}

static size_t
arena_find_spots(const Arena *a, uint32_t *spot)
{
    const uintptr_t *words = (const void *)a;
    size_t n = 0;
    for (size_t i = 0; i < a->top / sizeof *words; i++)
        if (arena_points_inside(a, words[i])) {
            if (spot)
                spot[n] = (uint32_t)(i * sizeof *words);
            n++;
        }
    return n;
}

int
arena_image_new(const Arena *a, ArenaImage **out)
{
    if (!a->size || !list_empty(&a->big) || a->pages)
        return ORUN_ETOOBIG;
    ArenaImage *i = mem_zalloc(1, sizeof *i);
    if (!i)
        return ORUN_ENOMEM;
    i->base = (const char *)a;
    i->size = a->top;
    i->spots = arena_find_spots(a, NULL);
    i->spot = mem_zalloc(i->spots, sizeof *i->spot);
    i->bytes = mem_alloc(i->size);
    if (!i->spot || !i->bytes) {
        arena_image_free(i);
        return ORUN_ENOMEM;
    }
    arena_find_spots(a, i->spot);
    memcpy(i->bytes, a, i->size);
    *out = i;
    return 0;
}

void
arena_image_free(ArenaImage *i)
{
    if (!i)
        return;
    mem_free(i->spot);
    mem_free(i->bytes);
    mem_free(i);
}

Arena *
arena_image_lay(const ArenaImage *i, void *slice)
{
    uintptr_t distance = (uintptr_t)slice - (uintptr_t)i->base;
    memcpy(slice, i->bytes, i->size);
    if (distance == 0)
        return slice;
    for (size_t k = 0; k < i->spots; k++) {
        uintptr_t *word = (void *)((char *)slice + i->spot[k]);
        *word += distance;
    }
    return slice;
}

size_t
arena_image_size(const ArenaImage *i)
{
    return i->size;
}

size_t
arena_image_spots(const ArenaImage *i)
{
    return i->spots;
}
