/* leftover.h — the temporary folders of runs that were killed.
 *
 * The temporary folder of a run (folder.h) is locked as long as the run lives,
 * and once it is locked a mark is put in it. A folder with the mark that is not
 * locked was left by a killed run: prompts and outputs. The supervisor removes
 * that of its own run, the next run those that it finds beside its own. Only
 * regular files, sockets and links with names that orun uses are removed, by
 * descriptor, and the folder if nothing else is in it. A link is never
 * followed, and files of other users or with other names are not touched.
 */
#ifndef ORUN_LEFTOVER_H
#define ORUN_LEFTOVER_H

#include "base/base.h"

/* The template from which mkdtemp makes the name of a run's folder. */
#define LEFTOVER_TEMPLATE "orun-XXXXXX"

/* The mark, an empty file. */
#define LEFTOVER_MARK ".run"

/* Lock the folder that was just made and is open (for reading) at `fd`, and
 * mark it. If that fails the folder is never taken for a leftover. */
void leftover_own(int fd);

/* Remove the folder `name` in the folder open at `parent`, if it belonged to a
 * run of this user that is over. */
void leftover_remove(int parent, const char *name);

/* The same, by its absolute path. */
void leftover_remove_path(const char *path);

/* Remove all such folders in the folder `parent`. */
void leftover_sweep(const char *parent);

#endif
