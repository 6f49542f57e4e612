/* task.h — one unit of work: its fields, its states, its result. Layer 3.
 *
 *             unblocked            granted, begun       returned
 *    waiting -----------> ready ---------------> running ----------> completed
 *       |                   |   <---------------   |  \   raised, exit≠0, …
 *       |                   |   retry, claim back  |   `-----------> failed
 *       +-------------------+----------------------+---------------> cancelled
 *
 * The last three are final: reached exactly once. task_move is the only
 * function that assigns a state; it follows the table of legal moves. A task
 * lives from its creation to the end of its run, so a pointer to one stays
 * good.
 */
#ifndef ORUN_TASK_H
#define ORUN_TASK_H

#include "base.h"
#include "list.h"
#include <stdatomic.h>

/* state, the word scripts see */
#define TASK_STATES(X) \
    X(WAITING, "pending") \
    X(READY, "pending") \
    X(RUNNING, "in_progress") \
    X(COMPLETED, "completed") \
    X(FAILED, "failed") \
    X(CANCELLED, "cancelled")

typedef enum TaskState {
#define X(name, text) TASK_##name,
    TASK_STATES(X)
#undef X
    TASK_STATE_COUNT
} TaskState;

/* why a task failed or was cancelled; the word is `error_kind` */
#define TASK_FAULTS(X) \
    X(NONE, "none") X(LUA, "lua") X(EXIT, "exit") X(SIGNAL, "signal") \
    X(TIMEOUT, "timeout") X(MEMORY, "memory") X(BLOCKED, "blocked") \
    X(CANCELLED, "cancelled") X(SCHEMA, "schema") X(SPAWN, "spawn") \
    X(HTTP, "http") X(RATE, "rate") X(BUDGET, "budget") \
    X(CONFLICT, "conflict") X(LOST, "lost")

typedef enum TaskFault {
#define X(name, text) FAULT_##name,
    TASK_FAULTS(X)
#undef X
    FAULT_COUNT
} TaskFault;

typedef enum TaskKind {
    TASK_LUA,     /* a Lua function, on a worker */
    TASK_PROCESS, /* a program, through the keeper */
    TASK_ITEM,    /* an entry of the list that somebody claims */
    TASK_KINDS
} TaskKind;

/* What a program printed, where that is more than its result tells: stdout when
 * the result has it cut, stderr when there is some; else NULL. */
typedef struct Captured {
    struct Output *out, *err;
} Captured;

/* How one attempt ended. Whoever is handed one owns what it points to. */
typedef struct Outcome {
    uint8_t state;             /* TASK_COMPLETED, FAILED or CANCELLED */
    uint8_t fault;             /* a TaskFault */
    uint8_t signal;            /* that ended a program, or 0 */
    int code;                  /* of its exit, or -1 */
    struct Value *output;      /* NULL: nil */
    struct Value *error_value; /* what was raised, when it was a table */
    char *error;               /* text; mem_free */
    Captured *captured;        /* NULL: nothing is */
} Outcome;

/* Try again after a failure. `max` more times, waiting backoff × 2^n seconds
 * with jitter; `on` has bit 1 << fault for each fault worth it. */
typedef struct Retry {
    int max;
    unsigned on;
    double backoff;
} Retry;

/* What most tasks do not ask for; owned by its task (or agent type). */
typedef struct TaskOptions {
    double timeout;        /* seconds of one attempt; 0 none */
    Retry retry;
    struct Limit *limit;   /* the named slot pool, or NULL */
    struct Writes *writes; /* declared files and folders, or NULL */
    char *cwd;
    char **env;            /* "K=V" added to the environment, or NULL */
    struct Value *metadata;
    char *owner;           /* label of who claimed it */
    char *key;
    size_t memory_limit;   /* bytes of a Lua task's state; 0: the default */
    size_t max_output;     /* bytes handed back in a result; 0: the default */
    bool despite_failure;  /* on_blocker_failure = "run" */
    bool detach;           /* outlives its parent */
    bool isolated;         /* a Lua task in a process of its own */
} TaskOptions;

typedef struct TaskEdges {
    struct Task **blockers, **dependents;
    uint32_t blocker_count, dependent_count, blocker_cap, dependent_cap;
} TaskEdges;

