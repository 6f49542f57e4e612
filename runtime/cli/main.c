/* main.c — the command `orun`: what it prints, and its exit code.
 *
 * A thin user of orun.h. options.c reads the command line, signals.c handles
 * signals. The exit code of a run is decided in main_exit_code.
 */
#include "base/log.h"
#include "base/order.h"
#include "base/sanitize.h"
#include "base/secret.h"
#include "base/terminal.h"
#include "child/child.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/kept_place.h"
#include "cli/options.h"
#include "cli/resume.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "embed/orun_own.h"
#include "orun.h"
#include "runner/isolate.h"
#include "task/task.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAIN_USAGE = 2,
    MAIN_STACK = 64 << 10, /* bytes of stack needed to print an error */
};

/* Print why nothing is run, sanitized. */
static void
main_refuse(const char *error)
{
    Buf safe = { 0 };
    if (error && secret_open(environ) == 0) {
        sanitize_put(&safe, error, strlen(error), SANITIZE_LINE);
        secret_close();
    }
    fprintf(stderr, "orun: %s\n", safe.n ? buf_cstr(&safe) : "out of memory");
    buf_free(&safe);
}

/* Report a wrong command line. */
static int
main_usage(const char *error)
{
    main_refuse(error);
    fputs("Try 'orun --help'.\n", stderr);
    return MAIN_USAGE;
}

/* Make sure that descriptors 0-2 are open. */
static void
main_tidy(void)
{
    int fd;
    while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= 2)
        continue;
    if (fd > 2)
        close(fd);
}

/* The path of this program, for isolated tasks. It stays valid when the file is
 * replaced or removed meanwhile. NULL without /proc. */
static const char *
main_program(void)
{
    static char path[64];
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)getpid(), fd);
    return path;
}

static void
main_report(const char *message)
{
    if (!*message || signals_unread())
        return;
    size_t n = strlen(message);
    order_keep(STDERR_FILENO);
    terminal_enter(STDERR_FILENO);
    fprintf(stderr, "orun: %s%s", message, message[n - 1] == '\n' ? "" : "\n");
    terminal_leave(STDERR_FILENO, '\n');
}

/* Has the reader of standard output closed its end? */
static bool
main_unread(void)
{
    struct pollfd out = { .fd = 1, .events = POLLOUT };
    return poll(&out, 1, 0) == 1 && out.revents & POLLERR;
}

/* Flush standard output. Returns `status`, but 1 instead of 0 if output was
 * lost, as on a full disk. A reader that has closed its end is not an error. */
static int
main_flush(int status)
{
    static bool told;
    errno = 0;
    bool failed = fflush(stdout) != 0;
    int reason = errno;
    if ((!failed && !ferror(stdout)) || reason == EPIPE || main_unread())
        return status;
    if (!told)
        fprintf(stderr, "orun: cannot write to standard output%s%s\n",
                reason ? ": " : "", reason ? strerror(reason) : "");
    told = true;
    return status ? status : 1;
}

/* Only the plan goes to standard output: until it is printed, the script's
 * output goes to standard error. Returns a descriptor for main_show_plan. */
static int
main_hide_output(void)
{
    int kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (kept >= 0)
        dup2(STDERR_FILENO, STDOUT_FILENO);
    return kept;
}

static void
main_show_plan(int kept)
{
    if (kept < 0)
        return;
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
}

/* Is there code to run before the script? Modules (-l) are none. */
static bool
main_has_code(const Options *a)
{
    for (int i = 0; i < a->count; i++)
        if (a->steps[i].kind != 'l')
            return true;
    return false;
}

/* Is the script's name that of a workflow: a word, and no file? What else it
 * may be, a misspelled command, its code finds out. */
static bool
main_is_workflow(const Options *a, char **argv)
{
    struct stat st;
    const char *word = a->script;
    bool named = a->first > 0 && strcmp(argv[a->first - 1], "--") == 0;
    if (!word || named || main_has_code(a) || a->interactive
        || strpbrk(word, "./") || strcmp(word, "-") == 0)
        return false;
    return stat(word, &st) != 0 || S_ISDIR(st.st_mode);
}

