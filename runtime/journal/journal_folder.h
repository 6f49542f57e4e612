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

#endif
