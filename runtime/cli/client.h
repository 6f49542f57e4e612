/* client.h — commands that talk to a run: `orun task`, `orun tasks`, ….
 *
 * `orun task` and `orun mcp` connect to the socket of the run that started them
 * (control.h), `orun tasks` to a run that the registry lists (run_registry.h).
 * So they need no runtime, worker or io thread, only a Lua state with the
 * client functions (lib_channel.h) and the command's module. That keeps them
 * cheap to start: from a shell loop, or by every agent.
 */
#ifndef ORUN_CLIENT_H
#define ORUN_CLIENT_H

#include "base/base.h"

/* Run the command argv[1], one of kind COMMAND_STATE (command.h), and return
 * the exit code. */
int client_main(int argc, char **argv);

#endif
