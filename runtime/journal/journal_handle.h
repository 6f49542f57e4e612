/* journal_handle.h — what counts of the tasks that another one names: those
 * that it waited for, and those whose handles it has.
 *
 * What it waited for (`blockedBy`, a handle in `input`) counts by its outcome,
 * which is there when the task can begin. A handle that a function captures is
 * waited for by nobody, so that its task may have ended by then, run, or not
 * even be looked up, another time otherwise. Hence two rules:
 *
 *   the key      has of it what it is to do, which is known as soon as there
 *                is a handle: its content without what it waits for and what is
 *                in the files it reads, and with all handles by the same rule;
 *                of one that began before the run was kept, where it was called
 *   the outcome  says with what those had ended that had when the task did:
 *                no others can have been seen by it. It is taken over if they
 *                have ended so again. If one may yet be taken over itself, that
 *                is waited for; if it runs, so does this task.
 *
 * So the same key and the same answer come out whichever was first, and what
 * used a result never outlives it.
 */
#ifndef ORUN_JOURNAL_HANDLE_H
#define ORUN_JOURNAL_HANDLE_H

#include "base/buf.h"
#include "engine/engine.h"
#include "sched/sched.h"
#include "journal/key.h"

typedef struct JournalRef {
    uint64_t id;
    bool waited; /* it has ended: `hash` is of its outcome; else of what it is
                  * to do */
    bool used;   /* by journal_handle_check */
    unsigned char hash[TASK_KEY_SIZE];
} JournalRef;

/* What a task is to do, whatever it waits for. */
typedef struct JournalMade {
    uint64_t id;
    bool known;                          /* … already; else it is held, … */
    Task *task;                          /* … this … */
    struct Value *code, *input, *prompt; /* … with these */
    unsigned char hash[TASK_KEY_SIZE];
} JournalMade;

typedef struct JournalHandles {
    JournalRef *refs;       /* the blockers, then the handles by id */
    size_t blockers, count; /* … how many of the ones, and of both */
    JournalMade *made;      /* by id: a task's handles lead to earlier ones */
    size_t made_count, made_room;
    unsigned char own[TASK_KEY_SIZE]; /* what the task itself is to do */
    bool own_known;
    uint64_t after; /* one of them because of which the task runs again, or 0 */
} JournalHandles;

typedef enum JournalSaw {
    JOURNAL_SAW_SAME,
    JOURNAL_SAW_OTHER, /* one has ended otherwise, or has not ended */
    JOURNAL_SAW_LATER  /* it is not known yet */
} JournalSaw;

/* Take those that t names. In a plan `after` is one that t waited for and for
 * which a stub stands. With the board's lock held. False: no memory,
 * and h is empty. */
bool journal_handle_take(Sched *s, const Task *t, JournalHandles *h) NODISCARD;

/* Take what has become known since. With the board's lock held. */
void journal_handle_learn(JournalHandles *h);

/* Have the hashes of all; `ops` has the caller's `module` and ctx. Errors as
 * key_content. Without a lock, but of an item's. */
int journal_handle_hash(JournalHandles *h, const Engine *engine,
                        const ValueHashOps *ops) NODISCARD;

/* The same of the task itself: `parts` are its content's, and `k` what that was
 * made of. */
int journal_handle_own(JournalHandles *h, const KeyParts *k,
                       const Buf *parts) NODISCARD;

/* What counts of the handle with that id: TASK_KEY_SIZE bytes. NULL: it is
 * none of them. After journal_handle_hash. */
const unsigned char *journal_handle_find(const JournalHandles *h, uint64_t id);

/* Note what the tasks are to do, the one with this key included, for those that
 * name them later. With the board's lock held. */
void journal_handle_note(const JournalHandles *h, TaskKey *key);

/* Append to the body of its fact what t, which has ended, may have seen. With
 * the board's lock held. */
void journal_handle_seal(Sched *s, const Task *t, Buf *body);

/* Does what is in the body hold now? If not, h->after may tell why. With the
 * board's lock held. */
JournalSaw journal_handle_check(Sched *s, JournalHandles *h, const Buf *body);

/* Let go of the tasks: journal_handle_check and _find still work. With the
 * board's lock held, before journal_handle_free. */
void journal_handle_drop(JournalHandles *h);

void journal_handle_free(JournalHandles *h);

#endif
