/* control.h — the socket by which programs call in.
 *
 * A task's program may do what a Lua task does: list, create, claim and start
 * tasks. It connects to a Unix socket in the run's folder (mode 0600, folder
 * 0700, and the peer must run as orun's own user) and sends lines
 *
 *     TOKEN {"call": "TaskClaim", "args": {"owner": "w1"}}
 *
 * of at most CONTROL_LINE bytes each. Each is answered with one line:
 *
 *     {"ok": true, "result": {…}}
 *     {"ok": false, "error": "in words", "reason": "already_claimed"}
 *
 * The calls are in lua/control/task_tools.lua and control/run_tools.lua. A
 * connection handles one request at a time; a client opens more to do more.
 * Closing a connection ends the wait of its request; a claim whose reply was
 * not delivered is released (connection.h).
 *
 * The token (token.h) says on behalf of which task a call is made: tasks it
 * makes are that task's children, and items it claims are released when the
 * task's attempt ends. Programs that the script itself starts act for the
 * script until it ends.
 *
 * A program with the script's token may do what the user may: look at the whole
 * run and stop it (lua/control/run_tools.lua). The run's entry in the registry
 * has that token (register.h).
 *
 * The socket is made for the first program, for the first task of a run that is
 * registered, or when orun.control() asks for it. Connections are handled on
 * the io thread only.
 */
#ifndef ORUN_CONTROL_H
#define ORUN_CONTROL_H

#include "control/token.h"
#include "engine/engine.h"
#include <sys/un.h>

typedef struct Control Control;

enum {
    CONTROL_LINE = 4 << 20,     /* bytes of a request, at most … */
    CONTROL_REPLY = 16 << 20,   /* … and of a reply */
    CONTROL_CONNECTIONS = 1000, /* at once */
    CONTROL_VARIABLES = 5,      /* of a program's environment */
};

/* Return the run's socket in *out, creating it when missing. Errors:
 * ORUN_ENOMEM, ORUN_ESYS (see errno). Any thread. */
int control_open(Engine *h, Control **out) NODISCARD;

/* The path of the socket; valid while the engine lives. Any thread. */
const char *control_path(const Control *c);

/* Fill in the address of the socket at `path`. A path too long for an address
 * is reached through a descriptor of its folder: *dir, which the caller closes
 * after use (else -1). Errors: ORUN_ENOMEM, ORUN_ESYS. Any thread. */
int control_address(const char *path, struct sockaddr_un *a,
                    int *dir) NODISCARD;

/* Is "NAME=value" one of the variables that only orun may set? */
bool control_owns(const char *variable);

/* Append ORUN_TASK_ID, ORUN_SLOT (if the number is not 0), ORUN_PROGRAM (the
 * path of this orun), ORUN_SOCKET and ORUN_TASK_TOKEN of the attempt to env,
 * each allocated: at most CONTROL_VARIABLES, then a NULL. If the socket cannot
 * be created the last two are left out, because most programs do not need them.
 * Error: ORUN_ENOMEM. Any thread. */
int control_put_env(Engine *h, uint64_t task, uint32_t attempt, uint32_t slot,
                    char **env) NODISCARD;

/* The keys of the run's tokens; valid while the engine lives. Any thread. */
const TokenKeys *control_tokens(const Control *c);

#endif
