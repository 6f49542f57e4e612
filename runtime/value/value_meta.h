/* value_meta.h — metatables, which stay behind.
 *
 * A table goes without its metatable, but for one: that by which lua/json.lua
 * knows an array, though it be empty. It is known by its name.
 */
#ifndef ORUN_VALUE_META_H
#define ORUN_VALUE_META_H

#include "value/value_path.h"

/* What a table loses with its metatable. */
typedef struct ValueMeta {
    bool array;       /* nothing: it marks an array, and goes along */
    bool own;         /* it is one of orun's */
    bool unread;      /* fields are kept aside in it, and go along (unread.h) */
    const char *acts; /* "__call" or "__index", NULL: neither */
} ValueMeta;

/* ( metatable -- ) Never raises, makes no string. */
ValueMeta value_meta_look(lua_State *L);

/* Put into `to` what is lost of the value at `step` below `name`, if what uses
 * it may miss that; nothing when it is NULL, or holds that of another. Never
 * raises. */
void value_meta_say(const ValueMeta *meta, lua_State *L, const char *name,
                    const ValueStep *step, Buf *to);

/* ( table -- table ) Mark it as an array. The metatable belongs to the state,
 * once it is needed. May raise. */
void value_meta_mark(lua_State *L);

#endif