#include "pool.h"
#include "timer.h"

typedef struct Task {
    /* Never changed after creation. */
    uint64_t id;                   /* 0 is the script */
    struct Task *parent;           /* who started it; the script's is NULL */
    char *description;             /* NULL: none given */
    const struct AgentType *agent; /* NULL with run= */
    struct Value *code, *input, *prompt; /* NULL again once it is final and
                                      * nobody can be reading them */
    TaskOptions *opt;              /* NULL: all defaults (metadata, owner and
                                      limit inside change, under the lock) */
    const char *file;              /* where Task was called … */
    int line;                      /* … 0: unknown */
    uint8_t kind;
    uint8_t depth;                 /* of nesting */
    bool own_code;                 /* `code` was encoded for this task alone */

    /* Written under the board's lock, read by anyone: once a final state is
     * seen, `outcome`, `started` and `ended` are seen too and never change. */
    _Atomic uint8_t state;
    _Atomic uint8_t stopping; /* the TaskFault it is stopped for, or NONE */
    atomic_bool read;         /* somebody saw its final state */
    atomic_bool removed;      /* deleted from the list */

    /* Guarded by the board's lock. */
    uint8_t stop_rung;    /* how far up the stop ladder */
    bool abandoned;       /* given up: its worker may still read its values */
    int8_t priority;
    bool has_kind;        /* holds a slot of its kind */
    bool has_rest;        /* holds its named and agent slots, and its writes */
    bool woken;           /* wants slots to go on after a wait, not to begin */
    bool for_writes;      /* queues for writes, not for a slot */
    bool given_up;        /* this attempt could not be ended */
    uint32_t mark;        /* visited by search number … */
    uint64_t turn;        /* its place among those that queue; see turn.h */
    const char *stop_why; /* constant text: why it is cancelled, or NULL */
    uint32_t attempt;     /* 1 while the first runs */
    uint32_t unmet;       /* blockers not final yet */
    Job job;              /* in a limit's queue, the starts, or the pool */
    List behind;          /* tasks (by job.link) after it there; see turn.h */
    List waits;           /* Waits on this task */
    struct Wait *waiting; /* what its own code waits in, or NULL */
    TaskEdges *edges;     /* NULL: none yet */
    struct Task *children, *sibling;
    struct Task *claims, *next_claim; /* items this task claimed */
    struct Task *claimer; /* of an item: who has it */
    void *run;            /* the runner's own; of the script: the scheduler */
    Timer timer;          /* time-out, or end of a retry's delay, or grace */
    double started, ended; /* run clock; this attempt's start */
    Outcome outcome;      /* once final */
} Task;

/* The word for a state ("in_progress"); a constant. Any thread. */
const char *task_state_name(TaskState s);

/* The word for a fault ("timeout"), NULL for none; a constant. Any thread. */
const char *task_fault_name(TaskFault f);

/* The fault called `name`, -1 when there is none. Any thread. */
int task_fault_find(const char *name);

static inline bool
task_final(const Task *t)
{
    return atomic_load_explicit(&t->state, memory_order_acquire)
        >= TASK_COMPLETED;
}

/* True when the table allows it. Any thread. */
bool task_may_move(TaskState from, TaskState to);

/* Assign the state; the move must be legal. Under the board's lock. */
void task_move(Task *t, TaskState to);

/* Bytes of memory the task takes, with what it was given, and its outcome's. */
size_t task_weight(const Task *t);
size_t outcome_weight(const Outcome *o);

/* Free a task and all it owns. Nobody may know it any more. */
void task_free(Task *t);

/* Free what options own and the options; NULL is fine. */
void task_options_free(TaskOptions *opt);

/* Free what an outcome owns and clear it. */
void outcome_clear(Outcome *o);

/* Why t failed or was cancelled: there is always something to say, even when no
 * memory was left for the text itself. NULL for others, and for an item that
 * somebody cancelled without a word. */
const char *task_error(const Task *t);

/* Drop both and free; NULL is fine. */
void captured_free(Captured *c);

/* Free a NULL-terminated array of mem_alloc'd strings; NULL is fine. */
void task_strings_free(char **strings);

#endif
