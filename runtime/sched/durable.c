/* durable.c — what follows when a task was looked up, or its outcome kept. */
#include "sched/durable.h"
#include "sched/lifecycle.h"
#include "sched/sched.h"
#include "sched/slots.h"

const char *
durable_drawn_name(DrawnKind kind)
{
    static const char *const names[] = {
#define X(name, word) [DRAWN_##name] = (word),
        DRAWN_KINDS(X)
#undef X
    };
    return names[kind];
}

/* What keeps the run, if it keeps what is drawn. */
static Durable *
durable_draws(Sched *s)
{
    Durable *d = s->durable;
    return d && d->note ? d : NULL;
}

void
durable_draw(Sched *s, Task *t, uint32_t attempt, DrawnKind kind,
             unsigned char value[DRAWN_SIZE])
{
    if (!durable_draws(s))
        return;
    sched_lock(s);
    Durable *d = durable_draws(s);
    if (d) {
        d->recall(d, t, attempt, kind, value);
        d->note(d, t, attempt, kind, value);
    }
    sched_unlock(s);
}

double
durable_now(Sched *s)
{
    const Durable *d = s->durable;
    return board_now(&s->board) + (d ? d->ahead : 0);
}

void
durable_item(Sched *s, Task *t)
{
    Durable *d = s->durable;
    if (d && d->item && t->kind == TASK_ITEM)
        d->item(d, t);
}

/* ---- which task came first ---- */

enum { DURABLE_BLOCKERS = 100 }; /* looked at, at most */

bool
durable_open(const Task *t, int *looks) /* NOLINT(misc-no-recursion) */
{
    if (task_looking(t))
        return true;
    if (t->state != TASK_WAITING || !t->unmet)
        return false;
    for (uint32_t i = 0; i < t->edges->blocker_count; i++) {
        const Task *blocker = t->edges->blockers[i];
        if (!task_final(blocker)
            && (--*looks < 0 || !durable_open(blocker, looks)))
            return false;
    }
    return true;
}

/* For collector_each_left: *ctx becomes true, and no more is asked for. */
static bool
durable_any_open(void *ctx, Task *t)
{
    bool *any = ctx;
    int looks = DURABLE_BLOCKERS;
    *any = durable_open(t, &looks);
    return !*any;
}

/* The task that t got next in an earlier try, which has ended so now; NULL:
 * whichever comes. Or *later. */
static const Task *
durable_winner(Sched *s, Durable *d, Task *t, uint32_t attempt,
               const Collector *c, bool *later)
{
    unsigned char key[DRAWN_SIZE];
    uint64_t id = 0;
    *later = false;
    if (!d->recall(d, t, attempt, DRAWN_WINNER, key) || !d->by(d, key, &id))
        return NULL;
    const Task *winner = id ? board_find(&s->board, id) : NULL;
    if (winner)
        *later = task_looking(winner);
    else if (!id)
        collector_each_left(c, durable_any_open, later);
    return winner && task_final(winner) ? winner : NULL;
}

Task *
durable_next(Sched *s, Task *t, uint32_t attempt, Collector *c, bool *later,
             size_t *left)
{
    static const unsigned char unknown[DRAWN_SIZE] = { 0 };
    *later = false;
    if (!durable_draws(s))
        return collector_next(c, left);
    sched_lock(s);
    Durable *d = durable_draws(s);
    const Task *winner = d ? durable_winner(s, d, t, attempt, c, later) : NULL;
    Task *next = *later ? NULL : collector_take(c, winner, left);
    const TaskKey *key = next ? task_key(next) : NULL;
    if (next && d)
        d->note(d, t, attempt, DRAWN_WINNER,
                key && key->known ? key->key : unknown);
    sched_unlock(s);
    return next;
}

/* ---- looked up, kept ---- */

void
durable_looked(Sched *s, Task *t, Outcome *o)
{
    wait_fire_all(&s->board.look_waits);
    if (!task_looking(t) || t->unmet > 0) {
        if (o)
            outcome_clear(o);
        slots_with_store(s, t, false);
        return;
    }
    slots_with_store(s, t, false);
    if (!o) {
        slots_go(s, t);
        return;
    }
    task_key(t)->cached = true;
    if (t->state == TASK_WAITING)
        task_move(t, TASK_READY);
    task_move(t, TASK_RUNNING);
    lifecycle_finalize(s, t, o);
}

void
durable_sealed(Sched *s, Task *t, Outcome *o, size_t weight, double ended)
{
    s->held -= weight;
    t->started += board_now(&s->board) - ended; /* the disk's time is no work */
    lifecycle_finalize(s, t, o);
}
