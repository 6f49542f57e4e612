/* store.h — where the facts of runs are kept: the one seam of all stores.
 *
 * A store is a file (or, for ":memory:", this process) that holds any number of
 * runs. A run is a list of facts in the order in which they were appended;
 * facts are never changed, and go only with their run. What they mean is the
 * journal's business: here a fact is a kind, a key and bytes.
 *
 *      store_open ──► store_begin ──► store_append … ──► store_close
 *                     a run of this    any thread; kept()    drains
 *                     handle           says when it is safe
 *
 * Promises:
 *
 *  1. kept(fact, 0) is called after the fact is durable: it survives a kill -9
 *     and a power cut. Never before.
 *  2. A fact is durable only with every fact appended before it: what is found
 *     later is a beginning of what was appended, without gaps.
 *  3. One handle writes a file at a time, in any process. A run that is begun
 *     again has the next epoch; a handle of an older epoch writes nothing more.
 *  4. After the first failed commit a handle is dead: it writes nothing more,
 *     every fact gets kept(fact, error), and store_fault says why. What was
 * kept before is still there for the next who opens the file.
 *  5. No bytes of a file are trusted. A file that is not a store, is damaged,
 *     was made by a newer orun or has been tampered with is refused with a
 *     sentence that says what to do, and is never overwritten.
 *
 * Commits are made by one writer thread of each handle, which takes all that is
 * queued into one transaction: many small facts at once cost one sync.
 */
#ifndef ORUN_STORE_H
#define ORUN_STORE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/list.h"

typedef struct Store Store;

/* These numbers stand in files. */
#define FACT_KINDS(X) \
    X(RUN, 1, "run")         /* first of each epoch: what runs */ \
    X(OUTCOME, 2, "outcome") /* how a task ended */ \
    X(ITEM, 3, "item")       /* an item of the list, as it is now */ \
    X(DREW, 4, "drew")       /* a value that a script drew */ \
    X(END, 5, "end")         /* last of an epoch, unless it was killed */

typedef enum FactKind {
#define X(name, number, word) FACT_##name = (number),
    FACT_KINDS(X)
#undef X
} FactKind;

enum {
    STORE_RUN_ID = 32,       /* room for the id of a run, with its NUL */
    STORE_INLINE = 64 * 1024 /* a larger body is kept once, by its hash */
};

typedef enum StoreFlag {
    STORE_READ = 1,   /* only look: also beside the one who writes */
    STORE_EXISTS = 2, /* do not make a new file */
    STORE_UNSAFE = 4  /* a network file system is taken, too */
} StoreFlag;

/* One thing to be kept. From store_append until kept() all of it is the
 * store's. */
typedef struct Fact {
    List link;                   /* the store's */
    uint8_t kind;                /* a FactKind */
    unsigned char key[KEY_SIZE]; /* zeros for RUN and END */
    Buf body;                    /* fields (fact.h), of any size */
    /* Called once, on the writer's thread, without a lock: 0, it is durable; or
     * an error, it is not and will not be. The fact is the caller's again. May
     * append, must not close the store. */
    void (*kept)(struct Fact *f, int error);
} Fact;

/* A fact that was kept. */
typedef struct StoredFact {
    uint64_t seq; /* its number in its run, from 1 without gaps */
    uint8_t kind; /* a FactKind */
    unsigned char key[KEY_SIZE];
    size_t size;      /* of its body, in bytes */
    const char *body; /* the bytes, or NULL when they are beyond STORE_INLINE:
                       * then store_body reads them */
    int64_t place;    /* the store's: where it is */
} StoredFact;

/* A run that was kept. */
typedef struct StoredRun {
    char id[STORE_RUN_ID];
    uint64_t epoch; /* how often it was begun */
    double begun;   /* first; seconds since 1970 */
    uint64_t facts; /* how many */
    uint64_t bytes; /* of all their bodies */
    /* The bodies of its last RUN fact, and of the END fact behind that: NULL
     * when there is none, as for a run that goes on or was killed, or when it
     * is beyond STORE_INLINE. They live until each() returns. */
    const char *run, *end;
    size_t run_size, end_size;
} StoredRun;

/* In all that follows `why` gets one sentence, without a full stop, when the
 * result is an error: it names the file and says what to do. It may be NULL.
 * Errors are ORUN_ENOMEM, ORUN_ESYS (the system refused something),
 * ORUN_EPROTO (not a store, or damaged), ORUN_ESTATE (in use, newer, dead,
 * taken over) and ORUN_ENOENT (no such file or run). */

/* Open the file at `path` (relative to the working folder; no URI, whatever it
 * looks like), or make it with mode 0600; ":memory:" is a new store that goes
 * with its handle. `flags` are of StoreFlag. Any thread; a file is opened once
 * in a process at a time. The handle is for store_close. */
int store_open(const char *path, unsigned flags, Store **out,
               Buf *why) NODISCARD;

/* Does a process, which may be this one, have the store at `path` open to write
 * it? Its id goes to *pid, or 0 when that is not known. Any thread. */
bool store_in_use(const char *path, int *pid);

/* Begin a new run (`run` is NULL) with the id that is in `id`, or one that is
 * drawn if that is ""; or the epoch after the last of an old one: what this
 * handle appends from now on belongs to it. Durable when it returns. Not while
 * facts are on their way. Any thread. */
int store_begin(Store *s, const char *run, char id[STORE_RUN_ID],
                uint64_t *epoch, Buf *why) NODISCARD;

/* Have a fact kept. Never fails and never waits for the disk: kept() tells the
 * outcome. Any thread, but not together with store_close. */
void store_append(Store *s, Fact *f);

/* Wait until all that was appended before is kept or has failed: 0, or the
 * error of a dead store. Not from kept(). Any other thread. */
int store_flush(Store *s);

/* Why this handle is dead: its error and (unless `why` is NULL) the sentence; 0
 * while it is not. Any thread. */
int store_fault(Store *s, Buf *why);

/* Call each() for the facts of a run, in their order, until one call returns
 * something else than 0, which is then the result. The body and what it points
 * to live until each() returns; it may call store_body, nothing else of this
 * store. Facts that are on their way are not among them. Any thread. */
int store_load(Store *s, const char *run,
               int (*each)(void *ctx, const StoredFact *f), void *ctx,
               Buf *why) NODISCARD;

/* Append the whole body of a fact that store_load gave, of any size, as often
 * as wanted and until the run is forgotten: a copy of `f` is enough, whose
 * `body` is not looked at. An error leaves `out` as it was. Any thread. */
int store_body(Store *s, const StoredFact *f, Buf *out, Buf *why) NODISCARD;

/* Call each() for every run, the oldest first, as store_load does. */
int store_runs(Store *s, int (*each)(void *ctx, const StoredRun *run),
               void *ctx, Buf *why) NODISCARD;

/* Remove a run and the large bodies that no other run has; the file gets
 * smaller. Not the run that this handle writes. Any thread. */
int store_forget(Store *s, const char *run, Buf *why) NODISCARD;

/* Keep what is queued, end the writer and close the file; the handle is gone
 * afterwards, whatever comes back: 0, or the error of a dead store. NULL is
 * fine. */
int store_close(Store *s);

/* The word for a kind of fact ("outcome"), or NULL: there is none of that
 * number. A string constant. */
const char *store_kind_name(uint8_t kind);

#ifdef ORUN_TEST
/* A second handle on the same file or memory, as if the process of the first
 * had been killed without noticing it: the lock is not asked for. */
int store_again(Store *s, Store **out, Buf *why) NODISCARD;
#endif

#endif
