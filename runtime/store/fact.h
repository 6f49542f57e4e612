/* fact.h — what the body of a fact is made of: fields.
 *
 * A field is a tag (1 byte), a length (4 bytes, little-endian) and that many
 * bytes. A body is fields, one after another, in any order; a tag may come more
 * than once, which makes a list. Who reads a body skips tags that it does not
 * know, so a field can be added without a new format; FACT_FORMAT is raised
 * when one changes its meaning, and stands in the first fact of each run.
 *
 * The bytes may come from a damaged or a hostile file: the reader trusts none
 * of them and never looks beyond their end.
 *
 * Tags are never given another number: they stand in files.
 */
#ifndef ORUN_FACT_H
#define ORUN_FACT_H

#include "base/base.h"
#include "base/buf.h"

enum { FACT_FORMAT = 1 };

/* name, number, name in Lua, form of its bytes: a FactForm */
#define FACT_TAGS(X) \
    X(FORMAT, 1, "format", INT)            /* RUN: FACT_FORMAT */ \
    X(VERSION, 2, "version", TEXT)         /* RUN: of orun */ \
    X(NAME, 3, "name", TEXT)               /* RUN: of the script */ \
    X(SCRIPT, 4, "script", TEXT)           /* RUN: its path */ \
    X(SCRIPT_HASH, 5, "script_hash", DATA) /* RUN: of its bytes */ \
    X(ARGUMENT, 6, "argument", TEXT)       /* RUN: one for each */ \
    X(CWD, 7, "cwd", TEXT)                 /* RUN */ \
    X(PID, 8, "pid", INT)                  /* RUN */ \
    X(AT, 9, "at", NUMBER)                 /* seconds since 1970 */ \
    X(TASK, 16, "task_id", TEXT)           /* OUTCOME, ITEM: in that run */ \
    X(SCOPE, 17, "scope", DATA)            /* key of the parent */ \
    X(OCCURRENCE, 18, "occurrence", INT)   /* among equals, from 1 */ \
    X(CONTENT, 19, "content", DATA)        /* what the key is made of */ \
    X(USER_KEY, 20, "key", TEXT)           /* or this */ \
    X(PART, 21, "part", DATA)              /* one part of the content */ \
    X(KIND, 22, "kind", TEXT)              /* of the task */ \
    X(DESCRIPTION, 23, "description", TEXT) \
    X(AGENT, 24, "agent", TEXT) \
    X(STATUS, 32, "status", TEXT) \
    X(OUTPUT, 33, "output", DATA) /* an encoded Value */ \
    X(OUTPUT_TEXT, 34, "output_text", DATA) \
    X(OUTPUT_HASH, 35, "output_hash", DATA) \
    X(ERROR, 36, "error", TEXT) \
    X(ERROR_KIND, 37, "error_kind", TEXT) \
    X(EXIT_CODE, 38, "exit_code", INT) \
    X(SIGNAL, 39, "signal", INT) \
    X(ATTEMPTS, 40, "attempts", INT) \
    X(DURATION, 41, "duration", NUMBER) /* seconds */ \
    X(COST, 42, "cost", NUMBER) \
    X(SESSION, 43, "session", TEXT) \
    X(WORKTREE, 44, "worktree", DATA) /* an encoded Value */ \
    X(METADATA, 45, "metadata", DATA) /* an encoded Value */ \
    X(BLOCKER, 46, "blocker", DATA)   /* key of one */ \
    X(OWNER, 47, "owner", TEXT) \
    X(ERROR_VALUE, 50, "error_value", DATA) /* an encoded Value */ \
    X(STDOUT, 51, "stdout", DATA) /* what it printed, if the output is less */ \
    X(STDERR, 52, "stderr", DATA) \
    X(MODEL, 53, "model", TEXT) \
    X(DENIALS, 54, "denials", DATA) /* an encoded Value */ \
    X(USAGE, 55, "usage", DATA) /* of REPORT_COUNTS: which, and 8 bytes, LE */ \
    X(PHASE, 56, "phase", TEXT) \
    X(FILE, 57, "file", TEXT) /* where Task was called */ \
    X(LINE, 58, "line", INT) \
    X(LATE, 59, "late", INT)         /* RUN: 1, it was kept by default */ \
    X(SEED, 60, "seed", INT)         /* RUN: of its Lua states (vm_seed.h) */ \
    X(LIMIT, 61, "limit", NUMBER)    /* that a failed task ran out of */ \
    X(MAKER, 65, "maker", DATA)      /* ITEM: key of its maker, and those \
                                      * above; OUTCOME: of the parent */ \
    X(PRIORITY, 66, "priority", INT) /* ITEM */ \
    X(INPUT, 67, "input", DATA)      /* ITEM: an encoded Value */ \
    X(PROMPT, 68, "prompt", DATA)    /* ITEM: an encoded Value */ \
    X(DESPITE, 69, "despite", INT)   /* ITEM: on_blocker_failure = "run" */ \
    X(PATH, 70, "path", TEXT)        /* DREW: of a worktree … */ \
    X(BRANCH, 71, "branch", TEXT)    /* … what is checked out in it … */ \
    X(REPOSITORY, 72, "repository", TEXT) /* … and where that branch is */ \
    X(HANDLE, 73, "handle", DATA) /* ITEM: in the input: 8 bytes, LE, and \
                                   * the key of its task */ \
    X(SAW, 74, "saw", DATA) /* OUTCOME: what had ended, of the handles that it \
                             * captured: 16 bytes, and 16 of the outcome */ \
    X(DREW, 48, "drew", \
      TEXT) /* DREW: now, random, uuid, winner, session, … */ \
    X(VALUE, 49, "value", DATA) /* DREW: 16 bytes, see DRAWN_KINDS */ \
    X(HOW, 64, "how", TEXT)     /* END: completed, failed, … */

