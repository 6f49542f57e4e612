/* lib_screen.h — a full-screen program in Lua.
 *
 * For `orun tasks --watch`. Of the thread that has the state.
 */
#ifndef ORUN_LIB_SCREEN_H
#define ORUN_LIB_SCREEN_H

#include <lua.h>

/* screen() -> the terminal, taken (screen.h); nil and why not
 *   s:wait(seconds, {channels}) -> "keys" and their bytes; "fresh": all is to
 *     be drawn anew; "channel": one of these can be read; "time"; "end" and the
 *     number of the signal
 *   s:write(text) -> true; nil: the terminal has gone
 *   s:close() -> it is given back; so it is with its variable, and at the end
 */
int lib_screen(lua_State *L);

#endif
