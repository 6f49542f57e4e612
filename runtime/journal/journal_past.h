/* journal_past.h — a run that was kept: which one is meant, and how it began.
 */
#ifndef ORUN_JOURNAL_PAST_H
#define ORUN_JOURNAL_PAST_H

#include "base/buf.h"
#include "store/store.h"

typedef struct JournalPast {
    char *file;            /* its store */
    char id[STORE_RUN_ID]; /* of the run in it */
    char *script;          /* the script's file, links followed; NULL: none */
    char *cwd;             /* the working folder */
    char **args;           /* the command line, NULL-terminated */
    uint32_t seed;         /* of its Lua states; 0: not known */
    bool late;             /* it was kept by default */
    bool ended;            /* it has come to its end … */
    int status;            /* … with this exit status */
} JournalPast;

/* Find a run in the store at `path`, which may be a folder of stores (it ends
 * in
 * "/"). `run` is an id or the end of one, NULL or "" the newest that has not
 * ended well, or else the newest; `script` (NULL: any) the file of the script
 * that it must have run. Errors, of which `why` tells: ORUN_ENOENT, ORUN_ENOMEM
 * and those of store_open. journal_past_free is due only after 0. Blocks. */
int journal_past_find(const char *path, const char *run, const char *script,
                      JournalPast *out, Buf *why) NODISCARD;

void journal_past_free(JournalPast *p);

#endif
