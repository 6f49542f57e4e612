/* lib_terminal.h — the module orun.terminal.
 *
 * For bundled Lua that draws on a terminal: the views (view.h) and the commands
 * that talk to a run (client.h). A stream is named 0, 1 or 2.
 */
#ifndef ORUN_LIB_TERMINAL_H
#define ORUN_LIB_TERMINAL_H

#include <lua.h>

/* Have require "orun.terminal" give
 *   is(stream) -> is it a terminal?
 *   size(stream) -> columns, rows, as they are now; nil when nobody knows
 *   fit(text, columns) -> the text as one line that cannot drive a terminal,
 *     secrets replaced, cut where it has no room, "…" for the rest; and how
 *     many columns that takes
 *   wrap(text, columns, rows) -> the array rows, with the text added as one
 *     line that cannot drive a terminal, broken where it has no room
 *   clock() -> seconds of a clock that only goes forward
 * May raise. */
void lib_terminal_open(lua_State *L);

#endif
