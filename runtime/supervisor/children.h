/* keeper_brood.h — the keeper's children, and whose each stray is.
 *
 * Part of the keeper program only. A "main" child was started on request; any
 * other child of the keeper is a stray: something a main started whose parent
 * died. A stray in the group of a main belongs to it; else the ORUN_KEEPER it
 * inherited names its task. Strays of a task that still has a main stay, the
 * others are killed with all their descendants; one that cannot be attributed
 * is killed when no main is left. The strays of a main that lingers stay until
 * their task is said to be over.
 */
#ifndef ORUN_KEEPER_BROOD_H
#define ORUN_KEEPER_BROOD_H

#include "base/base.h"
#include "base/buf.h"
#include "base/list.h"
#include "keeper/keeper_tree.h"

typedef struct Child {
    List link; /* in a ring of the brood */
    List news; /* in a list of those whose start was not told yet */
    uint64_t id, task;
    int pid;
    double start;
    bool lingers;
    bool doomed; /* its tree is being killed */
} Child;

typedef struct Brood {
    List rings[256]; /* of Child, by pid */
    size_t n;
    Buf lingering;     /* tasks (uint64_t) whose strays stay for now */
    Buf ended;         /* pids (int) of mains that ended since a clean sweep */
    Tree tree;         /* what the last look saw */
    double due;        /* when to sweep next; 0: there is no need */
    double last;       /* when the last sweep ended … */
    double cost;       /* … and what it took */
    double again;      /* distance of the next one while there is work */
} Brood;

void keeper_brood_init(Brood *b);

/* Take in a child that was started; the brood owns it. */
void keeper_brood_add(Brood *b, Child *c);

/* The live main with that process id, or that request id; NULL: none. */
Child *keeper_brood_pid(Brood *b, int pid);
Child *keeper_brood_id(Brood *b, uint64_t id);

/* Does what it leaves stay for now? */
bool keeper_brood_lingers(const Brood *b, const Child *c);

/* A main ended: forget (and free) it; what it left is swept soon. */
void keeper_brood_end(Brood *b, Child *c, double now);

/* Have the main and all its descendants killed by the next sweep, due now. */
void keeper_brood_doom(Brood *b, Child *c, double now);

/* The task is over, and what lingers for it has to go: a sweep is due. */
void keeper_brood_over(Brood *b, uint64_t task, double now);

/* Look for strays and kill those whose time has come. Reschedules itself until
 * nothing new is found. */
void keeper_brood_sweep(Brood *b, double (*clock)(void));

/* Send a signal to the groups of all mains. */
void keeper_brood_signal(Brood *b, int signo);

/* Make all mains younger: they stood still for that long. */
void keeper_brood_shift(Brood *b, double seconds);

#endif
