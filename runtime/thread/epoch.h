/* era.h — when nobody can hold a pointer any more.
 *
 * Threads follow pointers to what may be retired meanwhile, without a lock. A
 * thread that does so is inside an era from era_enter to era_leave, and none of
 * the pointers it has found may be kept from one time inside to the next. What
 * was made impossible to find, and then retired, may be freed once all threads
 * that were inside then have left, or have said by era_pass that they hold
 * nothing.
 */
#ifndef ORUN_ERA_H
#define ORUN_ERA_H

#include "base/base.h"

/* The calling thread is inside from here on; calls nest. */
void era_enter(void);
void era_leave(void);

/* Leave though calls have nested, as for a wait; gives what takes it back. */
int era_rest(void);
void era_resume(int depth);

/* The calling thread, which is inside, holds no pointer. */
void era_pass(void);

/* The number of now. */
uint64_t era_number(void);

/* The calling thread, inside, holds nothing that was retired before the era of
 * that number, and may hold all else. */
void era_pass_to(uint64_t number);

/* What cannot be found any more is retired in the era whose number comes back,
 * which ends with it. Any thread. */
uint64_t era_retire(void);

/* Can nobody hold what was retired in that one? Any thread. */
bool era_over(uint64_t number);

#endif
