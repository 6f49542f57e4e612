/* resume.h — `orun resume` and `orun retry`: the command line of a run that was
 * kept, to begin it again.
 */
#ifndef ORUN_RESUME_H
#define ORUN_RESUME_H

#include "base/buf.h"
#include <stdbool.h>

/* Append a word as shells read it: quoted where it must be. */
void resume_quote(Buf *to, const char *word);

/* The command line `orun resume [RUN] [OPTION…]` as that of the run it names,
 * in whose working folder the process is afterwards: *argc and *argv are
 * replaced.
 * (`orun retry [RUN [TASK…]]`: these tasks run again, or those that failed.)
 * False, with the reason in `why`: there is no such run, or it cannot be begun
 * again. */
bool resume_read(int *argc, char ***argv, Buf *why);

/* Give the Lua states that will be made the seed of the run `run` ("": the
 * newest of that script, the name of a workflow if `named`) in the store, so
 * that `pairs` gives fields in the order it gave them then. Before orun_new.
 * Without such a run, nothing. */
void resume_seed(const char *store, const char *run, const char *script,
                 bool named);

#endif
