/* secret.h — values that must not be shown: keys, tokens.
 *
 * What is a secret:
 *   1. the value of an environment variable whose name looks like a key's (the
 *      table at the head of secret.c), unless it is the path of a file;
 *   2. the password inside a URL, in any environment variable;
 *   3. the value of a variable that an agent type names in `secrets`.
 * The first two hold for orun's own environment and for the `env` of agent
 * types, tasks and orun.exec. In a value of several lines each long line
 * is a secret too. A value shorter than SECRET_MIN is not a secret: replacing
 * it would spoil ordinary text. A secret that was changed (base64, URL or JSON
 * escapes) is not recognized.
 *
 * In orun's output a secret is replaced by its variable's name in brackets,
 * [GITHUB_TOKEN]. There is one list for the process, as there is one
 * environment; it exists from the first secret_open to the last secret_close.
 * Without secrets the cost is one load. All functions: any thread, also with
 * other locks held.
 */
#ifndef ORUN_SECRET_H
#define ORUN_SECRET_H

#include "base/base.h"
#include "base/buf.h"

enum {
    SECRET_MIN = 8,   /* bytes of a secret, at least */
    SECRET_LINE = 16, /* bytes of a line of one, at least */
};

/* Keep the list, and add the secrets among `env`, "NAME=value" strings (NULL:
 * none). Each open needs a close, also after ORUN_ENOMEM; the last close frees
 * the list. */
int secret_open(char *const *env) NODISCARD;
void secret_close(void);

/* Add the secret in the variable, if there is one: by its name, or the password
 * of a URL. ORUN_ENOMEM. */
int secret_see(const char *name, const char *value) NODISCARD;

/* Add the value, whatever its name. ORUN_ENOMEM. */
int secret_add(const char *name, const char *value) NODISCARD;

/* Add the common beginning of all values that are generated for variables
 * called `name`. It is replaced together with the hexadecimal digits and dots
 * that follow it. ORUN_ENOMEM. */
int secret_add_family(const char *name, const char *start) NODISCARD;

/* Does the name look like a key's? */
bool secret_named(const char *name);

/* Append bytes [from, to) of the text to `out`, with secrets replaced. All `n`
 * bytes are searched, so a secret across `from` or `to` is recognized if there
 * are secret_longest() bytes beyond. The beginning of a secret at the end of
 * the text, SECRET_MIN bytes or more, is recognized too, because its writer may
 * have been stopped. If `out` has failed it holds no text. */
void secret_mask(const char *text, size_t n, size_t from, size_t to, Buf *out);

/* Replace the secrets in a whole string from mem_alloc. It becomes NULL when
 * memory is out. */
void secret_mask_string(char **text);

/* The length of the longest secret; 0 when there is none. */
size_t secret_longest(void);

/* The name of a secret in the text, except those named in `but`; NULL if there
 * is none. Valid until the last close. */
const char *secret_in(const char *text, size_t n, const char *const *but,
                      size_t n_but);

#endif