/* The step for LUA_INIT. No text: unset, or -E was given. */
static ScriptStep
main_init(const Options *a)
{
    static const char *const names[] = { "=LUA_INIT_5_4", "=LUA_INIT" };
    ScriptStep init = { .kind = 'I' };
    bool heeded = !a->clean && !a->command && !a->workflow;
    for (size_t i = 0; heeded && !init.text && i < countof(names); i++) {
        init.name = names[i];
        init.text = getenv(names[i] + 1);
    }
    return init;
}

/* All steps in order; a->steps has room for those that are added. */
static ScriptSteps
main_steps(const Options *a, ScriptStep init)
{
    ScriptSteps s = { a->steps, a->count, a->first > 0, false };
    if (init.text) {
        memmove(s.all + 1, s.all, (size_t)s.count++ * sizeof *s.all);
        s.all[0] = init;
    }
    if (a->script)
        s.all[s.count++] = (ScriptStep){ .kind = 'f', .text = a->script };
    if (a->interactive)
        s.all[s.count++] = (ScriptStep){ .kind = 'i', .text = "" };
    return s;
}

/* Runs a command that needs a runtime (command.h); `arg` is set as for a
 * script. lua/command/init.lua is orun.command, as any init.lua. */
static const char main_command[] =
    "local name = ('orun.command.' .. arg[0]):gsub('%.init$', '')\n"
    "local code = require(name)(...)\n"
    "if code and code ~= 0 then os.exit(code) end\n";

/* Run a workflow by its name, after the modules of -l; `arg` is set as for a
 * script. */
static int
main_workflow(orun *o, const Options *a)
{
    Buf code = { 0 };
    for (int i = 0; i < a->count; i++)
        buf_printf(&code, "require[==[%s]==] ", a->steps[i].text);
    buf_puts(&code, "return require('orun.flow.start')('");
    command_words(&code);
    buf_puts(&code, "', ...)");
    int e = orun_run_workflow(o, a->script, buf_cstr(&code), code.n);
    buf_free(&code);
    return e;
}

/* Run what the command line names. */
static int
main_script(orun *o, const Options *a, int argc, char **argv)
{
    ScriptStep init = main_init(a);
    int e = orun_set_args(o, argc, (const char *const *)argv, a->first);
    if (e)
        return e;
    if (a->command)
        return orun_run_string(o, "=(command line)", main_command,
                               sizeof main_command - 1);
    orun_heed_return(o, a->json);
    if (a->workflow)
        return main_workflow(o, a);
    if (a->first > 0 && a->count == 0 && !a->interactive && !init.text)
        return orun_run_file(o, a->script);
    ScriptSteps steps = main_steps(a, init);
    return orun_run_steps(o, a->script, &steps);
}

/* With -E Lua ignores the variables for module paths. They are restored
 * afterwards, for the programs that the script starts. */
static int
main_new(const Options *a, const orun_config *config, orun **o)
{
    static const char *const names[] = {
        "LUA_PATH_5_4",
        "LUA_CPATH_5_4",
        "LUA_PATH",
        "LUA_CPATH",
    };
    char *kept[countof(names)] = { NULL };
    for (size_t i = 0; a->clean && i < countof(names); i++) {
        const char *value = getenv(names[i]);
        kept[i] = value ? strdup(value) : NULL;
        unsetenv(names[i]);
    }
    int e = orun_new(config, o);
    for (size_t i = 0; i < countof(names); i++) {
        if (kept[i])
            setenv(names[i], kept[i], 1);
        free(kept[i]);
    }
    return e;
}

/* Name the tasks whose threads cannot be ended; true if there are any. */
static bool
main_tell_stuck(orun *o)
{
    const char *text = orun_stuck(o);
    if (*text)
        main_report(text);
    return *text != '\0';
}

/* Name the tasks whose programs could not be stopped in time. */
static void
main_tell_left(orun *o)
{
    Buf left = { 0 }, text = { 0 };
    orun_left(o, &left);
    if (left.n)
        buf_printf(&text,
                   "could not be stopped in time: %s; what is left of "
                   "their programs is killed once orun has ended",
                   buf_cstr(&left));
    main_report(buf_cstr(&text));
    buf_free(&left);
    buf_free(&text);
}

