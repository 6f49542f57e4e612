/* options.h — the command line of `orun`, read.
 *
 * Part of the command, not of the library. Reading has no effect: main.c prints
 * and decides how the process ends.
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
    OPTIONS_TYPES,   /* print the types of the Lua API */
    OPTIONS_NOTHING, /* no script was given */
    OPTIONS_WRONG,   /* `error` says what */
} OptionsWhat;

enum {
    OPTIONS_VIEWS = 8,                /* by options, at most … */
    OPTIONS_MOST = OPTIONS_VIEWS + 4, /* … and with the default ones */
    OPTIONS_SPARE = 3,                /* steps that main.c adds */
    OPTIONS_COMPARED = 16,            /* numbers of slots of a plan, at most */
};

typedef struct Options {
    OptionsWhat what;
    orun_config config;
    ScriptStep *steps; /* -e, -l and -W, and room for three more */
    int count;
    const char *script; /* path, "-", the name of a workflow, or NULL */
    bool interactive;   /* -i, or orun repl */
    bool clean;         /* -E: ignore Lua's environment variables */
    bool no_history, no_store;
    bool strict;   /* what the run could have done better makes it fail */
    bool plan;     /* orun plan: what it is to show is among the views */
    bool command;  /* argv[first] is one (COMMAND_RUNTIME) */
    bool workflow; /* the script is a name, of no file: set by main.c */
    bool record;   /* --record */
    bool json;     /* --json: what the script returns is printed */
    char *views[OPTIONS_MOST + 1]; /* for orun_watch */
    const char *progress;          /* its mode; NULL: not given */
    int verbosity;                 /* -1: -q, 1: -v */
    int first;   /* argv index of the script, arg[0]; 0: none */
    char *retry; /* ids of the tasks of --retry, or NULL */
    char *error; /* one line; NULL: out of memory */
} Options;

extern const char options_help[];

/* Parse argv[1] … argv[argc-1]; the strings must stay valid. `o` may be
 * uninitialized. Call options_free afterwards, also after an error. */
void options_read(Options *o, int argc, char *const *argv);

/* The index of the first word behind the options at the beginning, if it may be
 * the name of a command that must come first; 0: there is none, or code to be
 * run is among the options, so that it is a script. */
int options_command(int argc, char *const *argv);

/* The environment that decides the defaults. */
typedef struct OptionsUsual {
    bool terminal;        /* standard error is one */
    bool typed;           /* standard input and output are one */
    bool recorded;        /* runs on a terminal are recorded */
    const char *progress; /* its mode; NULL: auto */
    bool traced;          /* the environment names a trace collector */
    long id;              /* of this process */
} OptionsUsual;

/* Add a script's default views: progress; a trace if there is a collector; on a
 * terminal the report and the record (elsewhere --record enables it). A command
 * has none. */
void options_default_views(Options *o, const OptionsUsual *usual);

void options_free(Options *o);

#endif
