/* run_process.h — the runner of tasks that are programs. Layer 5 (runners).
 *
 * stdin is the prompt; an input comes after it (a string as it is, anything
 * else as JSON), an empty line between. stdout is the output, exactly; exit
 * code 0 is success. The environment is the snapshot taken at start, then the
 * agent type's, then the task's `env`, then ORUN_TASK_ID.
 */
#ifndef ORUN_RUN_PROCESS_H
#define ORUN_RUN_PROCESS_H

#include "runner.h"

/* Fill in the runner. It finds its Host around itself (host->process). */
void run_process_init(Runner *r);

/* What t printed so far on stdout, or stderr, held for the caller; NULL when it
 * does not run or is no program. Under the board's lock. */
struct Output *run_process_live(Task *t, bool err);

#endif
