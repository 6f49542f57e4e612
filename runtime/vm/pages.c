/* pages.c — small blocks of a Lua state, packed tightly. */
#include "vm/pages.h"
#include "base/list.h"
#include "base/mem.h"

enum {
    PAGES_SIZE = 16 * 1024,
    PAGES_CLASSES = PAGES_LARGEST / 8 + 1,
    PAGES_RUN_FIRST = 4, /* pages of the first run; each next one has twice */
    PAGES_RUN_MOST = 64, /* as many, up to this */
};

/* At the start of a page. */
typedef struct Page {
    List link;     /* among those of its size with room, or the empty ones;
                    * alone when it is full */
    uint32_t size; /* of its blocks */
    uint32_t live; /* blocks in use */
    uint32_t top;  /* offset of the first byte never handed out */
    uint32_t free; /* offset of the first block given back, 0 none; in its
                    * first bytes that of the next */
} Page;

typedef struct PageRun {
    struct PageRun *next;
} PageRun;

struct Pages {
    List room[PAGES_CLASSES]; /* pages with room, by size / 8 */
    List empty;
    PageRun *runs; /* to be freed */
    char *fresh;   /* pages of the newest run never used */
    size_t fresh_count, run_pages;
};

Pages *
pages_new(void)
{
    Pages *p = mem_zalloc(1, sizeof *p);
    if (!p)
        return NULL;
    for (size_t i = 0; i < PAGES_CLASSES; i++)
        list_init(&p->room[i]);
    list_init(&p->empty);
    p->run_pages = PAGES_RUN_FIRST;
    return p;
}

void
pages_free(Pages *p)
{
    if (!p)
        return;
    for (PageRun *run; (run = p->runs) != NULL;) {
        p->runs = run->next;
        mem_free(run);
    }
    mem_free(p);
}

/* A run is not aligned to pages: one more makes room for whole ones. */
static bool
pages_grow(Pages *p)
{
    PageRun *run = mem_alloc(sizeof *run + (p->run_pages + 1) * PAGES_SIZE);
    if (!run)
        return false;
    run->next = p->runs;
    p->runs = run;
    uintptr_t first = (uintptr_t)(run + 1) + PAGES_SIZE - 1;
    p->fresh = (char *)(first & ~(uintptr_t)(PAGES_SIZE - 1));
    p->fresh_count = p->run_pages;
    if (p->run_pages < PAGES_RUN_MOST)
        p->run_pages *= 2;
    return true;
}

/* A page for blocks of this size, now the first of those with room. */
static Page *
pages_add(Pages *p, size_t size)
{
    Page *page = (void *)list_shift(&p->empty);
    if (!page) {
        if (p->fresh_count == 0 && !pages_grow(p))
            return NULL;
        page = (void *)p->fresh;
        p->fresh += PAGES_SIZE;
        p->fresh_count--;
    }
    *page = (Page){ .size = (uint32_t)size, .top = sizeof *page };
    list_after(&p->room[size / 8], &page->link);
    return page;
}

void *
pages_get(Pages *p, size_t n)
{
    size_t size = pages_fit(n);
    List *room = &p->room[size / 8];
    Page *page = list_empty(room) ? pages_add(p, size) : (void *)room->next;
    if (!page)
        return NULL;
    char *block = (char *)page + (page->free ? page->free : page->top);
    if (page->free)
        page->free = *(uint32_t *)(void *)block;
    else
        page->top += page->size;
    page->live++;
    if (!page->free && page->top + page->size > PAGES_SIZE)
        list_del(&page->link);
    return block;
}

void
pages_put(Pages *p, void *block)
{
    uintptr_t at = (uintptr_t)block & (PAGES_SIZE - 1);
    Page *page = (void *)((char *)block - at);
    bool full = !page->free && page->top + page->size > PAGES_SIZE;
    *(uint32_t *)block = page->free;
    page->free = (uint32_t)at;
    if (full)
        list_after(&p->room[page->size / 8], &page->link);
    if (--page->live == 0) {
        list_del(&page->link);
        list_after(&p->empty, &page->link);
    }
}
