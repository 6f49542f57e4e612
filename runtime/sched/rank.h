/* rank.h — which of the tasks that queue is the most urgent.
 *
 * A task's rank (HEFT's "upward rank") is how long the work will take that
 * cannot begin before it: its own expected duration and the longest chain of
 * what depends on it. Of those that queue the one with the highest rank goes
 * first (wait_queue.h), because the end of the longest chain is the end of the
 * run.
 *
 * What a task is expected to take is what the same took in earlier runs of this
 * script: of its key, else of its agent type and description, else what was
 * started in its line. That is shown to people while it is steady. To put tasks
 * in order, the mean of its agent type in any script will do, or that of all
 * that is known. While nothing is known all ranks are 0, and tasks start in
 * the order they came.
 *
 * A new task has the rank of its own duration. It reaches its blockers by a
 * sweep from the newest task to the oldest, in which each hands its rank on to
 * them; every task added, and every one that ends, pays for a few
 * steps. So a graph of some dozens of tasks is ranked as soon as it is made, a
 * larger one a little later, and no graph costs more than its size. Ranks only
 * grow: that a dependent was cancelled is not followed.
 *
 * What completed tasks took is noted, and added to the file at the end.
 */
#ifndef ORUN_RANK_H
#define ORUN_RANK_H

#include "sched/sched.h"
#include "task/history.h"

/* Remember durations in the file at `path` (NULL: in none, for this run alone);
 * `cwd` is the folder that lines of files are told from. Copied. Before the
 * first task. */
int rank_open(Sched *s, const char *path, const char *cwd) NODISCARD;

/* Free all; NULL is fine. */
void rank_close(struct Ranks *r);

/* The script in the file `path`, in full, which was named `given`, runs from
 * now on; both are NULL if it is not a file. They stay as long as the run. */
void rank_script(Sched *s, const char *given, const char *path);

/* The first task is about to be added: read the file, if there is one and it
 * has not been read. Blocks; without the lock. */
void rank_load(Sched *s);

/* Add the tasks of this run to the file; once. Blocks; without the lock, when
 * no task is left. On an error `note` gets a line: ORUN_EINVAL, the file was
 * damaged and began anew; ORUN_ESTATE, another version wrote it; ORUN_ESYS and
 * ORUN_ENOMEM. After the last three it is as it was. */
int rank_save(Sched *s, Buf *note);

/* What is known of tasks like t: of its key, else of its description, else of
 * its line, which `of` names; NULL if nothing is, or if their durations differ
 * so much that they say nothing of t. It stays to the end of the run. Any
 * thread, without the lock, once a task was added. */
const HistoryEntry *rank_known(Sched *s, const Task *t, const char **of);

/* What tasks of this key (or NULL), or of this agent type in any script, gave.
 * Any thread, without the lock; blocks the first time. */
const HistoryEntry *rank_known_agent(Sched *s, const char *key,
                                     const char *agent);

/* ---- with the board's lock held, and then sched_unlock ---- */

/* t is on the board, with its edges. */
void rank_added(Sched *s, Task *t);

/* Tasks got blockers. */
void rank_linked(Sched *s);

/* Go on with the sweep. */
void rank_sweep(Sched *s);

/* t has completed. */
void rank_note(Sched *s, const Task *t);

/* Is the sweep over, and nothing new to be swept? */
bool rank_swept(const Sched *s);

#endif
