/* anchor.c — what the machine itself can do, measured beside orun.
 *
 * Each measure of spec/bench stands beside a bare version of the same work: no
 * states of their own, no results kept, no stopping, nothing lost when it
 * fails. How far orun is from it says what its promises cost, on any machine
 * and under any load, when both are measured in turn.
 *
 *     anchor futex N             two threads hand one word to and fro
 *     anchor pool N              two workers take N calls off one queue; all
 *                                are queued first, then each is waited for
 *     anchor state N             a Lua state with all its libraries, N times
 *     anchor fib THREADS N       fib(20) in Lua, N times on each thread
 *     anchor spawn N SLOTS PROG  vfork and wait, on two threads
 *     anchor start N PROG ARGS -- PROG ARGS
 *                                whole runs of two programs, in turn
 *     anchor print BYTES         prints that many bytes, in lines
 *
 * `start` prints two numbers (the medians), `print` what it says, and the
 * others one: nanoseconds for each of the N.
 */
#include <lauxlib.h>
#include <linux/futex.h>
#include <lualib.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { ANCHOR_THREADS = 2, ANCHOR_LINE = 80, ANCHOR_RUNS = 10000 };

static double
anchor_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
anchor_die(const char *why)
{
    fprintf(stderr, "anchor: %s\n", why);
    exit(2);
}

static void *
anchor_alloc(size_t n)
{
    void *p = malloc(n);
    if (!p)
        anchor_die("out of memory");
    return p;
}

static void
anchor_thread(pthread_t *t, void *(*run)(void *), void *arg)
{
    if (pthread_create(t, NULL, run, arg) != 0)
        anchor_die("no thread could be started");
}

/* futex: the word is 0 in one thread's turn and 1 in the other's. */

typedef struct Turns {
    _Atomic int word;
    long left;
} Turns;

static void
anchor_pass(Turns *t, int mine)
{
    while (atomic_load(&t->word) != mine)
        syscall(SYS_futex, &t->word, FUTEX_WAIT_PRIVATE, !mine, NULL);
    atomic_store(&t->word, !mine);
    syscall(SYS_futex, &t->word, FUTEX_WAKE_PRIVATE, 1);
}

static void *
anchor_answer(void *arg)
{
    Turns *t = arg;
    for (long i = t->left; i > 0; i--)
        anchor_pass(t, 1);
    return NULL;
}

static double
anchor_futex(long n)
{
    Turns t = { .left = n };
    pthread_t other;
    anchor_thread(&other, anchor_answer, &t);
    double began = anchor_now();
    for (long i = 0; i < n; i++)
        anchor_pass(&t, 0);
    pthread_join(other, NULL);
    return anchor_now() - began;
}

/* pool */

typedef struct Call {
    struct Call *next;
    int (*run)(int);
    int result;
    bool done;
} Call;

typedef struct Calls {
    pthread_mutex_t lock;
    pthread_cond_t came, finished;
    Call *first, **last;
    bool closing;
} Calls;

static int
anchor_nothing(int x)
{
    return x + 1;
}

static Call *
anchor_take(Calls *q)
{
    while (!q->first && !q->closing)
        pthread_cond_wait(&q->came, &q->lock);
    Call *c = q->first;
    if (c && !(q->first = c->next))
        q->last = &q->first;
    return c;
}

