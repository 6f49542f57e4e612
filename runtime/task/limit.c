/* limit.c — slots, and what else is asked. */
#include "task/limit.h"
#include "base/mem.h"

Limit *
limit_new(const char *name, int slots)
{
    Limit *l = mem_zalloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->name = mem_dup(name, strlen(name));
    if (!l->name) {
        mem_free(l);
        return NULL;
    }
    l->slots = slots;
    for (int i = 0; i < LIMIT_LINES; i++) {
        l->line[i].limit = l;
        wait_queue_init(&l->line[i].waiting);
        list_init(&l->line[i].blocked);
    }
    list_init(&l->all);
    list_init(&l->freed);
    return l;
}

void
limit_free(Limit *l)
{
    if (!l)
        return;
    list_del(&l->freed);
    for (int i = 0; i < LIMIT_LINES; i++)
        list_del(&l->line[i].blocked);
    meter_free(l->meter);
    mem_free(l->numbered);
    mem_free(l->name);
    mem_free(l);
}

int
limit_meter(Limit *l, const MeterSpec *spec, struct Sched *s)
{
    int e = meter_set(&l->meter, spec);
    if (e == 0) {
        l->meter->limit = l;
        l->meter->sched = s;
    }
    return e;
}

/* Make room for more numbers; false when memory is out. */
static bool
limit_grow(Limit *l)
{
    uint32_t room = l->numbered_room ? 2 * l->numbered_room : 8;
    uint32_t *more = mem_realloc(l->numbered, room * sizeof *more);
    if (!more)
        return false;
    memset(more + l->numbered_room, 0,
           (room - l->numbered_room) * sizeof *more);
    l->numbered = more;
    l->numbered_room = room;
    return true;
}

uint32_t
limit_number(Limit *l, uint32_t id)
{
    uint32_t at = l->numbered_low;
    while (at < l->numbered_top && l->numbered[at])
        at++;
    l->numbered_low = at;
    if (at == l->numbered_room && !limit_grow(l))
        return 0;
    l->numbered[at] = id;
    l->numbered_low = at + 1;
    if (l->numbered_top < at + 1)
        l->numbered_top = at + 1;
    return at + 1;
}

uint32_t
limit_number_of(const Limit *l, uint32_t id)
{
    for (uint32_t i = 0; i < l->numbered_top; i++)
        if (l->numbered[i] == id)
            return i + 1;
    return 0;
}

void
limit_unnumber(Limit *l, uint32_t id)
{
    uint32_t n = limit_number_of(l, id);
    if (n == 0)
        return;
    l->numbered[n - 1] = 0;
    if (l->numbered_low > n - 1)
        l->numbered_low = n - 1;
    while (l->numbered_top > 0 && l->numbered[l->numbered_top - 1] == 0)
        l->numbered_top--;
}
