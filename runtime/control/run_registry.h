/* run_registry.h — the live runs of one user, registered on disk.
 *
 * A folder with one file per run. Its lines say what the run is and how to
 * reach it (register.h). A run locks its file as long as it lives, so an
 * unlocked file belongs to a dead run, whatever ended it. Such a file is
 * removed by the next run that starts or the next reader.
 *
 * The folder is `orun` in $XDG_RUNTIME_DIR, or in /run/user/UID, or else
 * /tmp/orun-UID: the first place that the user owns and nobody else can write
 * to. Its mode is 0700 and its files are 0600, because they hold tokens. A
 * folder of that name with another owner or wider permissions is not used. In
 * /tmp, where another user may have created it, /tmp/orun-UID-1 to -8 are tried
 * next.
 */
#ifndef ORUN_RUN_REGISTRY_H
#define ORUN_RUN_REGISTRY_H

#include "base/base.h"
#include "base/buf.h"

/* This run's file, open and locked. */
typedef struct RunRegistryEntry {
    int dir, fd;   /* of the folder, of the file; both -1: no entry */
    char name[64]; /* of the file: the run's name */
} RunRegistryEntry;

#define RUN_REGISTRY_NONE ((RunRegistryEntry){ .dir = -1, .fd = -1 })

enum { RUN_REGISTRY_TEXT = 16 << 10 }; /* bytes of a file, at most */

/* Write a file with the text, named `name` or, when that is taken, with a
 * number appended. `runtime_dir` is XDG_RUNTIME_DIR, or NULL. Also removes some
 * files of dead runs. Error: ORUN_ESYS (see errno); *e is then
 * RUN_REGISTRY_NONE. Any thread; makes a few blocking system calls. */
int run_registry_put(const char *runtime_dir, const char *name,
                     const char *text, size_t n, RunRegistryEntry *e) NODISCARD;

/* Remove and close the file. RUN_REGISTRY_NONE is allowed. */
void run_registry_remove(RunRegistryEntry *e);

/* Append, for each live run and in no order, a line with its name, its text and
 * an empty line. Removes the files of dead runs. A missing folder means that
 * there are no runs. Error: ORUN_ESYS (see errno). */
int run_registry_read(const char *runtime_dir, Buf *out) NODISCARD;

#endif
