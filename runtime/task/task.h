/* task.h — one unit of work: its fields, its states, its result.
 *
 *             unblocked            granted, begun       returned
 *    waiting -----------> ready ---------------> running ----------> completed
 *       |                   |   <---------------   |  \   raised, exit≠0, …
 *       |                   |   retry, claim back  |   `-----------> failed
 *       +-------------------+----------------------+---------------> cancelled
 *
 * The last three are final: reached exactly once. task_move is the only
 * function that assigns a state; it follows the table of legal moves. A task
 * is drafted wherever its maker likes. From lifecycle_add on it lives on a page
 * of the board until the end of its run, so a pointer to one stays good, unless
 * it is forgotten (forget.h).
 */
#ifndef ORUN_TASK_H
#define ORUN_TASK_H

#include "base/base.h"
#include "base/list.h"
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
/* clang-format off */
#define TASK_FAULTS(X) \
    X(NONE, "none") X(LUA, "lua") X(EXIT, "exit") X(SIGNAL, "signal") \
    X(TIMEOUT, "timeout") X(MEMORY, "memory") X(BLOCKED, "blocked") \
    X(CANCELLED, "cancelled") X(SCHEMA, "schema") X(SPAWN, "spawn") \
    X(HTTP, "http") X(RATE, "rate") X(BUDGET, "budget") \
    X(CONFLICT, "conflict") X(LOST, "lost")
/* clang-format on */

typedef enum TaskFault {
#define X(name, text) FAULT_##name,
    TASK_FAULTS(X)
#undef X
        FAULT_COUNT
} TaskFault;

/* what a task's agent may do, the least first; the word is `permissions` */
/* clang-format off */
#define TASK_PERMISSIONS(X) \
    X(NONE, "none") X(READ, "read") X(EDIT, "edit") X(FULL, "full")
/* clang-format on */

typedef enum TaskPermission {
#define X(name, text) PERMISSION_##name,
    TASK_PERMISSIONS(X)
#undef X
        PERMISSION_COUNT
} TaskPermission;

/* Task.removed: it is no longer found. */
enum {
    TASK_REMOVED = 1, /* deleted from the list */
    /* forgotten (forget.h), because … */
    TASK_FORGOTTEN = 2, /* somebody asked for it, */
    TASK_ONCE = 3,      /* its result was read, and is not to be kept, */
    TASK_OLD = 4,       /* only the newest are kept, or */
    TASK_GONE = 5,      /* for one of these reasons: its page is gone */
};

typedef enum TaskKind {
    TASK_LUA,     /* a Lua function, on a worker */
    TASK_PROCESS, /* a program, through the supervisor */
    TASK_ITEM,    /* an entry of the list that somebody claims */
    TASK_KINDS
} TaskKind;

/* What a task holds a slot of while its work goes on. */
typedef enum SlotKind {
    SLOT_LUA,     /* a worker's time: only while its code runs (`workers`) */
    SLOT_PROCESS, /* a program (`processes` of orun_config: the option -j) */
    SLOT_HTTP,    /* requests (`http`) */
    SLOT_HOST,    /* C code of the program that orun is part of (`host`) */
    SLOT_KINDS
} SlotKind;

/* Of a task whose slot is of another kind: the programs that its code starts
 * share one slot of SLOT_PROCESS, from the start of the first of them to the
 * end of the last. */
typedef enum TaskPrograms {
    PROGRAMS_NONE,   /* none runs */
    PROGRAMS_QUEUED, /* its code waits for that slot, to start one */
    PROGRAMS_HELD,   /* it has the slot */
    PROGRAMS_LENT,   /* others have it while the task waits for tasks */
} TaskPrograms;

/* why a task was cancelled; the text is its `error` */
#define TASK_WHYS(X) \
    X(ASKED, "cancelled") \
    X(PARENT, "its parent task ended") \
    X(SCRIPT, "the script ended") \
    X(RUN, "the run ended") \
    X(DRAINED, "the run was drained: nothing is started any longer")

