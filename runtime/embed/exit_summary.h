/* exit_summary.h — what is printed about tasks when a script ends.
 *
 * One line per task: where it was started, its name, and what went wrong. The
 * text may come from anywhere; the caller sanitizes it before printing. Tasks
 * of the embedding program are not told of: it asks for itself.
 */
#ifndef ORUN_EXIT_SUMMARY_H
#define ORUN_EXIT_SUMMARY_H

#include "base/buf.h"
#include "task/board.h"

/* Append a line for each task whose wait can never end (of many, the first
 * ones). Takes the board's lock. */
void exit_summary_deadlocked(Board *b, Buf *to);

/* Append a line for each failed task whose result was never read (of many, the
 * first ones), from id *from on; *from becomes the id after the last one
 * checked. Returns their number. `traces`: include tracebacks. Takes the
 * board's lock. */
int exit_summary_unread(Board *b, size_t *from, bool traces, Buf *to);

#endif
