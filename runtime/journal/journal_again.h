/* journal_again.h — tasks that are to run again, although they have outcomes.
 *
 * They are named by the ids that they had when they ran. One that a later try
 * has given to another task means that one; "t3@1" is the t3 of the first try.
 */
#ifndef ORUN_JOURNAL_AGAIN_H
#define ORUN_JOURNAL_AGAIN_H

#include "base/buf.h"
#include "journal/resume_table.h"
#include "store/store.h"

typedef struct JournalAgain JournalAgain;

/* `tasks` has ids, with blanks between them; NULL is fine, and gives NULL.
 * ORUN_ENOMEM. */
int journal_again_new(const char *tasks, JournalAgain **out) NODISCARD;

/* Look at a fact of the run, in order; its body may be read. NULL is fine.
 * Errors: those of store_body. */
int journal_again_see(JournalAgain *a, Store *s, const StoredFact *f) NODISCARD;

/* All facts were seen: the outcomes of the tasks are not taken over.
 * ORUN_ENOENT (one has none), with the reason in `why`. NULL is fine. */
int journal_again_drop(const JournalAgain *a, ResumeTable *table,
                       const char *run, Buf *why) NODISCARD;

void journal_again_free(JournalAgain *a);

#endif