typedef enum TaskWhy {
#define X(name, text) WHY_##name,
    TASK_WHYS(X)
#undef X
} TaskWhy;

/* What a program printed, where that is more than its result tells: stdout when
 * the result has it cut, stderr when there is some; else NULL. Of a Lua task,
 * what the nth program printed that it had as its transcript. */
typedef struct Captured {
    struct Output *out, *err;
    uint32_t nth;
} Captured;

/* How one attempt ended. Whoever is handed one owns what it points to. */
typedef struct Outcome {
    uint8_t state : 3;         /* TASK_COMPLETED, FAILED or CANCELLED */
    uint8_t fault : 5;         /* a TaskFault */
    uint8_t signal;            /* that ended a program, or 0 */
    uint8_t idle, queued;      /* of a Lua task: the parts of its time, in
                                * 1/255, for which its code waited for
                                * something outside and had no worker, and for
                                * which it could go on after waits and had no
                                * slot */
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
    bool resume; /* the next attempt continues the agent's session */
} Retry;

/* In a plan that looks at a kept run (orun plan --resume): what a task would
 * have been made of, had it no stub. For its key. */
typedef struct TaskReplaced {
    struct Value *code, *schema; /* or NULL */
    bool worktree;
    char *base;
} TaskReplaced;

/* What most tasks do not ask for; owned by its task (or agent type). */
typedef struct TaskOptions {
    const struct AgentType *agent; /* of a task; NULL with run=, command= */
    char **argv;          /* the command of a task without a type, or NULL */
    struct Value *prompt; /* NULL again, as `code` is */
    double timeout;       /* seconds of one attempt; 0 none */
    Retry retry;
    struct Limit *pool;    /* the named pool of slots, or NULL */
    struct Writes *writes; /* declared files and folders, or NULL */
    struct Fresh *fresh;   /* … and those it reads, or NULL */
    char *cwd;
    char **env; /* "K=V" added to the environment, or NULL */
    struct Value *metadata;
    char *owner; /* label of the claimer */
    char *key;
    char *phase;            /* its heading in what shows the run, or NULL */
    char *model;            /* that its agent is to use, or NULL */
    uint8_t permissions;    /* of its agent; NONE: it has no use for them */
    struct Value *schema;   /* of its result, or NULL */
    size_t memory_limit;    /* bytes of a Lua task's state; 0: the default */
    size_t max_output;      /* bytes handed back in a result; 0: the default */
    uint32_t slot;          /* its number, given by who started it, or 0 */
    bool despite_failure;   /* on_blocker_failure = "run" */
    bool detach;            /* outlives its parent */
    bool finally;           /* runs once its only blocker is final, always */
    bool isolated;          /* a Lua task in a process of its own */
    bool stubbed;           /* a stub replaces its agent: see orun plan */
    TaskReplaced *replaced; /* … this; NULL: no kept run is looked at */
    bool worktree;          /* in a git worktree of its own … */
    bool in_worktree;       /* … or in that of the task that started it */
    bool once;              /* it is forgotten when its result was read */
    bool uncached; /* cache = false: no outcome of an earlier run is its */
    char *base;    /* where it begins; NULL: at HEAD */
    _Atomic(const char *) place; /* a folder in it, where programs begin, once
                                  * that is there; engine_intern's */
    struct Value *tree;          /* what the result tells of the last attempt's,
                                  * written before the task is final */
    struct Task *after;          /* the draft of its `finally`, added with it */
} TaskOptions;

enum { TASK_KEY_SIZE = 16 };

/* Of an item that a task has made, in a run that is kept (journal_items.h). */
typedef struct TaskItemKey {
    unsigned char name[TASK_KEY_SIZE];  /* what it is called there */
    unsigned char scope[TASK_KEY_SIZE]; /* of what its maker starts */
    bool again;  /* it is being put on the list again, as it was … */
    bool listed; /* … or was: that is not the script's or its maker's work */
    bool whole;  /* all that it waits for has a name, too */
} TaskItemKey;

