/* libedit.h — the functions of libedit, loaded when first needed.
 *
 * A line of a terminal can be edited by two libraries. GNU readline is under
 * the GPL, so orun, which is under the MIT license, could not be given away as
 * it is by who links it; libedit is under the BSD license. Of its two
 * interfaces this is its own (histedit.h), because there a function of ours
 * waits for the keys: meanwhile other threads may write above the line.
 *
 * Only a prompt needs it, so it is no dependency of the program: without it
 * lines are taken as the terminal gives them. Its header is not needed, either:
 * what is declared here has been the same since 2016.
 */
#ifndef ORUN_LIBEDIT_H
#define ORUN_LIBEDIT_H

#include "base/base.h"
#include <stdio.h>
#include <wchar.h>

/* Its types, under names of ours: an editor, a history, what is in either. */
typedef struct LibeditEditor LibeditEditor;
typedef struct LibeditHistory LibeditHistory;

typedef struct LibeditLine {
    const char *text, *cursor, *end;
} LibeditLine;

typedef struct LibeditEvent {
    int number;
    const char *text;
} LibeditEvent;

/* Operations of `set` and `wset`, and of `history`. */
enum {
    LIBEDIT_PROMPT = 0,
    LIBEDIT_EDITOR = 2,
    LIBEDIT_SIGNAL = 3,
    LIBEDIT_BIND = 4,
    LIBEDIT_ADD_FUNCTION = 9,
    LIBEDIT_HISTORY = 10,
    LIBEDIT_READER = 13,
    LIBEDIT_CLIENT = 14,
    LIBEDIT_PREPARE = 16,
    LIBEDIT_REFRESH = 20,
    LIBEDIT_HISTORY_SIZE = 1,
    LIBEDIT_HISTORY_ENTER = 10,
    LIBEDIT_HISTORY_UNIQUE = 20,
};

/* What a function that is bound to a key gives back. */
enum { LIBEDIT_DONE = 0, LIBEDIT_CHANGED = 4, LIBEDIT_BEEP = 6 };

typedef struct Libedit {
    LibeditEditor *(*init)(const char *, FILE *, FILE *, FILE *);
    void (*end)(LibeditEditor *);
    const char *(*gets)(LibeditEditor *, int *);
    int (*set)(LibeditEditor *, int, ...);
    int (*wset)(LibeditEditor *, int, ...);
    int (*get)(LibeditEditor *, int, ...);
    const LibeditLine *(*line)(LibeditEditor *);
    int (*insertstr)(LibeditEditor *, const char *);
    void (*resize)(LibeditEditor *);
    int (*source)(LibeditEditor *, const char *);
    LibeditHistory *(*history_init)(void);
    void (*history_end)(LibeditHistory *);
    int (*history)(LibeditHistory *, LibeditEvent *, int, ...);
} Libedit;

/* Load it, the first time. NULL, and *why in words, when it cannot be; the text
 * stays. Any thread. */
const Libedit *libedit_get(const char **why);

#endif
