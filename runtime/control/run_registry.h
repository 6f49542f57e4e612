/* roster.h — the runs of one user, as others of his programs find them.
 *
 * A folder with one file a run, in which lines say what the run is and how it
 * is reached. The run holds a lock on its file as long as it lives, so what
 * became of it is known whatever ended it: a file that nobody holds is removed
 * by whoever sees it next, a run that begins or one who looks.
 *
 * The folder is `orun` in $XDG_RUNTIME_DIR, or in /run/user/UID, or else
 * /tmp/orun-UID: the first of the places that is the user's own, where nobody
 * else may write. It is 0700, and what is in it 0600, for there are tokens in
 * it; a folder of that name that is not so is not used. In /tmp, where another
 * user may have made one, /tmp/orun-UID-1 to -8 are tried next.
 */
#ifndef ORUN_ROSTER_H
#define ORUN_ROSTER_H

#include "base/base.h"
#include "base/buf.h"

/* A file that is held. */
typedef struct RosterEntry {
    int dir, fd;   /* of the folder, of the file; -1 both: there is none */
    char name[64]; /* of the file: the run's */
} RosterEntry;

#define ROSTER_NONE ((RosterEntry){ .dir = -1, .fd = -1 })

enum { ROSTER_TEXT = 16 << 10 }; /* bytes of a file, at most */

/* Put up the text under the name, or one that begins with it when that is
 * taken. `runtime_dir` is XDG_RUNTIME_DIR, or NULL. Removes what dead runs have
 * left, some of it. ORUN_ESYS (errno tells); then *e is ROSTER_NONE. Any
 * thread; blocks for a few calls of the system. */
int roster_put(const char *runtime_dir, const char *name, const char *text,
               size_t n, RosterEntry *e) NODISCARD;

/* Take it down; ROSTER_NONE is fine. */
void roster_remove(RosterEntry *e);

/* Append for each run that lives a line with its name, its text, and an empty
 * line; in no order. Removes what dead runs have left. No folder is no run.
 * Errors: ORUN_ESYS (errno tells). */
int roster_read(const char *runtime_dir, Buf *out) NODISCARD;

#endif
