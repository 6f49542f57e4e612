/* signals.c — the thread that waits for signals. */
#include "cli/signals.h"
#include "api/lib_prompt.h"
#include "base/fork.h"
#include "base/sanitize.h"
#include "base/terminal.h"
#include "base/thread.h"
#include "embed/orun_own.h"
#include "task/folder.h"
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

static const int signals_ending[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1,
                                      SIGUSR2 };

static sigset_t signals_ends;   /* those of signals_ending that are taken */
static sigset_t signals_wanted; /* … and SIGTSTP and SIGCONT */

static uv_mutex_t signals_lock = THREAD_MUTEX_INIT;
/* Guarded by signals_lock: */
static orun *signals_orun;          /* NULL when it is about to be freed */
static int signals_caught;          /* the last signal that interrupted it */
static uint64_t signals_first_gone; /* when the reader was gone; 0: not */

void
signals_tidy(void)
{
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* too long a file: the write fails */
}

void
signals_die(int signo)
{
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signo);
    signal(signo, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    raise(signo);
    _exit(128 + signo); /* a container's first process survived it */
}

/* Name the tasks that have not ended although they were stopped. The reader of
 * standard error may be what keeps them, so nothing waits for it. */
static void
signals_name_left(orun *o)
{
    Buf left = { 0 }, text = { 0 };
    struct pollfd err = { .fd = STDERR_FILENO, .events = POLLOUT };
    if (api_guard_hold(orun_guard(o)) != 0)
        return;
    orun_left(o, &left);
    api_guard_unhold(orun_guard(o));
    if (left.n && poll(&err, 1, 0) == 1 && err.revents & POLLOUT) {
        buf_printf(&text,
                   "orun: could not be stopped within a second: %s; "
                   "programs of theirs are killed once orun has ended\n",
                   buf_cstr(&left));
        sanitize_write(STDERR_FILENO, buf_cstr(&text), text.n);
    }
    buf_free(&left);
    buf_free(&text);
}

/* Exit at once, but remove the folder of the run. */
static void
signals_end(int signo)
{
    uv_mutex_lock(&signals_lock);
    if (signals_orun)
        signals_name_left(signals_orun);
    folder_abandon_all();
    signals_die(signo);
}

/* Handle the `times`-th signal that asks orun to end. */
static void
signals_interrupt(int signo, int times)
{
    struct timespec second = { .tv_sec = 1 };
    uv_mutex_lock(&signals_lock);
    orun *o = signals_orun;
    if (o) {
        signals_caught = signo;
        orun_interrupt(o);
    }
    uv_mutex_unlock(&signals_lock);
    if (o && times < 2)
        return;
    if (o)
        sigtimedwait(&signals_ends, NULL, &second);
    signals_end(signo);
}

/* Nanoseconds for clean-up; code that still prints then is stopped hard. */
enum { SIGNALS_PATIENCE = 250 * 1000 * 1000 };

void
signals_gone(void)
{
    uint64_t now = uv_hrtime();
    uv_mutex_lock(&signals_lock);
    orun *o = signals_orun;
    bool first = signals_first_gone == 0;
    if (o && (first || now - signals_first_gone > SIGNALS_PATIENCE)) {
        signals_caught = signals_caught ? signals_caught : SIGPIPE;
        signals_first_gone = now;
        orun_interrupt(o);
    }
    uv_mutex_unlock(&signals_lock);
    if (!o)
        signals_die(SIGPIPE);
}

bool
signals_unread(void)
{
    uv_mutex_lock(&signals_lock);
    bool unread = signals_first_gone != 0;
    uv_mutex_unlock(&signals_lock);
    return unread;
}

/* Stop, as a shell expects. The shell may have sent SIGCONT already, and would
 * not send it again. In an orphaned process group nothing could send it; there
 * the kernel does not stop us, and this returns at once. */
static void
signals_stop(void)
{
    sigset_t stop, pending;
    sigpending(&pending);
    if (sigismember(&pending, SIGCONT))
        return;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &stop, NULL);
    raise(SIGTSTP);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
}

static void
signals_suspend(void)
{
    uv_mutex_lock(&signals_lock);
    terminal_foot_hold(true);
    orun_suspend(signals_orun);
    signals_stop();
    orun_resume(signals_orun);
    terminal_foot_hold(false);
    uv_mutex_unlock(&signals_lock);
}

static bool
signals_prompted(void)
{
    uv_mutex_lock(&signals_lock);
    bool prompted = lib_prompt_interrupt();
    uv_mutex_unlock(&signals_lock);
    return prompted;
}

static void
signals_main(void *arg)
{
    (void)arg;
    for (int times = 0, signo; sigwait(&signals_wanted, &signo) == 0;) {
        if (signo == SIGTSTP)
            signals_suspend();
        else if (signo == SIGINT && signals_prompted())
            continue; /* it was for the line of a prompt */
        else if (signo != SIGCONT)
            signals_interrupt(signo, ++times);
    }
}

static bool
signals_ignored(int signo)
{
    struct sigaction old;
    sigaction(signo, NULL, &old);
    return old.sa_handler == SIG_IGN;
}

/* Fill in the two sets. */
static void
signals_choose(void)
{
    sigemptyset(&signals_ends);
    for (size_t i = 0; i < sizeof signals_ending / sizeof *signals_ending; i++)
        if (!signals_ignored(signals_ending[i]))
            sigaddset(&signals_ends, signals_ending[i]);
    signals_wanted = signals_ends;
    if (!signals_ignored(SIGTSTP)) {
        sigaddset(&signals_wanted, SIGTSTP);
        sigaddset(&signals_wanted, SIGCONT);
    }
}

/* In a fork no thread waits for signals: each has its default action there.
 */
static void
signals_forked(void)
{
    pthread_sigmask(SIG_UNBLOCK, &signals_wanted, NULL);
}

int
signals_start(orun *o)
{
    uv_thread_t thread;
    signals_choose();
    fork_guard(FORK_SIGNALS, &signals_lock);
    fork_ends(signals_forked);
    signals_orun = o;
    int e = thread_start(&thread, 0, 0, signals_main, NULL);
    if (!e)
        pthread_sigmask(SIG_BLOCK, &signals_wanted, NULL);
    return e;
}

int
signals_finish(void)
{
    uv_mutex_lock(&signals_lock);
    signals_orun = NULL;
    int caught = signals_caught;
    uv_mutex_unlock(&signals_lock);
    return caught;
}
