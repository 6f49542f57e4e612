/* main.c — the command `orun`: what is printed, exit codes.
 *
 * A thin user of orun.h; the command line is read by options.c, and what
 * signals do to it is in signals.c.
 */
#include "base/log.h"
#include "base/order.h"
#include "base/sanitize.h"
#include "base/secret.h"
#include "base/terminal.h"
#include "child/child.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "embed/orun_own.h"
#include "orun.h"
#include "runner/isolate.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    MAIN_USAGE = 2,
    MAIN_STACK = 64 << 10, /* bytes of stack to say anything with */
};

/* A mistake in the command line, whose words are shown as foreign ones. */
static int
main_usage(const char *error)
{
    Buf safe = { 0 };
    if (error && secret_open(environ) == 0) {
        sanitize_put(&safe, error, strlen(error), SANITIZE_LINE);
        secret_close();
    }
    fprintf(stderr, "orun: %s\nTry 'orun --help'.\n",
            safe.n ? buf_cstr(&safe) : "out of memory");
    buf_free(&safe);
    return MAIN_USAGE;
}

/* Descriptors 0-2 are there. */
static void
main_tidy(void)
{
    int fd;
    while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= 2)
        continue;
    if (fd > 2)
        close(fd);
}

/* The path of this very program, for isolated tasks, which holds when its file
 * is replaced or removed while it runs; NULL without /proc. */
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

/* Has the reader of standard output gone? */
static bool
main_unread(void)
{
    struct pollfd out = { .fd = 1, .events = POLLOUT };
    return poll(&out, 1, 0) == 1 && out.revents & POLLERR;
}

/* What was printed must have arrived: a full disk is not success. A reader
 * that has seen enough is. */
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

/* A plan is all that is to stand on standard output: what the script prints
 * goes to standard error until then. Gives a descriptor for main_show_plan. */
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

/* A word where a script's name stands, and there is no such file: is it that of
 * a command, not quite? Says so. */
static bool
main_misspelt(const Options *a, char **argv)
{
    const char *word = a->script;
    bool named = a->first > 0 && strcmp(argv[a->first - 1], "--") == 0;
    if (!word || named || a->count > 0 || strpbrk(word, "./")
        || strcmp(word, "-") == 0 || access(word, F_OK) == 0)
        return false;
    Buf text = { 0 };
    command_explain(word, &text);
    main_usage(buf_cstr(&text));
    buf_free(&text);
    return true;
}

/* What LUA_INIT says, unless -E is given; without a text when it says nothing.
 */
static ScriptStep
main_init(const Options *a)
{
    static const char *const names[] = { "=LUA_INIT_5_4", "=LUA_INIT" };
    ScriptStep init = { .kind = 'I' };
    bool heeded = !a->clean && !a->command;
    for (size_t i = 0; heeded && !init.text && i < countof(names); i++) {
        init.name = names[i];
        init.text = getenv(names[i] + 1);
    }
    return init;
}

/* The steps of the command line; those of `a` have room for more. */
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

/* Runs a command that needs a runtime (command.h): `arg` is as for a script. */
static const char main_command[] =
    "local code = require('orun.command.' .. arg[0])(...)\n"
    "if code and code ~= 0 then os.exit(code) end\n";

/* Without its arguments a script would do something else. */
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
    if (a->first > 0 && a->count == 0 && !a->interactive && !init.text)
        return orun_run_file(o, a->script);
    ScriptSteps steps = main_steps(a, init);
    return orun_run_steps(o, a->script, &steps);
}

/* With -E Lua does not see where the environment has modules searched; what the
 * script starts does. */
