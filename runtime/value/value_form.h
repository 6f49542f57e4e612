/* value_form.h — how a Value's bytes are laid out, and what is named in it.
 *
 * Seen by what makes and reads Values only. The bytes are
 * VALUE_FORM, one byte of flags, then one item:
 *
 *   NIL FALSE TRUE NULL GLOBALS    the tag alone
 *   BUNDLE                         the same, the environment of bundled Lua
 *   0x80..0xFF                     the integers 0..127
 *   INT zigzag                     integers of up to 49 bits, as a varint
 *   INT64 8 bytes, FLOAT 8 bytes   in the machine's order, bit for bit
 *   0x40..0x7F bytes               strings of 0..63 bytes
 *   STRING length bytes
 *   TABLE u32 u32 items            values of 1..n, then m keys with values
 *   ARRAY u32 u32 items            the same of a table marked as an array
 *   FUNCTION u8 u32 code upvalues  a dump; as many upvalues as the byte says
 *   REF offset                     the shared item that began at that offset
 *   CELL offset index              (an upvalue) the one another function has
 *   LIBRARY string                 a C function: module, NUL, field
 *   MODULE string                  a table of package.loaded
 *   HANDLE id                      a task's handle; 5 bytes or more, so that
 *                                  value_rename can put any other there
 *
 * A string, table, array or function that is met again gets 1 added to its
 * tag, by which it becomes the SHARED kind, so the reader remembers only what
 * some REF or CELL will ask for. Lengths, offsets and ids are varints, low
 * seven bits first. Nothing is aligned.
 */
#ifndef ORUN_VALUE_FORM_H
#define ORUN_VALUE_FORM_H

#include "base/base.h"
#include <lua.h>
#include <stdatomic.h>

enum {
    VALUE_FORM = 0xB1,    /* first byte; changes when the form does */
    VALUE_HAS_SHARED = 1, /* flag: there is a REF or a CELL */
    VALUE_HEAD_BYTES = 2,
    VALUE_SHORT_MAX = 63,   /* longest string of tag SHORT */
    VALUE_SMALL_MAX = 127,  /* largest integer of tag SMALL */
    VALUE_VARINT_MAX = 10,  /* bytes of the longest varint */
    VALUE_HANDLE_BYTES = 5, /* of a handle's id, however small */
};

enum {
    TAG_NIL,
    TAG_FALSE,
    TAG_TRUE,
    TAG_NULL,
    TAG_GLOBALS,
    TAG_INT,
    TAG_INT64,
    TAG_FLOAT,
    TAG_STRING,
    TAG_STRING_SHARED,
    TAG_TABLE,
    TAG_TABLE_SHARED,
    TAG_FUNCTION,
    TAG_FUNCTION_SHARED,
    TAG_REF,
    TAG_CELL,
    TAG_LIBRARY,
    TAG_MODULE,
    TAG_HANDLE,
    TAG_ARRAY,
    TAG_ARRAY_SHARED,
    TAG_BUNDLE,
    TAG_SHORT = 0x40,
    TAG_SMALL = 0x80,
};

/* One block: this, the bytes, a NUL, the ids of the handles (unaligned). */
struct Value {
    atomic_size_t refs;
    size_t n;         /* of bytes */
    uint32_t handles; /* how many ids follow the bytes */
    bool trusted;     /* made by this program: may hold code */
    bool mapped;      /* not from mem_alloc: a mapping of a file */
    unsigned char bytes[];
};

/* v was read: when its bytes are in a file, they need not stay in memory. */
void value_rest(const struct Value *v);

#define VALUE_HEAD offsetof(struct Value, bytes)

/* Write x at `to`, which has room for VALUE_VARINT_MAX; the end comes back. */
static inline unsigned char *
value_put_varint(unsigned char *to, uint64_t x)
{
    for (; x >= 0x80; x >>= 7)
        *to++ = (unsigned char)(x | 0x80);
    *to++ = (unsigned char)x;
    return to;
}

/* Read a varint in [*at, end) and move *at behind it; false when it is cut
 * off or longer than 64 bits. */
static inline bool
value_get_varint(const unsigned char **at, const unsigned char *end,
                 uint64_t *out)
{
    uint64_t x = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        unsigned char c = *(*at)++;
        x |= (uint64_t)(c & 0x7F) << shift;
        if (c < 0x80)
            return *out = x, shift < 63 || c < 2;
    }
    return false;
}

/* ---- what travels by name ----
 *
 * Loaded modules (the tables of package.loaded) and the C functions in them
 * exist in every state, so a Value only names them. */

/* Make ready for the functions below, and with `functions` learn anew which C
 * functions the loaded modules have. May run finalizers, never raises.
 * Errors: ORUN_ENOMEM. */
int value_known_learn(lua_State *L, bool functions) NODISCARD;

/* The name, of n bytes, of the module at the top, in a state that has learned;
 * NULL when it has none. Of several the one that is there in every state, else
 * the least: package.loaded.json = cjson has nothing asked for as 'json' where
 * that is unknown. Never raises. */
const char *value_known_module(lua_State *L, size_t *n);

/* The name "module\0field" of the C function at the top, of n bytes, as far
 * as it was learned; NULL when it has none. Never raises. */
const char *value_known_function(lua_State *L, size_t *n);

/* Push the module of that name, loading it when it is not loaded; raises when
 * it is not to be had. */
void value_known_push_module(lua_State *L, const char *name, size_t n);

/* Push the C function of that name ("module\0field"); raises likewise. */
void value_known_push_function(lua_State *L, const char *name, size_t n);

/* Is the upvalue on top, of that name, an environment that stands for the
 * globals? A sandbox falls back on them by a metatable, which it would lose on
 * the way. Never raises. */
bool value_known_globals(lua_State *L, const void *globals, const char *name);

#endif
