/* script_return.h — what a script returns, for the command. */
#ifndef ORUN_SCRIPT_RETURN_H
#define ORUN_SCRIPT_RETURN_H

#include "base/buf.h"
#include <lua.h>
#include <stdbool.h>

/* Pop the script's first two results. False if they say that it failed, or if
 * they cannot be printed; appends the reason to `why`. A table with an
 * exit_code, 0 to 255, that is no result of a task sets *status. With `json` a
 * table is printed to standard output. On the thread that runs L. */
bool script_return_take(lua_State *L, bool json, int *status, Buf *why);

#endif
