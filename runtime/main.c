/* main.c — the command `orun`: options, exit codes. Layer 8.
 *
 * A thin user of orun.h; what signals do to it is in signals.c.
 */
#include "child.h"
#include "isolate.h"
#include "orun.h"
#include "secret.h"
#include "show.h"
#include "signals.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

enum { MAIN_USAGE = 2 };

static const char main_help[] =
    "usage: orun [options] script.lua [args...]\n"
    "       orun [options] -e CODE [args...]\n"
    "       orun [options] -            (the script is standard input)\n"
    "\n"
    "Runs a Lua 5.4 script that may start tasks in parallel with Task,\n"
    "collect them with TaskOutput, and share them out with TaskList and\n"
    "TaskUpdate.\n"
    "\n"
    "  -j N, --jobs N     programs (agents) at once; default 5\n"
    "  --workers N        Lua tasks at once; default: processors\n"
    "  --no-wait          at the script's end cancel tasks that still run,\n"
    "                     instead of waiting for them\n"
    "  -e CODE            run CODE (may be given several times)\n"
    "  -v, --version      print the version\n"
    "  -h, --help         print this\n"
    "  --                 end of options: a script's name follows\n"
    "\n"
    "What follows the script belongs to the script (see `arg`).\n"
    "Exit codes: 0 done, 1 failed (or a task failed and nobody read it),\n"
    "2 usage or syntax error, 130 and 143 ended by SIGINT and SIGTERM.\n"
    "ORUN_LOG=sched,proc,… prints debug lines on stderr.\n";

typedef struct MainArgs {
    orun_config config;
    char *code;         /* of -e, joined by newlines; NULL none */
    const char *script; /* path, "-", or NULL */
    int first;          /* argv index of what is arg[0] */
} MainArgs;

/* `what` is a word of the command line, and shown as one. */
static int
main_usage(const char *format, const char *what)
{
    Buf safe = { 0 };
    if (secret_open(environ) == 0)
        show_put(&safe, what, strlen(what), SHOW_LINE);
    fprintf(stderr, "orun: ");
    fprintf(stderr, format, buf_cstr(&safe));
    fprintf(stderr, "\nTry 'orun --help'.\n");
    buf_free(&safe);
    secret_close();
    return MAIN_USAGE;
}

/* A whole number from 1 to `max`; 0 when it is none. */
static int
main_number(const char *s, long max)
{
    char *end;
    errno = 0;
    long n = strtol(s, &end, 10);
    return errno || *end || end == s || n < 1 || n > max ? 0 : (int)n;
}

static int
main_add_code(MainArgs *a, const char *code)
{
    size_t old = a->code ? strlen(a->code) : 0;
    char *joined = realloc(a->code, old + strlen(code) + 2);
    if (!joined)
        return main_usage("%s", "out of memory");
    joined[old] = '\0';
    if (old)
        strcat(joined, "\n");
    strcat(joined, code);
    a->code = joined;
    return 0;
}

/* The value of an option that takes one: in the same argument (after `n`
 * letters, and "=" of a long one) or the next; NULL when there is none. */
static const char *
main_value(int argc, char **argv, int *i, size_t n)
{
    const char *s = argv[*i] + n;
    if (*s == '=' && n > 2)
        return s + 1;
    if (*s)
        return s;
    return *i + 1 < argc ? argv[++*i] : NULL;
}

typedef struct MainOption {
    const char *name;
    char kind; /* n: --jobs  w: --workers  e: code  0: --no-wait  v  h */
} MainOption;

static const MainOption main_options[] = {
    { "--jobs", 'n' }, { "-j", 'n' }, { "--workers", 'w' }, { "-e", 'e' },
    { "--no-wait", '0' }, { "--version", 'v' }, { "-v", 'v' },
    { "--help", 'h' }, { "-h", 'h' },
};

