/* secret.h — values that must not be shown: keys, tokens.
 *
 * What is a secret:
 *   1. the value of an environment variable whose name looks like a key's (the
 *      table at the head of secret.c), unless it is the path of a file;
 *   2. the password inside a URL, in any environment variable;
 *   3. the value of a variable that an agent type names in `secrets`.
 * The first two hold for orun's own environment and for the `env` of agent
 * types, tasks and orun.exec. Of a value of several lines the long ones are
 * secrets too, one by one. A value shorter than SECRET_MIN is none: replacing
 * it would spoil ordinary text. A secret that was changed (base64, URL or JSON
 * escapes) is not recognized.
 *
 * In what orun says a secret is replaced by its variable's name in brackets,
 * [GITHUB_TOKEN]. The list is one for the process, as the environment is, and
 * lives while somebody holds it. With no secrets there is no cost but one
 * load. All functions: any thread, also under other locks.
 */
#ifndef ORUN_SECRET_H
#define ORUN_SECRET_H

#include "base/base.h"
#include "base/buf.h"

enum {
    SECRET_MIN = 8,   /* bytes of a secret, at least */
    SECRET_LINE = 16, /* bytes of a line of one, at least */
};

/* Hold the list, and add the secrets among `env`, "NAME=value" strings (NULL:
 * none). Each open has its close, also after ORUN_ENOMEM; the last close
 * forgets everything. */
int secret_open(char *const *env) NODISCARD;
void secret_close(void);

/* Add what is secret in the variable, by its name or as a URL's password.
 * ORUN_ENOMEM. */
int secret_see(const char *name, const char *value) NODISCARD;

/* Add the value whatever the name is. ORUN_ENOMEM. */
int secret_add(const char *name, const char *value) NODISCARD;

/* Add what all values begin with that are made for variables called `name`:
 * where it stands, the hexadecimal digits and dots that follow are replaced
 * with it. ORUN_ENOMEM. */
int secret_add_family(const char *name, const char *start) NODISCARD;

/* Does the name look like a key's? */
bool secret_named(const char *name);

/* Append bytes [from, to) of the text to `out`, secrets replaced. All `n` bytes
 * are looked at, so a secret that is cut by one of the edges is recognized when
 * secret_longest() bytes beyond the edge are given. So is the beginning of one,
 * SECRET_MIN bytes or more, at the end of the text: who wrote it was stopped.
 * After a failure of `out` there is no text in it. */
void secret_mask(const char *text, size_t n, size_t from, size_t to, Buf *out);

/* The same for a whole mem_alloc'd string, in its place; it becomes NULL when
 * memory is out. */
void secret_mask_string(char **text);

/* The length of the longest secret; 0 when there is none. */
size_t secret_longest(void);

/* The name of a secret that is in the text, other than the `n_but` names of
 * `but`; NULL when none is. Good until the last close. */
const char *secret_in(const char *text, size_t n, const char *const *but,
                      size_t n_but);

#endif
