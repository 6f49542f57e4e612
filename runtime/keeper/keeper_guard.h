/* keeper_guard.h — what keeps the keeper's promise when it dies.
 *
 * Of the keeper's program: its start, and the process that watches it.
 */
#ifndef ORUN_KEEPER_GUARD_H
#define ORUN_KEEPER_GUARD_H

#include "base/base.h"

/* Only the socket, and /dev/null on 0-2: nothing of orun's is held open. */
bool keeper_guard_descriptors(void);

/* Every signal as a fresh process has it, and blocked: a signalfd for the end
 * of a child or of the parent; -1: there is none. */
int keeper_guard_signals(void);

/* What both are: they outlive no parent, and adopt what they started. */
void keeper_guard_adopt(void);

/* Wait until the keeper or orun is gone. Being told of the parent's end by
 * SIGCONT, this works even when somebody stopped this process, or when a
 * forked copy of orun still holds the socket. */
void keeper_guard(int child, int orun);

#endif
