/* options.h — the command line of `orun`, read.
 *
 * Of the command only; not in the library. Reading has no effect: what is to
 * be printed and how the process ends is main.c's.
 */
#ifndef ORUN_OPTIONS_H
#define ORUN_OPTIONS_H

#include "embed/script_steps.h"
#include "base/err.h"
#include "orun.h"
#include <stdbool.h>

typedef enum OptionsWhat {
    OPTIONS_RUN,     /* a command, or the steps and then `script` */
    OPTIONS_VERSION, /* print it */
    OPTIONS_HELP,    /* print it */
    OPTIONS_NOTHING, /* no script was given */
    OPTIONS_WRONG,   /* `error` says what */
} OptionsWhat;

enum {
    OPTIONS_VIEWS = 8,          /* that are asked for, at most */
    OPTIONS_MOST = OPTIONS_VIEWS + 4, /* and with those nobody asked for */
    OPTIONS_SPARE = 3,          /* steps that others add: see main.c */
    OPTIONS_COMPARED = 16,      /* numbers of slots of a plan, at most */
};

typedef struct Options {
    OptionsWhat what;
    orun_config config;
    ScriptStep *steps;  /* -e, -l and -W, and room for three more */
    int count;
    const char *script; /* path, "-", or NULL */
    bool interactive;   /* -i */
    bool clean;         /* -E: without what the environment says to Lua */
    bool no_history;
    bool plan;          /* orun plan: what it is to show is among the views */
    bool command;       /* argv[first] is one (COMMAND_RUNTIME) */
    bool record;        /* --record */
    char *views[OPTIONS_MOST + 1]; /* for orun_watch */
    const char *progress; /* its mode, or NULL when not said */
    int verbosity;      /* -1: -q, 1: -v */
    int first;          /* argv index of the script, arg[0]; 0: none */
    char *error;        /* one line; NULL: out of memory */
} Options;

extern const char options_help[];

/* Read argv[1] … argv[argc-1], whose strings must stay. What `o` held before is
 * not looked at; options_free it afterwards, however this ended. */
void options_read(Options *o, int argc, char *const *argv);

/* What holds where no option says otherwise. */
typedef struct OptionsUsual {
    bool terminal;        /* standard error is one */
    bool recorded;        /* the user wants scripts recorded there */
    const char *progress; /* its mode; NULL: auto */
    bool traced;          /* the environment names a collector of traces */
    long id;              /* of this process */
} OptionsUsual;

/* Add the views that a script has without being asked for: its progress; its
 * trace for a collector; with a terminal to show things on its report, and its
 * record, which --record asks for elsewhere. A command has none. */
void options_default_views(Options *o, const OptionsUsual *usual);

void options_free(Options *o);

#endif
