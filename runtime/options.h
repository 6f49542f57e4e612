/* options.h — the command line of `orun`, read. Layer 8 (edge).
 *
 * Of the command only; not in the library. Reading has no effect: what is to
 * be printed and how the process ends is main.c's.
 */
#ifndef ORUN_OPTIONS_H
#define ORUN_OPTIONS_H

#include "orun.h"
#include <stdbool.h>

typedef enum OptionsWhat {
    OPTIONS_RUN,     /* `code` or `script` */
    OPTIONS_VERSION, /* print it */
    OPTIONS_HELP,    /* print it */
    OPTIONS_NOTHING, /* no script was given */
    OPTIONS_WRONG,   /* `error` says what */
} OptionsWhat;

enum {
    OPTIONS_VIEWS = 8,     /* at most */
    OPTIONS_COMPARED = 16, /* numbers of slots of a plan, at most */
};

typedef struct Options {
    OptionsWhat what;
    orun_config config;
    char *code;         /* of -e, joined by newlines, or of a command (see
                         * command.h); NULL none */
    const char *script; /* path, "-", or NULL */
    bool no_history;
    bool plan;          /* orun plan: what it is to show is among the views */
    char *views[OPTIONS_VIEWS + 1]; /* for orun_watch */
    int first;          /* argv index of what is arg[0] */
    char *error;        /* one line; NULL: out of memory */
} Options;

extern const char options_help[];

/* Read argv[1] … argv[argc-1], whose strings must stay. What `o` held before is
 * not looked at; options_free it afterwards, however this ended. */
void options_read(Options *o, int argc, char *const *argv);

void options_free(Options *o);

#endif
