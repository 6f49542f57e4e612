/* forget.c — retiring tasks, releasing what they have, and their pages. */
#include "sched/forget.h"
#include "base/err.h"
#include "base/mem.h"
#include "thread/epoch.h"
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    FORGET_BATCH = 32, /* tasks that are released at once */
    FORGET_LOOKS = 2,  /* failures that are looked at for each that is read */
};

int
forget_refusal(const Task *t)
{
    if (!task_final(t))
        return ORUN_ESTATE;
    return t->abandoned ? ORUN_EBLOCKED : 0;
}

void
forget(Sched *s, Task *t, int why)
{
    Board *b = &s->board;
    if (forget_is(t))
        return;
    if (!list_empty(&t->job.link))
        b->ended_count--;
    list_del(&t->job.link);
    list_push(&b->retiring, &t->job.link);
    b->limbo++;
    t->read = true;
    t->removed = (uint8_t)why;
}

const char *
forget_why(Board *b, uint64_t id)
{
    const Task *t = board_held(b, id);
    switch (t ? t->removed : TASK_GONE) {
    case TASK_FORGOTTEN: return "orun.forget";
    case TASK_ONCE: return "keep = false: its result was read before";
    case TASK_OLD: return "orun.config{keep =}: newer ones have ended";
    default: return "orun.forget, keep = false or orun.config{keep =}";
    }
}

void
forget_older(Sched *s, Task *t)
{
    Board *b = &s->board;
    if (!b->keep || t->abandoned || t->removed)
        return;
    list_push(&b->ended, &t->job.link);
    b->ended_count++;
    while (b->ended_count > b->keep) {
        Task *old = container_of(b->ended.next, Task, job.link);
        if (old->state != TASK_FAILED || old->read) {
            forget(s, old, TASK_OLD);
            continue;
        }
        list_del(&old->job.link);
        b->ended_count--;
    }
}

/* Look at a few of those that wait in Board.ended to be looked at. */
static void
forget_looked(Sched *s)
{
    Board *b = &s->board;
    for (int i = 0; i < FORGET_LOOKS && !list_empty(&b->ended); i++) {
        Task *old = container_of(b->ended.next, Task, job.link);
        if (old->read) {
            forget(s, old, TASK_ONCE);
            continue;
        }
        list_del(&old->job.link);
        list_push(&b->ended, &old->job.link);
    }
}

void
forget_read(Sched *s, Task *t)
{
    Board *b = &s->board;
    if (forget_refusal(t))
        return;
    if (t->state != TASK_FAILED || t->read) {
        forget(s, t, TASK_ONCE);
    } else if (!forget_is(t) && list_empty(&t->job.link)) {
        list_push(&b->ended, &t->job.link);
        b->ended_count++;
    }
    if (!b->keep)
        forget_looked(s);
}

/* ---- pages ---- */

/* The children on this page leave the lists of parents that are elsewhere. */
static void
forget_orphans(Board *b, const Task *page)
{
    uint32_t search = ++b->search;
    for (const Task *t = page; t < page + BOARD_PAGE; t++) {
        Task *parent = t->parent;
        if (!parent || parent->id == 0 || parent->mark == search)
            continue;
        parent->mark = search;
        for (Task **at = &parent->children; *at;)
            if (*at >= page && *at < page + BOARD_PAGE)
                *at = (*at)->sibling;
            else
                at = &(*at)->sibling;
    }
}

/* Everything on the page was released. Its block is freed with the board. */
static void
forget_page(Board *b, size_t nth)
{
    Task *page = b->pages[nth];
    Task **spent = mem_realloc(b->spent, (b->spent_count + 1) * sizeof *spent);
    if (!spent)
        return;
    b->spent = spent;
    spent[b->spent_count++] = page;
    forget_orphans(b, page);
    b->pages[nth] = NULL;
    uintptr_t unit = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)page + unit - 1) / unit * unit;
    uintptr_t to = (uintptr_t)(page + BOARD_PAGE) / unit * unit;
    (void)madvise((char *)page + (from - (uintptr_t)page), to - from,
                  MADV_DONTNEED);
}

/* ---- tasks ---- */

/* Move what t has to `grave`. */
static void
forget_release(Sched *s, Task *t, Task *grave)
{
    Board *b = &s->board;
    s->held -= task_weight(t) + outcome_weight(&t->outcome);
    memcpy(grave, t, sizeof *grave);
    t->description = NULL;
    t->code = t->input = NULL;
    t->opt = NULL;
    t->edges = NULL;
    t->report = NULL;
    t->outcome = (Outcome){ .state = t->state & 7, .code = -1 };
    b->limbo--;
    size_t nth = t->id / BOARD_PAGE;
    if (++b->released[nth] == BOARD_PAGE)
        forget_page(b, nth);
}

/* Those that were retired may be released once their epoch is over; the next
 * are retired then. False when there is nothing to do now. */
static bool
forget_turn(Board *b)
{
    if (!list_empty(&b->retired))
        return epoch_is_over(b->epoch);
    if (list_empty(&b->retiring))
        return false;
    for (List *node; (node = list_shift(&b->retiring)) != NULL;)
        list_push(&b->retired, node);
    b->epoch = epoch_retire();
    return epoch_is_over(b->epoch);
}

/* Release the next few; one that is still needed is retired again. Returns how
 * many were released, -1 when there is nothing more to do now. */
static int
forget_some(Sched *s, Task graves[FORGET_BATCH])
{
    Board *b = &s->board;
    int n = 0, looked = 0;
    if (!forget_turn(b))
        return -1;
    for (List *node; n < FORGET_BATCH && looked++ < 8 * FORGET_BATCH
         && (node = list_shift(&b->retired)) != NULL;) {
        Task *t = container_of(node, Task, job.link);
        if (t->edges && (t->edges->holds || !epoch_is_over(t->edges->dropped)))
            list_push(&b->held, &t->job.link);
        else
            forget_release(s, t, &graves[n++]);
    }
    if (!list_empty(&b->retired) || n > 0)
        return n;
    for (List *node; (node = list_shift(&b->held)) != NULL;)
        list_push(&b->retiring, node);
    return -1;
}

void
forget_sweep(Sched *s)
{
    Task graves[FORGET_BATCH];
    for (int n = 0; n >= 0;) {
        sched_lock(s);
        n = s->board.limbo ? forget_some(s, graves) : -1;
        board_unlock(&s->board);
        for (int i = 0; i < n; i++)
            task_clear(&graves[i]);
    }
}
