/* slots_named.c — the limits there are: by name, of the run, of each kind. */
#include "base/err.h"
#include "sched/slots.h"
#include "task/limit.h"
#include <limits.h>

/* Where limits of this name, and of some others, are. */
static List *
slots_ring(Sched *s, const char *name)
{
    return list_named(s->limits_by_name, SCHED_NAMES, name);
}

/* With the lock held. */
static Limit *
slots_look(const List *ring, const char *name)
{
    for (const List *node = ring->next; node != ring; node = node->next) {
        Limit *l = container_of(node, Limit, alike);
        if (strcmp(l->name, name) == 0)
            return l;
    }
    return NULL;
}

/* The named pool, made with `cap` slots when there is none. With the lock held.
 */
static Limit *
slots_named(Sched *s, const char *name, int cap)
{
    List *ring = slots_ring(s, name);
    Limit *l = slots_look(ring, name);
    if (l || !(l = limit_new(name, cap)))
        return l;
    list_push(&s->limits, &l->all);
    list_push(ring, &l->alike);
    return l;
}

Limit *
slots_find(Sched *s, const char *name)
{
    sched_lock(s);
    Limit *found = slots_look(slots_ring(s, name), name);
    board_unlock(&s->board);
    return found;
}

int
slots_names(Sched *s, const char **names, int room)
{
    int n = 0;
    sched_lock(s);
    list_each(node, &s->limits)
        if (n < room)
            names[n++] = container_of(node, Limit, all)->name;
    board_unlock(&s->board);
    return n;
}

Limit *
slots_account(Sched *s, const char *name)
{
    sched_lock(s);
    static const MeterSpec nothing;
    Limit *l = slots_named(s, name, INT_MAX);
    if (l && !l->meter && limit_meter(l, &nothing, s))
        l = NULL;
    board_unlock(&s->board);
    return l;
}

Limit *
slots_limit(Sched *s, const char *name, int cap, const MeterSpec *spec)
{
    sched_lock(s);
    Limit *l = slots_named(s, name, 1);
    if (l && spec && limit_meter(l, spec, s))
        l = NULL;
    if (l && cap > 0)
        l->cap = cap;
    if (l)
        slots_serve(s, &l, 1);
    sched_unlock(s);
    return l;
}

int
slots_whole(Sched *s, const MeterSpec *spec)
{
    sched_lock(s);
    if (!s->whole && s->board.live == 0)
        s->whole = limit_new("run", INT_MAX);
    int e = s->board.live ? ORUN_ESTATE : ORUN_ENOMEM;
    if (s->whole)
        e = limit_meter(s->whole, spec, s);
    if (e == 0)
        slots_serve(s, &s->whole, 1);
    sched_unlock(s);
    return e;
}

void
slots_set(Sched *s, SlotKind kind, int cap)
{
    sched_lock(s);
    s->kind[kind]->cap = cap;
    slots_serve(s, &s->kind[kind], 1);
    sched_unlock(s);
}
