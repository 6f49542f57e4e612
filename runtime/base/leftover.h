/* leftover.h — the folders of runs that were killed.
 *
 * The temporary folder of a run (folder.h) is locked as long as the run lives,
 * and once it is locked a mark in it says so. One with the mark that is not
 * locked is what a killed run left: prompts and outputs. The supervisor removes
 * that of its own run, the next run what it finds beside its own.
 * Removed are regular files, sockets and links that are named as orun names
 * them, by descriptor, and the folder if nothing else is in it; a link is never
 * followed, and nothing is touched that is another user's or not named so.
 */
#ifndef ORUN_LEFTOVER_H
#define ORUN_LEFTOVER_H

#include "base/base.h"

/* What mkdtemp makes the name of a run's folder of. */
#define LEFTOVER_TEMPLATE "orun-XXXXXX"

/* The mark, an empty file. */
#define LEFTOVER_MARK ".run"

/* Lock the folder that was just made and is open (for reading) at `fd`, and
 * mark it. Where that cannot be done it is no leftover to anybody. */
void leftover_own(int fd);

/* Remove the folder called `name` in the folder open at `parent`, when it is
 * one of a run of this user that is over. */
void leftover_remove(int parent, const char *name);

/* The same, by its absolute path. */
void leftover_remove_path(const char *path);

/* Remove all that are in the folder `parent`. */
void leftover_sweep(const char *parent);

#endif
