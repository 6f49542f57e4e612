/* store_kind.h — what a kind of store must be able to do.
 *
 * store.c has the handle, the queue and the writer thread, which all kinds
 * share; a kind is a table of functions that each do one thing at once and
 * return. They are called by one thread at a time (under Store.use), each with
 * what `open` made. Errors and `why` are as in store.h.
 */
#ifndef ORUN_STORE_KIND_H
#define ORUN_STORE_KIND_H

#include "store/store.h"

/* The run that a handle writes. */
typedef struct StoreRun {
    char id[STORE_RUN_ID]; /* "" before store_begin */
    int64_t row;           /* the kind's */
    uint64_t epoch;
    uint64_t facts; /* the seq of its last fact */
} StoreRun;

typedef struct StoreKind {
    int (*open)(const char *path, unsigned flags, void **out, Buf *why);

    /* A new run with the id run->id, or the next epoch of that one: fill in
     * the rest of it. ORUN_ENOENT, or ORUN_ESTATE for a new id that is taken.
     */
    int (*begin)(void *file, bool fresh, StoreRun *run, Buf *why);

    /* Keep all of `facts` or none, durably, numbered from run->facts + 1, which
     * is raised. ORUN_ESTATE when another has begun the run since. */
    int (*commit)(void *file, StoreRun *run, const List *facts, Buf *why);

    int (*load)(void *file, const char *run,
                int (*each)(void *ctx, const StoredFact *f), void *ctx,
                Buf *why);
    int (*body)(void *file, const StoredFact *f, Buf *out, Buf *why);
    int (*runs)(void *file, int (*each)(void *ctx, const StoredRun *run),
                void *ctx, Buf *why);
    int (*forget)(void *file, const char *run, Buf *why);

    /* `dead`: a commit had failed, so nothing more is written. */
    void (*close)(void *file, bool dead);

#ifdef ORUN_TEST
    int (*again)(void *file, void **out, Buf *why);
#endif
} StoreKind;

extern const StoreKind store_memory, store_sqlite;

#endif
