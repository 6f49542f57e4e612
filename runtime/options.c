/* options.c — options, their values, and where the script's begin. */
#include "options.h"
#include "command.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char options_help[] =
    "usage: orun [options] script.lua [args...]\n"
    "       orun [options] -e CODE [args...]\n"
    "       orun [options] -            (the script is standard input)\n"
    "       orun agents [--json]        (lists the agent types there are)\n"
    "       orun task COMMAND …         (from a task's program: its list)\n"
    "       orun mcp                    (the same, as an MCP server)\n"
    "\n"
    "Runs a Lua 5.4 script that may start tasks in parallel with Task,\n"
    "collect them with TaskOutput, and share them out with TaskList and\n"
    "TaskUpdate.\n"
    "\n"
    "  -j N, --jobs N     programs (agents) at once; default 5\n"
    "  --workers N        Lua tasks at once; default: processors\n"
    "  --no-history       neither read nor keep how long tasks take (as does\n"
    "                     ORUN_HISTORY=0)\n"
    "  --no-wait          at the script's end cancel tasks that still run,\n"
    "                     instead of waiting for them\n"
    "  --events FILE      write what happens to FILE, as JSON lines\n"
    "  --trace FILE       write a trace for Perfetto or chrome://tracing\n"
    "  -e CODE            run CODE (may be given several times)\n"
    "  -v, --version      print the version\n"
    "  -h, --help         print this\n"
    "  --                 end of options: a script's name follows\n"
    "\n"
    "What follows the script belongs to the script (see `arg`).\n"
    "Exit codes: 0 done, 1 failed (or a task failed and nobody read it),\n"
    "2 usage or syntax error, 130 and 143 ended by SIGINT and SIGTERM.\n"
    "ORUN_LOG=sched,proc,… prints debug lines on stderr.\n";

typedef struct OptionsKnown {
    const char *name;
    char kind; /* n: --jobs  w: --workers  e: code  0: --no-wait  v  h  H: --no-history
                * V: a view, which has this name without the dashes */
} OptionsKnown;

static const OptionsKnown options_known[] = {
    { "--jobs", 'n' }, { "-j", 'n' }, { "--workers", 'w' }, { "-e", 'e' },
    { "--events", 'V' }, { "--trace", 'V' },
    { "--no-wait", '0' }, { "--no-history", 'H' }, { "--version", 'v' }, { "-v", 'v' },
    { "--help", 'h' }, { "-h", 'h' },
};

/* Nothing is to be run: `format` says why of `what`. */
static void
options_fail(Options *o, const char *format, const char *what)
{
    size_t size = strlen(format) + strlen(what) + 1;
    o->what = OPTIONS_WRONG;
    o->error = malloc(size);
    if (o->error)
        snprintf(o->error, size, format, what);
}

static bool
options_valued(const OptionsKnown *known)
{
    return strchr("nweV", known->kind) != NULL;
}

/* The option an argument is, NULL for an unknown one. */
static const OptionsKnown *
options_find(const char *s)
{
    for (size_t i = 0; i < sizeof options_known / sizeof *options_known; i++) {
        const OptionsKnown *known = &options_known[i];
        size_t n = strlen(known->name);
        if (strncmp(s, known->name, n) != 0)
            continue;
        if (!s[n] || (options_valued(known) && (n == 2 || s[n] == '=')))
            return known;
    }
    return NULL;
}

/* The value of an option that takes one: in the same argument (after `n`
 * letters, and "=" of a long one) or the next; NULL when there is none. */
static const char *
options_value(int argc, char *const *argv, int *i, size_t n)
{
    const char *s = argv[*i] + n;
    if (*s == '=' && n > 2)
        return s + 1;
    if (*s)
        return s;
    return *i + 1 < argc ? argv[++*i] : NULL;
}

static void
options_add_code(Options *o, const char *code)
{
    size_t old = o->code ? strlen(o->code) : 0;
    char *joined = realloc(o->code, old + strlen(code) + 2);
    if (!joined) {
        o->what = OPTIONS_WRONG;
        return;
    }
    joined[old] = '\0';
    if (old)
        strcat(joined, "\n");
    strcat(joined, code);
    o->code = joined;
}

/* The word where a script's name stands: that, or a command. */
static void
options_word(Options *o, const char *word, bool after_dashes)
{
    const char *code = after_dashes ? NULL : command_code(word);
    if (code)
        options_add_code(o, code);
    else
        o->script = word;
}

/* `name` is "--events" or its like. */
static void
options_add_view(Options *o, const char *name, const char *value)
{
    size_t n = 0, size = strlen(name) + strlen(value);
    while (n < OPTIONS_VIEWS && o->views[n])
        n++;
    if (n == OPTIONS_VIEWS) {
        options_fail(o, "too many times '%s'", name);
        return;
    }
    o->views[n] = malloc(size);
    if (o->views[n])
        snprintf(o->views[n], size, "%s=%s", name + 2, value);
    else
        o->what = OPTIONS_WRONG;
}

/* A whole number from 1 to `max`; 0 when it is none. */
static int
options_number(const char *s, long max)
{
    char *end;
    errno = 0;
    long n = strtol(s, &end, 10);
    return errno || *end || end == s || n < 1 || n > max ? 0 : (int)n;
}

static void
options_slots(Options *o, const OptionsKnown *known, const char *value)
{
    int n = options_number(value, known->kind == 'n' ? 100000 : 10000);
    *(known->kind == 'n' ? &o->config.processes : &o->config.workers) = n;
    if (n == 0)
        options_fail(o, "'%s' is not a number of slots: a whole number, 1 or "
                     "more, is wanted, as in -j 5", value);
}

static void
options_take(Options *o, const OptionsKnown *known, int argc,
             char *const *argv, int *i)
{
    const char *value = options_valued(known)
        ? options_value(argc, argv, i, strlen(known->name)) : "";
    if (!value) {
        options_fail(o, "option '%s' needs a value", known->name);
        return;
    }
    switch (known->kind) {
    case 'e': options_add_code(o, value); break;
    case 'V': options_add_view(o, known->name, value); break;
    case '0': o->config.no_wait = 1; break;
    case 'H': o->no_history = true; break;
    case 'v': o->what = OPTIONS_VERSION; break;
    case 'h': o->what = OPTIONS_HELP; break;
    default: options_slots(o, known, value);
    }
}

void
options_read(Options *o, int argc, char *const *argv)
{
    int i = 1;
    bool dashes = false;
    *o = (Options){ .config = ORUN_CONFIG_INIT };
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        dashes = strcmp(argv[i], "--") == 0;
        if (dashes) {
            i++;
            break;
        }
        const OptionsKnown *known = options_find(argv[i]);
        if (known)
            options_take(o, known, argc, argv, &i);
        else
            options_fail(o, "unknown option '%s'", argv[i]);
        if (o->what != OPTIONS_RUN)
            return;
    }
    o->first = o->code ? i - 1 : i;
    if (!o->code && i >= argc)
        o->what = OPTIONS_NOTHING;
    else if (!o->code)
        options_word(o, argv[i], dashes);
}

void
options_free(Options *o)
{
    free(o->code);
    free(o->error);
    for (size_t i = 0; i < OPTIONS_VIEWS; i++)
        free(o->views[i]);
    o->code = o->error = NULL;
}