/* Add the views that are on by default or by the environment. */
static void
main_default_views(Options *a)
{
    const char *record = getenv("ORUN_RECORD");
    if (a->plan)
        return; /* a plan runs nothing worth showing or recording */
    options_default_views(
        a,
        &(OptionsUsual){
            .terminal = isatty(STDERR_FILENO),
            .typed = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
            .recorded = !record || strcmp(record, "0") != 0,
            .progress = getenv("ORUN_PROGRESS"),
            .traced = getenv("OTEL_EXPORTER_OTLP_ENDPOINT")
                || getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
            .id = (long)getpid(),
        });
}

/* Start the views. */
static int
main_watch(orun *o, const Options *a)
{
    return a->views[0] ? orun_watch(o, (const char *const *)a->views) : 0;
}

/* Finish the views; 1 instead of 0 if one is incomplete. */
static int
main_unwatch(orun *o, int status)
{
    if (orun_unwatch(o) == 0)
        return status;
    main_report(orun_errmsg(o));
    return status ? status : 1;
}

/* Where the run is kept: as the command line or the environment says; else, on
 * a terminal, a script's in the folder of all. */
static void
main_store(Options *a, Buf *folder)
{
    bool none;
    const char *wanted = kept_place_set(&none);
    bool keeps = !a->command && (!a->plan || a->config.resume);
    bool script = a->script && keeps && strcmp(a->script, "-") != 0;
    if (a->no_store || !keeps)
        a->config.store = NULL;
    if (a->no_store || a->config.store || !script)
        return;
    a->config.store = wanted;
    if (wanted || none)
        return;
    if ((isatty(STDERR_FILENO) || a->config.resume)
        && kept_place_folder(folder)) {
        a->config.store = buf_cstr(folder);
        a->config.store_late = 1;
    }
}

static void
main_count(Buf *to, size_t n, const char *what)
{
    if (n)
        buf_printf(to, "%s%zu %s%s %s", to->n ? "; " : "", n, "result",
                   n == 1 ? "" : "s", what);
}

/* The command that goes on with the run, as it may be typed here. */
static void
main_tell_resume(const Options *a, const orun_kept_info *k, Buf *to)
{
    const char *store = a->config.store ? a->config.store : k->path;
    Buf folder = { 0 };
    buf_puts(to, "orun resume");
    if (a->config.store && a->config.store_late)
        return;
    bool own = kept_place_folder(&folder)
        && strncmp(store, buf_cstr(&folder), folder.n) == 0;
    buf_free(&folder);
    buf_puts(to, own ? " " : " --store ");
    resume_quote(to, own ? k->run : store);
}

/* Say what is kept, and how to go on with a run that has not ended well. */
static void
main_tell_kept(orun *o, const Options *a, bool well)
{
    orun_kept_info k = { .size = sizeof k };
    Buf text = { 0 };
    if (a->verbosity < 0 || a->plan || orun_kept(o, &k) != 0)
        return;
    main_count(&text, k.found, "taken over from an earlier try");
    main_count(&text, k.unasked, "of it no longer asked for");
    if (k.unasked && *k.unasked_names)
        buf_printf(&text, " (%s)", k.unasked_names);
    main_count(&text, k.secret,
               k.secret == 1 ? "not kept, because of a secret in it"
                             : "not kept, because of secrets in them");
    main_count(&text, k.odd,
               k.odd == 1 ? "not kept, because a function or module is in it"
                          : "not kept, because a function or module is in "
                            "them");
    main_report(buf_cstr(&text));
    buf_clear(&text);
    if (k.fault && a->config.store_late && !*k.path)
        buf_printf(&text, "the run was not kept: %s", k.fault);
    else if (!well && k.kept + k.found > 0 && strcmp(k.path, ":memory:") != 0) {
        buf_printf(&text, "%zu result%s kept; go on with: ", k.kept + k.found,
                   k.kept + k.found == 1 ? " is" : "s are");
        main_tell_resume(a, &k, &text);
    }
    main_report(buf_cstr(&text));
    buf_free(&text);
}

/* What nobody asked for any longer of an earlier try's results is a finding of
 * a strict run that has come to its end. The exit code. */
