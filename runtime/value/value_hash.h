/* value_hash.h — what a Value holds, as 32 bytes that are the same in every
 * run.
 *
 * Two Values have one hash when a function that was given the one could not
 * tell it from the other:
 *
 *   tables        by their keys and what is there: the order in which they were
 *                 filled, how they are laid out and what `pairs` would give
 *                 first do not count. That one is marked as an array of JSON
 *                 does: with it an empty one becomes [] and not {}
 *   keys          as Lua takes them: t[1.0] is t[1]
 *   numbers       bit for bit: 1 is not 1.0, 0.0 is not -0.0
 *   strings       by their bytes
 *   the same      a table that stands in two places is as good as two that are
 *   table twice   equal; one that contains itself, as one that contains its
 * like functions     by what they do (code_hash.h) and by what they capture; a
 *                 variable that two of them share is as good as two that hold
 *                 the same. Neither the names of locals nor where the function
 *                 stands in which file count
 *   C functions   by the module and field they were found in
 *   modules       by name, and by what `module` makes of that; with the code
 *                 those that it requires by a name that stands in it
 *   handles       by what `handle` makes of their task
 *   the globals   not at all
 *
 * The bytes need not be trusted. Takes about twice the memory of a Value of
 * many small items meanwhile; little, of long strings.
 */
#ifndef ORUN_VALUE_HASH_H
#define ORUN_VALUE_HASH_H

#include "base/base.h"
#include "base/digest.h"
#include "value/value.h"

/* What to ask about what a Value only names; on the caller's thread, without a
 * lock, as often as it is met. Each returns 0 or an error, which value_hash
 * returns. */
typedef struct ValueHashOps {
    /* What counts of the task with that id: its outcome. NULL: handles are
     * refused. */
    int (*handle)(void *ctx, uint64_t id, unsigned char hash[DIGEST_SIZE]);
    /* What counts of the module with that name (n bytes, no NUL behind them)
     * beside the name: its source. Zeros or NULL: nothing. Asked for each
     * module that is captured, and, of code that calls `require`, for each
     * string in it, whatever that is. */
    int (*module)(void *ctx, const char *name, size_t n,
                  unsigned char hash[DIGEST_SIZE]);
    /* Told of a Value that is a function, NULL of no interest: its code, with
     * name NULL; then each variable it captures but for the globals, by its
     * name (n bytes; "?" when the code has none). */
    int (*part)(void *ctx, const char *name, size_t n,
                const unsigned char hash[DIGEST_SIZE]);
    void *ctx;
    bool data; /* refuse what another process could not have: functions,
                * modules, the globals (and handles, without `handle`) */
} ValueHashOps;

/* The hash of v; ops may be NULL. Errors: ORUN_ENOMEM; ORUN_EPROTO, the bytes
 * are malformed; ORUN_EUNSENDABLE, a handle and no `handle`, or no data;
 * ORUN_ETOOBIG, too many things that contain each other (value_cycle.h); those
 * of ops. Any thread. */
int value_hash(const Value *v, const ValueHashOps *ops,
               unsigned char hash[DIGEST_SIZE]) NODISCARD;

#endif
