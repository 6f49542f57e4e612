/* stuck.h — tasks whose threads are stuck in a C function.
 *
 * A thread inside a C function that calls no Lua (a pattern match or a read
 * that never ends) can be neither stopped nor ended. Its task is reported as
 * stopped anyway and the thread is given up: another takes its place, and it
 * ends by itself if the function returns. Each costs memory and perhaps a
 * processor, so there is a limit:
 *
 *   - while as many are stuck as are allowed (pool_most), no Lua task begins
 *     except isolated ones: it fails, and its error names those that are stuck;
 *   - tasks that have begun continue, but a thread that gets stuck now is not
 *     replaced: each leaves one worker less;
 *   - when no worker is left, the tasks that have begun fail too.
 *
 * So at most pool_most + workers threads of a run are stuck (plus those that
 * were blocked in a wait at that time), and the run always ends.
 */
#ifndef ORUN_STUCK_H
#define ORUN_STUCK_H

#include "engine/engine.h"
#include "vm/park.h"

/* Give up run, whose task is now reported as stopped. With the board's lock
 * held; lifecycle_propagate is due afterwards. */
void stuck_add(Engine *h, LuaRun *run);

/* No worker will begin t or continue it: it fails. With the board's lock held;
 * lifecycle_propagate is due afterwards. */
void stuck_fail(Engine *h, Task *t);

/* run, which waited, cannot continue because no worker is left: its task fails.
 * Takes the lock. */
void stuck_lose(Engine *h, LuaRun *run);

/* The thread of a run has returned. Does nothing unless it was given up. Takes
 * the lock. */
void stuck_remove(Engine *h, LuaRun *run);

/* Are too many threads stuck for another Lua task to begin? Any thread. */
bool stuck_full(const Engine *h);

/* Set how many threads may be stuck. Takes the lock. */
void stuck_set_most(Engine *h, int most);

/* Append why no Lua task can begin now. Takes the lock. */
void stuck_explain(Engine *h, Buf *to);

/* Append, in two lines, which tasks are stuck now and what helps; nothing if
 * none is. Takes the lock. */
void stuck_report(Engine *h, Buf *to);

#endif
