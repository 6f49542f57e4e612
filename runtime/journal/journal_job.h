/* journal_job.h — one thing for the thread of the journal to do.
 *
 * Made under the board's lock, with all that is needed of the task held, so
 * that nothing of it is read without that lock; belongs to the journal's
 * thread, and from store_append on to the store's.
 */
#ifndef ORUN_JOURNAL_JOB_H
#define ORUN_JOURNAL_JOB_H

#include "base/list.h"
#include "journal/journal_handle.h"
#include "journal/kept.h"
#include "journal/key_modules.h"
#include "sched/sched.h"
#include "store/store.h"

struct Journal;

typedef struct JournalJob {
    List link; /* in the journal's queue */
    Task *task;
    bool seals;  /* it has ended; else it is to be looked up */
    bool caches; /* it does not say cache = false */
    bool first;  /* it is done before others */
    bool alarms; /* it has no task: see Journal.alarm */

    /* Of one that is looked up. */
    uint32_t looks;
    Buf parts;                           /* of its content, see key.h */
    bool listed;                         /* its outcome was read, and its items
                                          * are on the list */
    bool starved;                        /* there was no memory for its key */
    bool reads;                          /* files: that may take long */
    Buf session;                         /* that its agent goes on with */
    bool found;                          /* an equal task has an outcome, … */
    StoredFact fact_found;               /* … this one */
    struct Value *code, *input, *prompt; /* held … */
    struct Value *metadata;              /* … and of an item */
    unsigned char scope[TASK_KEY_SIZE];  /* of what started it */
    KeyModules *modules;                 /* the journal's … */
    const char *path;                    /* … and where they are looked for */
    JournalHandles handles;              /* … that it names */
    size_t put_off;                      /* when all that could be answered
                                          * before it was, see journal_later */

    TaskKey key;   /* as it is to be written */
    Kept kept;     /* its outcome */
    size_t weight; /* of it … */
    double ended;  /* … and when the attempt was over */
    Fact fact;
    struct Journal *journal;
} JournalJob;

/* Both with the board's lock held. NULL when memory is out; then nothing has
 * changed. The second takes what `o` holds. */
JournalJob *journal_job_look(Sched *s, Task *t);
JournalJob *journal_job_seal(Sched *s, Task *t, Outcome *o);

/* One that is looked up by this key, and found in that fact; its task comes
 * later. NULL when memory is out. */
JournalJob *journal_job_stand_in(const unsigned char key[TASK_KEY_SIZE],
                                 const StoredFact *fact);

/* One that only says that there was no memory. NULL when it is out now. */
JournalJob *journal_job_alarm(void);

/* What its task is to do, as 16 bytes, and job->parts. Errors: ORUN_ENOMEM,
 * ORUN_EPROTO, ORUN_ESYS (a file it reads cannot be read). Without a lock. */
int journal_job_content(JournalJob *job, const Engine *h, KeyModules *modules,
                        unsigned char content[TASK_KEY_SIZE]) NODISCARD;

/* A key, of what is a hash already: of the nth task of that content in that
 * scope, or (n is -1) the scope of what they start. */
void journal_job_mix(const unsigned char scope[TASK_KEY_SIZE],
                     const unsigned char content[TASK_KEY_SIZE], int64_t n,
                     unsigned char out[TASK_KEY_SIZE]);

/* The outcome cannot be kept: that is what its task ends with. */
void journal_job_lose(JournalJob *job, const char *why);

void journal_job_free(JournalJob *job);

#endif