static void *
anchor_work(void *arg)
{
    Calls *q = arg;
    pthread_mutex_lock(&q->lock);
    for (Call *c; (c = anchor_take(q)) != NULL;) {
        pthread_mutex_unlock(&q->lock);
        int result = c->run(c->result);
        pthread_mutex_lock(&q->lock);
        c->result = result;
        c->done = true;
        pthread_cond_signal(&q->finished);
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

static void
anchor_queue(Calls *q, Call *c)
{
    *c = (Call){ .run = anchor_nothing };
    pthread_mutex_lock(&q->lock);
    *q->last = c;
    q->last = &c->next;
    pthread_cond_signal(&q->came);
    pthread_mutex_unlock(&q->lock);
}

static void
anchor_collect(Calls *q, Call *c)
{
    pthread_mutex_lock(&q->lock);
    while (!c->done)
        pthread_cond_wait(&q->finished, &q->lock);
    pthread_mutex_unlock(&q->lock);
    free(c);
}

static double
anchor_pool(long n)
{
    Calls q = { .lock = PTHREAD_MUTEX_INITIALIZER,
                .came = PTHREAD_COND_INITIALIZER,
                .finished = PTHREAD_COND_INITIALIZER,
                .last = &q.first };
    Call **all = anchor_alloc((size_t)n * sizeof *all);
    pthread_t workers[ANCHOR_THREADS];
    for (int i = 0; i < ANCHOR_THREADS; i++)
        anchor_thread(&workers[i], anchor_work, &q);
    double began = anchor_now();
    for (long i = 0; i < n; i++)
        anchor_queue(&q, all[i] = anchor_alloc(sizeof **all));
    for (long i = 0; i < n; i++)
        anchor_collect(&q, all[i]);
    double took = anchor_now() - began;
    pthread_mutex_lock(&q.lock);
    q.closing = true;
    pthread_cond_broadcast(&q.came);
    pthread_mutex_unlock(&q.lock);
    for (int i = 0; i < ANCHOR_THREADS; i++)
        pthread_join(workers[i], NULL);
    free(all);
    return took;
}

/* state, fib */

static lua_State *
anchor_open(void)
{
    lua_State *L = luaL_newstate();
    if (!L)
        anchor_die("out of memory");
    luaL_openlibs(L);
    return L;
}

static double
anchor_state(long n)
{
    double began = anchor_now();
    for (long i = 0; i < n; i++)
        lua_close(anchor_open());
    return anchor_now() - began;
}

static void *
anchor_fib_thread(void *arg)
{
    lua_State *L = anchor_open();
    if (luaL_loadstring(L,
                        "local function fib(n)\n"
                        "  return n < 2 and n or fib(n - 1) + fib(n - 2)\n"
                        "end\n"
                        "for _ = 1, ... do fib(20) end")
        != LUA_OK)
        anchor_die(lua_tostring(L, -1));
    lua_pushinteger(L, *(long *)arg);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK)
        anchor_die(lua_tostring(L, -1));
    lua_close(L);
    return NULL;
}

static double
anchor_fib(int threads, long n)
{
    pthread_t *t = anchor_alloc((size_t)threads * sizeof *t);
    double began = anchor_now();
    for (int i = 0; i < threads; i++)
        anchor_thread(&t[i], anchor_fib_thread, &n);
    for (int i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    free(t);
    return anchor_now() - began;
}

/* spawn, start */

static pid_t
anchor_begin(char **argv)
{
    pid_t pid;
    if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0)
        anchor_die("a program could not be started");
    return pid;
}

static void
anchor_end(pid_t pid)
{
    int status;
    if (waitpid(pid, &status, 0) != pid || status != 0)
        anchor_die("a program failed");
}

typedef struct Share {
    long n;
    int slots;
    char **argv;
} Share;

static void *
anchor_spawn_thread(void *arg)
{
    Share *s = arg;
    pid_t *pid = anchor_alloc((size_t)s->slots * sizeof *pid);
    for (long i = 0; i < s->n; i++) {
        if (i >= s->slots)
            anchor_end(pid[i % s->slots]);
        pid[i % s->slots] = anchor_begin(s->argv);
    }
    for (long i = s->n > s->slots ? s->n - s->slots : 0; i < s->n; i++)
        anchor_end(pid[i % s->slots]);
    free(pid);
    return NULL;
}

static double
anchor_spawn(long n, int slots, char **argv)
{
    int threads = slots < ANCHOR_THREADS ? slots : ANCHOR_THREADS;
    Share share = { n / threads, slots / threads, argv };
    pthread_t t[ANCHOR_THREADS];
    double began = anchor_now();
    for (int i = 0; i < threads; i++)
        anchor_thread(&t[i], anchor_spawn_thread, &share);
    for (int i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    return anchor_now() - began;
}

static int
anchor_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void
anchor_start(long n, char **argv)
{
    static double took[2][ANCHOR_RUNS];
    char **program[2] = { argv, argv };
    while (*program[1] && strcmp(*program[1], "--") != 0)
        program[1]++;
    if (!*program[1] || !program[1][1] || n > ANCHOR_RUNS)
        anchor_die("start N PROG ARGS -- PROG ARGS is wanted");
    *program[1]++ = NULL;
    for (long i = 0; i < n; i++)
        for (int which = 0; which < 2; which++) {
            double began = anchor_now();
            anchor_end(anchor_begin(program[which]));
            took[which][i] = anchor_now() - began;
        }
    for (int which = 0; which < 2; which++)
        qsort(took[which], (size_t)n, sizeof took[0][0], anchor_compare);
    printf("%.0f %.0f\n", took[0][n / 2], took[1][n / 2]);
}

/* print */

static void
anchor_print(long bytes)
{
    static char lines[ANCHOR_LINE * 512];
    memset(lines, 'x', sizeof lines);
    for (size_t i = ANCHOR_LINE - 1; i < sizeof lines; i += ANCHOR_LINE)
        lines[i] = '\n';
    while (bytes > 0) {
        long most = bytes < (long)sizeof lines ? bytes : (long)sizeof lines;
        ssize_t n = write(1, lines, (size_t)most);
        if (n < 0)
            anchor_die("it could not be printed");
        bytes -= n;
    }
}

static double
anchor_measure(const char *what, long n, char **more)
{
    if (strcmp(what, "futex") == 0)
        return anchor_futex(n);
    if (strcmp(what, "pool") == 0)
        return anchor_pool(n);
    if (strcmp(what, "state") == 0)
        return anchor_state(n);
    if (strcmp(what, "spawn") == 0 && more[0] && more[1] && atoi(more[0]) > 0)
        return anchor_spawn(n, atoi(more[0]), more + 1);
    anchor_die("see the head of anchor.c for what it can do");
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc < 3 || atol(argv[2]) <= 0)
        anchor_die("usage: anchor WHAT N …");
    const char *what = argv[1];
    long n = atol(argv[2]);
    if (strcmp(what, "print") == 0) {
        anchor_print(n);
    } else if (strcmp(what, "start") == 0) {
        anchor_start(n, argv + 3);
    } else if (strcmp(what, "fib") == 0 && argc == 4 && atol(argv[3]) > 0) {
        double total = (double)n * (double)atol(argv[3]);
        printf("%.1f\n", anchor_fib((int)n, atol(argv[3])) / total);
    } else {
        printf("%.1f\n", anchor_measure(what, n, argv + 3) / (double)n);
    }
    return 0;
}
