/* keeper_brood.c — the table of mains, and the sweep.
 *
 * A sweep reads all of /proc, about 5 µs a process, so it is never part of
 * reporting an exit: many exits share one sweep, and sweeps keep a distance
 * that holds their cost at two per cent.
 */
#include "keeper/keeper_brood.h"
#include "base/mem.h"
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

/* Where `n` bytes stand in a Buf of things of that size; NULL: nowhere. */
static char *
keeper_brood_find(const Buf *b, const void *what, size_t n)
{
    for (size_t at = 0; at < b->n; at += n)
        if (memcmp(b->p + at, what, n) == 0)
            return b->p + at;
    return NULL;
}

void
keeper_brood_add(Brood *b, Child *c)
{
    if (c->lingers
        && !keeper_brood_find(&b->lingering, &c->task, sizeof c->task))
        buf_put(&b->lingering, &c->task, sizeof c->task);
    b->lingering.failed = false; /* then its strays do not stay */
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

bool
keeper_brood_lingers(const Brood *b, const Child *c)
{
    return c->lingers && !c->doomed
        && keeper_brood_find(&b->lingering, &c->task, sizeof c->task);
}

void
keeper_brood_end(Brood *b, Child *c, double now)
{
    if (!keeper_brood_lingers(b, c)) {
        buf_put(&b->ended, &c->pid, sizeof c->pid);
        keeper_brood_want(b, now);
    }
    b->ended.failed = false; /* then its strays are known by their mark only */
    list_del(&c->link);
    list_del(&c->news);
    b->n--;
    mem_free(c);
}

void
keeper_brood_doom(Brood *b, Child *c, double now)
{
    c->doomed = true;
    b->due = now;
}

void
keeper_brood_over(Brood *b, uint64_t task, double now)
{
    char *at = keeper_brood_find(&b->lingering, &task, sizeof task);
    if (!at)
        return;
    const char *next = at + sizeof task;
    memmove(at, next, (size_t)(b->lingering.p + b->lingering.n - next));
    b->lingering.n -= sizeof task;
    keeper_brood_want(b, now);
}

/* Whether a stray is to be killed. */
static bool
keeper_brood_judge(Brood *b, const TreeProc *p)
{
    const Child *owner = keeper_brood_pid(b, p->group);
    if (owner)
        return owner->doomed;
    if (keeper_brood_find(&b->ended, &p->group, sizeof p->group))
        return true;
    uint64_t task;
    if (keeper_tree_task(p->pid, &task))
        return !keeper_brood_find(&b->lingering, &task, sizeof task)
            && !keeper_brood_any(b, keeper_brood_shields, task);
    return b->n == 0 && b->lingering.n == 0;
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
