/* token.h — tokens: how a run recognizes the programs it has started.
 *
 * A token says on behalf of which task a call is made (control.h). It belongs
 * to one attempt and reads `secret.id.attempt.sum`. The secret is the run's and
 * is masked in all output (secret.h); the sum is a keyed hash of task and
 * attempt, whose key never leaves the process. No table of tokens is kept.
 */
#ifndef ORUN_TOKEN_H
#define ORUN_TOKEN_H

#include "base/base.h"

/* The variable in which a program finds its token. */
#define TOKEN_VARIABLE "ORUN_TASK_TOKEN"

enum { TOKEN_SIZE = 112 }; /* bytes, the NUL included */

/* Of one run. They never change once drawn. */
typedef struct TokenKeys {
    char secret[33]; /* the prefix of all tokens */
    uint64_t key[4]; /* of the two halves of the sum */
} TokenKeys;

/* Draw random keys, and register the secret to be masked. Errors: ORUN_ENOMEM,
 * ORUN_ESYS. */
int token_draw(TokenKeys *k) NODISCARD;

/* Write the token of a task's attempt (0 and 0 for the script's own programs)
 * and return its length. Any thread. */
size_t token_put(const TokenKeys *k, uint64_t task, uint32_t attempt,
                 char out[TOKEN_SIZE]);

/* Is this a token of the run? If so, return its task and attempt, which may be
 * over. Any thread. */
bool token_read(const TokenKeys *k, const char *token, size_t n, uint64_t *task,
                uint32_t *attempt);

#endif