static int
main_strict(orun *o, const Options *a, int status)
{
    orun_kept_info k = { .size = sizeof k };
    Buf text = { 0 };
    if (!a->strict || status || orun_kept(o, &k) != 0 || !k.unasked)
        return status;
    main_count(&text, k.unasked, "of an earlier try no longer asked for: ");
    buf_printf(&text,
               "%s\n    was this changed by mistake: a prompt, an input, code, "
               "a file in reads?\n    a run without --resume has none of them",
               k.unasked_names);
    main_report(buf_cstr(&text));
    buf_free(&text);
    return 1;
}

/* Put the path of the history file into `path`. NULL: history is disabled, or
 * there is no place for it. */
static const char *
main_history(const Options *a, char *path, size_t size)
{
    const char *wanted = getenv("ORUN_HISTORY");
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    bool own = state && state[0] == '/';
    if (a->no_history || (wanted && strcmp(wanted, "0") == 0))
        return NULL;
    if (!own && (!home || home[0] != '/'))
        return NULL;
    int n = snprintf(path, size, "%s%s/orun/history", own ? state : home,
                     own ? "" : "/.local/state");
    return n > 0 && (size_t)n < size ? path : NULL;
}

/* Save task durations; warn if the old history file was corrupt. Other failures
 * are silent, because nobody asked for the file. */
static void
main_save_history(orun *o)
{
    if (orun_save_history(o) == ORUN_EINVAL)
        main_report(orun_errmsg(o));
}

/* This is a forked child that a C module of the script made. It ends as the
 * script did here; ending the run is the parent's task. */
static _Noreturn void
main_forked(orun *o)
{
    Buf text = { 0 };
    int status = orun_forked(o, &text);
    if (text.n)
        fprintf(stderr, "orun: %s\n", buf_cstr(&text));
    _exit(main_flush(status));
}

/* Report an unknown area in ORUN_LOG. */
static void
main_check_log(void)
{
    size_t n;
    const char *word = log_unknown(&n);
    if (!word)
        return;
    Buf text = { 0 };
    buf_puts(&text, "orun: ORUN_LOG: '");
    sanitize_cut(&text, word, n, 100);
    buf_puts(&text,
             "' is not an area; the areas are"
#define X(name, word) " " word ","
             LOG_AREAS(X)
#undef X
                 " and all\n");
    fputs(buf_cstr(&text), stderr);
    buf_free(&text);
}

/* The exit code of a run; nothing else decides it. It is the script's own
 * (orun_exit_status); but 1 instead of 0 if the script could not be run (`e`),
 * or its output or a view is incomplete; see also main_strict. Prints the
 * reasons. */
static int
main_exit_code(orun *o, int e, int kept)
{
    int status = orun_exit_status(o);
    if (e)
        main_report(orun_errmsg(o));
    if (e && status == 0)
        status = 1;
    main_show_plan(kept);
    return main_flush(main_unwatch(o, main_flush(status)));
}

static int
main_run(const Options *a, int argc, char **argv)
{
    orun *o;
    char path[4096];
    orun_config config = a->config;
    config.history = main_history(a, path, sizeof path);
    int kept = a->plan ? main_hide_output() : -1;
    int e = main_new(a, &config, &o);
    if (e) {
        fprintf(stderr, "orun: cannot start: %s\n",
                e == ORUN_ENOMEM ? "out of memory" : strerror(errno));
        return 1;
    }
    main_check_log();
    if (signals_start(o) != 0)
        fprintf(stderr, "orun: cannot start the thread for signals\n");
    e = main_watch(o, a);
    if (e == 0)
        e = main_script(o, a, argc, argv);
    if (e == ORUN_EFORKED)
        main_forked(o);
    int status = main_exit_code(o, e, kept);
    main_save_history(o);
    int signo = signals_finish();
    if (!signo)
        status = main_strict(o, a, status);
    bool stuck = main_tell_stuck(o);
    main_tell_left(o);
    main_tell_kept(o, a, status == 0 && !signo);
    orun_free(o);
    if (signo)
        signals_die(signo);
    if (stuck)
        _exit(status); /* a stuck thread may hold what exit waits for */
    return status;
}

/* Print the types of the Lua API, as `orun help --luals` does. */
static int
main_types(void)
{
    static char *const words[] = { "orun", "help", "--luals", NULL };
    return main_flush(client_main((int)countof(words) - 1, (char **)words));
}

