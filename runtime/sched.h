/* sched.h — what runs when. Layer 3 (tasks).
 *
 * A task whose blockers are done is offered: it takes a slot of each limit it
 * is under (its named pool, its agent type's, its kind's) and its writes, all
 * or none, or queues at the first one that is full. When a slot comes free the
 * head of that queue is offered again. Nothing polls. A task that waits gives
 * its slots back and takes them again before it goes on, so nesting cannot
 * deadlock a limit.
 *
 * Work granted under the lock is started after it: every function that may
 * have granted something ends with sched_unlock, which hands the starts to the
 * runners with no lock held.
 */
#ifndef ORUN_SCHED_H
#define ORUN_SCHED_H

#include "agent.h"
#include "board.h"
#include "limit.h"
#include "runner.h"

typedef struct Sched {
    Board board; /* its lock guards all below as well */
    Runner *runner[TASK_KINDS]; /* [TASK_ITEM] is NULL; set before any task */

    Limit *kind[TASK_KINDS];
    List limits;          /* named ones */
    List agents;          /* newest first */
    List starts;          /* granted, not handed to their runner yet */
    List writing;         /* Writes of tasks that run */
    List writers;         /* tasks that wait for somebody's writes */
    List aftermath;       /* final tasks whose consequences are due */
    bool closing;         /* no new tasks */
    uint64_t random;      /* state of the jitter */
} Sched;

/* Slots of each kind at first: Lua tasks `lua`, programs `process`. */
int sched_init(Sched *s, Clock *clock, int lua, int process) NODISCARD;
void sched_destroy(Sched *s);

/* The scheduler a task belongs to. Any thread. */
Sched *sched_of(Task *t);

static inline void sched_lock(Sched *s) { board_lock(&s->board); }
/* Unlock, then start what was granted. */
void sched_unlock(Sched *s);

/* ---- takes the lock itself, any thread ---- */

/* Put a new task on the board and start it as soon as it may. On success the
 * board owns it. `blockers` are tasks of this board. Errors, with nothing
 * done and `t` still the caller's: ORUN_ESHUTDOWN, ORUN_EDEPTH, ORUN_ENOMEM,
 * ORUN_EREMOVED (a blocker was removed). */
int sched_add(Sched *s, Task *t, Task *parent, Task *const *blockers,
              size_t n) NODISCARD;

/* The runner begins the task: gives false when it was stopped meanwhile (it
 * is settled then and must not be run), else it is running, t->run is `run`,
 * and *attempt is to be given to sched_finish. */
bool sched_begin(Sched *s, Task *t, void *run, uint32_t *attempt);

/* The attempt has ended; takes what `o` holds. An attempt that is no longer
 * the task's current one is dropped. May retry. */
void sched_finish(Sched *s, Task *t, uint32_t attempt, Outcome *o);

/* sched_finish, and in the same breath begin (as sched_begin with `run` does)
 * the task of this kind that got the slot: it is given, or NULL, and *attempt
 * is its own then. For a runner that does one task after the other. */
Task *sched_finish_next(Sched *s, Task *t, uint32_t *attempt, Outcome *o,
                        void *run);

/* Cancel. Gives 0, or ORUN_ERESOLVED when it was final already. */
int sched_stop(Sched *s, Task *t);

/* Cancel every task that is not final but list items; they end in their own
 * time. */
void sched_cancel_all(Sched *s, const char *why);

/* Cancel every task and accept no new one; they end in their own time. */
void sched_close(Sched *s);

/* Fire what is due; gives the time of the next timer (INFINITY: none). */
double sched_tick(Sched *s);

/* The named pool, made with one slot when new. cap > 0 sets its slots. NULL
 * when memory is out. */
Limit *sched_limit(Sched *s, const char *name, int cap);

/* Change the slots of a kind. */
void sched_set_slots(Sched *s, TaskKind kind, int cap);

/* Add a type (owned by the scheduler from then on) / the one of this name. */
void sched_add_agent(Sched *s, AgentType *a);
const AgentType *sched_agent(Sched *s, const char *name);

/* Claim `item` for `who`; `owner` (taken, may be NULL) is a label. Gives 0,
 * ORUN_ECLAIMED, ORUN_ERESOLVED, ORUN_EBLOCKED, ORUN_ESTATE (not an item). */
int sched_claim(Sched *s, Task *item, Task *who, char *owner) NODISCARD;

/* Claim the first ready item; NULL when none is ready now. *open gets how many
 * items are not final. */
Task *sched_claim_next(Sched *s, Task *who, char *owner, size_t *open);

/* End an item: `o` is taken. As sched_claim; ORUN_ECLAIMED when another task
 * holds it. */
int sched_resolve(Sched *s, Task *item, Task *who, Outcome *o) NODISCARD;

/* Give a claim back: in_progress to pending. Errors as sched_resolve. */
int sched_release(Sched *s, Task *item, Task *who) NODISCARD;

/* An edge: `task` may not start before `blocker` is final. */
typedef struct Edge {
    Task *task, *blocker;
} Edge;

/* Add edges, all or none. ORUN_ECYCLE: `path` says which cycle would close.
 * ORUN_ESTATE: a task has begun already. ORUN_EREMOVED, ORUN_ENOMEM. */
int sched_block(Sched *s, const Edge *edges, size_t n, Buf *path) NODISCARD;

/* Change the priority; a task that queues takes its new place. */
void sched_set_priority(Sched *s, Task *t, int priority);

/* ---- with the lock held, then sched_unlock ---- */

/* The code of running t is about to wait: give back its slot of its kind, and
 * (all) the others and its writes. */
void sched_rest(Sched *s, Task *t, bool all);

/* Its wait has ended: start it (t->woken) when it has its slots again. A task
 * that is being stopped goes on at once. */
void sched_wake(Sched *s, Task *t);

#endif
