/* child.h — the process of an isolated task.
 *
 * What `orun` is when its first argument says so: its standard input is a
 * socket to the orun that started it. It gets one task, runs it in a state like
 * any task's, in which the primitives ask that orun (lib_remote.h), tells the
 * outcome and ends. isolate.h is the other end.
 */
#ifndef ORUN_CHILD_H
#define ORUN_CHILD_H

/* Run the task. Comes back, with the exit code, only when this was not started
 * as it should be; else the process ends here. */
int child_main(void);

#endif
