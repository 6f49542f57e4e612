/* lib_arg.h — checking what scripts pass.
 *
 * Every message names the function, the argument, the value and the fix. A
 * function of the API takes one table: arg_frame spreads its fields over the
 * stack, raw (no metamethod runs), and refuses unknown ones. All functions may
 * raise, so no C resource may be held while they are called.
 */
#ifndef ORUN_LIB_ARG_H
#define ORUN_LIB_ARG_H

#include "base/base.h"
#include <lua.h>

/* Where in the stack field `i` of the frame is. */
#define ARG(i) (2 + (i))

/* Argument 1 must be a table; put the fields called names[0..n-1] (sorted) to
 * ARG(0)…ARG(n-1), nil where absent. `fn` is the function's name for messages.
 * An absent argument counts as {} when `optional`. */
void arg_frame(lua_State *L, const char *fn, const char *const *names, int n,
               bool optional);

/* Raise "FN: NAME = VALUE: WANT". */
int arg_error(lua_State *L, const char *fn, const char *name, int idx,
              const char *want);

static inline bool
arg_given(lua_State *L, int idx)
{
    return !lua_isnil(L, idx);
}

/* A string, NULL when nil. At most `max` bytes; `*n` may be NULL. */
const char *arg_string(lua_State *L, const char *fn, const char *name, int idx,
                       size_t max, size_t *n);

/* As arg_string, and without NUL bytes. */
const char *arg_text(lua_State *L, const char *fn, const char *name, int idx,
                     size_t max);

/* true or false; `other` when nil. */
bool arg_bool(lua_State *L, const char *fn, const char *name, int idx,
              bool other);

/* The value must be a table or nil. */
void arg_table(lua_State *L, const char *fn, const char *name, int idx);

/* An integer from lo to hi; `other` when nil. */
lua_Integer arg_integer(lua_State *L, const char *fn, const char *name, int idx,
                        lua_Integer lo, lua_Integer hi, lua_Integer other);

/* Seconds: a number, or "250ms", "30s", "5m", "2h", "1d". `other` when nil,
 * INFINITY for inf, never negative or NaN; more than 10^9 s is 10^9 s. zero:
 * whether 0 is fine. */
double arg_duration(lua_State *L, const char *fn, const char *name, int idx,
                    bool zero, double other);

/* Bytes: an integer > 0, or "64KiB", "32MiB", "1GiB"; 0 when nil. */
size_t arg_size(lua_State *L, const char *fn, const char *name, int idx);

/* A name by which something is looked up: letters, digits, _ and -, beginning
 * with a letter or _, at most 64 bytes. NULL when nil. */
const char *arg_name(lua_State *L, const char *fn, const char *name, int idx);

/* The name of an agent type, as agent files have them: one line of text without
 * blanks at its ends and '-' at its beginning, at most 200 bytes, nothing that
 * a terminal would not show as it is. NULL when nil. */
const char *arg_agent_name(lua_State *L, const char *fn, const char *name,
                           int idx);

/* The table must be an array without holes; gives its length. */
lua_Integer arg_array(lua_State *L, const char *fn, const char *name, int idx,
                      lua_Integer max);

/* The known word nearest to `word`: one that means the same (lib_arg_words.c),
 * else by its letters; NULL when it would take more than a change for every
 * three of them (a letter swapped with the next is one). */
const char *arg_nearest(const char *word, const char *const *known, int n);

/* The same as a Lua function: nearest(word, {known, …}). */
int lib_nearest(lua_State *L);

/* The known word that means what `word`, of another tool maybe, does; NULL when
 * that is not known. */
const char *arg_meant(const char *word, const char *const *known, int n);

/* Push the value at `idx` as a short text for a message. */
const char *arg_show(lua_State *L, int idx);

#endif
