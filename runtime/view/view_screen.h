/* view_screen.h — the terminal, and what tasks print, for views.
 *
 * Lua functions of the table that lua/view/init.lua is called with. The
 * terminal is that of standard error.
 */
#ifndef ORUN_VIEW_SCREEN_H
#define ORUN_VIEW_SCREEN_H

#include "engine/engine.h"
#include <lua.h>

/* size() -> rows, columns; nil if it is not a terminal */
int view_size(lua_State *L);

/* fit(text, columns) -> the text as one line, sanitized, cut to that width with
 * "…" at the end; its width */
int view_fit(lua_State *L);

/* put(text): write whole lines, sanitized, to standard error, above the foot if
 * there is one */
int view_put(lua_State *L);

/* open_foot() -> is there a foot now? foot(lines) shows them; close_foot() */
int view_open_foot(lua_State *L);
int view_foot(lua_State *L);
int view_close_foot(lua_State *L);

/* For the task with this number push: what it has printed from the offset on
 * (counted from the end if it is negative), at most `max` bytes; whether that
 * is final; a number that changes when its output begins again. Returns 3, or 0
 * if there is no such task. */
int view_push_output(lua_State *L, Engine *h, uint64_t id, bool err,
                     lua_Integer offset, size_t max);

#endif
