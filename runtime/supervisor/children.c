/* children.c — the table of children, the sweep for orphans, and the pause.
 *
 * A sweep reads all of /proc, about 5 µs a process, so it is never part of
 * reporting an exit: many exits share one sweep, and the time between sweeps is
 * long enough that they take at most two per cent of it.
 */
#include "supervisor/children.h"
#include "base/mem.h"
#include <signal.h>
#include <unistd.h>

/* Seconds between sweeps while exits happen, and after the first that found
 * something; and the time between sweeps as a multiple of what one takes. */
static const double SWEEP_GAP = 0.2, SWEEP_AGAIN = 0.003, SWEEP_COST = 50;

/* Seconds from SIGTSTP to SIGSTOP; between looks while something still runs, at
 * first and at most. */
static const double PAUSE_PATIENCE = 0.1, PAUSE_AGAIN = 0.005, PAUSE_MOST = 0.2;

void
children_init(Children *all)
{
    *all = (Children){ .again = SWEEP_AGAIN };
    for (size_t i = 0; i < countof(all->rings); i++)
        list_init(&all->rings[i]);
}

static List *
children_ring(Children *all, int pid)
{
    return &all->rings[(unsigned)pid % countof(all->rings)];
}

/* The place of an item in a Buf of items of `n` bytes, or NULL. */
static char *
children_find(const Buf *b, const void *item, size_t n)
{
    for (size_t at = 0; at < b->n; at += n)
        if (memcmp(b->p + at, item, n) == 0)
            return b->p + at;
    return NULL;
}

void
children_add(Children *all, Child *c)
{
    if (c->lingers && !children_find(&all->lingering, &c->task, sizeof c->task))
        buf_put(&all->lingering, &c->task, sizeof c->task);
    all->lingering.failed = false; /* then its orphans do not stay */
    list_push(children_ring(all, c->pid), &c->link);
    all->n++;
}

Child *
children_by_pid(Children *all, int pid)
{
    List *ring = children_ring(all, pid);
    list_each(node, ring) {
        Child *c = container_of(node, Child, link);
        if (c->pid == pid)
            return c;
    }
    return NULL;
}

/* The first Child for which `match` returns true, or NULL. */
static Child *
children_any(Children *all, bool (*match)(const Child *c, uint64_t what),
             uint64_t what)
{
    for (size_t i = 0; i < countof(all->rings); i++)
        list_each(node, &all->rings[i]) {
            Child *c = container_of(node, Child, link);
            if (match(c, what))
                return c;
        }
    return NULL;
}

static bool
children_has_id(const Child *c, uint64_t id)
{
    return c->id == id;
}

/* Does it keep the orphans of that task alive? */
static bool
children_shields(const Child *c, uint64_t task)
{
    return c->task == task && !c->doomed;
}

static bool
children_is_doomed(const Child *c, uint64_t unused)
{
    (void)unused;
    return c->doomed;
}

Child *
children_by_id(Children *all, uint64_t id)
{
    return children_any(all, children_has_id, id);
}

/* Schedule a sweep, but not too soon after the last. */
static void
children_schedule_sweep(Children *all, double now)
{
    double gap = all->cost * SWEEP_COST;
    double at = all->last + (gap > SWEEP_GAP ? gap : SWEEP_GAP);
    if (all->due == 0)
        all->due = at > now ? at : now;
}

bool
children_lingers(const Children *all, const Child *c)
{
    return c->lingers && !c->doomed
        && children_find(&all->lingering, &c->task, sizeof c->task);
}

void
children_end(Children *all, Child *c, double now)
{
    if (!children_lingers(all, c)) {
        buf_put(&all->ended, &c->pid, sizeof c->pid);
        children_schedule_sweep(all, now);
    }
    all->ended.failed = false; /* then only their mark names its orphans */
    list_del(&c->link);
    list_del(&c->unreported);
    all->n--;
    mem_free(c);
}

void
children_doom(Children *all, Child *c, double now)
{
    c->doomed = true;
    all->due = now;
}

void
children_task_over(Children *all, uint64_t task, double now)
{
    char *at = children_find(&all->lingering, &task, sizeof task);
    if (!at)
        return;
    const char *next = at + sizeof task;
    memmove(at, next, (size_t)(all->lingering.p + all->lingering.n - next));
    all->lingering.n -= sizeof task;
    children_schedule_sweep(all, now);
}

