/* control.h — the socket by which programs reach orun.
 *
 * Programs of tasks may do what Lua tasks do: list, create, claim, start. They
 * connect to a Unix socket in the run's folder (0600, in a folder that is 0700;
 * whoever connects must be of orun's own user) and say lines
 *
 *     TOKEN {"call": "TaskClaim", "args": {"owner": "w1"}}
 *
 * each of at most CONTROL_LINE bytes, and get a line for each
 *
 *     {"ok": true, "result": {…}}
 *     {"ok": false, "error": "in words", "reason": "already_claimed"}
 *
 * A call is one of those of lua/control/task_tools.lua or
 * control/run_tools.lua. One is done at a time; more connections do more. Who
 * ends his connection ends what waits in it; what he was to be told of and was
 * not, a claim, goes back (caller.h).
 *
 * The token (token.h) says in which task's name it is done: tasks made are its
 * children, items claimed are its own, and go back when its attempt ends. The
 * script's own programs act in its name as long as it runs.
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
    CONTROL_LINE = 4 << 20,    /* bytes that a program may say at once … */
    CONTROL_REPLY = 16 << 20,  /* … and is told */
    CONTROL_CALLERS = 1000,    /* connections at once */
    CONTROL_VARIABLES = 4,     /* of a program's environment */
};

/* The socket, made when it is not there yet. Errors: ORUN_ENOMEM, ORUN_ESYS
 * (errno tells). Any thread. */
int control_open(Engine *h, Control **out) NODISCARD;

/* The path of the socket, as long as the engine lives. Any thread. */
const char *control_path(const Control *c);

/* The address of the socket at that path. Where a path is too long for one it
 * goes by way of the descriptor of its folder: *dir (else -1), to be closed
 * once the address was used. Errors: ORUN_ENOMEM, ORUN_ESYS. Any thread. */
int control_address(const char *path, struct sockaddr_un *a, int *dir)
    NODISCARD;

/* Is "NAME=value" one of the variables that orun alone sets? */
bool control_owns(const char *variable);

/* Put ORUN_TASK_ID, ORUN_PROGRAM (the path of this orun), ORUN_SOCKET and
 * ORUN_TASK_TOKEN of the attempt to env, allocated: CONTROL_VARIABLES at most
 * and a NULL. When the socket cannot be made the last two are missing, for most
 * programs do not need them. ORUN_ENOMEM. Any thread. */
int control_put_env(Engine *h, uint64_t task, uint32_t attempt,
                    char **env) NODISCARD;

/* What the run's tokens are made with, as long as the engine lives. Any
 * thread. */
const TokenKeys *control_tokens(const Control *c);

#endif
