/* sched.h — the life of tasks, from being added to being final.
 *
 * The scheduler holds the board, and what decides which task runs (slots.h).
 * Claims of list items are in claim.h, edges added later in edge.h, and what
 * the end of a task means for others in lifecycle.h. All of it is behind the
 * board's one lock.
 *
 * Work granted under the lock is started after it: every function that may
 * have granted something ends with sched_unlock, which hands the starts to the
 * runners with no lock held.
 */
#ifndef ORUN_SCHED_H
#define ORUN_SCHED_H

#include "sched/runner.h"
#include "task/agent.h"
#include "task/board.h"
#include "task/limit.h"

enum {
    SCHED_SPENT = 16,
    SCHED_SPENT_SIZE = 64 << 10, /* smaller values are dropped at once */
};

enum { SCHED_NAMES = 1024 }; /* rings, so that thousands of names are found */

typedef struct Sched {
    Board board;                /* its lock guards all below as well */
    void (*due)(Timer *timer);  /* what a TaskTimer fires; never changes */
    Runner *runner[TASK_KINDS]; /* [TASK_ITEM] is NULL; set before any task */

    Limit *kind[SLOT_KINDS];
    List blocked_lines[SLOT_KINDS]; /* LimitLines, on this kind's slots only */
    List limits;                    /* named ones */
    List limits_by_name[SCHED_NAMES]; /* the same, by the hash of the name */
    Limit *whole;     /* for all tasks of agents; NULL: none is asked */
    Limit *memory;    /* where tasks wait for memory; NULL: none did */
    double memory_at; /* when `memory_free` was read */
    size_t memory_free;
    List agents;                      /* newest first … */
    List agents_by_name[SCHED_NAMES]; /* … and by the hash of the name */
    List starts;       /* granted, not handed to their runner yet */
    List writers;      /* tasks that wait for somebody's writes */
    List freed;        /* limits whose slots are given once all consequences
                        * of a task's end are there */
    bool freed_writes; /* and somebody's writes with them */
    List to_propagate; /* final tasks, whose completion others have not been
                        * notified of yet */
    double moment;     /* when an attempt last began or ended */
    uint64_t tickets;  /* the last given to a task that became ready */
    uint64_t offers;   /* how often one was offered what it needs */
    struct Durable *_Atomic durable; /* what keeps the run, see durable.h; NULL:
                                      * nothing does. Set before any task;
                                      * anyone may look whether it is there */
    struct Ranks *ranks; /* durations are remembered; NULL: they are not. Set
                          * before any task */
    bool ranked;         /* … and something is known */
    unsigned forks;      /* fork_count when it was made. Never changes */
    int plan;            /* 0: no plan; 1: agents are stubbed; 2: functions,
                          * too, and durations are not remembered. Never
                          * changes */
    bool closing;        /* no new tasks, but those of the embedding program */
    bool hurried;        /* stops begin with the last step, but for the same */
    bool draining;       /* new tasks are cancelled, none is retried, and no
                          * item is handed out (Board.drained) */
    struct Value *spent[SCHED_SPENT]; /* to be dropped once it is unlocked */
    int spent_count;
    /* Written under the lock, read by anyone: */
    atomic_size_t held;    /* bytes of tasks, their inputs and results */
    atomic_size_t backlog; /* no task is added that makes it more; 0: none */
    uint64_t random;       /* state of the jitter */
} Sched;

/* `slots`: of each kind at first; `due`: what tasks' timers fire. */
int sched_init(Sched *s, Clock *clock, const int slots[SLOT_KINDS],
               void (*due)(Timer *)) NODISCARD;
void sched_destroy(Sched *s);

/* The scheduler a task belongs to. Any thread. */
Sched *sched_of(Task *t);

static inline void
sched_lock(Sched *s)
{
    board_lock(&s->board);
}
/* Unlock, then start what was granted. */
void sched_unlock(Sched *s);

/* Is t to end, and not to be tried again? And at once, where it is stopped?
 * A task of the embedding program only when all is closed. With the lock held.
 */
static inline bool
sched_closing(const Sched *s, const Task *t)
{
    return s->board.closed || (s->closing && !t->hosted);
}
static inline bool
sched_hurried(const Sched *s, const Task *t)
{
    return s->hurried && (s->board.closed || !t->hosted);
}

/* ---- takes the lock itself, any thread ---- */

/* A program of the task with this id could not be stopped in time. Any thread,
 * without the lock. */
void sched_left(Sched *s, uint64_t id);

/* Add a type, owned by the scheduler from then on; it hides older ones of its
 * name. The second is for types that were found when one was asked for: false,
 * and a stays the caller's, if the name is taken meanwhile. The third returns
 * the type of a name, NULL if there is none. */
void sched_add_agent(Sched *s, AgentType *a);
bool sched_add_found_agent(Sched *s, AgentType *a) NODISCARD;
const AgentType *sched_agent(Sched *s, const char *name);

/* Arm (or re-arm) t's timer, or do without it. ORUN_ENOMEM leaves it not armed.
 * With the lock held, as the next. */
int sched_arm(Sched *s, Task *t, double at) NODISCARD;
void sched_disarm(Sched *s, Task *t);

/* A number from 0.5 to 1, to spread what would happen at once. With the lock
 * held. */
double sched_jitter(Sched *s);

/* Would n bytes more be within `part` of the backlog (1 of 1, 1 of 2)? Any
 * thread; a hint, as others take from it too. */
bool sched_has_room(Sched *s, size_t n, int part);

/* Drop v, later when that would take long. With the lock held. */
void sched_discard(Sched *s, struct Value *v);

#endif
