/* value_path.h — where in a value something is, in words.
 *
 * While the encoder walks, each step down leaves one ValueStep on the C
 * stack; nothing is formatted until something must be refused. The keys are
 * still on the Lua stack then.
 */
#ifndef ORUN_VALUE_PATH_H
#define ORUN_VALUE_PATH_H

#include "base/base.h"
#include "base/buf.h"
#include <lua.h>

typedef struct ValueStep {
    const struct ValueStep *up; /* the step before, NULL for the first */
    int at;                     /* stack index of the key or the function */
    int upvalue;                /* 0: a key; else the function's n-th upvalue */
} ValueStep;

/* Append to `to` what is wrong at `last` below `name`: "input.a[3]: PLAIN", or
 * when the way leads through a captured variable "run (plan.lua:12) captures
 * 'sock', CAPTURED; pass what it needs in input". Never raises. */
void value_path_say(lua_State *L, const char *name, const ValueStep *last,
                    const char *plain, const char *captured, Buf *to);

#endif
