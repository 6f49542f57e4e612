/* children.h — the children of the supervisor, and which orphans are whose.
 *
 * Part of the supervisor's program. A Child was started on request. Any other
 * child process is an orphan: a Child, or a descendant of one, started it, and
 * its parent died. An orphan in the process group of a Child belongs to that
 * Child. Otherwise the mark in its environment names its task. The orphans of a
 * task that still has a Child stay; the others are killed with all their
 * descendants. One that belongs to no task is killed when no Child is left. The
 * orphans of a Child that lingers stay until orun says that the task is over.
 *
 * All descendants can be paused. Each Child's group gets SIGTSTP first, as from
 * a terminal, so that a program that has something to do before it stops (such
 * as another orun) may do it. A moment later what still runs gets SIGSTOP,
 * whatever its group or session. What had stopped by itself before the pause
 * stays stopped after it.
 */
#ifndef ORUN_CHILDREN_H
#define ORUN_CHILDREN_H

#include "base/base.h"
#include "base/buf.h"
#include "base/list.h"
#include "supervisor/process_tree.h"

typedef struct Child {
    List link;       /* in one of Children.rings */
    List unreported; /* in supervisor.unreported until orun knows its start */
    uint64_t id, task;
    int pid;
    double start;
    bool lingers;
    bool doomed; /* its tree is being killed */
} Child;

typedef struct Pause {
    bool on;
    double since;
    double due;   /* when to look for what still runs; 0: not needed */
    double again; /* … and how long after that once more */
    Buf before;   /* pids (int) of what had stopped by itself */
} Pause;

typedef struct Children {
    List rings[256]; /* of Child, by pid */
    size_t n;
    ProcessTree tree; /* as last seen */

    /* The sweep, which kills orphans. */
    Buf lingering; /* tasks (uint64_t) whose orphans stay for now */
    Buf ended;     /* pids (int) of those that ended since a sweep found
                    * nothing */
    double due;    /* when to sweep next; 0: not needed */
    double last;   /* when the last sweep ended … */
    double cost;   /* … and how long it took */
    double again;  /* distance of the next one while there is work */

    Pause pause;
} Children;

void children_init(Children *c);

/* Add a Child that was started. It is owned by `all` from then on. */
void children_add(Children *all, Child *c);

/* The live Child with that process id, or that request id; NULL if there is
 * none. */
Child *children_by_pid(Children *all, int pid);
Child *children_by_id(Children *all, uint64_t id);

/* Do its orphans stay for now? */
bool children_lingers(const Children *all, const Child *c);

/* It has ended: remove and free it. A sweep for its orphans will be due. */
void children_end(Children *all, Child *c, double now);

/* Have it and all its descendants killed by the next sweep, due now. */
void children_doom(Children *all, Child *c, double now);

/* The task is over, and what lingers for it must go: a sweep will be due. */
void children_task_over(Children *all, uint64_t task, double now);

/* Look for orphans and kill those that nothing keeps. Schedules itself again
 * until it finds nothing. */
void children_sweep(Children *all, double (*clock)(void));

/* Send a signal to the group of each Child. */
void children_signal(Children *all, int signo);

/* Pause all descendants. No effect if they are paused. */
void children_pause(Children *all, double now);

/* Stop what still runs during a pause. Schedules itself again until nothing
 * does. */
void children_pause_sweep(Children *all, double now);

/* Let them go on. Returns how long they were paused, which does not count as
 * part of a Child's run time. */
double children_resume(Children *all, double now);

#endif
