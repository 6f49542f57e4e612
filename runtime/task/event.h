/* event.h — what happens to tasks, in the order it happens.
 *
 * All that is shown of a run — display, report, traces — is made of this one
 * stream. Whoever does something to a task says so with event_put, under the
 * board's lock; one reader takes what has gathered, now and then. While nobody
 * listens board->events is NULL and nothing is kept.
 *
 * An event is never changed. When memory is out, or the reader has fallen
 * EVENT_MOST behind, new ones are counted and not kept (event_lost).
 *
 * A reader that cannot follow each of a million tasks calls event_be_brief. It
 * then gets only the notable events, and the counts of event_count_tasks.
 */
#ifndef ORUN_EVENT_H
#define ORUN_EVENT_H

#include "base/base.h"

struct Board;

/* name, the word in JSON, and what the fields hold:
 *   task   whose event it is; 0 is the script
 *   other  another task, or 0
 *   what   a small number, n and text more of it */
/* clang-format off */
#define EVENT_KINDS(X) \
    X(ADDED, "added")       /* other: its parent */ \
    X(READY, "ready")       /* nothing blocks it now */ \
    X(QUEUED, "queued")     /* what: an EventBlock, text: the limit's name */ \
    X(STARTED, "started")   /* n: the attempt, from 1 */ \
    X(WAITS, "waits")       /* its code begins to wait; what: a WaitFor.kind,
                             * other: for that task, text and line: where */ \
    X(GOES_ON, "goes_on")   /* that has ended; what: a WAIT_ outcome, n: so many
                             * nanoseconds ago, it queued since */ \
    X(THROTTLED, "throttled") /* it asked too much and is ready again; text:
                             * whose limit, n: milliseconds until it opens */ \
    X(USED, "used")         /* its code, or a program of it that has ended, was
                             * on a processor for n nanoseconds more */ \
    X(RETRY, "retry")       /* what: the TaskFault, n: milliseconds until it
                             * is tried again, text: the error */ \
    X(REPORTED, "reported") /* of its own work (report.h) */ \
    X(ENDED, "ended")       /* what: the TaskState */ \
    X(READ, "read")         /* other read its result; n: bytes of output */ \
    X(UNSEEN, "unseen")     /* a program that its code ran has failed, and the
                             * code never looked at that; what: the TaskFault,
                             * n: its exit code, text and line: where */ \
    X(CLAIMED, "claimed")   /* a list item; other: by whom */ \
    X(RETURNED, "returned") /* a claim was given back */ \
    X(REMOVED, "removed")   /* from the list */ \
    X(PHASE, "phase")       /* text: what begins, said by task */ \
    X(SCRIPT, "script")     /* begins; text: its name */ \
    X(SCRIPT_ENDED, "script_ended") /* its own code; tasks may go on */
/* clang-format on */

typedef enum EventKind {
#define X(name, word) EVENT_##name,
    EVENT_KINDS(X)
#undef X
        EVENT_KIND_COUNT
} EventKind;

/* Why a ready task does not start. */
typedef enum EventBlock {
    BLOCK_SLOT,
    BLOCK_WRITES,
    BLOCK_MEMORY,
    BLOCK_RATE,      /* so many begin in a time */
    BLOCK_THROTTLED, /* the service had said that it is too much */
} EventBlock;

typedef struct Event {
    double at;        /* seconds on the run's clock */
    const char *text; /* lives as long as the run, or (event_add_text) its
                       * chunk; NULL: none */
    uint64_t n;
    uint32_t task, other;
    int line;
    uint8_t kind, what;
} Event;

enum {
    EVENT_CHUNK = 1024,   /* events, in one piece of memory */
    EVENT_MOST = 4 << 20, /* events kept for the reader */
    EVENT_TEXT = 4096,    /* bytes of a text of its own, at most */
    EVENT_FAILURES = 1 << EVENT_KIND_COUNT, /* beside bits of kinds: ENDED, as
                                             * failed */
};

typedef struct EventText {
    struct EventText *next;
    char text[];
} EventText;

typedef struct EventChunk {
    struct EventChunk *next;
    EventText *texts;
    size_t n;
    Event at[EVENT_CHUNK];
} EventChunk;

typedef struct Events Events;

/* Begin to keep events of this board; before its first task. ORUN_ENOMEM. */
int event_open(struct Board *b) NODISCARD;

/* The listener has heard enough: keep no more. Takes the board's lock. */
void event_stop(struct Board *b);

/* From now on only notable events are kept. Takes the board's lock. */
void event_be_brief(struct Board *b);

/* Does it tell of a failure, of the run, or of what a task is doing? Not of
 * tasks that come, queue and complete. */
bool event_notable(const Event *e);

/* How many tasks have ended since event_open, by TaskState, of which there are
 * TASK_STATE_COUNT; and how many there are. Takes the board's lock. */
size_t event_count_tasks(struct Board *b, size_t *ended);

/* The reader shows events of these kinds (1 << kind, and EVENT_FAILURES) as
 * they come, beside those it said before. Takes the board's lock. */
void event_show(struct Board *b, unsigned kinds);

/* The reader has shown all that it has taken. Takes the board's lock. */
void event_shown(struct Board *b);

/* Wait until the events there are by now, of the kinds that are shown, have
 * been; `hurry` is called before, without a lock, where there are any. A reader
 * that needs longer than a moment is not waited for again until it has shown
 * something. After event_open; not by the reader, and not during event_close.
 * Takes the board's lock, and holds none while it waits. */
void event_catch_up(struct Board *b, void (*hurry)(void *ud), void *ud);

/* Stop listening: forget all. With the board's lock held, where others
 * may add. */
void event_close(struct Board *b);

/* Add one, its time set here. Does nothing while nobody listens. With the
 * board's lock held. */
void event_add(struct Board *b, Event e);

/* Tell that the task (0: the script) was on a processor for so long; nothing
 * for 0. Takes the board's lock. */
void event_used(struct Board *b, uint32_t task, uint64_t nanoseconds);

/* The same, with a copy of the text, NULL for none; of a long one that of its
 * first EVENT_TEXT bytes, in whole characters. */
void event_add_text(struct Board *b, Event e, const char *text);

/* A copy of `s` that lives as long as the events do, the same for the same
 * letters; NULL when memory is out. With the board's lock held. */
const char *event_name(struct Board *b, const char *s);

/* Take what has gathered, oldest first; the caller frees each chunk with
 * event_free. *lost gets how many could not be kept so far. NULL: nothing.
 * Takes the board's lock itself, for a moment. */
EventChunk *event_take(struct Board *b, size_t *lost);

/* Free one chunk. */
void event_free(EventChunk *chunk);

/* The word for a kind ("started"); a constant. */
const char *event_kind_name(EventKind kind);

#endif
