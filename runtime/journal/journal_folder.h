/* journal_folder.h — a folder of stores, one for each run.
 *
 * Where runs are kept of which nobody said where: the newest 20 of no more than
 * 30 days. One that a process has open is never removed.
 */
#ifndef ORUN_JOURNAL_FOLDER_H
#define ORUN_JOURNAL_FOLDER_H

#include "base/buf.h"

/* Make a file's path for a new run of that name in the folder (made, too), and
 * room for it. ORUN_ENOMEM, ORUN_ESYS, with the reason in `why`. *out is to be
 * freed. Blocks. */
int journal_folder_add(const char *folder, const char *name, char **out,
                       Buf *why) NODISCARD;

/* The files of the runs, the newest first, NULL-terminated, for
 * task_strings_free; none if there is no such folder. NULL when memory is out.
 */
char **journal_folder_list(const char *folder);

/* Remove the file of a run with those that SQLite keeps beside it. ORUN_ESTATE:
 * the process *pid (0: not known) has it open; ORUN_ESYS, ORUN_ENOMEM. */
int journal_folder_remove(const char *file, int *pid);

#endif
