/* child.h — the process of an isolated task.
 *
 * What `orun` becomes when its first argument is ISOLATE_ARGUMENT. Its standard
 * input is a socket to the orun that started it. It receives one task, runs it
 * in a state like any task's, whose primitives are requests to the parent
 * (lib_remote.h), sends the outcome and exits. isolate.h is the other end.
 */
#ifndef ORUN_CHILD_H
#define ORUN_CHILD_H

/* Run the task and end the process. Returns an exit code only if this process
 * was not started by orun. */
int child_main(void);

#endif
