/* unseen.h — failures of programs that an isolated task does not look at.
 *
 * program.h has the same for tasks in orun. A result that goes to the task's
 * process is a copy there, so it is watched there, and END tells of the
 * failures that nobody has looked at. One task a process: there is one list.
 * Of the thread that runs the task. Only a task that has completed tells of
 * them: one that fails says why by itself.
 */
#ifndef ORUN_UNSEEN_H
#define ORUN_UNSEEN_H

#include "base/buf.h"
#include <lua.h>

/* The value on top is what a call of a primitive has given. If it is the result
 * of a program that failed, keep what tells of that aside until somebody looks
 * (unread.h). May raise for memory. */
void unseen_watch(lua_State *L);

/* Append those that nobody has looked at, as one field of a frame; each is a
 * fault, an exit code + 1, a line and a file. */
void unseen_put(Buf *b);

#endif