typedef enum FactTag {
#define X(name, number, lua, form) FACT_TAG_##name = (number),
    FACT_TAGS(X)
#undef X
} FactTag;

typedef enum FactForm {
    FACT_AS_DATA,  /* any bytes */
    FACT_AS_TEXT,  /* any bytes, meant for people */
    FACT_AS_INT,   /* 8 bytes, little-endian, two's complement */
    FACT_AS_NUMBER /* 8 bytes, little-endian, an IEEE double */
} FactForm;

/* One field of a body, and where the next one begins. */
typedef struct FactField {
    uint8_t tag;            /* a FactTag, or one that this orun does not know */
    const unsigned char *p; /* its bytes, inside the body */
    size_t n;
    const unsigned char *rest, *end; /* fact_next's */
} FactField;

/* Append a field. A body that grows beyond memory, or a field of 4 GiB and
 * more, makes the Buf fail. */
void fact_put(Buf *body, FactTag tag, const void *p, size_t n);
void fact_put_text(Buf *body, FactTag tag, const char *text);
void fact_put_int(Buf *body, FactTag tag, int64_t value);
void fact_put_number(Buf *body, FactTag tag, double value);

/* Begin to read `n` bytes, which must stay; fact_next then gives the fields. */
void fact_first(FactField *f, const void *body, size_t n);

/* Go to the next field (after fact_first: the first). 1 when there is one, 0 at
 * the end, ORUN_EPROTO when the bytes are not fields: those before were good,
 * and every later call says the same. */
int fact_next(FactField *f) NODISCARD;

/* The first field `tag` of a body. 1, 0 when there is none, or ORUN_EPROTO when
 * it is not found before the bytes stop being fields. */
int fact_find(const void *body, size_t n, FactTag tag,
              FactField *out) NODISCARD;

/* The number that a field holds; false when its bytes are not one. */
bool fact_int(const FactField *f, int64_t *out);
bool fact_number(const FactField *f, double *out);

/* The name of a tag in Lua and how its bytes are to be read; NULL when this
 * orun does not know it. A string constant. */
const char *fact_tag_name(uint8_t tag, FactForm *form);

#endif
