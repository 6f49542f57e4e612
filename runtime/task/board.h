/* board.h — the table of all tasks of a run.
 *
 * The board is a monitor: one lock, and behind it everything about tasks that
 * changes. It knows ids, edges, waits and claims; what runs when is sched.h's.
 * Critical sections are short; nothing here calls out but the wake function of
 * a Wait, which may only hand its owner on to a queue or signal a condition.
 *
 * Invariants, with the lock free:
 *   1. t->unmet counts the blockers of t that are not final.
 *   2. A task with unmet > 0 is waiting (items: waiting, too).
 *   3. A pending Wait is linked at what it waits for, and nowhere else.
 *   4. `active` counts the script while it runs, the ready and running tasks
 *      that are not resting in a wait only another task can end, and items that
 *      are looked up or sealed. When it is 0 and nothing is due, nothing will
 *      ever happen again.
 */
#ifndef ORUN_BOARD_H
#define ORUN_BOARD_H

#include "base/base.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/queue.h"
#include "task/event.h"
#include "task/task.h"
#include "task/timer.h"
#include <uv.h>

enum {
    BOARD_MAX_DEPTH = 32,       /* nesting of tasks */
    BOARD_MAX_BLOCKERS = 10000, /* of one task */
    BOARD_PAGE = 4096,          /* tasks on a page … */
    BOARD_PAGES = 16384,        /* … and pages: 67 million tasks a run */
};

typedef struct Board {
    Clock *clock;           /* never changes */
    Events *_Atomic events; /* NULL: nobody listens. Changed under the lock,
                             * seen by anyone */
    Task *root;             /* the script, id 0; never changes */

    /* Grow under the lock, read by anyone: pages of tasks, by id. */
    _Atomic(Task *) pages[BOARD_PAGES];
    atomic_size_t count; /* tasks, the script included */

    uv_mutex_t lock;
    /* Guarded by lock: */
    size_t open_items; /* items not final */
    size_t live;       /* other tasks not final, but those … */
    size_t hosted;     /* … of the embedding program (Task.hosted) */
    bool closed;       /* these are to end, too, and no task is added */
    Timers timers;
    Queue items;     /* ready items, to be claimed (by job.link) */
    List item_waits; /* Waits for an item to claim */
    bool drained;    /* no item is handed out any longer */
    List idle_waits; /* Waits for board_idle */
    List look_waits; /* Waits for one that is looked up (durable.h) */
    List writing;    /* Writes that tasks hold */
    int active;
    uint32_t search;              /* number of the last search (wait.h) */
    List retiring, retired, held; /* forgotten tasks (by job.link): those that
                                   * are to be retired next; that were, in … */
    uint64_t epoch; /* … this epoch; and that were still needed then */
    List ended;     /* those that are kept, oldest first, when … (when all are:
                       failures that go once they are looked at) */
    size_t ended_count, keep; /* … only so many are; 0: all */
    Task **spent; /* blocks of pages all of whose tasks were released */
    size_t spent_count;
    uint16_t released[BOARD_PAGES]; /* tasks of each page */
    /* Written under the lock, read by anyone: */
    atomic_size_t limbo; /* forgotten tasks that are not released yet */
    Task gone;           /* found in place of forgotten ones; never changes */
} Board;

/* A board with the script as task 0, which is running. */
int board_init(Board *b, Clock *clock) NODISCARD;
/* Free all tasks. None waits or runs. */
void board_destroy(Board *b);

static inline void
board_lock(Board *b)
{
    uv_mutex_lock(&b->lock);
}
static inline void
board_unlock(Board *b)
{
    uv_mutex_unlock(&b->lock);
}
static inline double
board_now(Board *b)
{
    return b->clock->now(b->clock);
}

/* The task with this id (removed ones too), NULL when there never was one, and
 * &b->gone when it is forgotten. Any thread, without the lock. */
Task *board_find(Board *b, uint64_t id);

/* The same, even if it is forgotten: for callers that have a hold on it. */
Task *board_held(Board *b, uint64_t id);

/* The functions below are called with the lock held. */

/* Move the draft to the place of the next id, where it can be linked to others;
 * nobody finds it before board_publish. Until then it may be taken back: what
 * it owns belongs to the draft again when that gets a copy of it. */
int board_place(Board *b, const Task *draft, Task **out) NODISCARD;

/* The task placed last belongs to the board from now on. */
void board_publish(Board *b);

/* The edges of t, made when there are none; NULL when memory is out. */
TaskEdges *board_edges(Task *t);

/* `t` may not start before `blocker` is final. Adding an edge twice, or to a
 * completed task, is fine and adds nothing. ORUN_ENOMEM changes nothing. */
int board_block(Task *t, Task *blocker) NODISCARD;

/* Take the edge to the last-added blocker back (to undo board_block). */
void board_unblock_last(Task *t);

/* t has ended, and no longer needs its parent and its blockers. */
void board_let_go(Task *t);

/* t is needed, though it may be forgotten, until board_drop. False: memory is
 * out. */
bool board_hold(Task *t) NODISCARD;
void board_drop(Task *t);

/* A blocker of t that failed or was cancelled, when that keeps t from running;
 * else NULL. */
Task *board_failed_blocker(Task *t);

/* May some task be waiting for t's end? If not, and it holds no writes, no
 * search leads to t. */
bool board_awaited(const Task *t);

/* Are all tasks final that are to end with the script, or, once the board is
 * closed, all tasks? */
static inline bool
board_idle(const Board *b)
{
    return b->live == 0 && (!b->closed || b->hosted == 0);
}

/* Arm a timer and tell the clock. */
int board_arm(Board *b, Timer *t, double at) NODISCARD;
void board_disarm(Board *b, Timer *t);

/* Fire what is due; returns the time of the next timer (INFINITY: none). */
double board_fire_due(Board *b);

/* The name to show for a task: "t3" or "t3 (build)"; a description is cut to
 * one line that is safe to show. */
void board_name(const Task *t, Buf *to);

#endif
