/* handle.h — a task as Lua sees it: ids, handles, values with both.
 *
 * An id is the string "t" and a number. A handle is {id=, description=} with
 * the metatable "orun.handle", which shows it as "task t3 (description)" and
 * raises an error when a field is read that only its result has. In an input it
 * is replaced by the output of its task.
 */
#ifndef ORUN_HANDLE_H
#define ORUN_HANDLE_H

#include "sched/sched.h"
#include "value/value.h"
#include <lua.h>

enum { HANDLE_ID_SIZE = 24 };

/* Write "t12" for 12; returns its length. */
size_t handle_name(uint64_t id, char out[HANDLE_ID_SIZE]);

/* Push a task's id. If the value at index 1 is its handle, the string is taken
 * from there, because to make it again is slow in a state with a million
 * strings. */
void handle_push_id(lua_State *L, const Task *t);

/* The number in "t12", or 0 if it is not an id. */
uint64_t handle_parse(const char *s);

/* Push {id=, description=} of a task. */
void handle_push(lua_State *L, const Task *t);

/* The same of a task of which only this is known. description may be NULL. */
void handle_push_named(lua_State *L, uint64_t number, const char *description);

/* Is the value at idx a handle? Never raises. */
bool handle_is(lua_State *L, int idx);

/* Make the metatable, in the registry. May raise. */
void handle_open(lua_State *L);

/* For encoding: handles are kept as references to their tasks. */
extern const ValueOps handle_encoding;

/* The same for an item's input, which programs read as JSON. */
extern const ValueOps handle_shared;

/* For decoding functions: a captured handle is a handle again. */
ValueOps handle_keeping(Sched *s);

/* For decoding inputs: a reference becomes its task's output, nil if the task
 * did not complete. */
ValueOps handle_decoding(Sched *s);

#endif
