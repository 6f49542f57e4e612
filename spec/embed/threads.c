/* threads.c — a host whose threads, and forks, use one runtime. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <unistd.h>

static orun *shared;
static sem_t told; /* the script is running */
static int said;   /* how the run ended */

/* A pipe stands between host and script: the script says that it runs. */
static void *
threads_wait_told(void *arg)
{
    char byte;
    CHECK(read(*(int *)arg, &byte, 1) == 1);
    sem_post(&told);
    return NULL;
}

static void *
threads_run(void *code)
{
    said = check_run(shared, code);
    return NULL;
}

static void
threads_refused(int e)
{
    CHECK(check_run(shared, "print(1)") == e);
    CHECK(orun_run_file(shared, "x.lua") == e);
    CHECK(orun_set_args(shared, 0, NULL, 0) == e);
    CHECK(orun_exit_status(shared) == 2);
    CHECK(orun_free(shared) == e);
}

/* A second thread is refused while the first is in a call; orun_interrupt is
 * for every thread. */
static void
threads_second(void)
{
    int fds[2];
    char code[200];
    pthread_t runs, waits;
    sem_init(&told, 0, 0);
    CHECK(pipe(fds) == 0);
    snprintf(code, sizeof code,
             "local f <close> = io.open('/dev/fd/%d', 'w') "
             "f:write('x') f:close() orun.sleep('1h')",
             fds[1]);
    shared = check_new();
    pthread_create(&waits, NULL, threads_wait_told, &fds[0]);
    pthread_create(&runs, NULL, threads_run, code);
    sem_wait(&told);
    threads_refused(ORUN_ETHREAD);
    CHECK(strstr(orun_errmsg(shared), "another thread"));
    orun_interrupt(shared);
    pthread_join(runs, NULL);
    pthread_join(waits, NULL);
    CHECK(said == ORUN_ESTOPPED);
    CHECK(orun_exit_status(shared) == 130);
    CHECK(orun_free(shared) == ORUN_OK);
}

/* One after the other is fine: a host may hand its runtime over. */
static void
threads_handed(void)
{
    shared = check_new();
    check_fine(shared, "n = 0");
    for (int i = 0; i < 10; i++) {
        pthread_t runs;
        pthread_create(&runs, NULL, threads_run,
                       "n = n + Task{run = function() return 1 end}.output");
        pthread_join(runs, NULL);
        CHECK(said == ORUN_OK);
    }
    check_fine(shared, "assert(n == 10)");
    CHECK(orun_free(shared) == ORUN_OK);
}

static void *
threads_own(void *arg)
{
    orun *o = check_new();
    (void)arg;
    for (int i = 0; i < 5; i++)
        check_fine(o,
                   "n = (n or 0) + 1 "
                   "assert(Task{run = function(i) return i end,"
                   " input = n}.output == n)");
    check_fine(o, "assert(n == 5)");
    CHECK(orun_free(o) == ORUN_OK);
    return NULL;
}