/* Of a task in a run that is kept: what its work is, whatever its id. Written
 * by what keeps the run (durable.h) before the task begins, then by nobody but
 * for `outcome`, which is there once the task is final. */
typedef struct TaskKey {
    unsigned char key[TASK_KEY_SIZE];     /* of this task alone */
    unsigned char scope[TASK_KEY_SIZE];   /* of what it starts */
    unsigned char outcome[TASK_KEY_SIZE]; /* of what it ended with */
    unsigned char *parts;                 /* what it is made of (key.h), till
                                           * that is kept; or NULL … */
    uint32_t part_bytes;                  /* … and how many bytes */
    uint32_t looks;                       /* how often it was looked up */
    uint32_t drawn;                       /* see journal_drawn.c */
    TaskItemKey *item;                    /* NULL: it is none */
    unsigned char made[TASK_KEY_SIZE];    /* of what it is to do, without what
                                           * it waits for: journal_handle.h */
    bool made_known;                      /* … is there */
    bool known;                           /* key and scope are there */
    bool anew;                            /* it had an outcome, and runs again:
                                           * it draws other values, too */
    bool ended;                           /* outcome is */
    bool guessed;                         /* in a plan: it ends with a stub, or
                                           * with what was made of one */
    uint32_t after;                       /* in a plan: it runs again because
                                           * this one does, or 0 */
    bool cached;                          /* it ended as in an earlier run */
    bool stands_in;                       /* it has no code, and ends as one of
                                           * an earlier try did, for which it
                                           * stands (journal_stand_in.c) */
} TaskKey;

/* How a task and others hang together, beside being parent and child. */
typedef struct TaskEdges {
    struct Task **blockers, **dependents;
    uint32_t blocker_count, dependent_count, blocker_cap, dependent_cap;
    struct Task *claims;     /* the items this task has, the first … */
    struct Task *next_claim; /* … and, of an item, its claimer's next one */
    struct Task *claimer;    /* of an item: the task that has it */
    struct Wait *on_behalf;  /* of requests on its behalf, the first */
    TaskKey *key;            /* NULL: the run is not kept */
    uint32_t holds;          /* how many need it though it may be forgotten:
                              * tasks that have not ended and are blocked by it
                              * or were started by it, and waits for it; … */
    uint64_t dropped;        /* … the epoch of the last of them */
} TaskEdges;

#include "task/timer.h"
#include "thread/pool.h"

/* Time-out, or end of a retry's delay, or grace; see sched_arm. */
typedef struct TaskTimer {
    Timer timer;
    struct Task *task;
} TaskTimer;

enum { TASK_BYTES = 216 };

/* There may be a million, so what most of them never need is in a block made
 * for those that do (opt, edges, timer), and what none needs once it is final
 * shares its place with what it has from then on. */
