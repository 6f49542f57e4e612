/* slots.c — offering, granting, pumping. */
#include "slots.h"
#include "limit.h"

/* The limits t is under besides its kind's; gives how many. */
static int
slots_of(Task *t, Limit **out)
{
    int n = 0;
    if (t->opt && t->opt->limit)
        out[n++] = t->opt->limit;
    if (t->agent && t->agent->limit)
        out[n++] = t->agent->limit;
    return n;
}

static Writes *
slots_writes(Task *t)
{
    return t->opt ? t->opt->writes : NULL;
}

/* True when t's writes overlap those of a running task or of one that waited
 * before it. */
static bool
slots_clash(Sched *s, Task *t)
{
    Writes *mine = slots_writes(t);
    if (!mine)
        return false;
    list_each(node, &s->writing) {
        Writes *theirs = container_of(node, Writes, held);
        if (writes_overlap(mine, theirs))
            return true;
    }
    list_each(node, &s->writers) {
        Task *other = container_of(node, Task, job.link);
        if (other == t)
            break;
        if (writes_overlap(mine, slots_writes(other)))
            return true;
    }
    return false;
}

static void
slots_queue(Queue *q, Task *t)
{
    if (t->woken)
        queue_push_front(q, &t->job.link, t->priority);
    else
        queue_push(q, &t->job.link, t->priority);
}

/* Queue t where it lacks a slot; false when it lacks none. */
static bool
slots_lack(Sched *s, Task *t)
{
    Limit *l[2];
    int n = t->has_rest ? 0 : slots_of(t, l);
    for (int i = 0; i < n; i++)
        if (limit_full(l[i]))
            return slots_queue(&l[i]->waiting, t), true;
    if (!t->has_rest && slots_clash(s, t)) {
        list_push(&s->writers, &t->job.link);
        return true;
    }
    if (!t->woken && limit_full(s->kind[t->kind]))
        return slots_queue(&s->kind[t->kind]->waiting, t), true;
    return false;
}

/* Give t what it needs without asking. */
static void
slots_grant(Sched *s, Task *t)
{
    Limit *l[2];
    int n = t->has_rest ? 0 : slots_of(t, l);
    for (int i = 0; i < n; i++)
        l[i]->used++;
    if (!t->has_rest && slots_writes(t))
        list_push(&s->writing, &slots_writes(t)->held);
    s->kind[t->kind]->used++;
    t->has_kind = t->has_rest = true;
    list_push(&s->starts, &t->job.link);
}

void
slots_offer(Sched *s, Task *t)
{
    if (t->stopping || !slots_lack(s, t))
        slots_grant(s, t);
}

static void
slots_pump(Sched *s, Limit *l)
{
    List *node;
    while (!limit_full(l) && (node = queue_shift(&l->waiting)) != NULL)
        slots_offer(s, container_of(node, Task, job.link));
}

/* Offer again, in order, the tasks that waited for writes. */
static void
slots_pump_writers(Sched *s)
{
    List waiting;
    list_init(&waiting);
    for (List *node; (node = list_shift(&s->writers)) != NULL;)
        list_push(&waiting, node);
    for (List *node; (node = list_shift(&waiting)) != NULL;)
        slots_offer(s, container_of(node, Task, job.link));
}

void
slots_rest(Sched *s, Task *t, bool all)
{
    if (t->has_kind) {
        t->has_kind = false;
        s->kind[t->kind]->used--;
        slots_pump(s, s->kind[t->kind]);
    }
    if (!all || !t->has_rest)
        return;
    Limit *l[2];
    int n = slots_of(t, l);
    t->has_rest = false;
    for (int i = 0; i < n; i++)
        l[i]->used--;
    for (int i = 0; i < n; i++)
        slots_pump(s, l[i]);
    if (slots_writes(t)) {
        list_del(&slots_writes(t)->held);
        slots_pump_writers(s);
    }
}

void
slots_wake(Sched *s, Task *t)
{
    t->woken = true;
    slots_offer(s, t);
}

Limit *
slots_limit(Sched *s, const char *name, int cap)
{
    sched_lock(s);
    Limit *found = NULL;
    list_each(node, &s->limits) {
        Limit *l = container_of(node, Limit, all);
        if (strcmp(l->name, name) == 0)
            found = l;
    }
    if (!found && (found = limit_new(name, 1)) != NULL)
        list_push(&s->limits, &found->all);
    if (found && cap > 0) {
        found->cap = cap;
        slots_pump(s, found);
    }
    sched_unlock(s);
    return found;
}

void
slots_set(Sched *s, TaskKind kind, int cap)
{
    sched_lock(s);
    s->kind[kind]->cap = cap;
    slots_pump(s, s->kind[kind]);
    sched_unlock(s);
}
