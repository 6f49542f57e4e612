/* journal_tree.h — the worktree of a task: kept as soon as it is made, so that
 * the task goes on there after an interruption.
 */
#ifndef ORUN_JOURNAL_TREE_H
#define ORUN_JOURNAL_TREE_H

#include "base/buf.h"
#include "journal/journal_state.h"

/* Durable.tree and .tree_before */
void journal_tree_note(Durable *d, Task *t, const DurableTree *tree);
bool journal_tree_before(Durable *d, const TaskKey *own, bool resume, Buf *path,
                         Buf *branch);

/* The task with this key had ended, while the run is read. */
void journal_tree_ended(Journal *j, const unsigned char own[TASK_KEY_SIZE]);

/* The outcome of t, with this key, has a worktree. Is its branch there? If
 * somebody has removed that, which is told on stderr, what the task did is
 * lost; orun itself, which removes one that was merged or has no changes,
 * removes the ref of its base, too. Blocks on the disk; on the journal's
 * thread. */
bool journal_tree_there(Journal *j, const unsigned char own[TASK_KEY_SIZE],
                        const Task *t);

#endif
