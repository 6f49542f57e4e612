/* journal_plan.h — what would run again if a kept run were gone on with, and
 * why: orun plan --resume.
 *
 * The journal of a plan only reads its store: no try is begun, and nothing is
 * appended. Keys are made as ever, of what a stub stands for. A task whose
 * outcome is there takes it over, so that what depends on it has the key that
 * it would have. Another runs if it is a function, or ends with its stub. What
 * a stub gives is not known to be what an agent would: a task that gets it, or
 * is blocked by it, is not looked up but runs again, after that one.
 *
 * Once the run is over it is asked why: the parts of a task's content (key.h)
 * are compared with those of the nearest outcome that no task has asked for.
 */
#ifndef ORUN_JOURNAL_PLAN_H
#define ORUN_JOURNAL_PLAN_H

#include "journal/journal_job.h"
#include "journal/journal_state.h"

/* The job's task has no outcome that is taken over. With the board's lock
 * held. */
void journal_plan_missed(JournalJob *job);

/* As Durable.why. */
const char *journal_plan_why(Durable *d, Task *t, Buf *differs,
                             uint64_t *after);

void journal_plan_free(Journal *j);

#endif
