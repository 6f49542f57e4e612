/* durable.h — the seam between the scheduler and what keeps a run's outcomes.
 *
 * A run that is kept (journal/) puts a Durable into Sched.durable before it has
 * tasks. Then a task that could begin is looked up first, and one that has
 * ended is final, and seen by others, only once its outcome is kept:
 *
 *   waiting -> ready (looking) -- miss --> ready, queues for slots -> running
 *                        `------- hit ---> final, without slots or an attempt
 *   running -> running (sealed: it has no slots and cannot be stopped) -> final
 *
 * The scheduler's specs put one here that answers when it is told to.
 */
#ifndef ORUN_DURABLE_H
#define ORUN_DURABLE_H

#include "base/buf.h"
#include "sched/wait.h"
#include "task/task.h"

/* What code draws that is another in every run, and repeated when one is gone
 * on with: name, word. */
#define DRAWN_KINDS(X) \
    X(NOW, "now")       /* a double, seconds */ \
    X(RANDOM, "random") /* 8 bytes */ \
    X(UUID, "uuid")     /* 16 bytes */ \
    X(WINNER, "winner") /* which of several tasks came first: its key */

typedef enum DrawnKind {
#define X(name, word) DRAWN_##name,
    DRAWN_KINDS(X)
#undef X
} DrawnKind;

enum { DRAWN_SIZE = TASK_KEY_SIZE }; /* bytes of a value; the rest is zeros */

/* The worktree of a task. */
typedef struct DurableTree {
    const char *path, *branch;
    const char *repository; /* the folder of git that its branch is in */
} DurableTree;

typedef struct Durable {
    /* t could begin, or (an item) be claimed. True: durable_looked follows,
     * from any thread, for the last look if
     * there are several; of an item only if it has an outcome. False: t goes on
     * at once. Under the board's lock. */
    bool (*look)(struct Durable *d, Task *t);
    /* The last attempt at t has ended with `o`. True: what `o` holds is taken,
     * and durable_sealed follows. False: this outcome is not kept, and t is
     * final at once. Under the board's lock. */
    bool (*seal)(struct Durable *d, Task *t, Outcome *o);
    /* An item was added or changed, or removed from the list. Under the board's
     * lock. May be NULL. */
    void (*item)(struct Durable *d, Task *t);
    /* The agent that does t has a session, t->report->session_id, which it goes
     * on with if it is interrupted. Under the board's lock. May be NULL. */
    void (*session)(struct Durable *d, Task *t);
    /* The worktree of t is made: its work is there if it is interrupted. Under
     * the board's lock. May be NULL. */
    void (*tree)(struct Durable *d, Task *t, const DurableTree *tree);
    /* Append the worktree that the task with this key was at work in when an
     * earlier try was interrupted, or (`resume`) had when it ended; false:
     * there is none. On the thread that runs the task, without a lock;
     * blocks on the disk. May be NULL. */
    bool (*tree_before)(struct Durable *d, const TaskKey *key, bool resume,
                        Buf *path, Buf *branch);
    /* The four below may be NULL, for a run in which nothing that is drawn is
     * kept. Seconds by which the clock that code sees is ahead, so that it does
     * not go back to before an earlier try. Never changes once there are
     * tasks. */
    double ahead;
    /* Give the value of this kind that this attempt at t (or the script) drew
     * next in an earlier try; false: there is none. Under the board's lock, as
     * the other two. */
    bool (*recall)(struct Durable *d, Task *t, uint32_t attempt, DrawnKind kind,
                   unsigned char value[DRAWN_SIZE]);
    /* It draws this one. */
    void (*note)(struct Durable *d, Task *t, uint32_t attempt, DrawnKind kind,
                 const unsigned char value[DRAWN_SIZE]);
    /* Was the outcome of the task with this key kept by an earlier try? Then
     * *id is that of the task which takes it over, 0: none has asked for it
     * yet. */
    bool (*by)(struct Durable *d, const unsigned char key[TASK_KEY_SIZE],
               uint64_t *id);
    /* In a plan, once all tasks have ended: why would t run if the run were
     * gone on with? A constant, NULL when it would not, or never is looked up:
     *
     *   "differs"   what it is to do: `differs` gets how (key_differs)
     *   "after"     the task *after does, and t gets its result
     *   "parent"    the task *after does, which starts t
     *   "new"       nothing like it was kept
     *   "retry"     its outcome is not taken over: that was asked for, or it
     *               does not hold any longer
     *   "uncached"  cache = false
     *   "unknown"   that cannot be told
     *
     * Of one thread, in the order of the ids. NULL: it is no plan. */
    const char *(*why)(struct Durable *d, Task *t, Buf *differs,
                       uint64_t *after);
} Durable;

struct Sched;

/* t was changed or removed: an item is kept as it is now, if the run is kept.
 * With the board's lock held. */
void durable_item(struct Sched *s, Task *t);

/* May what keeps the run still end t, or what it waits for? *looks is how many
 * tasks may be looked at; when it is negative afterwards, that is not known.
 * With the board's lock held. */
bool durable_open(const Task *t, int *looks);

/* The word of the kind; a constant. Any thread. */
const char *durable_drawn_name(DrawnKind kind);

/* This attempt at t draws `value`; instead it gets what it drew in an earlier
 * try, if there is something. Does nothing where the run is not kept. Takes the
 * board's lock; on the thread that runs t's code. */
void durable_draw(struct Sched *s, Task *t, uint32_t attempt, DrawnKind kind,
                  unsigned char value[DRAWN_SIZE]);

/* The time on the run's clock that code sees. Any thread. */
double durable_now(struct Sched *s);

/* Which of the tasks of c does the code of this attempt at t get next? The one
 * that it got in an earlier try, if that has ended as then; otherwise the first
 * that has ended; NULL: none has. *later: it is not known yet which, since some
 * are still looked up, and WAIT_FOR_LOOKS is due. *left gets how many are to
 * come. Takes the board's lock; on the thread that runs t's code. */
Task *durable_next(struct Sched *s, Task *t, uint32_t attempt, Collector *c,
                   bool *later, size_t *left);

/* Both with the board's lock held; then lifecycle_propagate is due. */

/* The answer for t, which was to be looked up: NULL, or the outcome that it had
 * in an earlier run, whose contents are taken. Does nothing if t no longer
 * waits for it: it was cancelled, or has got another blocker. */
void durable_looked(struct Sched *s, Task *t, Outcome *o);

/* The outcome of t is kept: it is final. `weight` is the outcome_weight of what
 * was sealed, and `ended` when its attempt was over, on the run's clock. */
void durable_sealed(struct Sched *s, Task *t, Outcome *o, size_t weight,
                    double ended);

#endif
