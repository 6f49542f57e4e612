/* vm_seed.h — the order in which `pairs` gives the fields of a table.
 *
 * Lua places strings in tables by a hash that begins with a seed, which it
 * draws anew for each state, so that nobody can prepare keys that all fall on
 * one place. Then `pairs` gives the fields of a table in another order in each
 * process, and in each task: a prompt that was put together by it would be
 * another prompt each time. Here all states of a process have one seed, drawn
 * once; whoever takes a run up again, or has a part of it done by another
 * process, gives it the same one. So the same code that fills a table in the
 * same way finds it in the same order. That holds for strings, numbers and
 * booleans as keys; tables, functions and userdata are placed by their
 * address.
 *
 * Lua has no function for this. In orun's own program its state asks
 * vm_seed_make, which takes the place of the hash that draws the seed (the
 * Makefile gives it that name in lstate.o, where nothing else is hashed). In
 * other programs, with a Lua of their own, it stays as it is.
 */
#ifndef ORUN_VM_SEED_H
#define ORUN_VM_SEED_H

#include "base/base.h"

/* The seed of all states of this process. Any thread. */
uint32_t vm_seed_get(void);

/* Let it be this one, for the states that are made from now on: before the
 * engine is made. Any thread. */
void vm_seed_set(uint32_t seed);

/* Has Lua asked for it when it made a state? Any thread. */
bool vm_seed_used(void);

/* For Lua. */
unsigned vm_seed_make(const char *bytes, size_t n, unsigned seed);

#endif