/* Runtimes know nothing of each other. */
static void
threads_many(void)
{
    pthread_t all[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&all[i], NULL, threads_own, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(all[i], NULL);
}

/* In a fork none of these does anything. */
static void
threads_refused_tasks(void)
{
    const orun_result *r = NULL;
    char *text, byte;
    size_t got;
    uint64_t id = 1;
    orun_task t = { .size = sizeof t, .lua = "return 1" };
    CHECK(orun_start(shared, &t, &id) == ORUN_EFORKED);
    CHECK(orun_wait(shared, id, -1) == ORUN_EFORKED);
    CHECK(orun_next(shared, -1, &id) == ORUN_EFORKED);
    CHECK(orun_take(shared, id, &r) == ORUN_EFORKED && !r);
    CHECK(orun_stop(shared, id) == ORUN_EFORKED);
    CHECK(orun_forget(shared, id) == ORUN_EFORKED);
    CHECK(orun_read(shared, id, 1, 0, &byte, 1, &got, NULL) == ORUN_EFORKED);
    CHECK(orun_fd(shared) == -1 && orun_dispatch(shared) == ORUN_EFORKED);
    CHECK(orun_ask(shared, "TaskList", NULL, &text) == ORUN_EFORKED && !text);
    CHECK(orun_on_event(shared, NULL, NULL) == ORUN_EFORKED);
}

static void
threads_fork(void)
{
    shared = check_new();
    check_fine(shared, "Task{run = print, run_in_background = true}");
    pid_t child = fork();
    if (child == 0) {
        threads_refused(ORUN_EFORKED);
        CHECK(strstr(orun_errmsg(shared), "forked"));
        orun_interrupt(shared);
        threads_refused_tasks();
        raise(SIGKILL); /* no exit: what looks for leaks then would miss the
                         * stacks of threads that are not in a fork */
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    check_fine(shared, "assert(orun.exec('echo', 'x').output == 'x\\n')");
    CHECK(orun_free(shared) == ORUN_OK);
}

static void *
threads_small(void *arg)
{
    (void)arg;
    CHECK(check_run(shared, "print(1)") == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(shared), "a script needs 1 MiB of stack"));
    CHECK(orun_run_file(shared, "x.lua") == ORUN_EINVAL);
    return NULL;
}

/* The thread sanitizer keeps much of its own on each stack. */
#ifdef __SANITIZE_THREAD__
#define THREADS_ENOUGH ((size_t)4 << 20)
#else
#define THREADS_ENOUGH ((size_t)1 << 20)
#endif

/* The C stack is used up to the limit that Lua has for it. */
static void *
threads_enough(void *arg)
{
    (void)arg;
    check_fine(shared,
               "local function deep(n)"
               "  return (('x'):gsub('x', function() return deep(n + 1) end))"
               "end "
               "local ok, why = pcall(deep, 1)"
               "assert(not ok and why:find('stack overflow'), why)"
               "why = Task{run = deep, input = 1}.error "
               "assert(why:find('stack overflow'), why)");
    return NULL;
}

static void
threads_stack(void)
{
    static const size_t small[] = { 64 << 10, 128 << 10, 512 << 10 };
    pthread_attr_t attr;
    pthread_t thread;
    shared = check_new();
    pthread_attr_init(&attr);
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        CHECK(pthread_attr_setstacksize(&attr, small[i]) == 0);
        CHECK(pthread_create(&thread, &attr, threads_small, NULL) == 0);
        pthread_join(thread, NULL);
    }
    CHECK(pthread_attr_setstacksize(&attr, THREADS_ENOUGH) == 0);
    CHECK(pthread_create(&thread, &attr, threads_enough, NULL) == 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
    CHECK(orun_free(shared) == ORUN_OK);
}

static int
threads_alive(void)
{
    char line[256];
    int n = 0;
    FILE *f = fopen("/proc/self/status", "r");
    CHECK(f);
    while (fgets(line, sizeof line, f))
        sscanf(line, "Threads: %d", &n);
    fclose(f);
    return n;
}

/* A runtime that is freed while a thread of it is stuck in C goes once that
 * thread is back. */
static void
threads_stuck(void)
{
    int fds[2];
#ifdef __SANITIZE_THREAD__
    const int before = 2; /* its own begins with the first other one */
#else
    const int before = 1;
#endif
    char code[300];
    CHECK(pipe(fds) == 0);
    snprintf(code, sizeof code,
             "local late = Task{timeout = 0.01, run = function()"
             "  local f <close> = io.open('/dev/fd/%d')"
             "  f:read(1)"
             "end}"
             "assert(late.error_kind == 'timeout', late.error)",
             fds[0]);
    shared = check_new();
    check_fine(shared, code);
    CHECK(*orun_stuck(shared));
    CHECK(orun_free(shared) == ORUN_OK);
    CHECK(threads_alive() > before);
    CHECK(write(fds[1], "x", 1) == 1);
    while (threads_alive() > before)
        sched_yield();
}

static const CheckCase cases[] = {
    { "second", threads_second }, { "handed", threads_handed },
    { "many", threads_many },     { "fork", threads_fork },
    { "stack", threads_stack },   { "stuck", threads_stuck },
};

CHECK_MAIN(cases)
