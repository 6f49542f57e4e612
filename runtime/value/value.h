/* value.h — a Lua value as flat bytes that belong to no state.
 *
 * This is the only way anything crosses between Lua states: input and output
 * of tasks, captured variables, functions. A Value is immutable and counted,
 * so many tasks may share one; it may be made in one thread and read in
 * another. Encoding never raises and never calls a metamethod; decoding may
 * raise (memory) and leaves the Value as it was.
 *
 *   kept      nil, booleans, integers and floats each as they are (-0.0, NaN,
 *             inf, all bits), strings of any bytes, tables with cycles and
 *             shared references, Lua functions with their upvalues, library
 *             functions and loaded modules by name, task handles
 *   dropped   metatables, but for the mark of an array of JSON
 *   refused   threads, userdata, light userdata (but JSON's null), other C
 *             functions, keys that are not string, number or boolean, nesting
 *             beyond 100, more bytes than the limit: always with the path
 *
 * A function goes as its own dump, with debug information, and its upvalues:
 * their values as they are now, shared among the functions of one Value as
 * they were. The globals table becomes the globals of the destination (and so
 * does an _ENV with a metatable: a sandbox around the globals), a table of
 * package.loaded the module of that name there (loaded when it is not), a C
 * function the field of the module it was found in. Code is only ever run from
 * bytes this program made: value_import says which those are.
 */
#ifndef ORUN_VALUE_H
#define ORUN_VALUE_H

#include "base/base.h"
#include "base/buf.h"
#include <lua.h>

typedef struct Value Value;

enum {
    VALUE_MAX_DEPTH = 100,
    VALUE_MAX_BYTES = 256 << 20, /* the default limit of one value */
};

/* What the codec must know of its surroundings. Callbacks may be NULL. */
typedef struct ValueOps {
    /* The task id of the handle at `idx`, 0 when it is none. Asked only about
     * full userdata and tables with a metatable. Never raises. */
    uint64_t (*handle)(lua_State *L, int idx, void *ud);
    /* Push the one value that stands for handle `id`. May raise. */
    void (*resolve)(lua_State *L, uint64_t id, void *ud);
    void *ud;
    size_t max_bytes; /* 0: VALUE_MAX_BYTES */
    Buf *left;        /* gets a sentence when a table that is copied leaves a
                       * metatable behind that has __call or __index: where
                       * the first such table is */
    bool data;        /* functions and modules are no data: refuse the former,
                         copy the latter as the tables they are */
    bool json;        /* programs read it, too: refuse numbers, keys and rings
                         that JSON cannot express */
} ValueOps;

/* For what is kept to be looked at (metadata): data only, no handles, and only
 * what JSON can express. */
extern const ValueOps value_data;

/* For what an item ends with, which programs read as JSON. */
extern const ValueOps value_shared;

/* Learn the names of the C functions there are, for a state whose code may give
 * them others before it sends one; a state without it learns them then. After
 * module_open. May raise; on the thread that runs L. */
void value_open(lua_State *L);

/* Encode the value at `idx` into `*out` (one reference, the caller's).
 * Errors: ORUN_EUNSENDABLE, ORUN_ETOOBIG, ORUN_ENOMEM; then `why` holds a
 * sentence that begins with the path below `name`, as in
 * "input.tools[3].callback: a userdata cannot be sent". The stack is left as
 * it was. On the thread that runs L. */
int value_encode(lua_State *L, int idx, const char *name, const ValueOps *ops,
                 Value **out, Buf *why) NODISCARD;

/* Push the value. Raises on memory or malformed bytes. On the thread that
 * runs L; the Value must be held by someone else meanwhile. */
void value_decode(lua_State *L, const Value *v, const ValueOps *ops);

/* A Value holding one string; NULL when memory is out. Any thread. */
Value *value_string(const void *p, size_t n);

/* The bytes when v is one string (NULL otherwise); valid while v is held. */
const char *value_as_string(const Value *v, size_t *n);

/* The bytes, to be kept or sent elsewhere on a machine of this kind; valid
 * while v is held. Handles inside mean nothing outside of this run. */
const void *value_bytes(const Value *v, size_t *n);

/* A Value of bytes that value_bytes gave (copied), in this or another process;
 * NULL when memory is out. Nothing is checked before value_decode, which then
 * takes data only (no function, module or handle) unless the bytes are
 * `trusted` to come from this very program. Any thread. */
Value *value_import(const void *p, size_t n, bool trusted);

/* Handles named inside: how many, and the i-th one's task id. Any thread. */
size_t value_handles(const Value *v);
uint64_t value_handle(const Value *v, size_t i);

/* What it is, as Lua's type() says: "nil", "boolean", "number", "string",
 * "table", "function", or "userdata" for a handle. A constant. */
const char *value_type_name(const Value *v);

/* Bytes that it says: of a string its length, of nil none. */
size_t value_content(const Value *v);

/* Size in bytes, for accounting. */
size_t value_size(const Value *v);

/* Bytes of memory it takes that the system cannot take back: value_size, or 0
 * once it is in a file. NULL is fine. */
size_t value_held(const Value *v);

/* Move *v, which nobody else holds, into the empty file open at `fd`, which may
 * be closed and removed afterwards: its bytes are read from there from now on.
 * ORUN_ESYS (errno kept) leaves *v as it was. Blocks for the write. */
int value_to_file(Value **v, int fd) NODISCARD;

/* One more reference (NULL is fine); returns v. Any thread. */
Value *value_hold(Value *v);

/* One reference less; frees at zero. NULL is fine. Any thread. */
void value_drop(Value *v);

#endif
