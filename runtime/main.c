/* main.c — the command `orun`: signals, what is printed, exit codes. Layer 8.
 *
 * A thin user of orun.h. SIGINT, SIGTERM and SIGHUP are taken by one thread
 * that waits for them, so no handler runs in the middle of anything: the first
 * interrupts the script (its tasks are cancelled, children ended), the second
 * skips the clean-up of Lua code, and a second later the process ends whatever
 * happens; the keeper then ends the children.
 */
#include "options.h"
#include "orun.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

enum { MAIN_USAGE = 2 };

static orun *main_orun;
static volatile sig_atomic_t main_signal;

/* Descriptors 0-2 are there, signals are as after login. */
static void
main_tidy(void)
{
    int fd;
    while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= 2)
        continue;
    if (fd > 2)
        close(fd);
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
}

static void *
main_wait_signals(void *arg)
{
    sigset_t *set = arg;
    struct timespec second = { .tv_sec = 1 };
    for (int times = 0, signo; sigwait(set, &signo) == 0;) {
        main_signal = signo;
        orun_interrupt(main_orun);
        if (++times < 2)
            continue;
        sigtimedwait(set, NULL, &second);
        _exit(128 + signo);
    }
    return NULL;
}

/* Signals somebody had ignored (nohup) stay ignored. */
static int
main_take_signals(void)
{
    static const int wanted[] = { SIGINT, SIGTERM, SIGHUP };
    static sigset_t set;
    pthread_t thread;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct sigaction old;
        sigaction(wanted[i], NULL, &old);
        if (old.sa_handler != SIG_IGN)
            sigaddset(&set, wanted[i]);
    }
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigset_t all, mine;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mine);
    int e = pthread_create(&thread, NULL, main_wait_signals, &set);
    pthread_sigmask(SIG_SETMASK, &mine, NULL);
    return e;
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

static int
main_run(const Options *a, int argc, char **argv)
{
    int e = orun_new(&a->config, &main_orun);
    if (e) {
        fprintf(stderr, "orun: cannot start (error %d)\n", e);
        return 1;
    }
    if (main_take_signals() != 0)
        fprintf(stderr, "orun: no thread for signals could be started\n");
    orun_set_args(main_orun, argc, (const char *const *)argv, a->first);
    if (a->code)
        e = orun_run_string(main_orun, "=(command line)", a->code,
                            strlen(a->code));
    else
        e = orun_run_file(main_orun, a->script);
    int status = orun_exit_status(main_orun);
    if (main_signal)
        status = 128 + main_signal;
    if (e)
        main_report(orun_errmsg(main_orun));
    if (e && status == 0)
        status = 1;
    status = main_flush(status);
    orun_free(main_orun);
    return status;
}

/* Do what the command line asks for; the exit code comes back. */
static int
main_do(const Options *a, int argc, char **argv)
{
    switch (a->what) {
    case OPTIONS_RUN:
        return main_run(a, argc, argv);
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
        fprintf(stderr, "orun: %s\nTry 'orun --help'.\n",
                a->error ? a->error : "out of memory");
        return MAIN_USAGE;
    }
}

int
main(int argc, char **argv)
{
    Options a;
    main_tidy();
    if (getauxval(AT_SECURE)) {
        fprintf(stderr, "orun: it will not run with another user's rights\n");
        return MAIN_USAGE;
    }
    options_read(&a, argc, argv);
    int e = main_do(&a, argc, argv);
    options_free(&a);
    return e;
}
