/* park_bell.h — how the thread of a guest waits.
 *
 * A Lua program is interrupted by a signal whose handler sets a hook, as that
 * of the `lua` command does: at the next instruction the hook raises an error.
 * While orun waits there is no next instruction. So a guest waits in ppoll,
 * which comes back when a handler has run, and looks whether there is such a
 * hook; the wait is then called off and the hook is run.
 */
#ifndef ORUN_PARK_BELL_H
#define ORUN_PARK_BELL_H

#include "base/base.h"
#include <lua.h>
#include <uv.h>

typedef struct ParkBell {
    int fd;          /* eventfd; -1: there is none, and no hook is looked for */
    lua_Hook before; /* of the state when it became a guest's */
    bool interrupted;
    uv_cond_t go; /* in place of the eventfd */
} ParkBell;

/* Make the bell of a guest whose main thread is L. */
void park_bell_init(ParkBell *bell, lua_State *L);
void park_bell_destroy(ParkBell *bell);

/* Wake the thread that waits, or the next one that does. Any thread, with the
 * lock held. */
void park_bell_ring(ParkBell *bell);

/* Wait, with `lock` held, which is released meanwhile, until somebody rings,
 * perhaps for nothing. True: somebody has set a hook, and the wait is to end.
 * On the thread that runs L's state. */
bool park_bell_wait(ParkBell *bell, lua_State *L, uv_mutex_t *lock);

/* Was the wait called off? Then run the hook, and raise an error if it has
 * not. `main` is the state's main thread. */
void park_bell_heed(ParkBell *bell, lua_State *L, lua_State *main);

#endif
