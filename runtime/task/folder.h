/* folder.h — the run's temporary folder, made when needed.
 *
 * Big outputs and prompt files live here. The folder has a random name and is
 * made 0700 at first use, under TMPDIR or, when that cannot be used or others
 * may rename what is in it, /tmp; its files are 0600. Files are made and
 * removed by descriptor, so renaming the folder redirects nothing. Its own lock
 * makes every function safe on any thread.
 *
 * It is locked as long as this process lives, so that what a killed run leaves
 * is known to be left (leftover.h); making a folder removes what is found so.
 */
#ifndef ORUN_FOLDER_H
#define ORUN_FOLDER_H

#include "base/base.h"

typedef struct Folder Folder;

/* A folder that is not there yet; NULL when memory is out. TMPDIR is read here
 * and not later. It must outlive the writers of every Output it was given. */
Folder *folder_new(void) NODISCARD;

/* Its absolute path, made when it is not there yet; good as long as the folder
 * is. NULL, with errno, when it cannot be made. */
const char *folder_path(Folder *f);

/* Remove what is in it and the folder, now, while others may still use it:
 * making files fails from then on. Before the process ends by itself. */
void folder_abandon(Folder *f);

/* The same with every folder that this process has. Any thread. */
void folder_abandon_all(void);

/* Remove the files orun made in it, then the folder (left alone when somebody
 * else put something there), and free. NULL is fine. */
void folder_free(Folder *f);

/* Make an empty 0600 file named `prefix`-N`suffix` and open it for reading and
 * writing (close-on-exec; the caller closes) in *fd; its absolute path, to be
 * mem_free'd by the caller, in *path. Errors: ORUN_ENOMEM, ORUN_ESYS (errno
 * kept). */
int folder_open(Folder *f, const char *prefix, const char *suffix, int *fd,
                char **path) NODISCARD;

/* The path of something named like folder_open's that the caller makes, and
 * that is removed at the end; also errors as there. */
int folder_name(Folder *f, const char *prefix, const char *suffix,
                char **path) NODISCARD;

/* Remove a file that was made here, by its path. */
void folder_remove(Folder *f, const char *path);

/* Write `n` bytes to a new file named like folder_open's and store its path in
 * *path, as there. A failure leaves no file behind. Blocks for the write. */
int folder_file(Folder *f, const char *prefix, const char *suffix,
                const void *p, size_t n, char **path) NODISCARD;

#endif
