/* caller.h — one who is connected to the control socket.
 *
 *   reading --a line--> serving --the reply--> reading … --closes--> gone
 *
 * While a call is served nothing is read, so who sends more is kept waiting by
 * his socket; that he has gone is noticed all the same. A call runs on a worker
 * in a pristine state of its own, in the name of the task whose token came with
 * it (LuaRun.guest): bundled Lua (lua/control/call.lua) reads its JSON, checks
 * it, calls the primitive and writes the reply. A call that waits holds no
 * worker. It comes before what begins, for a program waits for it, and one
 * worker more than is wanted may do it.
 */
#ifndef ORUN_CALLER_H
#define ORUN_CALLER_H

#include "control/control.h"

typedef struct Caller Caller;

/* Take on who is connected by `fd`, which is taken when it gives 0. Errors:
 * ORUN_ENOMEM, ORUN_ESYS. */
int caller_new(Control *c, int fd) ON_IO NODISCARD;

/* End all connections, and what waits in their calls. */
void caller_close_all(Control *c) ON_IO;

/* Free what calls, begun or not, have left. Nothing runs any more. */
void caller_free_all(Control *c);

#endif