/* The option an argument is, NULL for an unknown one. */
static const MainOption *
main_find(const char *s)
{
    for (size_t i = 0; i < sizeof main_options / sizeof *main_options; i++) {
        const MainOption *o = &main_options[i];
        size_t n = strlen(o->name);
        if (strncmp(s, o->name, n) != 0)
            continue;
        bool valued = strchr("nwe", o->kind) != NULL;
        if (!s[n] || (valued && (n == 2 || s[n] == '=')))
            return o;
    }
    return NULL;
}

static int
main_take(MainArgs *a, const MainOption *o, int argc, char **argv, int *i)
{
    int n;
    const char *value = strchr("nwe", o->kind)
        ? main_value(argc, argv, i, strlen(o->name)) : "";
    if (!value)
        return main_usage("option '%s' needs a value", o->name);
    switch (o->kind) {
    case 'e':
        return main_add_code(a, value);
    case '0':
        a->config.no_wait = 1;
        return 0;
    case 'v':
        printf("orun %s\n", orun_version());
        return -1;
    case 'h':
        fputs(main_help, stdout);
        return -1;
    default:
        n = main_number(value, o->kind == 'n' ? 100000 : 10000);
        if (n == 0)
            return main_usage("'%s' is not a number of slots: a whole number, "
                              "1 or more, is wanted, as in -j 5", value);
        *(o->kind == 'n' ? &a->config.processes : &a->config.workers) = n;
        return 0;
    }
}

/* 0: run; -1: done already; else the exit code. */
static int
main_parse(MainArgs *a, int argc, char **argv)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        const MainOption *o = main_find(argv[i]);
        if (!o)
            return main_usage("unknown option '%s'", argv[i]);
        int e = main_take(a, o, argc, argv, &i);
        if (e)
            return e;
    }
    a->first = a->code ? i - 1 : i;
    if (a->code)
        return 0;
    if (i >= argc) {
        fputs(main_help, stderr);
        return MAIN_USAGE;
    }
    a->script = argv[i];
    return 0;
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
    if (!*message)
        return;
    size_t n = strlen(message);
    fprintf(stderr, "orun: %s%s", message, message[n - 1] == '\n' ? "" : "\n");
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
    errno = 0;
    bool failed = fflush(stdout) != 0;
    int reason = errno;
    if ((!failed && !ferror(stdout)) || reason == EPIPE || main_unread())
        return status;
    fprintf(stderr, "orun: cannot write to standard output%s%s\n",
            reason ? ": " : "", reason ? strerror(reason) : "");
    return status ? status : 1;
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

static int
main_run(MainArgs *a, int argc, char **argv)
{
    orun *o;
    int e = orun_new(&a->config, &o);
    if (e) {
        fprintf(stderr, "orun: cannot start (error %d)\n", e);
        return 1;
    }
    if (signals_start(o) != 0)
        fprintf(stderr, "orun: no thread for signals could be started\n");
    orun_set_args(o, argc, (const char *const *)argv, a->first);
    if (a->code)
        e = orun_run_string(o, "=(command line)", a->code, strlen(a->code));
    else
        e = orun_run_file(o, a->script);
    int status = orun_exit_status(o);
    if (e)
        main_report(orun_errmsg(o));
    if (e && status == 0)
        status = 1;
    status = main_flush(status);
    int signo = signals_finish();
    bool stuck = main_tell_stuck(o);
    orun_free(o);
    if (signo)
        signals_die(signo);
    if (stuck)
        _exit(status); /* some thread may hold what exit waits for */
    return status;
}

int
main(int argc, char **argv)
{
    MainArgs a = { .config = ORUN_CONFIG_INIT };
    main_tidy();
    signals_tidy();
    if (getauxval(AT_SECURE)) {
        fprintf(stderr, "orun: it will not run with another user's rights\n");
        return MAIN_USAGE;
    }
    if (argc == 2 && strcmp(argv[1], ISOLATE_ARGUMENT) == 0)
        return child_main();
    a.config.program = main_program();
    int e = main_parse(&a, argc, argv);
    if (e == 0)
        e = main_run(&a, argc, argv);
    else if (e < 0)
        e = main_flush(0);
    free(a.code);
    return e;
}
