/* key.h — what a task's work is, as a hash: the content part of its key.
 *
 * A task that is asked for again with the same content need not be done again.
 * So what counts is what decides its result, and nothing that says only when,
 * where, how long or how often it may be tried:
 *
 *   counts            because
 *   ----------------  -------------------------------------------------------
 *   its type's code   (run=, preset=, api=) the function that asks the agent,
 *                     and what it captures: model, system prompt, tools,
 *                     effort, arguments, permissions, API address …
 *   its type's        command=; type and task both: cwd, env (names and
 *   program           values; of a secret only the name, for keys are rotated)
 *   run               a function's code and what it captures (value_hash.h)
 *   modules           that this code captures or requires by name: their
 *                     sources, and those of what they require (key_modules.h)
 *   command           the task's own program, word by word
 *   prompt, input     what is asked; handles by the outcome of their tasks (a
 *                     captured one: by what it is to do, journal_handle.h)
 *   model, schema     who answers, and in which form
 *   permissions       an agent that may do less does something else
 *   worktree, base    whether it works in a tree of its own, and the name of
 *                     where that begins (not the commit that is there)
 *   reads             what is in the files (key_files.h), but for its writes
 *   max_output        more of a result that was cut is another result
 *   blockedBy         the outcomes of what it waited for
 *
 *   does not count    because
 *   ----------------  -------------------------------------------------------
 *   name of the type  it is a label, as a variable's: renamed, it is the same
 *                     (but of a type that is C code: nothing else is known)
 *   description,      labels
 *   phase, metadata, owner
 *   timeout, retry,   what an outcome that is there was worth does not depend
 *   memory_limit      on how much more it would have been given
 *   priority, pool, limit, rate, budget, account, slots
 *                     when it is its turn
 *   isolation="process", expose, secrets, typed
 *                     how orun does it
 *   writes            what it may change, not what it does
 *   detach, keep, finally, run_in_background, on_blocker_failure
 *                     what becomes of it and of others
 *   orun's own environment, its version, its own modules, the globals
 *                     not chosen for this task: another orun makes no result
 *                     worthless. A model that ORUN_MODEL names is in what its
 *                     type's code captures
 *
 * With `key` none of this counts but that text.
 *
 * Beside the hash there are the parts it is made of, with 16 bytes of each, so
 * that of two contents it can be said in which part they differ.
 */
#ifndef ORUN_KEY_H
#define ORUN_KEY_H

#include "base/base.h"
#include "base/buf.h"
#include "base/digest.h"
#include "value/value_hash.h"

struct AgentType;
struct Writes;

/* Kinds of parts, in the order in which they are told: name, word. The numbers
 * are in stores: new ones go to the end. */
/* clang-format off */
#define KEY_KINDS(X) \
    X(USER, "key") X(AGENT, "agent type") X(RUN, "run") \
    X(COMMAND, "command") X(PROMPT, "prompt") X(INPUT, "input") \
    X(MODEL, "model") X(SCHEMA, "schema") X(PERMISSIONS, "permissions") \
    X(CWD, "cwd") X(ENV, "env") X(WORKTREE, "worktree") \
    X(READS, "reads") X(OUTPUT, "max_output") X(BLOCKERS, "blockedBy")
/* clang-format on */

typedef enum KeyKind {
#define X(name, word) KEY_##name,
    KEY_KINDS(X)
#undef X
        KEY_KIND_COUNT
} KeyKind;

enum {
    KEY_DETAILS = 64,     /* parts of one kind that are told apart, at most */
    KEY_DETAIL_NAME = 80, /* bytes of a name that are kept */
    KEY_PARTS_MAX = KEY_KIND_COUNT * (KEY_DETAILS + 1)
        * (2 + KEY_DETAIL_NAME + KEY_SIZE), /* bytes of all parts */
};

/* What a task is made of; all of it the caller's, and unchanged meanwhile. NULL
 * and 0 are "not given". */
typedef struct KeyParts {
    const char *key;               /* then all else is not looked at */
    const struct AgentType *agent; /* its code, argv, cwd, env, permissions */
    const Value *code;             /* of run= */
    char *const *argv;             /* of command= */
    const Value *prompt, *input, *schema;
    const char *model;
    uint8_t permissions; /* as they are for this task (task_permission) */
    const char *cwd;
    char *const *env; /* "NAME=value", of the task */
    bool worktree;
    const char *base;
    size_t max_output;
    const struct Writes *reads, *writes;
    const unsigned char (*blockers)[KEY_SIZE]; /* outcomes, in any order */
    size_t blocker_count;
    const char *root; /* absolute: paths at or below it count as seen from
                       * there, so that the whole may be moved */
    ValueHashOps ops; /* `part` is not looked at */
} KeyParts;

/* The content hash, and the parts appended to `parts` (NULL: of no interest),
 * as bytes for key_differs. Errors: those of value_hash and ORUN_ENOMEM;
 * `parts` is useless then. Blocks on the file system if there are `reads`. Any
 * thread, without a lock. */
int key_content(const KeyParts *k, unsigned char hash[DIGEST_SIZE],
                Buf *parts) NODISCARD;

/* Append to `out` in which parts the two differ, as in "prompt, reads src/a.c,
 * run: captured value `limit`"; nothing when they do not. The bytes may come
 * from anywhere: ORUN_EPROTO when they are malformed, and nothing is appended.
 * Any thread. */
int key_differs(const void *was, size_t was_n, const void *is, size_t is_n,
                Buf *out) NODISCARD;

/* The hash of these parts without what a task waits for and the files it reads:
 * what it is to do, as long as it waits. Any thread. */
void key_made(const void *parts, size_t n, unsigned char hash[KEY_SIZE]);

/* How many parts, details included, the two have in common; of bytes that are
 * malformed those before. Any thread. */
size_t key_common(const void *was, size_t was_n, const void *is, size_t is_n);

#endif
