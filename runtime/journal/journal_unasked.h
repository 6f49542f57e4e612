/* journal_unasked.h — results of earlier tries that no task has asked for:
 * which they are, in words.
 */
#ifndef ORUN_JOURNAL_UNASKED_H
#define ORUN_JOURNAL_UNASKED_H

#include "journal/journal.h"

/* Append the titles of the first of them, `most` at most, as "a, b, …". The run
 * has no task left; reads the store. */
void journal_unasked_tell(Journal *j, size_t most, Buf *to);

#endif
