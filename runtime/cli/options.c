/* options.c — options, their values, and where the script's begin. */
#include "cli/options.h"
#include "cli/command.h"
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char options_help[] =
    "usage: orun [options] script.lua [args...]\n"
    "       orun [options] -            (the script is standard input: the\n"
    "                                    same as without any in a pipe)\n"
    "       orun plan [options] script.lua [args...]   (what it would do; "
    "with\n"
    "                                    --resume: what again, and why)\n"
    "       orun [options] NAME [args...]   (a workflow: see orun workflows)\n"
    "       orun workflows [--json]     (lists them; orun NAME --help)\n"
    "       orun init [--for AGENT]     (begins a project; lets an agent use "
    "orun)\n"
    "       orun repl [options] [script.lua]   (a prompt; the same as -i)\n"
    "       orun agents [--json]        (lists the agent types there are)\n"
    "       orun test [FILE...]         (specs of scripts, without agents)\n"
    "       orun doctor [--json]        (whether all it needs is here)\n"
    "       orun trust [PATH]           (lets Lua code of a project run)\n"
    "       orun tasks [--watch]        (what a run does now)\n"
    "       orun report [RUN]           (how a run went: see orun report -h)\n"
    "       orun runs                   (which runs were kept: see also show,\n"
    "                                    output, rm and gc)\n"
    "       orun resume [RUN]           (goes on with one of them)\n"
    "       orun retry [RUN [TASK...]]  (and what failed, or these, again)\n"
    "       orun task COMMAND ...       (from a task's program: its list)\n"
    "       orun mcp                    (the same, as an MCP server)\n"
    "       orun complete -- WORD...    (what may be typed next, for "
    "shells)\n"
    "       orun help [TOPIC]           (the manual: a function, a field, a "
    "command)\n"
    "\n"
    "Runs a Lua 5.4 script that may start tasks in parallel with Task,\n"
    "collect them with TaskOutput, and share them out with TaskList and\n"
    "TaskUpdate.\n"
    "\n"
    "  -j N, --jobs N     programs (agents) at once; default 5\n"
    "  --workers N        Lua tasks at once; default: processors\n"
    "  --virtual-time SEED  for tests: while nothing runs, time goes on to "
    "what\n"
    "                     is due next; what is random follows from SEED\n"
    "  --no-history       neither read nor keep how long tasks take (as does\n"
    "                     ORUN_HISTORY=0)\n"
    "  --no-wait          at the script's end cancel tasks that still run,\n"
    "                     instead of waiting for them\n"
    "  --progress MODE    auto, tty, plain, json or none (ORUN_PROGRESS)\n"
    "  --output MODE      what programs print: grouped, tagged or none\n"
    "  -q, --quiet        no progress; errors only\n"
    "  -v, --verbose      more of what happens, in lines\n"
    "  --events FILE      write what happens to FILE, as JSON lines; - is\n"
    "                     standard output, here as for --trace\n"
    "  --trace FILE       write a trace for Perfetto or chrome://tracing\n"
    "  --report HOW       at the end say how the run went: full, short, none;\n"
    "                     default: short on a terminal, else none\n"
    "  --json             print the table that the script returns, as JSON\n"
    "  --record           keep what happens for 'orun report', as is done\n"
    "                     on a terminal unless ORUN_RECORD is 0\n"
    "  --store FILE       keep what tasks end with in FILE, as is done on a\n"
    "                     terminal for runs with agents or programs, in files\n"
    "                     of orun's own (ORUN_STORE)\n"
    "  --no-store         keep nothing\n"
    "  --resume[=RUN]     go on with a run that was kept: the last one of "
    "this\n"
    "                     script, or RUN; see also 'orun resume'\n"
    "  --retry-failed     and what has failed there runs again\n"
    "  --retry TASK       and so does this task, by its id in orun show\n"
    "  --trust            run Lua files of any project (.orun/)\n"
    "  --strict           exit with 1 when the run could have done better\n"
    "  -e CODE            run CODE, and then the script, if there is one\n"
    "  -l NAME            require NAME into the global NAME; also -l g=NAME\n"
    "  -i                 then take lines, as orun repl does\n"
    "  -W                 turn Lua's warnings on\n"
    "  -E                 ignore LUA_INIT, LUA_PATH and LUA_CPATH\n"
    "  --luals            print the types of the Lua API, for editors (LuaLS)\n"
    "  -V, --version      print the version\n"
    "  -h, --help         print this\n"
    "  --                 end of options: a script's name follows\n"
    "\n"
    "orun plan starts no agent: a stub replaces its result. Functions run.\n"
    "It shows the tasks, the critical path, and, from the durations of\n"
    "earlier runs, the time with different numbers of slots:\n"
    "  -j N,N,...         slots to compare; default 1,2,5,10\n"
    "  --dot[=FILE]       the graph as DOT, in FILE or instead of all else\n"
    "  --json             all of it as JSON\n"
    "  --no-functions     functions do not run, either\n"
    "  --resume[=RUN]     what would run again if that run, or the last one\n"
    "                     of this script, were gone on with, and why;\n"
    "                     nothing is written\n"
    "  --overhead S       seconds that a task costs beside its work; default\n"
    "                     0.005, of a function 0.00002\n"
    "\n"
    "What follows the script belongs to the script (see `arg`).\n"
    "Exit codes: 0 done, 1 failed (or a task failed and that was not read),\n"
    "2 usage or syntax error, 130 and 143 ended by SIGINT and SIGTERM.\n"
    "ORUN_LOG=sched,proc,... prints debug lines on stderr.\n";

