/* journal_stand_in.h — tasks that stand for those of an earlier try.
 *
 * A task whose outcome is taken over does not run, and does not start again
 * what it has started. Where an item that it has put on the list names one of
 * those (it was blocked by it, or has its handle), a task without code takes
 * its place: it ends at once as that one did.
 */
#ifndef ORUN_JOURNAL_STAND_IN_H
#define ORUN_JOURNAL_STAND_IN_H

#include "journal/journal_state.h"
#include "journal/kept.h"

/* Add one below t, for the task whose outcome was kept by this key. Its id; 0:
 * there is no such outcome, it cannot be read, or memory is out. On the
 * journal's thread, without a lock. */
uint64_t journal_stand_in_add(Journal *j,
                              const unsigned char key[TASK_KEY_SIZE], Task *t);

/* The job that looks t up, which is one of them. With the board's lock held. */
struct JournalJob *journal_stand_in_look(Journal *j, Task *t);

/* Its outcome cannot be read any longer: it fails. */
void journal_stand_in_fail(Kept *kept);

#endif
