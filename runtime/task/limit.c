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
