/* session.h — `orun mcp --session`: a run for an agent that no run has started.
 *
 * The process becomes two before it has any thread. The parent, which the agent
 * knows, serves `orun mcp` on its standard input and output as ever; the child
 * is a run whose script waits, and has the tasks. What tasks print goes to
 * standard error, so that it is not taken for a message of the protocol.
 *
 *     parent  <-- variables (up) ---   child: lua/control/session.lua
 *             --- stays open (down) -> its standard input
 *
 * The run ends when `down` is closed: the parent has ended, whatever ended it.
 */
#ifndef ORUN_SESSION_H
#define ORUN_SESSION_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct Session {
    pid_t run; /* the child; 0 in it */
    int down;  /* in the parent */
} Session;

/* Is that asked for, and needed: has no run started this program? */
bool session_wanted(int argc, char **argv);

/* Become two. True in both: in the parent the variables that `orun mcp` needs
 * are set, and `s` is for session_end; in the child the command line is that of
 * the run, and s->run is 0. False when there can be no run, which was reported;
 * then there is one process. */
bool session_begin(Session *s, int *argc, char ***argv);

/* End the run, and wait for it. Returns `status`. */
int session_end(Session *s, int status);

#endif