static int
main_new(const Options *a, const orun_config *config, orun **o)
{
    static const char *const names[] = {
        "LUA_PATH_5_4", "LUA_CPATH_5_4", "LUA_PATH", "LUA_CPATH",
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

/* Name the tasks whose threads end with the process only; true when there are
 * any. */
static bool
main_tell_stuck(orun *o)
{
    const char *text = orun_stuck(o);
    if (*text)
        main_report(text);
    return *text != '\0';
}

/* Name the tasks with programs of which nobody knows whether they ended. */
static void
main_tell_left(orun *o)
{
    Buf left = { 0 }, text = { 0 };
    orun_left(o, &left);
    if (left.n)
        buf_printf(&text, "could not be stopped in time: %s; what is left of "
                   "their programs is killed once orun has ended",
                   buf_cstr(&left));
    main_report(buf_cstr(&text));
    buf_free(&left);
    buf_free(&text);
}

/* What is shown and kept without being asked for. */
static void
main_default_views(Options *a)
{
    const char *record = getenv("ORUN_RECORD");
    if (a->plan)
        return; /* nothing goes on that would be worth it */
    options_default_views(a, &(OptionsUsual){
        .terminal = isatty(STDERR_FILENO),
        .recorded = !record || strcmp(record, "0") != 0,
        .progress = getenv("ORUN_PROGRESS"),
        .traced = getenv("OTEL_EXPORTER_OTLP_ENDPOINT")
            || getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        .id = (long)getpid(),
    });
}

/* What the options ask to be shown. */
static int
main_watch(orun *o, const Options *a)
{
    return a->views[0] ? orun_watch(o, (const char *const *)a->views) : 0;
}

/* … is complete, or the exit status says that it is not. */
static int
main_unwatch(orun *o, int status)
{
    if (orun_unwatch(o) == 0)
        return status;
    main_report(orun_errmsg(o));
    return status ? status : 1;
}

/* The file of durations, in `path`; NULL: none is wanted, or nobody says where
 * state is kept. */
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

/* What tasks took is kept; that what earlier ones took is lost is told. That it
 * cannot be kept is not, for nobody asked for it. */
static void
main_save_history(orun *o)
{
    if (orun_save_history(o) == ORUN_EINVAL)
        main_report(orun_errmsg(o));
}

/* A C module of the script has forked, and this is the child: the script's end
 * is its own, and that of the run is the parent's. */
static _Noreturn void
main_forked(orun *o)
{
    Buf text = { 0 };
    int status = orun_forked(o, &text);
    if (text.n)
        fprintf(stderr, "orun: %s\n", buf_cstr(&text));
    _exit(main_flush(status));
}

/* Debug lines of an area that there is not are none. */
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
    buf_puts(&text, "' is not an area; the areas are"
#define X(name, word) " " word ","
             LOG_AREAS(X)
#undef X
             " and all\n");
    fputs(buf_cstr(&text), stderr);
    buf_free(&text);
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
        fprintf(stderr, "orun: cannot start: %s\n", e == ORUN_ENOMEM
                ? "out of memory" : strerror(errno));
        return 1;
    }
    main_check_log();
    if (signals_start(o) != 0)
        fprintf(stderr, "orun: no thread for signals could be started\n");
    e = main_watch(o, a);
    if (e == 0)
        e = main_script(o, a, argc, argv);
    if (e == ORUN_EFORKED)
        main_forked(o);
    int status = orun_exit_status(o);
    if (e)
        main_report(orun_errmsg(o));
    if (e && status == 0)
        status = 1;
    main_show_plan(kept);
    status = main_flush(main_unwatch(o, main_flush(status)));
    main_save_history(o);
    int signo = signals_finish();
    bool stuck = main_tell_stuck(o);
    main_tell_left(o);
    orun_free(o);
    if (signo)
        signals_die(signo);
    if (stuck)
        _exit(status); /* some thread may hold what exit waits for */
    return status;
}

/* Do what the command line asks for; the exit code comes back. */
static int
main_do(const Options *a, int argc, char **argv)
{
    switch (a->what) {
    case OPTIONS_RUN:
        return main_misspelt(a, argv) ? MAIN_USAGE : main_run(a, argc, argv);
    case OPTIONS_VERSION:
        printf("orun %s\n", orun_version());
        return main_flush(0);
    case OPTIONS_HELP:
        fputs(options_help, stdout);
        return main_flush(0);
    case OPTIONS_NOTHING:
        fputs(options_help, stderr);
        return MAIN_USAGE;
    default:
        return main_usage(a->error);
    }
}

static __attribute__((noinline)) int
main_begin(int argc, char **argv)
{
    Options a;
    main_tidy();
    signals_tidy();
    terminal_on_reader_gone(signals_gone);
    if (getauxval(AT_SECURE)) {
        fprintf(stderr, "orun: it will not run with another user's rights\n");
        return MAIN_USAGE;
    }
    if (argc == 2 && strcmp(argv[1], ISOLATE_ARGUMENT) == 0)
        return child_main();
    if (argc > 1 && command_is(argv[1], COMMAND_STATE))
        return main_flush(client_main(argc, argv));
    options_read(&a, argc, argv);
    if (a.what == OPTIONS_NOTHING && !a.plan && !isatty(STDIN_FILENO)) {
        a.what = OPTIONS_RUN;
        a.script = "-";
    }
    if (a.what == OPTIONS_RUN && !a.steps
        && !(a.steps = calloc(OPTIONS_SPARE, sizeof *a.steps)))
        a.what = OPTIONS_WRONG;
    main_default_views(&a);
    a.config.program = main_program();
    a.config.listed = 1;
    int e = main_do(&a, argc, argv);
    options_free(&a);
    return e;
}

/* Where the stack ends too soon the process would be killed without a word:
 * that is said while there is room for it. */
static bool
main_has_stack(void)
{
    struct rlimit stack;
    static const char text[] = "orun: the stack limit (ulimit -s) is too low: "
        "at least 1024 KiB are needed\n";
    if (getrlimit(RLIMIT_STACK, &stack) != 0
        || stack.rlim_cur >= MAIN_STACK)
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
