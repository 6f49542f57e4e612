/* history.h — how long tasks took in earlier runs, by name.
 *
 * A name is one letter and a text, of parts that newlines separate: 'k', the
 * script and a task's key; 'd', the script, an agent type (or nothing) and a
 * description; 'l' and the line of a Task call, after its script unless it
 * is in that; 'a' and an agent type; 'o' and a key that a version wrote
 * which knew no script. Of each there is how many tasks it stood for, the mean
 * of what they took, of how long of that they waited for something outside and
 * of what they cost, how far they were from that mean, and what kind of value
 * the last one gave.
 *
 * A History is a table in memory, not locked: its owner's lock guards it. One
 * file holds the history of all runs. A run reads it into a table that it does
 * not change, notes its own tasks in another, and at its end history_merge adds
 * those to what the file holds at that time.
 *
 * The file is text: a line that says what it is, then a line for each name, of
 * fields that blanks separate: the letter and the text (with %XX for bytes that
 * could be taken for the form of the file), how many tasks, microseconds, those
 * of them it waited, those a task was from the mean, how many told a cost,
 * millionths of a US dollar, the kind of value, and when it was last seen, in
 * seconds since 1970. Version 1 had neither waiting nor distance.
 */
#ifndef ORUN_HISTORY_H
#define ORUN_HISTORY_H

#include "base/base.h"

struct Buf;

enum {
    HISTORY_MOST = 5000,     /* names in the file, those seen last */
    HISTORY_NAME = 1000,     /* bytes of one, its letter included; longer ones
                              * are not remembered */
    HISTORY_BYTES = 8 << 20, /* of the file; a larger one is not ours */
};

typedef struct HistoryEntry {
    char *name;
    uint32_t n;     /* tasks */
    uint32_t paid;  /* of them told a cost */
    double seconds; /* of one */
    double idle;    /* of these: it waited, and another had its worker */
    double spread;  /* the mean distance from `seconds` */
    double usd;     /* of one that told */
    char gave;      /* 's' string, 't' table, 'n' number, 'b' boolean, '-' nil
                     * or none of these */
    int64_t seen;   /* seconds since 1970 */
} HistoryEntry;

typedef struct History {
    HistoryEntry *entries; /* in the order they came */
    uint32_t n, cap;
    uint32_t *slots;     /* hash table: 0, or 1 + the index of an entry */
    uint32_t slot_count; /* a power of two, or 0 */
} History;

/* Free what h has. A zeroed History is an empty one. */
void history_free(History *h);

/* The entry of a name; NULL when there is none. */
HistoryEntry *history_find(const History *h, const char *name, size_t n);

/* The same, made when there is none; NULL when memory is out or the table has
 * HISTORY_MOST names. */
HistoryEntry *history_entry(History *h, const char *name, size_t n);

/* What is known of one task that has ended. */
typedef struct HistoryTask {
    double seconds, idle;
    double usd; /* < 0: it told none */
    char gave;
} HistoryTask;

/* One more task. All of one run weigh the same. */
void history_note(HistoryEntry *e, const HistoryTask *task);

/* Do its tasks take so much the same time that it can be told of the next? */
bool history_steady(const HistoryEntry *e);

/* Add `more`, the tasks of a later run: they weigh the more the less is known,
 * and at least an eighth each, so what has changed is soon believed. */
void history_fold(HistoryEntry *e, const HistoryEntry *more);

/* Seconds of a task of which nothing is known: the mean of all agent types and
 * lines; 0 when there are none. */
double history_mean(const History *h);

/* Add what the text of a file tells, which is changed by that. ORUN_EPROTO: it
 * is none, or tells a name twice; ORUN_ESTATE: one of a later orun;
 * ORUN_ENOMEM. */
int history_parse(History *h, char *text, size_t n) NODISCARD;

/* Append the text of h's file. Changes the order of its entries, so nothing can
 * be found in h afterwards. */
void history_print(History *h, struct Buf *to);

/* ---- the file; all of it blocks ---- */

/* Read the file into h, which is empty and stays so but for success. ORUN_ESYS:
 * it is not there or cannot be read; ORUN_EPROTO: it is damaged; ORUN_ESTATE: a
 * later orun wrote it, or it is something else; ORUN_ENOMEM. */
int history_load(History *h, const char *path) NODISCARD;

/* Add `more` to what the file at `path` holds, for runs that come. One that is
 * damaged begins anew; one of a later orun stays as it is (ORUN_ESTATE). Runs
 * that end at the same time come one after the other. `now` is the time in
 * seconds since 1970. ORUN_ESYS, with errno: it cannot be written. */
int history_merge(const History *more, const char *path, int64_t now) NODISCARD;

#endif