/* Do what the command line asks for; returns the exit code. */
static int
main_do(const Options *a, int argc, char **argv)
{
    switch (a->what) {
    case OPTIONS_RUN: return main_run(a, argc, argv);
    case OPTIONS_VERSION:
        printf("orun %s\n", orun_version());
        return main_flush(0);
    case OPTIONS_HELP: fputs(options_help, stdout); return main_flush(0);
    case OPTIONS_TYPES: return main_types();
    case OPTIONS_NOTHING: fputs(options_help, stderr); return MAIN_USAGE;
    default: return main_usage(a->error);
    }
}

/* `orun resume`: from here on the command line is that of the run. */
static bool
main_again(int *argc, char ***argv)
{
    Buf why = { 0 };
    bool fine = resume_read(argc, argv, &why);
    if (!fine)
        main_refuse(buf_cstr(&why));
    buf_free(&why);
    return fine;
}

/* A command that needs no runtime; `s` has the run of a session. */
static int
main_client(Session *s, int argc, char **argv)
{
    int status = main_flush(client_main(argc, argv));
    return s->run ? session_end(s, status) : status;
}

static void
main_reverse(char **from, char **to)
{
    while (from < to) {
        char *word = *from;
        *from++ = *--to;
        *to = word;
    }
}

/* A command whose name is behind options: the name comes first, as in `orun
 * resume -q`, and the options come behind all else; those of a plan before its
 * script. */
static void
main_name_first(int argc, char **argv)
{
    int at = options_command(argc, argv);
    bool plan = at > 1 && command_is(argv[at], COMMAND_SCRIPT);
    bool own = at > 1
        && (command_is(argv[at], COMMAND_STATE)
            || command_is(argv[at], COMMAND_AGAIN));
    int end = own ? argc : at + 1;
    if (!plan && !own)
        return;
    main_reverse(argv + 1, argv + at);
    main_reverse(argv + at, argv + end);
    main_reverse(argv + 1, argv + end);
}

static __attribute__((noinline)) int
main_begin(int argc, char **argv)
{
    Options a;
    Buf folder = { 0 };
    Session session = { 0 };
    main_tidy();
    signals_tidy();
    terminal_on_reader_gone(signals_gone);
    if (getauxval(AT_SECURE)) {
        fprintf(stderr, "orun: refusing to run setuid or setgid\n");
        return MAIN_USAGE;
    }
    if (argc == 2 && strcmp(argv[1], ISOLATE_ARGUMENT) == 0)
        return child_main();
    main_name_first(argc, argv);
    if (session_wanted(argc, argv) && !session_begin(&session, &argc, &argv))
        return 1;
    if (argc > 1 && command_is(argv[1], COMMAND_STATE))
        return main_client(&session, argc, argv);
    bool again = argc > 1 && command_is(argv[1], COMMAND_AGAIN);
    if (again && !main_again(&argc, &argv))
        return 1;
    options_read(&a, argc, argv);
    if (a.what == OPTIONS_NOTHING && !a.plan && !isatty(STDIN_FILENO)) {
        a.what = OPTIONS_RUN;
        a.script = "-";
    }
    if (a.what == OPTIONS_RUN && !a.steps
        && !(a.steps = calloc(OPTIONS_SPARE, sizeof *a.steps)))
        a.what = OPTIONS_WRONG;
    a.workflow = a.what == OPTIONS_RUN && main_is_workflow(&a, argv);
    main_default_views(&a);
    main_store(&a, &folder);
    if (a.config.store && a.config.resume)
        resume_seed(a.config.store, a.config.resume, a.script, a.workflow);
    a.config.program = main_program();
    a.config.listed = 1;
    int e = main_do(&a, argc, argv);
    options_free(&a);
    if (again)
        task_strings_free(argv);
    buf_free(&folder);
    return e;
}

/* With too little stack the process would be killed without a message: report
 * that while there is room for it. */
static bool
main_has_stack(void)
{
    struct rlimit stack;
    static const char text[] = "orun: the stack limit (ulimit -s) is too low: "
                               "at least 1024 KiB are needed\n";
    if (getrlimit(RLIMIT_STACK, &stack) != 0 || stack.rlim_cur >= MAIN_STACK)
        return true;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    return false;
}

int
main(int argc, char **argv)
{
    if (!main_has_stack())
        return MAIN_USAGE;
    return main_begin(argc, argv);
}
