/* wait.c — waits and collectors. */
#include "sched/wait.h"
#include "base/err.h"
#include "base/mem.h"
#include "sched/sched.h"
#include "task/output.h"
#include <math.h>

typedef struct Entry {
    Wait wait; /* on the task; pending until it is final */
    Task *task;
    Collector *collector;
    List link; /* in collector->all … */
    List done; /* … and in collector->done once it is final */
} Entry;

struct Collector {
    Board *board;
    /* Guarded by the board's lock: */
    List all, done, waits;
    size_t left; /* not given yet */
};

const char *
wait_for_name(int kind)
{
    static const char *const names[WAIT_FOR_KINDS] = {
        [WAIT_FOR_TASK] = "task", [WAIT_FOR_COLLECTOR] = "tasks",
        [WAIT_FOR_ITEM] = "item", [WAIT_FOR_IDLE] = "all",
        [WAIT_FOR_OP] = "work", [WAIT_FOR_OUTPUT] = "output",
        [WAIT_FOR_TIME] = "time",
    };
    return names[kind];
}

bool
wait_ready(Board *b, const WaitFor *what)
{
    switch (what->kind) {
    case WAIT_FOR_TASK:
        return task_final(what->task);
    case WAIT_FOR_OUTPUT:
        return task_final(what->task)
            || (what->output && output_watch(what->output, what->have));
    case WAIT_FOR_COLLECTOR:
        return !list_empty(&what->collector->done) || !what->collector->left;
    case WAIT_FOR_OP:
        return what->op->done;
    case WAIT_FOR_ITEM:
        return b->open_items == 0 || queue_peek(&b->items);
    case WAIT_FOR_IDLE:
        return b->live == 0;
    default:
        return false;
    }
}

static List *
wait_list(Board *b, const WaitFor *what)
{
    switch (what->kind) {
    case WAIT_FOR_TASK: return &what->task->waits;
    case WAIT_FOR_OUTPUT: return &what->task->waits;
    case WAIT_FOR_COLLECTOR: return &what->collector->waits;
    case WAIT_FOR_OP: return &what->op->waits;
    case WAIT_FOR_ITEM: return &b->item_waits;
    case WAIT_FOR_IDLE: return &b->idle_waits;
    default: return NULL;
    }
}

static void
wait_expired(Timer *t)
{
    wait_fire(container_of(t, Wait, timer), WAIT_TIMED_OUT);
}

int
wait_begin(Board *b, Wait *w, Task *waiter, const WaitFor *what)
{
    w->board = b;
    w->waiter = waiter;
    w->outcome = WAIT_PENDING;
    w->kind = (uint8_t)what->kind;
    w->growth = what->kind == WAIT_FOR_OUTPUT;
    w->target = what->kind == WAIT_FOR_TASK || w->growth ? what->task : NULL;
    w->collector = what->kind == WAIT_FOR_COLLECTOR ? what->collector : NULL;
    w->timer = (Timer){ .fire = wait_expired };
    list_init(&w->link);
    if (wait_ready(b, what) || what->deadline <= board_now(b)) {
        w->outcome = wait_ready(b, what) ? WAIT_DONE : WAIT_TIMED_OUT;
        return 0;
    }
    if (what->deadline < INFINITY && board_arm(b, &w->timer, what->deadline))
        return ORUN_ENOMEM;
    List *at = wait_list(b, what);
    if (at)
        list_push(at, &w->link);
    if (waiter)
        waiter->waiting = w;
    w->resting = waiter && what->deadline == INFINITY
        && what->kind != WAIT_FOR_OP;
    if (w->resting)
        b->active--;
    if (waiter == b->root)
        wait_check_stuck(b);
    return w->outcome == WAIT_PENDING ? 1 : 0;
}

