/* verdict.h — what is said of a script's tasks at its end.
 *
 * Lines for a person, each about one task: where it was started, what it is
 * called, what is the matter. They hold foreign text; whoever shows them makes
 * it safe.
 */
#ifndef ORUN_VERDICT_H
#define ORUN_VERDICT_H

#include "base/buf.h"
#include "task/board.h"

/* Append a line for each task that waits for what can never be (the first ones
 * of many). Takes the board's lock. */
void verdict_endless(Board *b, Buf *to);

/* Append a line for each task that failed and whose result nobody read (the
 * first ones of many), from id *from on, which becomes the id after the last;
 * gives how many there are. `traces`: with tracebacks. Takes the board's
 * lock. */
int verdict_unread(Board *b, size_t *from, bool traces, Buf *to);

#endif
