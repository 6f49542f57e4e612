/* view_screen.h — the terminal, and what tasks print, for views.
 *
 * Lua functions of the table that lua/view/init.lua is called with; those of
 * the terminal speak of the one that standard error is.
 */
#ifndef ORUN_VIEW_SCREEN_H
#define ORUN_VIEW_SCREEN_H

#include "engine/engine.h"
#include <lua.h>

/* size() -> rows, columns; nil when it is no terminal */
int view_size(lua_State *L);

/* fit(text, columns) -> the text as one line with nothing in it that drives a
 * terminal, and at most so wide: what is longer ends in "…"; its width */
int view_fit(lua_State *L);

/* put(text): write whole lines on standard error, above the foot if there is
 * one; secrets, and what drives a terminal, are replaced */
int view_put(lua_State *L);

/* open_foot() -> whether there is one now; foot(lines) shows them; close_foot()
 */
int view_open_foot(lua_State *L);
int view_foot(lua_State *L);
int view_close_foot(lua_State *L);

/* Of the task with this number: push what it has printed from the offset on
 * (before the end, when that is negative), at most `max` bytes; whether it is
 * final; a number that changes when it prints anew. Gives 3, or 0 when there is
 * no such task. */
int view_push_output(lua_State *L, Engine *h, uint64_t id, bool err,
                     lua_Integer offset, size_t max);

#endif
