/* client.h — programs that talk to a run: `orun task`, ….
 *
 * Of the command only. `orun task` and `orun mcp` reach the run that started
 * them by its socket (control.h), `orun tasks` one that is in the roster
 * (roster.h), so they need no runtime, no worker and no io thread: a state with
 * what talks (lib_channel.h), and the module of the command. They can so be
 * started often: by a loop in a shell, by every agent.
 */
#ifndef ORUN_CLIENT_H
#define ORUN_CLIENT_H

#include "base/base.h"

/* Run the command argv[1], which is one that needs no more (COMMAND_STATE of
 * command.h), and return the exit code. */
int client_main(int argc, char **argv);

#endif
