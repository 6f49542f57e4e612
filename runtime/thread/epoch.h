/* epoch.h — when memory that other threads may be reading can be freed.
 *
 * This is epoch-based reclamation. Threads follow pointers without a lock to
 * objects that may be retired meanwhile. A thread that does so is inside an
 * epoch from epoch_enter to epoch_leave, and keeps none of the pointers that it
 * found for the next time. An object is first made unreachable and then
 * retired. It may be freed once every thread that was inside at that time has
 * left, or has said by epoch_pass that it holds no pointer.
 */
#ifndef ORUN_EPOCH_H
#define ORUN_EPOCH_H

#include "base/base.h"

/* The calling thread is inside between the two. Calls nest. */
void epoch_enter(void);
void epoch_leave(void);

/* Leave all nested calls at once, as for a wait. Returns what epoch_resume
 * needs to enter them again. */
int epoch_pause(void);
void epoch_resume(int depth);

/* Enter, unless the thread is inside; and leave what this has entered. A call
 * that Lua's errors jump out of does not come to the second, which the thread's
 * next one makes good. */
void epoch_ensure(void);
void epoch_release(void);

/* The calling thread, which is inside, holds no pointer now. */
void epoch_pass(void);

/* The number of the current epoch. */
uint64_t epoch_number(void);

/* The calling thread, which is inside, holds nothing that was retired before
 * the epoch of that number, and may hold anything else. */
void epoch_pass_to(uint64_t number);

/* Objects that are unreachable now are retired in the epoch whose number is
 * returned, and the next epoch begins. Any thread. */
uint64_t epoch_retire(void);

/* Can no thread hold what was retired in that epoch? Any thread. */
bool epoch_is_over(uint64_t number);

#endif
