/* guest.c — orun in a host that has signals, children and a loop of its own. */
#include "check.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

/* Programs, timers, a time-out: all that orun's own threads do. */
static const char work[] =
    "local all = {}\n"
    "for i = 1, 8 do\n"
    "  all[i] = Task{run_in_background = true, input = i, run = function(i)\n"
    "    orun.sleep('5ms')\n"
    "    local r = orun.exec('sh', '-c', 'cat; exit ' .. i)\n"
    "    return r.exit_code == i and r.error_kind == 'exit'\n"
    "  end}\n"
    "end\n"
    "for i = 1, 8 do assert(TaskOutput(all[i]).output == true) end\n"
    "local r = orun.exec{command = {'sleep', '1000'}, timeout = '20ms'}\n"
    "assert(r.error_kind == 'timeout')\n";

static bool
guest_same(const struct sigaction *a, const struct sigaction *b)
{
    return a->sa_handler == b->sa_handler && a->sa_flags == b->sa_flags;
}

/* Every disposition but SIGURG's is the host's after each step, whatever the
 * host has made of SIGPIPE. */
static void
guest_dispositions(void)
{
    void (*const ways[])(int) = { SIG_DFL, SIG_IGN };
    for (size_t way = 0; way < 2; way++) {
        struct sigaction before[NSIG] = { 0 };
        sigset_t mask, mask_now;
        signal(SIGPIPE, ways[way]);
        for (int i = 1; i < NSIG; i++)
            sigaction(i, NULL, &before[i]);
        pthread_sigmask(SIG_SETMASK, NULL, &mask);
        orun *o = check_new();
        check_fine(o, work);
        /* A program that does not read its prompt breaks a pipe. */
        check_fine(o,
                   "local r = orun.exec{command = {'true'},"
                   " input = ('x'):rep(1 << 20)} assert(r.exit_code == 0)");
        CHECK(orun_free(o) == ORUN_OK);
        for (int i = 1; i < NSIG; i++) {
            struct sigaction now = { 0 }; /* two are not to be asked about */
            sigaction(i, NULL, &now);
            CHECK(i == SIGURG || guest_same(&before[i], &now));
        }
        pthread_sigmask(SIG_SETMASK, NULL, &mask_now);
        for (int i = 1; i < NSIG; i++)
            CHECK(sigismember(&mask, i) == sigismember(&mask_now, i));
    }
}

/* A script that prints to a pipe nobody reads is told by an error; the host
 * lives, and finds no signal waiting for it. */
static void
guest_unread(void)
{
    int ends[2], kept = dup(1);
    sigset_t pending;
    signal(SIGPIPE, SIG_DFL);
    CHECK(pipe(ends) == 0);
    close(ends[0]);
    fflush(stdout);
    dup2(ends[1], 1);
    orun *o = check_new();
    static const char script[] = "while true do print('y') end";
    CHECK(orun_run_string(o, "=s", script, strlen(script)) == ORUN_EFAILED);
    CHECK(strstr(orun_errmsg(o), "print: Broken pipe"));
    static const char task[] =
        "assert(Task{run = function() print('y') end}.error:find('Broken'))"
        " setmetatable({}, {__gc = function() print('end') end})";
    CHECK(orun_run_string(o, "=s", task, strlen(task)) == ORUN_OK);
    CHECK(orun_free(o) == ORUN_OK);
    dup2(kept, 1); /* before what is still buffered is written there */
    fflush(stdout);
    clearerr(stdout);
    sigpending(&pending);
    CHECK(!sigismember(&pending, SIGPIPE));
}

static volatile sig_atomic_t urgent;

static void
guest_on_urgent(int signo)
{
    urgent += signo == SIGURG;
}

/* A handler for SIGURG that was there is called as before. */
static void
guest_sigurg(void)
{
    signal(SIGURG, guest_on_urgent);
    orun *o = check_new();
    raise(SIGURG);
    CHECK(urgent == 1);
    CHECK(orun_free(o) == ORUN_OK);
    raise(SIGURG);
    CHECK(urgent == 2);
}

static atomic_bool reap_on = true;
static atomic_int reaped, foreign;
static pid_t mine;

static void
guest_on_child(int signo)
{
    (void)signo;
}

/* A host that waits for whatever child there is. */
static void *
guest_reap(void *arg)
{
    (void)arg;
    while (reap_on) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid == mine && pid > 0) {
            CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
            atomic_fetch_add(&reaped, 1);
        } else if (pid > 0) {
            atomic_fetch_add(&foreign, 1);
        }
        usleep(1000);
    }
    return NULL;
}

static void
guest_waitpid(void)
{
    int gate[2];
    pthread_t reaper;
    struct sigaction now;
    CHECK(pipe(gate) == 0);
    signal(SIGCHLD, guest_on_child);
    mine = fork();
    if (mine == 0) {
        char byte;
        close(gate[1]);
        _exit(read(gate[0], &byte, 1) == 0 ? 42 : 1);
    }
    pthread_create(&reaper, NULL, guest_reap, NULL);
    orun *o = check_new();
    check_fine(o, work);
    close(gate[1]);
    while (!reaped)
        usleep(1000);
    check_fine(o, work);
    CHECK(orun_free(o) == ORUN_OK);
    reap_on = false;
    pthread_join(reaper, NULL);
    sigaction(SIGCHLD, NULL, &now);
    CHECK(now.sa_handler == guest_on_child);
    CHECK(foreign <= 1); /* the supervisor; never a program of orun's */
}

static void
guest_on_exit(uv_process_t *process, int64_t status, int signo)
{
    CHECK(status == 7 && signo == 0);
    *(int *)process->data += 1;
    uv_close((uv_handle_t *)process, NULL);
}

static void
guest_on_tick(uv_timer_t *timer)
{
    check_fine(timer->data, work);
    uv_close((uv_handle_t *)timer, NULL);
}

/* The host's own libuv loop, with children of its own, and two runtimes. */
static void
guest_loop(void)
{
    char *args[] = { "sh", "-c", "sleep 0.05; exit 7", NULL };
    uv_process_t children[4];
    uv_timer_t timer;
    int ended = 0;
    orun *one = check_new(), *two = check_new();
    uv_loop_t *loop = uv_default_loop();
    for (int i = 0; i < 4; i++) {
        uv_process_options_t options = { .file = "sh",
                                         .args = args,
                                         .exit_cb = guest_on_exit };
        children[i].data = &ended;
        CHECK(uv_spawn(loop, &children[i], &options) == 0);
    }
    uv_timer_init(loop, &timer);
    timer.data = one;
    uv_timer_start(&timer, guest_on_tick, 1, 0);
    check_fine(two, work);
    CHECK(uv_run(loop, UV_RUN_DEFAULT) == 0);
    CHECK(ended == 4);
    check_fine(two, "x = 2");
    check_fine(one, "assert(x == nil)");
    CHECK(orun_free(one) == ORUN_OK);
    check_fine(two, work);
    CHECK(orun_free(two) == ORUN_OK);
    CHECK(uv_loop_close(loop) == 0);
}

static const CheckCase cases[] = {
    { "dispositions", guest_dispositions },
    { "sigurg", guest_sigurg },
    { "waitpid", guest_waitpid },
    { "loop", guest_loop },
    { "unread", guest_unread },
};

CHECK_MAIN(cases)
