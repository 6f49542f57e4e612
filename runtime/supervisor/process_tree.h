/* keeper_tree.h — finds and kills what children leave behind.
 *
 * Part of the keeper program only. The keeper is a subreaper, so a process
 * whose parent died becomes its child, however it was forked. Kernels do not
 * all tell a process its children: /proc is read instead.
 */
#ifndef ORUN_KEEPER_TREE_H
#define ORUN_KEEPER_TREE_H

#include "base/base.h"

typedef struct TreeProc {
    int pid, parent, group;
    bool dead;    /* a zombie */
    bool stopped; /* by a signal */
    bool stuck;   /* in the kernel, where a signal does not reach it yet */
    bool marked;  /* meant by what is done next, and its descendants too */
} TreeProc;

typedef struct Tree {
    TreeProc *procs; /* in order of pid */
    size_t n, cap;
} Tree;

/* Open /proc, for ever. */
void keeper_tree_init(void);

/* Read the processes there are now into `t` (zero at first). What memory does
 * not hold is left out: a later look finds it. */
void keeper_tree_look(Tree *t);

/* Mark the descendants of marked processes. */
void keeper_tree_spread(Tree *t);

/* Mark all descendants of this process. */
void keeper_tree_mark_own(Tree *t);

/* SIGKILL the marked ones that live; how many were sent it. */
size_t keeper_tree_kill(const Tree *t);

/* Whether process `pid` was started (itself or by inheritance) with an
 * ORUN_KEEPER of "KEEPER:tTASK", where KEEPER is this process: then *task is
 * that number. */
bool keeper_tree_task(int pid, uint64_t *task);

/* SIGKILL every descendant of this process until none is left, however long it
 * takes. */
void keeper_tree_end(void);

#endif
