/* value_json.h — what JSON cannot express of a Lua value.
 *
 * Asked by the encoder about what programs will read (ValueOps.json). Nothing
 * here raises, calls a metamethod or makes a string.
 */
#ifndef ORUN_VALUE_JSON_H
#define ORUN_VALUE_JSON_H

#include "base/base.h"
#include "value/value_path.h"

enum { VALUE_JSON_WHAT = 96 }; /* bytes of a noun such as "the key 3 …" */

/* NULL when the number is finite, else its name. */
const char *value_json_number(lua_Number x);

/* Is the table on top an array (the keys 1..n) or an object (names)? `what`
 * names what it is otherwise. Takes three slots of the stack. */
bool value_json_shape(lua_State *L, char what[VALUE_JSON_WHAT]);

/* Does the table on top contain itself, by the way that led to it? */
bool value_json_ring(lua_State *L, const ValueStep *way);

#endif