typedef struct Task {
    /* Never changed after creation. */
    struct Task *parent;        /* that started it; the script's is NULL */
    char *description;          /* NULL: none given */
    struct Value *code, *input; /* NULL again once it is final and nobody
                                 * can be reading them */
    TaskOptions *opt;           /* NULL: all defaults (metadata, owner and
                                   limit inside change, under the lock) */
    const char *file;           /* where Task was called … */
    int line;                   /* … 0: unknown */
    uint32_t id;                /* 0 is the script */
    uint8_t kind;
    uint8_t slot;      /* a SlotKind */
    uint8_t depth;     /* of nesting */
    bool own_code : 1; /* `code` was encoded for this task alone */
    bool hosted : 1;   /* the embedding program started it, or one above it: it
                        * does not end with the script */

    /* Written under the board's lock, read by anyone: once a final state is
     * seen, `outcome` and `took` are seen too and never change. */
    _Atomic uint8_t state;
    _Atomic uint8_t stopping; /* the TaskFault it is stopped for, or NONE */
    atomic_bool read;         /* somebody saw its final state */
    _Atomic uint8_t removed;  /* 0, TASK_REMOVED or another of those */

    /* Guarded by the board's lock. */
    uint8_t throttles : 5;  /* attempts that were refused for asking too much */
    uint8_t blocked_on : 3; /* what its last QUEUED said (slots.c), or 0 */
    uint8_t stop_rung : 2;  /* how far up the stop ladder */
    uint8_t stop_why : 3;   /* a TaskWhy, when it is stopped for CANCELLED */
    uint8_t with_store : 1; /* see task_looking and task_sealed */
    uint8_t programs : 2;   /* a TaskPrograms */
    int8_t priority;
    bool abandoned : 1;  /* given up: its worker may still read its values */
    bool has_kind : 1;   /* holds a slot of its kind */
    bool has_rest : 1;   /* holds its named and agent slots */
    bool woken : 1;      /* wants slots to go on after a wait, not to begin */
    bool for_writes : 1; /* queues for writes, not for a slot */
    bool given_up : 1;   /* this attempt could not be ended */
    bool left : 1;       /* a program of it could not be stopped in time */
    bool lent : 1;       /* its named and agent slots are others' while a
                          * program of it waits for a task */
    uint32_t mark;       /* visited by search number … */
    uint32_t attempt;    /* 1 while the first runs */
    uint32_t unmet;      /* blockers not final yet */
    Job job;             /* in a limit's queue, the starts, or the pool */
    List waits;          /* Waits on this task */
    TaskEdges *edges;    /* NULL: none yet */
    struct TaskReport *_Atomic report; /* what it told of its work (seen by
                                        * anyone, read under the lock) */
    struct Task *children, *sibling;
    void *run;       /* the runner's own; of the script: the scheduler */
    float own, rank; /* seconds: what it is expected to take; the same with
                      * the longest chain that waits for it. See rank.h */
    union {
        double started; /* run clock; this attempt's start */
        double took;    /* once final: seconds of its last attempt */
    };
    union {
        struct { /* until it is final; read by task_waiting and task_due */
            struct Wait *waiting; /* what its own code waits in, or NULL */
            TaskTimer *timer;     /* NULL: none is made */
            uint64_t ticket;      /* its place in a WaitQueue … */
            List behind;          /* … and tasks (by job.link) after it there */
        };
        Outcome outcome; /* once it is */
    };
} Task;

MUST_BE(sizeof(Task) <= TASK_BYTES);
MUST_BE(TASK_STATE_COUNT <= 1 << 3 && FAULT_COUNT <= 1 << 5);

/* The word for a state ("in_progress"); a constant. Any thread. */
const char *task_state_name(TaskState s);

/* The word for a fault ("timeout"), NULL for none; a constant. Any thread. */
const char *task_fault_name(TaskFault f);

/* Why it was cancelled, in words; a constant. Any thread. */
const char *task_why(TaskWhy why);

/* The fault called `name`, -1 when there is none. Any thread. */
int task_fault_find(const char *name);

/* The word of a permission, NULL for NONE, and the permission of a word, -1
 * when there is none. Any thread. */
const char *task_permission_name(uint8_t permission);
int task_permission_find(const char *name);

/* The permissions of t or of the nearest above it that has any: no agent that
 * is started there may do more. NONE: nothing is said. */
uint8_t task_permission(const Task *t);

static inline bool
task_final(const Task *t)
{
    return atomic_load_explicit(&t->state, memory_order_acquire)
        >= TASK_COMPLETED;
}

/* The four below: under the board's lock. What t's own code waits in, or NULL.
 */
static inline struct Wait *
task_waiting(const Task *t)
{
    return task_final(t) ? NULL : t->waiting;
}

/* The timer of t that is armed, or NULL. */
static inline const Timer *
task_due(const Task *t)
{
    bool due = !task_final(t) && t->timer && t->timer->timer.slot;
    return due ? &t->timer->timer : NULL;
}