/* ---- the sweep ---- */

/* Is this orphan to be killed? */
static bool
children_kills(Children *all, const Process *p)
{
    const Child *owner = children_by_pid(all, p->group);
    if (owner)
        return owner->doomed;
    if (children_find(&all->ended, &p->group, sizeof p->group))
        return true;
    uint64_t task;
    if (process_tree_task(p->pid, &task))
        return !children_find(&all->lingering, &task, sizeof task)
            && !children_any(all, children_shields, task);
    return all->n == 0 && all->lingering.n == 0;
}

/* Mark each Child that is doomed, and the orphans that nothing keeps. */
static void
children_mark(Children *all)
{
    int self = getpid();
    for (size_t i = 0; i < all->tree.n; i++) {
        Process *p = &all->tree.procs[i];
        if (p->parent != self || p->dead)
            continue;
        const Child *c = children_by_pid(all, p->pid);
        p->marked = c ? c->doomed : children_kills(all, p);
    }
}

void
children_sweep(Children *all, double (*clock)(void))
{
    double start = clock();
    process_tree_look(&all->tree);
    children_mark(all);
    process_tree_spread(&all->tree);
    bool found = process_tree_kill(&all->tree) > 0
        || children_any(all, children_is_doomed, 0);
    all->last = clock();
    all->cost = all->last - start;
    all->due = found ? all->last + all->again : 0;
    if (!found)
        buf_clear(&all->ended);
    /* What does not die at once is busy in the kernel: look less often. */
    all->again = found && all->again < SWEEP_GAP ? all->again * 2 : SWEEP_AGAIN;
}

static bool
children_signal_one(const Child *c, uint64_t signo)
{
    kill(-c->pid, (int)signo);
    return false;
}

void
children_signal(Children *all, int signo)
{
    children_any(all, children_signal_one, (uint64_t)signo);
}

/* ---- the pause ---- */

/* Look at all processes, and mark the descendants of this one. */
static void
children_look(Children *all)
{
    process_tree_look(&all->tree);
    process_tree_mark_own(&all->tree);
}

void
children_pause(Children *all, double now)
{
    Pause *p = &all->pause;
    if (p->on)
        return;
    children_look(all);
    for (size_t i = 0; i < all->tree.n; i++) {
        const Process *t = &all->tree.procs[i];
        if (t->marked && t->stopped)
            buf_put(&p->before, &t->pid, sizeof t->pid);
    }
    p->before.failed = false; /* then some go on that had stopped */
    children_signal(all, SIGTSTP);
    p->on = true;
    p->since = now;
    p->due = now + PAUSE_PATIENCE;
    p->again = PAUSE_AGAIN;
}

/* A process that is stuck in the kernel stops when it comes back. It may never
 * do so: the parent of a vfork waits for a child that has been stopped. So
 * after a while only those that run are a reason to look again. */
void
children_pause_sweep(Children *all, double now)
{
    Pause *p = &all->pause;
    bool again = false, soon = p->again < PAUSE_MOST;
    children_look(all);
    for (size_t i = 0; i < all->tree.n; i++) {
        const Process *t = &all->tree.procs[i];
        if (t->marked && !t->dead && !t->stopped)
            again |= kill(t->pid, SIGSTOP) == 0 && (soon || !t->stuck);
    }
    p->due = again ? now + p->again : 0;
    if (soon)
        p->again *= 2;
}

/* The last ones go on first, so that a parent that watches its child sees it
 * run. All get the signal, because a SIGSTOP may not have arrived yet. */
double
children_resume(Children *all, double now)
{
    Pause *p = &all->pause;
    if (!p->on)
        return 0;
    children_look(all);
    for (size_t i = all->tree.n; i-- > 0;) {
        const Process *t = &all->tree.procs[i];
        if (t->marked && !t->dead
            && !children_find(&p->before, &t->pid, sizeof t->pid))
            kill(t->pid, SIGCONT);
    }
    buf_clear(&p->before);
    p->on = false;
    p->due = 0;
    double paused = now - p->since;
    for (size_t i = 0; i < countof(all->rings); i++)
        list_each(node, &all->rings[i])
            container_of(node, Child, link)->start += paused;
    return paused;
}
