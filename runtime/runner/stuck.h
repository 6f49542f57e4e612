/* stuck.h — tasks whose threads are stuck in a C function.
 *
 * A thread inside a C function that calls no Lua (a pattern that never ends, a
 * read that never gets anything) can be neither stopped nor ended. Its task is
 * told as stopped all the same, and the thread is given up: another takes its
 * place, and it ends by itself should the function return. Each one costs a
 * processor perhaps, and memory surely, so there is a limit:
 *
 *   - while as many are stuck as are allowed (pool_most), no Lua task begins
 *     but isolated ones: it fails, and its error names them;
 *   - those that have begun go on, but a thread that gets stuck now is not
 *     replaced: each leaves one worker less;
 *   - when no worker is left, those that have begun fail, too.
 *
 * So a run has at most pool_most + workers threads stuck (and as many more as
 * were blocked in a wait at that time), and it always ends.
 */
#ifndef ORUN_STUCK_H
#define ORUN_STUCK_H

#include "engine/engine.h"
#include "vm/park.h"

/* run, whose task is told as stopped now, is given up. With the board's lock
 * held; lifecycle_propagate is due afterwards. */
void stuck_add(Engine *h, LuaRun *run);

/* run, which waited, cannot go on, for no worker is left: its task fails. Takes
 * the lock. */
void stuck_lose(Engine *h, LuaRun *run);

/* The thread of a run has come back; does nothing to one that was not given
 * up. Takes the lock. */
void stuck_remove(Engine *h, LuaRun *run);

/* Are too many stuck for another Lua task to begin? Any thread. */
bool stuck_full(const Engine *h);

/* Set how many may be. Takes the lock. */
void stuck_set_most(Engine *h, int most);

/* Append why no Lua task can begin now. Takes the lock. */
void stuck_explain(Engine *h, Buf *to);

/* Append which tasks are stuck now, and what helps, in two lines; nothing when
 * none is. Takes the lock. */
void stuck_report(Engine *h, Buf *to);

#endif
