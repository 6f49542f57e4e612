/* stop_state.h — which coroutine runs now, for code that switches them.
 *
 * Only stop.c and what switches coroutines in its place include it.
 */
#ifndef ORUN_STOP_STATE_H
#define ORUN_STOP_STATE_H

#include "vm/vm_state.h"

/* Of a state that orun made: a guest's code is not ours to stop. */
static inline Stop *
stop_of(lua_State *L)
{
    return &vm_own(L)->stop;
}

/* May nothing catch an error: is this a hard stop, or a task that used up its
 * memory? */
static inline bool
stop_final(lua_State *L)
{
    return stop_hard(stop_of(L)) || vm_own(L)->over_limit;
}

/* `co` is the innermost coroutine that runs on this thread from now on. Returns
 * the one before, for stop_unpublish. */
lua_State *stop_publish(lua_State *co);
void stop_unpublish(lua_State *outer);

/* Have the next instruction of L, which this thread runs, check for a stop. */
void stop_interrupt(lua_State *L);

/* Close the variables of `co`, published, as lua_closethread does. */
int stop_close_thread(lua_State *co, lua_State *from);

#endif
