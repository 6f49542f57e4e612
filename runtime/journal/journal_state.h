/* journal_state.h — shared by journal.c and journal_store.c. */
#ifndef ORUN_JOURNAL_STATE_H
#define ORUN_JOURNAL_STATE_H

#include "journal/journal.h"
#include "journal/key_modules.h"
#include "journal/resume_table.h"
#include "sched/durable.h"
#include "store/store.h"
#include <uv.h>

/* In the table beside the kinds of facts: a task that an item's fact names, so
 * that it is known which one it is in this try. */
enum { JOURNAL_NAMED = 255 };

struct Journal {
    /* Never changes once it is open. */
    Durable seam;
    Engine *engine;
    JournalConfig config;
    KeyModules *modules;
    uv_thread_t thread;

    /* Guarded by the board's lock. */
    bool awake;   /* the run is kept from now on */
    bool broken;  /* the store has failed, nothing more is kept */
    bool nowhere; /* … since there is no store, and will not be one */
    struct JournalJob *alarm;    /* to say that there was no memory for a look;
                                  * NULL: that is said, or never will be … */
    bool starved;                /* … and what ends without a key is lost */
    struct JournalJob *stand_in; /* of the one that is added just now */
    char *fault; /* why that is, or why there is no store; once set it never
                  * changes */

    /* Of the journal's thread, and of others once that has ended. */
    Store *store;           /* NULL: there is none yet */
    bool forgone;           /* there is to be none: it could not be made */
    char run[STORE_RUN_ID]; /* its id */
    char *file;             /* where it is; NULL: nowhere yet */
    size_t answered;        /* looks; that thread's, as are … */
    List missed;            /* … the jobs whose tasks are to run … */
    size_t missed_count;    /* … and how many there are */

    atomic_size_t kept, found, secret, odd; /* see JournalCounts */

    uv_mutex_t lock;
    uv_cond_t more;
    /* Guarded by `lock`; the table since there is a thread. */
    ResumeTable *table;
    List jobs;
    List first; /* jobs that come before those: of what is put on the list */
    List later; /* … and behind all: see journal_later */
    bool closing;
    bool big_items; /* an item's makers were not read (journal_items_load) */
    bool trees;     /* there are facts of worktrees */
    struct JournalPlan *plan; /* journal_plan.c's, when all has ended */
    List drawn;               /* Facts, as long as there may yet be a store … */
    bool open;                /* … there is: they go to it; or … */
    bool deaf;                /* … there will not be one: they go nowhere */
};

/* On the journal's thread, or before there is one: open the store, begin or
 * take over the run, and read what is known of it. In a plan only read. */
int journal_store_open(Journal *j, Buf *why) NODISCARD;

/* When that thread has ended: note how the run ended, wait until all is kept,
 * and close the store, if there is one. */
void journal_store_close(Journal *j, int status);

#endif