void
wait_fire(Wait *w, int outcome)
{
    if (w->outcome != WAIT_PENDING)
        return;
    w->outcome = outcome;
    list_del(&w->link);
    board_disarm(w->board, &w->timer);
    if (w->waiter && !task_final(w->waiter))
        w->waiter->waiting = NULL;
    if (w->resting)
        w->board->active++;
    w->resting = false;
    w->wake(w);
}

void
wait_fire_all(List *waits)
{
    while (!list_empty(waits))
        wait_fire(container_of(waits->next, Wait, link), WAIT_DONE);
}

void
wait_fire_growth(Task *t)
{
    list_each(node, &t->waits) {
        Wait *w = container_of(node, Wait, link);
        if (w->growth)
            wait_fire(w, WAIT_DONE);
    }
}

void
wait_check_stuck(Board *b)
{
    Wait *w = b->root->waiting;
    if (b->active == 0 && !timer_first(&b->timers) && w && w->resting)
        wait_fire(w, WAIT_DEADLOCK);
}

double
wait_tick(Sched *s)
{
    sched_lock(s);
    double next = board_fire_due(&s->board);
    wait_check_stuck(&s->board);
    sched_unlock(s);
    return next;
}

bool
wait_on_tasks(const Task *t)
{
    const Wait *w = task_waiting(t);
    return (t->edges && t->edges->guests)
        || (w && w->kind != WAIT_FOR_OP && w->kind != WAIT_FOR_TIME);
}

void
op_done(Op *op)
{
    op->done = true;
    wait_fire_all(&op->waits);
}

static void
collector_got(Wait *w)
{
    Entry *e = container_of(w, Entry, wait);
    list_push(&e->collector->done, &e->done);
    wait_fire_all(&e->collector->waits);
}

static int
collector_add_locked(Collector *c, Task *t)
{
    Entry *e = mem_zalloc(1, sizeof *e);
    if (!e)
        return ORUN_ENOMEM;
    *e = (Entry){ .task = t, .collector = c, .wait.wake = collector_got };
    list_init(&e->done);
    WaitFor what = { .kind = WAIT_FOR_TASK, .task = t, .deadline = INFINITY };
    list_push(&c->all, &e->link);
    c->left++;
    if (wait_begin(c->board, &e->wait, NULL, &what) == 0)
        collector_got(&e->wait);
    return 0;
}

int
collector_add(Collector *c, Task *t)
{
    board_lock(c->board);
    int e = collector_add_locked(c, t);
    sched_unlock(sched_of(t));
    return e;
}

Collector *
collector_new(Board *b, Task *const *tasks, size_t n)
{
    Collector *c = mem_zalloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->board = b;
    list_init(&c->all);
    list_init(&c->done);
    list_init(&c->waits);
    int e = 0;
    board_lock(b);
    for (size_t i = 0; i < n && e == 0; i++)
        e = collector_add_locked(c, tasks[i]);
    board_unlock(b);
    if (e) {
        collector_free(c);
        return NULL;
    }
    return c;
}

Task *
collector_next(Collector *c, size_t *left)
{
    board_lock(c->board);
    List *node = list_shift(&c->done);
    Entry *e = node ? container_of(node, Entry, done) : NULL;
    Task *t = e ? e->task : NULL;
    if (e) {
        c->left--;
        list_del(&e->link);
    }
    *left = c->left;
    board_unlock(c->board);
    mem_free(e);
    return t;
}

void
collector_each_left(const Collector *c, bool (*each)(void *ctx, Task *t),
                    void *ctx)
{
    const List *all = &c->all;
    for (const List *node = all->next; node != all; node = node->next) {
        Task *t = container_of(node, Entry, link)->task;
        if (!task_final(t) && !each(ctx, t))
            return;
    }
}

void
collector_free(Collector *c)
{
    if (!c)
        return;
    board_lock(c->board);
    list_each(node, &c->all) {
        Entry *e = container_of(node, Entry, link);
        list_del(&e->wait.link);
        mem_free(e);
    }
    board_unlock(c->board);
    mem_free(c);
}