/* The first item t has claimed, or NULL. */
static inline struct Task *
task_claims(const Task *t)
{
    return t->edges ? t->edges->claims : NULL;
}

/* The task that has this item, or had it at its end; or NULL. */
static inline struct Task *
task_claimer(const Task *t)
{
    return t->edges ? t->edges->claimer : NULL;
}

/* What t has declared that it will change, or NULL. */
static inline struct Writes *
task_writes(const Task *t)
{
    return t->opt ? t->opt->writes : NULL;
}

/* Could t begin, or be claimed, but for what keeps the run, which looks up
 * whether it has an outcome? Under the board's lock, as the next. */
static inline bool
task_looking(const Task *t)
{
    return t->with_store && t->state < TASK_RUNNING;
}

/* Has t ended, and is final once its outcome is kept? */
static inline bool
task_sealed(const Task *t)
{
    return t->with_store && t->state == TASK_RUNNING;
}

/* The key of t, or NULL if the run is not kept. */
static inline TaskKey *
task_key(const Task *t)
{
    return t->edges ? t->edges->key : NULL;
}

/* Did t end as in an earlier run, without an attempt? */
static inline bool
task_cached(const Task *t)
{
    return task_key(t) && task_key(t)->cached;
}

/* Did t complete because its writes were new already, without an attempt? */
static inline bool
task_fresh(const Task *t)
{
    return !task_cached(t) && t->kind != TASK_ITEM && task_final(t)
        && t->state == TASK_COMPLETED && t->attempt == 0;
}

/* The task whose `finally` this is, or NULL. */
static inline struct Task *
task_finally_of(const Task *t)
{
    return t->opt && t->opt->finally ? t->edges->blockers[0] : NULL;
}

/* Must its files be looked at before its first attempt? */
static inline bool
task_looks(const Task *t)
{
    return t->opt && t->opt->fresh && t->attempt == 0;
}

/* Is `upper` the task that started t, or one above that? */
static inline bool
task_above(const Task *upper, const Task *t)
{
    const Task *above = t->parent;
    while (above && above != upper && above->depth > upper->depth)
        above = above->parent;
    return above == upper;
}

/* Do these writes, which another task holds, keep t from its own, which overlap
 * them? Not those of a task above it, which pass on what they hold; nor those
 * of one below it that goes on (it is detached, and t is tried again). */
bool task_barred(const Task *t, const struct Writes *held);

/* What t was told to do beside its input, or NULL. */
static inline struct Value *
task_prompt(const Task *t)
{
    return t->opt ? t->opt->prompt : NULL;
}

/* The type of agent that does it, NULL with run=. */
static inline const struct AgentType *
task_agent(const Task *t)
{
    return t->opt ? t->opt->agent : NULL;
}

/* True when the table allows it. Any thread. */
bool task_may_move(TaskState from, TaskState to);

/* Assign the state; the move must be legal. Under the board's lock. */
void task_move(Task *t, TaskState to);

/* Bytes of memory the task takes, with what it was given, and its outcome's. */
size_t task_weight(const Task *t);
size_t outcome_weight(const Outcome *o);

/* Free all that a task owns, but not the task, which nothing may refer to. */
void task_clear(Task *t);

/* Free what options own and the options; NULL is fine. */
void task_options_free(TaskOptions *opt);

/* Free what an outcome owns and clear it. */
void outcome_clear(Outcome *o);

/* Why t failed or was cancelled: there is always something to say, even when no
 * memory was left for the text itself. NULL for others, and for an item that
 * somebody cancelled without a word. */
const char *task_error(const Task *t);

/* Why t, which has completed, did nothing (orun.skip); NULL: it was not
 * skipped. Such an outcome is completed, and its text is the reason. */
const char *task_skipped(const Task *t);

/* Drop both and free; NULL is fine. */
void captured_free(Captured *c);

/* Free a NULL-terminated array of mem_alloc'd strings; NULL is fine. */
void task_strings_free(char **strings);

#endif
