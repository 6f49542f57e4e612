/* keeper_pause.h — the keeper's descendants stand still.
 *
 * Part of the keeper program only. They are asked first, each main's group with
 * SIGTSTP as a terminal would: a program that has something to do before it
 * stops (an orun of its own, say) may do it. A moment later what still runs is
 * stopped with SIGSTOP, whatever group or session it has put itself in. When
 * they go on, what had stopped by itself before stays stopped.
 */
#ifndef ORUN_KEEPER_PAUSE_H
#define ORUN_KEEPER_PAUSE_H

#include "keeper/keeper_brood.h"

typedef struct Pause {
    bool on;
    double since;
    double due;    /* when to look after them next; 0: there is no need */
    double again;  /* … and the distance after that */
    Buf before;    /* pids (int) of those that had stopped by themselves */
    Tree tree;     /* what the last look saw */
} Pause;

void keeper_pause_begin(Pause *p, Brood *b, double now);

/* Stop what still runs. Reschedules itself until nothing does. */
void keeper_pause_sweep(Pause *p, double now);

/* Have them go on; the time they stood is taken off the mains' ages, and
 * given. */
double keeper_pause_end(Pause *p, Brood *b, double now);

#endif
