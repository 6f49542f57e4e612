/* token.h — by what a program is known to a run.
 *
 * A token says in which task's name a call is done (control.h). It is of one
 * attempt: `secret.id.attempt.sum`, where the secret is the run's, so that it
 * is never shown (secret.h), and the sum, by which it is known, is of the rest
 * under a key that is never told. Nothing is kept for a token.
 */
#ifndef ORUN_TOKEN_H
#define ORUN_TOKEN_H

#include "base/base.h"

/* The variable in which a program finds its token. */
#define TOKEN_VARIABLE "ORUN_TASK_TOKEN"

enum { TOKEN_SIZE = 112 }; /* bytes, the NUL included */

/* Of one run. They never change once drawn. */
typedef struct TokenKeys {
    char secret[33]; /* what all tokens begin with */
    uint64_t key[4]; /* of the two halves of the sum */
} TokenKeys;

/* Draw the keys, and have the secret never shown from then on. Errors:
 * ORUN_ENOMEM, ORUN_ESYS. */
int token_draw(TokenKeys *k) NODISCARD;

/* The token of a task's attempt; of the script's own programs both are 0.
 * Gives its length. Any thread. */
size_t token_put(const TokenKeys *k, uint64_t task, uint32_t attempt,
                 char out[TOKEN_SIZE]);

/* Is it one of the run's? Then it is of that task and attempt, which may be
 * over. Any thread. */
bool token_read(const TokenKeys *k, const char *token, size_t n,
                uint64_t *task, uint32_t *attempt);

#endif
