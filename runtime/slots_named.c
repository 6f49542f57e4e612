/* slots_named.c — the limits there are: by name, of the run, of each kind. */
#include "err.h"
#include "limit.h"
#include "slots.h"
#include <limits.h>

/* The named pool, made with `cap` slots when there is none. With the lock held.
 */
static Limit *
slots_named(Sched *s, const char *name, int cap)
{
    list_each(node, &s->limits) {
        Limit *l = container_of(node, Limit, all);
        if (strcmp(l->name, name) == 0)
            return l;
    }
    Limit *l = limit_new(name, cap);
    if (l)
        list_push(&s->limits, &l->all);
    return l;
}

Limit *
slots_find(Sched *s, const char *name)
{
    Limit *found = NULL;
    sched_lock(s);
    list_each(node, &s->limits) {
        Limit *l = container_of(node, Limit, all);
        if (strcmp(l->name, name) == 0)
            found = l;
    }
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
