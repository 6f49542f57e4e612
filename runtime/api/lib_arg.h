/* lib_arg.h — checking what scripts pass.
 *
 * Every message names the function, the argument, the value and the fix. A
 * function of the API takes one table: arg_frame spreads its fields over the
 * stack, raw (no metamethod runs), and refuses unknown ones. All functions may
 * raise, so no C resource may be held while they are called.
 */
#ifndef ORUN_LIB_ARG_H
#define ORUN_LIB_ARG_H

#include "base/buf.h"
#include "task/task.h"
#include "vm/park.h"
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

/* The table must be an array without holes; returns its length. */
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

/* ---- tasks ----
 *
 * A task is named by its id, by its handle, or by a table that has its id, such
 * as a result or an entry of the list. */

/* The message for a forgotten task: function, argument, its number twice, why.
 */
#define ARG_FORGOTTEN \
    "%s: %s = t%I: t%I was forgotten (%s), " \
    "and its result released; keep what you need of a result before"

/* The task meant by the value at idx (an id, a handle, or a table with `id` or
 * `task_id`). Raises for what was never one or is forgotten; a removed task is
 * returned. */
Task *arg_task(lua_State *L, const char *fn, const char *name, int idx);

/* The number in the id that the value at idx is or has; 0: there is none. */
uint64_t arg_task_id(lua_State *L, int idx);

/* Read an array of tasks (nil: none) as light userdata above the frame; returns
 * how many. */
lua_Integer arg_tasks(lua_State *L, const char *fn, const char *name, int idx);

/* ---- options of tasks and of agent types ---- */

/* Read `retry` at idx: a number of tries, or {max=, backoff=, on=}. */
Retry arg_retry(lua_State *L, const char *fn, int idx);

/* Read `permissions` at idx, a TaskPermission: "read", "edit" or "full"; NONE
 * for nil. */
uint8_t arg_permissions(lua_State *L, const char *fn, int idx);

/* What a task of `agent` (NULL: of none) may do: as `permissions` at idx or its
 * type says, and never more than the task that starts it. */
uint8_t arg_granted(lua_State *L, const char *fn, int idx,
                    const struct AgentType *agent);

/* Raise: a command's session is not known, so it cannot go on with one. */
int arg_no_resume(lua_State *L, const char *fn);

/* What isolates a task. */
typedef struct Isolation {
    bool process;  /* a process of its own */
    bool worktree; /* a git worktree of its own */
} Isolation;

/* Read `isolation` at idx, of a Lua task or of a program: "process", "worktree"
 * or an array of both; nothing is neither. */
Isolation arg_isolation(lua_State *L, const char *fn, int idx, bool lua);

/* Read `base` at idx, NULL when nil: what a worktree begins at. Raises when
 * there is none. */
const char *arg_base(lua_State *L, const char *fn, int idx, bool worktree);

/* Check an `env` table at idx: names without "=", and strings, or false to be
 * without that variable. Those that are secrets are known as such from then
 * on. */
void arg_check_env(lua_State *L, const char *fn, int idx);

/* Read `model` at idx, NULL when nil: the name of a model. */
const char *arg_model(lua_State *L, const char *fn, int idx);

/* ---- what is made of them, without raising ---- */

/* What raises is done first; then, with nothing to lose, things are made. A
 * message of the second part is kept here until all is given back. */
typedef struct LibWhy {
    char text[512];
} LibWhy;

/* Keep the message in `b` (freed); when there is none, memory was out. */
void lib_why(LibWhy *why, const char *fn, struct Buf *b);

/* Say in `why` that the backlog has no room, and what to do about it. */
void lib_why_backlog(LibWhy *why, const char *fn, LuaRun *run);

/* "K=V" (and "K") strings of a checked table; NULL with *failed set on no
 * memory. */
char **arg_env(lua_State *L, int idx, bool *failed);

struct ValueOps;

/* value_encode of the argument `name` at idx by the rules of `base`. A table
 * that is copied without a metatable that it acts by is reported on standard
 * error, once a run. Raises nothing. */
int arg_encode(lua_State *L, const char *fn, const char *name, int idx,
               const struct ValueOps *base, struct Value **out,
               struct Buf *why);

#endif