typedef struct OptionsKnown {
    const char *name;
    char kind; /* j: --jobs  w: --workers  0: --no-wait  V h
                * e l i E, and X for -W: as Lua's own program has them
                * p: --progress  q: --quiet  v: --verbose  r: --record
                * s: --strict  H: --no-history  t: --trust
                * S: --store  N: --no-store  F: --retry-failed  T: --retry
                * R: --resume, whose value can only follow a "="
                * J: --json, but of a plan
                * W: a view, which has this name without the dashes
                * Z: --virtual-time
                * o: --overhead of a plan  P: a flag of a plan */
} OptionsKnown;

static const OptionsKnown options_known[] = {
    { "--jobs", 'j' },
    { "-j", 'j' },
    { "--workers", 'w' },
    { "--virtual-time", 'Z' },
    { "-e", 'e' },
    { "--events", 'W' },
    { "--trace", 'W' },
    { "--output", 'W' },
    { "--report", 'W' },
    { "--record", 'r' },
    { "--strict", 's' },
    { "--progress", 'p' },
    { "--quiet", 'q' },
    { "-q", 'q' },
    { "--verbose", 'v' },
    { "-v", 'v' },
    { "--no-history", 'H' },
    { "--overhead", 'o' },
    { "--dot", 'P' },
    { "--json", 'P' },
    { "--no-functions", 'P' },
    { "--no-wait", '0' },
    { "--trust", 't' },
    { "--luals", 'L' },
    { "--version", 'V' },
    { "-V", 'V' },
    { "--help", 'h' },
    { "-h", 'h' },
    { "-l", 'l' },
    { "-i", 'i' },
    { "-W", 'X' },
    { "-E", 'E' },
    { "--json", 'J' },
    { "--store", 'S' },
    { "--no-store", 'N' },
    { "--resume", 'R' },
    { "--retry-failed", 'F' },
    { "--retry", 'T' },
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
    return strchr("jwelWpoSTZ", known->kind) != NULL;
}

