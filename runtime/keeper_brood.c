/* keeper_brood.c — the table of mains, and the sweep.
 *
 * A sweep reads all of /proc, about 5 µs a process, so it is never part of
 * reporting an exit: many exits share one sweep, and sweeps keep a distance
 * that holds their cost at two per cent.
 */
#include "keeper_brood.h"
#include "mem.h"
#include <signal.h>
#include <unistd.h>

/* Seconds between sweeps while exits happen; after the first that found
 * something; and how many times its own cost a sweep keeps away from the one
 * before. */
static const double BROOD_GAP = 0.2, BROOD_AGAIN = 0.003, BROOD_COST = 50;

void
keeper_brood_init(Brood *b)
{
    *b = (Brood){ .again = BROOD_AGAIN };
    for (size_t i = 0; i < countof(b->rings); i++)
        list_init(&b->rings[i]);
}

static List *
keeper_brood_ring(Brood *b, int pid)
{
    return &b->rings[(unsigned)pid % countof(b->rings)];
}

void
keeper_brood_add(Brood *b, Child *c)
{
    list_push(keeper_brood_ring(b, c->pid), &c->link);
    b->n++;
}

Child *
keeper_brood_pid(Brood *b, int pid)
{
    List *ring = keeper_brood_ring(b, pid);
    list_each(node, ring) {
        Child *c = container_of(node, Child, link);
        if (c->pid == pid)
            return c;
    }
    return NULL;
}

/* Some live main that `match` takes, or NULL. */
static Child *
keeper_brood_any(Brood *b, bool (*match)(const Child *c, uint64_t what),
                 uint64_t what)
{
    for (size_t i = 0; i < countof(b->rings); i++)
        list_each(node, &b->rings[i]) {
            Child *c = container_of(node, Child, link);
            if (match(c, what))
                return c;
        }
    return NULL;
}

static bool
keeper_brood_has_id(const Child *c, uint64_t id)
{
    return c->id == id;
}

/* A main that keeps the strays of its task alive. */
static bool
keeper_brood_shields(const Child *c, uint64_t task)
{
    return c->task == task && !c->doomed;
}

static bool
keeper_brood_is_doomed(const Child *c, uint64_t unused)
{
    (void)unused;
    return c->doomed;
}

Child *
keeper_brood_id(Brood *b, uint64_t id)
{
    return keeper_brood_any(b, keeper_brood_has_id, id);
}

/* See that a sweep happens, but not too soon after the last. */
static void
keeper_brood_want(Brood *b, double now)
{
    double gap = b->cost * BROOD_COST;
    double at = b->last + (gap > BROOD_GAP ? gap : BROOD_GAP);
    if (b->due == 0)
        b->due = at > now ? at : now;
}

void
keeper_brood_end(Brood *b, Child *c, double now)
{
    buf_put(&b->ended, &c->pid, sizeof c->pid);
    b->ended.failed = false; /* then its strays are known by their mark only */
    list_del(&c->link);
    list_del(&c->news);
    b->n--;
    mem_free(c);
    keeper_brood_want(b, now);
}

void
keeper_brood_doom(Brood *b, Child *c, double now)
{
    c->doomed = true;
    b->due = now;
}

static bool
keeper_brood_ended(const Brood *b, int pid)
{
    for (size_t at = 0; at < b->ended.n; at += sizeof pid)
        if (memcmp(b->ended.p + at, &pid, sizeof pid) == 0)
            return true;
    return false;
}

/* Whether a stray is to be killed. */
static bool
keeper_brood_judge(Brood *b, const TreeProc *p)
{
    const Child *owner = keeper_brood_pid(b, p->group);
    if (owner)
        return owner->doomed;
    if (keeper_brood_ended(b, p->group))
        return true;
    uint64_t task;
    if (keeper_tree_task(p->pid, &task))
        return !keeper_brood_any(b, keeper_brood_shields, task);
    return b->n == 0;
}

/* Doom the mains that were told to end and the strays that are nobody's. */
static void
keeper_brood_mark(Brood *b)
{
    int self = getpid();
    for (size_t i = 0; i < b->tree.n; i++) {
        TreeProc *p = &b->tree.procs[i];
        if (p->parent != self || p->dead)
            continue;
        const Child *c = keeper_brood_pid(b, p->pid);
        p->marked = c ? c->doomed : keeper_brood_judge(b, p);
    }
}

void
keeper_brood_sweep(Brood *b, double (*clock)(void))
{
    double start = clock();
    keeper_tree_look(&b->tree);
    keeper_brood_mark(b);
    keeper_tree_spread(&b->tree);
    bool found = keeper_tree_kill(&b->tree) > 0
        || keeper_brood_any(b, keeper_brood_is_doomed, 0);
    b->last = clock();
    b->cost = b->last - start;
    b->due = found ? b->last + b->again : 0;
    if (!found)
        buf_clear(&b->ended);
    /* What does not die at once sits in the kernel: ask less and less. */
    b->again = found && b->again < BROOD_GAP ? b->again * 2 : BROOD_AGAIN;
}

static bool
keeper_brood_strike(const Child *c, uint64_t signo)
{
    kill(-c->pid, (int)signo);
    return false;
}

void
keeper_brood_signal(Brood *b, int signo)
{
    keeper_brood_any(b, keeper_brood_strike, (uint64_t)signo);
}

void
keeper_brood_shift(Brood *b, double seconds)
{
    for (size_t i = 0; i < countof(b->rings); i++)
        list_each(node, &b->rings[i])
            container_of(node, Child, link)->start += seconds;
}
