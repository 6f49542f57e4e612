/* unread.h — results that tell of an unseen failure.
 *
 * Such a result keeps some of its fields (its status, why it failed) aside, in
 * its metatable, until one of them is asked for: by its name, by pairs or next,
 * by being sent to another state or written as JSON. Then all of them are put
 * into the table, the metatable goes, and a flag is set: the failure was seen.
 * From then on the result is a table like any other, as results that tell of
 * no failure are from the start.
 */
#ifndef ORUN_UNREAD_H
#define ORUN_UNREAD_H

#include "base/base.h"
#include <lua.h>
#include <stdatomic.h>

/* What the metatable's __name is. */
#define UNREAD_NAME "orun.unread"

/* The table at idx keeps these fields aside from now on; a metatable that it
 * has is its again once they are looked at. `flag` is set when they are looked
 * at (NULL: none is); it must live as long as the state. `counts`: to ask for
 * the table's length is to look. May raise for memory. */
void unread_hide(lua_State *L, int idx, const char *const *names, size_t n,
                 atomic_bool *flag, bool counts);

/* Does the value at idx keep fields aside? Never raises. */
bool unread_is(lua_State *L, int idx);

/* They are looked at: put them back. Nothing happens to other values. May raise
 * for memory. */
void unread_show(lua_State *L, int idx);

/* Push what is kept aside of the value at idx, a table; false, and nothing is
 * pushed, when nothing is. Never raises. */
bool unread_push(lua_State *L, int idx);

/* Set the flag of the value at idx. Never raises. */
void unread_note(lua_State *L, int idx);

#endif
