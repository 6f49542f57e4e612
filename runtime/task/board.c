/* board.c — ids and edges. */
#include "task/board.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sanitize.h"
#include "base/thread.h"
#include "thread/epoch.h"
#include <math.h>

enum { BOARD_SHOWN = 120 }; /* bytes of a description in a message */

int
board_init(Board *b, Clock *clock)
{
    memset(b, 0, sizeof *b);
    b->clock = clock;
    thread_mutex_init_spinning(&b->lock);
    queue_init(&b->items);
    list_init(&b->item_waits);
    list_init(&b->idle_waits);
    list_init(&b->look_waits);
    list_init(&b->writing);
    list_init(&b->retiring);
    list_init(&b->retired);
    list_init(&b->held);
    list_init(&b->ended);
    b->gone = (Task){ .kind = TASK_ITEM,
                      .state = TASK_COMPLETED,
                      .removed = TASK_GONE,
                      .read = true,
                      .id = UINT32_MAX,
                      .outcome = { .code = -1 } };
    list_init(&b->gone.job.link);
    list_init(&b->gone.waits);
    Task *root, draft = { .state = TASK_RUNNING };
    if (board_place(b, &draft, &root)) {
        uv_mutex_destroy(&b->lock);
        return ORUN_ENOMEM;
    }
    board_publish(b);
    b->root = root;
    b->active = 1;
    return 0;
}

void
board_destroy(Board *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->pages[i / BOARD_PAGE])
            task_clear(board_held(b, i));
    for (size_t i = 0; i < BOARD_PAGES; i++)
        mem_free(b->pages[i]);
    for (size_t i = 0; i < b->spent_count; i++)
        mem_free(b->spent[i]);
    mem_free(b->spent);
    timer_free(&b->timers);
    uv_mutex_destroy(&b->lock);
}

Task *
board_held(Board *b, uint64_t id)
{
    if (id >= atomic_load_explicit(&b->count, memory_order_acquire))
        return NULL;
    Task *page = atomic_load(&b->pages[id / BOARD_PAGE]);
    return page ? &page[id % BOARD_PAGE] : &b->gone;
}

Task *
board_find(Board *b, uint64_t id)
{
    Task *t = board_held(b, id);
    return t && t->removed >= TASK_FORGOTTEN ? &b->gone : t;
}

int
board_place(Board *b, const Task *draft, Task **out)
{
    size_t id = b->count;
    if (id / BOARD_PAGE >= BOARD_PAGES)
        return ORUN_ETOOBIG;
    Task *page = b->pages[id / BOARD_PAGE];
    if (!page) {
        page = mem_alloc(BOARD_PAGE * sizeof *page);
        if (!page)
            return ORUN_ENOMEM;
        atomic_store_explicit(&b->pages[id / BOARD_PAGE], page,
                              memory_order_release);
    }
    Task *t = *out = &page[id % BOARD_PAGE];
    memcpy(t, draft, sizeof *t);
    t->id = (uint32_t)id;
    list_init(&t->job.link);
    list_init(&t->behind);
    list_init(&t->waits);
    return 0;
}

void
board_publish(Board *b)
{
    atomic_store_explicit(&b->count, b->count + 1, memory_order_release);
}

static int
board_append(Task ***array, uint32_t *count, uint32_t *cap, Task *t)
{
    if (*count == *cap) {
        uint32_t bigger = *cap ? *cap * 2 : 4;
        Task **p = mem_realloc(*array, bigger * sizeof *p);
        if (!p)
            return ORUN_ENOMEM;
        *array = p;
        *cap = bigger;
    }
    (*array)[(*count)++] = t;
    return 0;
}

TaskEdges *
board_edges(Task *t)
{
    if (!t->edges)
        t->edges = mem_zalloc(1, sizeof *t->edges);
    return t->edges;
}

/* The shorter of the two lists tells whether the edge is there already. */
static bool
board_has_edge(const TaskEdges *e, const TaskEdges *d, Task *t, Task *blocker)
{
    bool by_blocker = e->blocker_count <= d->dependent_count;
    Task **array = by_blocker ? e->blockers : d->dependents;
    uint32_t n = by_blocker ? e->blocker_count : d->dependent_count;
    for (uint32_t i = 0; i < n; i++)
        if (array[i] == (by_blocker ? blocker : t))
            return true;
    return false;
}

int
board_block(Task *t, Task *blocker)
{
    TaskEdges *e = board_edges(t), *d = board_edges(blocker);
    if (!e || !d)
        return ORUN_ENOMEM;
    if (board_has_edge(e, d, t, blocker))
        return 0;
    if (board_append(&e->blockers, &e->blocker_count, &e->blocker_cap, blocker))
        return ORUN_ENOMEM;
    d->holds++;
    if (task_final(blocker))
        return 0;
    if (board_append(&d->dependents, &d->dependent_count, &d->dependent_cap,
                     t)) {
        e->blocker_count--;
        d->holds--;
        return ORUN_ENOMEM;
    }
    t->unmet++;
    return 0;
}

void
board_unblock_last(Task *t)
{
    TaskEdges *e = t->edges;
    if (!e || !e->blocker_count)
        return;
    Task *blocker = e->blockers[--e->blocker_count];
    TaskEdges *d = blocker->edges;
    board_drop(blocker);
    if (task_final(blocker) || !d || !d->dependent_count
        || d->dependents[d->dependent_count - 1] != t)
        return;
    d->dependent_count--;
    t->unmet--;
}

bool
board_hold(Task *t)
{
    TaskEdges *e = board_edges(t);
    if (e)
        e->holds++;
    return e != NULL;
}

void
board_drop(Task *t)
{
    t->edges->holds--;
    t->edges->dropped = epoch_number();
}

void
board_let_go(Task *t)
{
    if (t->parent && t->parent->id != 0)
        board_drop(t->parent);
    for (uint32_t i = 0; t->edges && i < t->edges->blocker_count; i++)
        board_drop(t->edges->blockers[i]);
}

Task *
board_failed_blocker(Task *t)
{
    if (!t->edges || (t->opt && t->opt->despite_failure))
        return NULL;
    for (uint32_t i = 0; i < t->edges->blocker_count; i++)
        if (task_final(t->edges->blockers[i])
            && t->edges->blockers[i]->state != TASK_COMPLETED)
            return t->edges->blockers[i];
    return NULL;
}

bool
board_awaited(const Task *t)
{
    return task_claims(t) || !list_empty(&t->waits)
        || (t->edges && t->edges->dependent_count);
}

int
board_arm(Board *b, Timer *t, double at)
{
    int e = timer_arm(&b->timers, t, at);
    if (e == 0 && timer_first(&b->timers) == t)
        e = b->clock->wake_at(b->clock, at);
    if (e)
        timer_disarm(&b->timers, t);
    return e;
}

void
board_disarm(Board *b, Timer *t)
{
    timer_disarm(&b->timers, t);
}

double
board_fire_due(Board *b)
{
    double now = board_now(b);
    for (Timer *t; (t = timer_first(&b->timers)) != NULL;) {
        if (t->at > now)
            return t->at;
        timer_disarm(&b->timers, t);
        t->fire(t);
    }
    return INFINITY;
}

void
board_name(const Task *t, Buf *to)
{
    if (t->id == 0)
        buf_puts(to, "the script");
    else
        buf_printf(to, "t%llu", (unsigned long long)t->id);
    if (t->id == 0 || !t->description)
        return;
    buf_puts(to, " (");
    sanitize_cut(to, t->description, strlen(t->description), BOARD_SHOWN);
    buf_putc(to, ')');
}
