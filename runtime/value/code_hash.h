/* code_hash.h — what compiled Lua does, without where it stands and its names.
 *
 * Read from a dump of Lua 5.4 (any release of it), of which no byte is trusted.
 * What counts: the instructions, the constants, the functions inside, how many
 * parameters and registers there are, and where the functions inside find what
 * they capture. What does not: the name of the source, line numbers, the names
 * of locals and upvalues, and in which registers of its maker the outermost
 * function found what it captures. So a comment, a line added above or a
 * renamed local changes nothing, and a changed constant, operator or function
 * inside does. Instructions are as this release of Lua compiles them: another
 * one may compile the same text to others.
 */
#ifndef ORUN_CODE_HASH_H
#define ORUN_CODE_HASH_H

#include "base/base.h"
#include "base/digest.h"

enum { CODE_HASH_DEPTH = 250 }; /* functions in functions; Lua compiles 200 */

/* SHA-256 of the dump of n bytes. Errors: ORUN_EPROTO, it is none of Lua 5.4
 * on this kind of machine or cut off. Any thread. */
int code_hash(const void *p, size_t n,
              unsigned char hash[DIGEST_SIZE]) NODISCARD;

/* The name of the i-th upvalue (from 0) of the outermost function, of *length
 * bytes inside of the dump; NULL when the dump has no such name (it was
 * stripped), or is malformed. Any thread. */
const char *code_hash_upvalue(const void *p, size_t n, size_t i,
                              size_t *length);

/* Call each() with every string constant of a dump (of n bytes inside of it) if
 * one of them is "require": among these are the names of the modules that the
 * code requires. Ends when one call returns something else than 0, which is
 * then the result. ORUN_EPROTO as above. Any thread. */
int code_hash_required(const void *p, size_t size,
                       int (*each)(void *ctx, const char *s, size_t n),
                       void *ctx) NODISCARD;

#endif