/* The option an argument is, NULL for an unknown one. */
static const OptionsKnown *
options_find(const Options *o, const char *s)
{
    for (size_t i = 0; i < sizeof options_known / sizeof *options_known; i++) {
        const OptionsKnown *known = &options_known[i];
        size_t n = strlen(known->name);
        bool of_plan = known->kind == 'o' || known->kind == 'P';
        if (strncmp(s, known->name, n) != 0 || (of_plan && !o->plan))
            continue;
        if (of_plan && strncmp(s, "--dot=", 6) == 0 && s[6])
            return known;
        if (known->kind == 'R' && s[n] == '=' && s[n + 1])
            return known;
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
options_add_step(Options *o, char kind, const char *text)
{
    size_t n = (size_t)o->count + 1 + OPTIONS_SPARE;
    ScriptStep *steps = realloc(o->steps, n * sizeof *steps);
    if (!steps) {
        o->what = OPTIONS_WRONG;
        return;
    }
    steps[o->count++] = (ScriptStep){ .kind = kind, .text = text };
    o->steps = steps;
}

/* The word in the place of a script's name: a script, or a command. */
static void
options_word(Options *o, const char *word, bool after_dashes)
{
    bool named = after_dashes || o->count > 0 || o->interactive;
    o->command = !named && command_is(word, COMMAND_RUNTIME);
    o->script = o->command ? NULL : word;
}

/* `name` is "events" or its like; there may be `most` views afterwards. */
static void
options_add_view(Options *o, const char *name, const char *value, size_t most)
{
    size_t n = 0, size = strlen(name) + strlen(value) + 2;
    while (n < most && o->views[n])
        n++;
    if (n == most) {
        options_fail(o, "too many times '--%s'", name);
        return;
    }
    o->views[n] = malloc(size);
    if (o->views[n])
        snprintf(o->views[n], size, "%s=%s", name, value);
    else
        o->what = OPTIONS_WRONG;
}

/* Is a view of this name there? */
static bool
options_has_view(const Options *o, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; o->views[i]; i++)
        if (strncmp(o->views[i], name, n) == 0 && o->views[i][n] == '=')
            return true;
    return false;
}

/* How the run shows its progress: as an option says, else as the user has it
 * for all runs. */
static void
options_add_progress(Options *o, const OptionsUsual *usual)
{
    const char *mode = o->progress ? o->progress : usual->progress;
    char value[64];
    if (!mode || !*mode)
        mode = "auto";
    if (o->interactive && usual->typed && strcmp(mode, "auto") == 0)
        mode = "prompt";
    if (strcmp(mode, "none") == 0 || o->verbosity < 0)
        return;
    int n = snprintf(value, sizeof value, "%s%s", mode,
                     o->verbosity > 0 ? " verbose" : "");
    if (n < 0 || (size_t)n >= sizeof value)
        options_fail(o, "'%s' is not a way to show progress", mode);
    else
        options_add_view(o, "progress", value, OPTIONS_MOST);
}

void
options_default_views(Options *o, const OptionsUsual *usual)
{
    char process[32];
    bool by_default = usual->terminal && usual->recorded && o->script;
    snprintf(process, sizeof process, "%ld%s", usual->id,
             o->record ? " asked" : "");
    if (o->what != OPTIONS_RUN || o->command)
        return;
    options_add_progress(o, usual);
    if (usual->traced)
        options_add_view(o, "otlp", "", OPTIONS_MOST);
    bool typed = o->interactive && usual->typed; /* all of it was seen */
    if (usual->terminal && !typed && o->verbosity >= 0
        && !options_has_view(o, "report"))
        options_add_view(o, "report", "auto", OPTIONS_MOST);
    if (o->record || by_default)
        options_add_view(o, "record", process, OPTIONS_MOST);
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

/* Say to the view of a plan what is wanted: "NAME VALUE", a line. */
static void
options_tell_plan(Options *o, const char *name, const char *value)
{
    size_t old = strlen(o->views[0]);
    char *more = realloc(o->views[0], old + strlen(name) + strlen(value) + 3);
    if (!more) {
        o->what = OPTIONS_WRONG;
        return;
    }
    o->views[0] = more;
    sprintf(more + old, "%s %s\n", name, value);
}

/* "1,2,5,10". */
static void
options_compare(Options *o, const char *list)
{
    int n = 0;
    for (const char *at = list; at; n++) {
        const char *comma = strchr(at, ',');
        size_t size = comma ? (size_t)(comma - at) : strlen(at);
        char one[16] = "";
        memcpy(one, at, size < sizeof one ? size : 0);
        if (options_number(one, 100000) == 0 || n == OPTIONS_COMPARED) {
            options_fail(o,
                         "'%s' is not a list of slots: at most 16 whole "
                         "numbers, 1 or more each, as in -j 1,2,5,10",
                         list);
            return;
        }
        at = comma ? comma + 1 : NULL;
    }
    options_tell_plan(o, "slots", list);
}

/* A number of seconds, which a task of a plan costs. */
static void
options_overhead(Options *o, const char *value)
{
    char *end;
    double n = strtod(value, &end);
    if (end == value || *end || !(n >= 0 && n <= 1e6))
        options_fail(o, "'%s' is not a number of seconds, as in --overhead 2.5",
                     value);
    else
        options_tell_plan(o, "overhead", value);
}

static void
options_slots(Options *o, const OptionsKnown *known, const char *value)
{
    if (o->plan && known->kind == 'j') {
        options_compare(o, value);
        return;
    }
    int n = options_number(value, known->kind == 'j' ? 100000 : 10000);
    *(known->kind == 'j' ? &o->config.processes : &o->config.workers) = n;
    if (n == 0)
        options_fail(o,
                     "'%s' is not a number of slots: expected a whole "
                     "number, 1 or more, as in -j 5",
                     value);
}

/* Time is virtual; one thing after another, unless --workers says more. */
static void
options_virtual_time(Options *o, const char *value)
{
    int seed = options_number(value, INT_MAX);
    if (!seed)
        options_fail(o,
                     "'%s' is no seed: expected a whole number, 1 or more, as "
                     "in --virtual-time 1",
                     value);
    o->config.virtual_time = (size_t)seed;
    if (o->config.workers == 0)
        o->config.workers = 1;
}

/* One more task that is to run again. */
static void
options_retry(Options *o, const char *task)
{
    size_t old = o->retry ? strlen(o->retry) : 0;
    char *more = realloc(o->retry, old + strlen(task) + 2);
    if (!more) {
        o->what = OPTIONS_WRONG;
        return;
    }
    sprintf(more + old, "%s%s", old ? " " : "", task);
    o->config.resume_tasks = o->retry = more;
}

static void
options_take(Options *o, const OptionsKnown *known, int argc, char *const *argv,
             int *i)
{
    const char *value = options_valued(known)
        ? options_value(argc, argv, i, strlen(known->name))
        : "";
    bool named = strchr("WpST", known->kind) != NULL;
    if (!value || (named && !*value)) {
        options_fail(o, "option '%s' needs a value", known->name);
        return;
    }
    switch (known->kind) {
    case 'e':
    case 'l':
    case 'X':
        options_add_step(o, known->kind == 'X' ? 'W' : known->kind, value);
        break;
    case 'i': o->interactive = true; break;
    case 'E': o->clean = true; break;
    case 'W': options_add_view(o, known->name + 2, value, OPTIONS_VIEWS); break;
    case 'r': o->record = true; break;
    case 'J': o->json = true; break;
    case 's':
        o->strict = true;
        options_add_view(o, "strict", "", OPTIONS_VIEWS);
        break;
    case 'p': o->progress = value; break;
    case 'q': o->verbosity = -1; break;
    case 'v': o->verbosity = o->config.verbose = 1; break;
    case '0': o->config.no_wait = 1; break;
    case 'Z': options_virtual_time(o, value); break;
    case 't': o->config.trust = 1; break;
    case 'o': options_overhead(o, value); break;
    case 'P':
        if (strcmp(known->name, "--no-functions") == 0)
            o->config.plan = 2;
        options_tell_plan(o, known->name + 2,
                          argv[*i][strlen(known->name)]
                              ? argv[*i] + strlen(known->name) + 1
                              : "");
        break;
    case 'H': o->no_history = true; break;
    case 'S': o->config.store = value; break;
    case 'N': o->no_store = true; break;
    case 'T': options_retry(o, value); break;
    case 'F': o->config.resume_failed = 1; break;
    case 'R':
        o->config.resume = argv[*i][strlen(known->name)]
            ? argv[*i] + strlen(known->name) + 1
            : "";
        if (o->plan)
            options_tell_plan(o, "resume", "");
        break;
    case 'L': o->what = OPTIONS_TYPES; break;
    case 'V': o->what = OPTIONS_VERSION; break;
    case 'h': o->what = OPTIONS_HELP; break;
    default: options_slots(o, known, value);
    }
}

/* What follows is for a plan, which is the first of the views. */
static void
options_begin_plan(Options *o)
{
    o->plan = true;
    o->config.plan = 1;
    o->views[0] = malloc(sizeof "plan=");
    if (o->views[0])
        strcpy(o->views[0], "plan=");
    else
        o->what = OPTIONS_WRONG;
}

/* Is there code that needs no script? */
static bool
options_codes(const Options *o)
{
    for (int i = 0; i < o->count; i++)
        if (o->steps[i].kind == 'e')
            return true;
    return false;
}

int
options_command(int argc, char *const *argv)
{
    Options o = { .plan = true }; /* plan's options, too */
    for (int i = 1; i < argc; i++) {
        const OptionsKnown *known = options_find(&o, argv[i]);
        bool code = known && strchr("eli", known->kind) != NULL;
        if (!known && argv[i][0] != '-')
            return command_is(argv[i], COMMAND_RUNTIME) ? 0 : i;
        if (!known || code
            || (options_valued(known)
                && !options_value(argc, argv, &i, strlen(known->name))))
            return 0;
    }
    return 0;
}

/* Is this an option, or the word that stands for -i? Options may follow. */
static bool
options_goes_on(const Options *o, const char *word)
{
    bool named = o->interactive || o->count > 0 || o->plan;
    return word[0] == '-' ? word[1] != '\0'
                          : !named && command_is(word, COMMAND_LINES);
}

void
options_read(Options *o, int argc, char *const *argv)
{
    int i = 1;
    bool dashes = false;
    *o = (Options){ .config = ORUN_CONFIG_INIT };
    if (argc > 1 && command_is(argv[1], COMMAND_SCRIPT)) {
        options_begin_plan(o);
        i++;
    }
    if (o->what != OPTIONS_RUN)
        return;
    for (; i < argc && options_goes_on(o, argv[i]); i++) {
        dashes = strcmp(argv[i], "--") == 0;
        if (dashes) {
            i++;
            break;
        }
        const OptionsKnown *known = options_find(o, argv[i]);
        if (argv[i][0] != '-')
            o->interactive = true;
        else if (known)
            options_take(o, known, argc, argv, &i);
        else
            options_fail(o, "unknown option '%s'", argv[i]);
        if (o->what != OPTIONS_RUN)
            return;
    }
    if ((o->config.resume_failed || o->retry) && !o->config.resume)
        options_fail(o, "option '%s' goes with --resume, or is orun retry",
                     o->retry ? "--retry" : "--retry-failed");
    if (o->what != OPTIONS_RUN)
        return;
    o->first = i < argc ? i : 0;
    if (i < argc)
        options_word(o, argv[i], dashes);
    else if (!options_codes(o) && !o->interactive)
        o->what = o->verbosity > 0 ? OPTIONS_VERSION : OPTIONS_NOTHING;
}

void
options_free(Options *o)
{
    free(o->steps);
    free(o->error);
    free(o->retry);
    o->retry = NULL;
    for (size_t i = 0; i < OPTIONS_MOST; i++)
        free(o->views[i]);
    o->steps = NULL;
    o->error = NULL;
}
