/* timer.c — a binary heap of deadlines; each timer knows its slot. */
#include "task/timer.h"
#include "base/err.h"
#include "base/mem.h"

static void
timer_put(Timers *all, size_t slot, Timer *t)
{
    all->heap[slot] = t;
    t->slot = slot;
}

/* Move `t` from `slot` to where it belongs, upwards or downwards. */
static void
timer_settle(Timers *all, size_t slot, Timer *t)
{
    for (; slot > 1 && all->heap[slot / 2]->at > t->at; slot /= 2)
        timer_put(all, slot, all->heap[slot / 2]);
    for (size_t child; (child = slot * 2) <= all->n; slot = child) {
        if (child < all->n && all->heap[child + 1]->at < all->heap[child]->at)
            child++;
        if (all->heap[child]->at >= t->at)
            break;
        timer_put(all, slot, all->heap[child]);
    }
    timer_put(all, slot, t);
}

int
timer_arm(Timers *all, Timer *t, double at)
{
    t->at = at;
    if (t->slot) {
        timer_settle(all, t->slot, t);
        return 0;
    }
    if (all->n + 1 >= all->cap) {
        size_t cap = all->cap ? all->cap * 2 : 64;
        Timer **heap = mem_realloc(all->heap, cap * sizeof *heap);
        if (!heap)
            return ORUN_ENOMEM;
        all->heap = heap;
        all->cap = cap;
    }
    timer_settle(all, ++all->n, t);
    return 0;
}

void
timer_disarm(Timers *all, Timer *t)
{
    size_t slot = t->slot;
    if (!slot)
        return;
    t->slot = 0;
    Timer *last = all->heap[all->n--];
    if (last != t)
        timer_settle(all, slot, last);
}

Timer *
timer_first(const Timers *all)
{
    return all->n ? all->heap[1] : NULL;
}

void
timer_free(Timers *all)
{
    mem_free(all->heap);
    *all = (Timers){ 0 };
}
