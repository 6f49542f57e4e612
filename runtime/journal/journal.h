/* journal.h — a run that survives: what its tasks ended with is kept, and found
 * again by an equal task of a later try.
 *
 * The journal is what the scheduler calls `durable` (durable.h). It has one
 * thread, which does in order what must not be done under the board's lock:
 *
 *   look   a task could begin: its key is made of what it is to do (key.h), and
 *          looked for among the outcomes of the run that is gone on with
 *   seal   a task has ended: its outcome becomes a fact (kept.h), which is
 * handed to the store; the store's writer makes the task final after its commit
 *
 * The key of a task is a hash of its scope, its content, and how many equals it
 * has had in its scope. The scope is the content of the task that started it,
 * with that one's scope, so it does not matter which of several equal workers
 * comes to start it. What the task waits for counts by its outcome.
 *
 * A run that is kept by default (JournalConfig.late) begins to be so with its
 * first agent or program: what runs nothing else makes no file and loses no
 * time.
 */
#ifndef ORUN_JOURNAL_H
#define ORUN_JOURNAL_H

#include "base/buf.h"
#include "engine/engine.h"

typedef struct Journal Journal;

/* The strings stay the caller's, unchanged until journal_close. */
typedef struct JournalConfig {
    const char *path;   /* of the store; one that ends in "/" is a folder, where
                         * the run gets a file of its own */
    const char *resume; /* the run that is gone on with, "" the newest that has
                         * not ended well; NULL: a new one */
    const char *script; /* its name, NULL: none */
    char *const *args;  /* the command line, to begin it again; NULL: none */
    bool late;          /* see above */
    bool plan;  /* with `resume`: nothing is written, see journal_plan.h */
    bool again; /* outcomes that are failures are not taken over … */
    const char *again_tasks; /* … nor are those of these tasks: ids, with a
                              * blank between two, see journal_again.h; NULL:
                              * none */
    /* The store has failed, or there was no memory to look a task up: end the
     * run. Once, on the store's thread or the journal's. */
    void (*broken)(void *ud);
    void *ud;
} JournalConfig;

/* What was kept and found. */
typedef struct JournalCounts {
    size_t kept;    /* outcomes of this try */
    size_t found;   /* tasks that ended as in an earlier try */
    size_t unasked; /* outcomes that no task asked for any longer */
    size_t secret;  /* not kept, because there is a secret in them … */
    size_t odd;     /* … or what cannot be kept: a function, a module */
} JournalCounts;

/* Open the journal of a run that has no task yet, and put it into its
 * scheduler. Errors, of which `why` tells: ORUN_ENOMEM, ORUN_ESYS, ORUN_EINVAL
 * (no such run, the file is no store). */
int journal_open(Engine *h, const JournalConfig *c, Journal **out,
                 Buf *why) NODISCARD;

void journal_count(Journal *j, JournalCounts *to);

/* The id of the run, and the path of its file ("" before there is one); valid
 * until journal_close. */
const char *journal_run(const Journal *j);
const char *journal_path(const Journal *j);

/* Why the store has failed, or why a run that is kept by default has none;
 * NULL: neither. Valid until journal_close. */
const char *journal_fault(Journal *j);

/* Has that ended the run: the store failed after it was opened, or there was no
 * memory to look a task up? */
bool journal_broken(Journal *j);

/* The run has no task left and ends with this exit status: wait until that is
 * kept, too. NULL is fine. */
void journal_close(Journal *j, int status);

#endif
