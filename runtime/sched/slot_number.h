/* slot_number.h — the numbers of tasks that hold a slot: orun.slot, ORUN_SLOT.
 *
 * One limit numbers a task: its named pool, else its agent type's own limit if
 * that has one. A task without either may have been given a number by whoever
 * started it (TaskOptions.slot); and what has none so is numbered by the limit
 * of programs, if it is a program, or while programs of its code run.
 *
 * The number is taken with the slot and goes with it, when the attempt ends or
 * the code waits for other tasks; it is taken anew before that goes on. But a
 * program that was told it keeps it: as long as it runs, others have other
 * numbers, though they have its slot. So numbers are unique, and above the
 * limit only while more hold one than the limit has.
 *
 * With the board's lock held, unless said otherwise.
 */
#ifndef ORUN_SLOT_NUMBER_H
#define ORUN_SLOT_NUMBER_H

#include "sched/sched.h"

/* t has its slots (again), or one for its programs: it has a number from now
 * on, if something numbers it. Without memory it has none. */
void slot_number_take(Sched *s, Task *t);

/* The attempt of t has ended: its number is free. */
void slot_number_drop(Sched *s, Task *t);

/* The code of t waits, and t gives its slots back: the same, if no program was
 * told its number. */
void slot_number_rest(Sched *s, Task *t);

/* The last program of t's code has ended. */
void slot_number_programs_over(Sched *s, Task *t);

/* The number of t just now, 0: it has none. Takes the lock itself, any thread.
 */
uint32_t slot_number(Sched *s, const Task *t);

#endif
