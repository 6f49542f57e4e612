/* keeper_pause.c — SIGTSTP, SIGSTOP and SIGCONT for everything there is. */
#include "keeper/keeper_pause.h"
#include <signal.h>

/* Seconds that those who were asked have; the distance between looks while
 * something still runs, at first and at most. */
static const double PAUSE_PATIENCE = 0.1, PAUSE_AGAIN = 0.005, PAUSE_MOST = 0.2;

static bool
keeper_pause_had(const Pause *p, int pid)
{
    for (size_t at = 0; at < p->before.n; at += sizeof pid)
        if (memcmp(p->before.p + at, &pid, sizeof pid) == 0)
            return true;
    return false;
}

void
keeper_pause_begin(Pause *p, Brood *b, double now)
{
    if (p->on)
        return;
    keeper_tree_look(&p->tree);
    keeper_tree_mark_own(&p->tree);
    for (size_t i = 0; i < p->tree.n; i++) {
        const TreeProc *t = &p->tree.procs[i];
        if (t->marked && t->stopped)
            buf_put(&p->before, &t->pid, sizeof t->pid);
    }
    p->before.failed = false; /* then some go on that had stopped */
    keeper_brood_signal(b, SIGTSTP);
    p->on = true;
    p->since = now;
    p->due = now + PAUSE_PATIENCE;
    p->again = PAUSE_AGAIN;
}

/* One that is stuck stops when it comes back; it may never, for the parent of a
 * vfork waits for a child that has been stopped. So in the end only those that
 * run are a reason to look again. */
void
keeper_pause_sweep(Pause *p, double now)
{
    bool again = false, soon = p->again < PAUSE_MOST;
    keeper_tree_look(&p->tree);
    keeper_tree_mark_own(&p->tree);
    for (size_t i = 0; i < p->tree.n; i++) {
        const TreeProc *t = &p->tree.procs[i];
        if (t->marked && !t->dead && !t->stopped)
            again |= kill(t->pid, SIGSTOP) == 0 && (soon || !t->stuck);
    }
    p->due = again ? now + p->again : 0;
    if (soon)
        p->again *= 2;
}

/* The last ones first: a parent that watches its child sees it run. All are
 * told, for a SIGSTOP may not have reached one yet. */
double
keeper_pause_end(Pause *p, Brood *b, double now)
{
    if (!p->on)
        return 0;
    keeper_tree_look(&p->tree);
    keeper_tree_mark_own(&p->tree);
    for (size_t i = p->tree.n; i-- > 0;) {
        const TreeProc *t = &p->tree.procs[i];
        if (t->marked && !t->dead && !keeper_pause_had(p, t->pid))
            kill(t->pid, SIGCONT);
    }
    buf_clear(&p->before);
    p->on = false;
    p->due = 0;
    keeper_brood_shift(b, now - p->since);
    return now - p->since;
}
