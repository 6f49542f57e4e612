/* report.h — what is said of tasks when a script has ended. Layer 8 (edge). */
#ifndef ORUN_REPORT_H
#define ORUN_REPORT_H

#include "board.h"
#include "buf.h"

/* Append a line for each task (but 20 at most) that waits for what can never
 * be. Any thread, without the board's lock. */
void report_stuck(Board *b, Buf *to);

/* Append a line for each failed task from id *from on (20 at most, and how many
 * more) whose result nobody has looked at; *from becomes the first id that was
 * not there yet. Gives how many there are. Any thread, without the board's
 * lock. */
int report_unread(Board *b, size_t *from, Buf *to);

#endif
