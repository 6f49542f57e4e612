/* connection.h — a client connected to the control socket.
 *
 *   reading --a line--> serving --the reply--> reading … --closes--> gone
 *
 * While a request is in flight nothing is read: a client that sends more waits
 * in its socket, but a disconnect is noticed. A request is handled on a worker,
 * in a pristine state of its own, on behalf of the task whose token came with
 * it (LuaRun.on_behalf). Bundled Lua (lua/control/call.lua) decodes and checks
 * the JSON, calls the primitive and encodes the reply. A request that waits
 * holds no worker. Requests are queued ahead of new tasks, because a program
 * waits for the reply, and one worker above the limit may be used for them.
 */
#ifndef ORUN_CONNECTION_H
#define ORUN_CONNECTION_H

#include "control/control.h"

typedef struct Connection Connection;

/* Adopt the connected socket `fd`; on success the connection owns it. Errors:
 * ORUN_ENOMEM, ORUN_ESYS. */
int connection_new(Control *c, int fd) ON_IO NODISCARD;

/* The run ends: close all connections, and end the waits of their requests. One
 * whose request is being handled has half a second for its reply: what it asked
 * for may be what ended the run. */
void connection_leave_all(Control *c) ON_IO;

/* Free all connections and their requests, whatever state those are in. No
 * thread may still run them. */
void connection_free_all(Control *c);

#endif
