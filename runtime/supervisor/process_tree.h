/* process_tree.h — finds and kills what children leave behind.
 *
 * Part of the supervisor's program. The supervisor is a subreaper, so a process
 * whose parent died becomes its child, however it was forked. Not every kernel
 * lists the children of a process, so all of /proc is read instead.
 */
#ifndef ORUN_PROCESS_TREE_H
#define ORUN_PROCESS_TREE_H

#include "base/base.h"

/* The variable that tells which task a process was started for. It has the
 * supervisor's earlier name, because programs may know it. */
#define PROCESS_TREE_MARK "ORUN_KEEPER="

typedef struct Process {
    int pid, parent, group;
    bool dead;    /* a zombie */
    bool stopped; /* by a signal */
    bool stuck;   /* in the kernel, where a signal does not reach it yet */
    bool marked;  /* the next call acts on it and its descendants */
} Process;

typedef struct ProcessTree {
    Process *procs; /* in order of pid */
    size_t n, cap;
} ProcessTree;

/* Open /proc, for good. */
void process_tree_init(void);

/* Read the processes there are now into `t` (zeroed at first). What memory does
 * not hold is left out: a later look finds it. */
void process_tree_look(ProcessTree *t);

/* Mark the descendants of marked processes. */
void process_tree_spread(ProcessTree *t);

/* Mark all descendants of this process. */
void process_tree_mark_own(ProcessTree *t);

/* Send SIGKILL to the marked ones that live; returns to how many. */
size_t process_tree_kill(const ProcessTree *t);

/* Was process `pid` started, itself or by inheritance, with the mark
 * "SUPERVISOR:tTASK", where SUPERVISOR is this process? Then *task is that
 * number. */
bool process_tree_task(int pid, uint64_t *task);

/* Kill every descendant of this process, again until none is left, however long
 * that takes. */
void process_tree_end(void);

#endif
