/* process.c — what a host sets for its whole process, and what errors say. */
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What programs of earlier versions were compiled with stays where it is. */
#define AT(type, field, at) \
    _Static_assert(offsetof(type, field) == (at), #type "." #field)
#if UINTPTR_MAX == UINT64_MAX
AT(orun_process, log, 16);
AT(orun_process, ud, 24);
AT(orun_task, agent, 8);
AT(orun_task, argv, 16);
AT(orun_task, lua, 24);
AT(orun_task, prompt, 32);
AT(orun_task, input, 48);
AT(orun_task, after, 64);
AT(orun_task, timeout, 80);
AT(orun_task, options, 88);
AT(orun_task, done, 96);
AT(orun_task, more, 104);
AT(orun_task, ud, 112);
AT(orun_result, state, 8);
AT(orun_result, attempts, 20);
AT(orun_result, error_kind, 24);
AT(orun_result, output, 40);
AT(orun_result, json, 56);
AT(orun_result, cut, 72);
AT(orun_result, duration, 80);
AT(orun_result, input_tokens, 96);
AT(orun_result, reasoning_tokens, 128);
AT(orun_result, model, 136);
AT(orun_result, traceback, 160);
AT(orun_config, memory_limit, 16);
#endif

/* ---- an allocator of the host's ---- */

static atomic_long process_blocks, process_asked;
static atomic_long process_fail_from; /* the first that fails; 0: none … */
static atomic_bool process_fail_once; /* … and the only one */

static void *
process_alloc(void *ud, void *p, size_t n)
{
    CHECK(ud == &process_blocks);
    if (n == 0) {
        if (p)
            atomic_fetch_sub(&process_blocks, 1);
        free(p);
        return NULL;
    }
    long from = process_fail_from;
    long now = atomic_fetch_add(&process_asked, 1) + 1;
    if (from > 0 && (process_fail_once ? now == from : now >= from))
        return NULL;
    void *q = realloc(p, n);
    if (q && !p)
        atomic_fetch_add(&process_blocks, 1);
    return q;
}

static void
process_own_memory(void)
{
    orun_process p = { .size = sizeof p,
                       .alloc = process_alloc,
                       .ud = &process_blocks };
    CHECK(orun_setup(&p) == ORUN_OK);
}

static int
process_work(orun *o)
{
    return check_run(o,
                     "local all = {} for i = 1, 8 do all[i] = Task{"
                     "run = function(n) return ('x'):rep(n * 1000) end,"
                     "input = i, run_in_background = true} end "
                     "for i = 1, 8 do assert(#TaskOutput(all[i]).output =="
                     "i * 1000) end");
}

/* All that orun has comes from the host, and goes back. */
static void
process_allocates(void)
{
    process_own_memory();
    for (int i = 0; i < 3; i++) {
        orun *o = check_new();
        CHECK(process_blocks > 20);
        CHECK(process_work(o) == ORUN_OK);
        CHECK(orun_free(o) == ORUN_OK);
        CHECK(process_blocks == 0);
    }
    CHECK(process_asked > 100);
}

/* The allocator fails from the n-th call on, for many n: errors in words, and
 * nothing is left. */
static void
process_fails(void)
{
    process_own_memory();
    bool fine = false;
    for (long n = 1; !fine; n += n < 400 ? 1 : 97) {
        orun *o = NULL;
        process_asked = 0;
        process_fail_from = n;
        int e = orun_new(NULL, &o);
        CHECK(e == 0 || (e == ORUN_ENOMEM && !o));
        CHECK(e == 0 || strstr(orun_errmsg(NULL), "memory"));
        if (e == 0) {
            e = process_work(o);
            CHECK(e == ORUN_OK || *orun_errmsg(o));
            fine = e == ORUN_OK && process_asked < n;
        }
        process_fail_from = 0;
        CHECK(orun_free(o) == ORUN_OK);
        CHECK(process_blocks == 0);
    }
}

static int process_called;

static void
process_done(orun *o, uint64_t id, void *ud)
{
    (void)o, (void)id, (void)ud;
    process_called++;
}

/* A code, and words for it. */
static bool
process_fine(int e)
{
    CHECK(e == ORUN_OK || *orun_errmsg(NULL));
    return e == ORUN_OK;
}

/* All calls of tasks; each does what it says, or says why not. True: all did.
 */
static bool
process_tasks(orun *o)
{
    static const char *const cat[] = { "cat", NULL };
    const orun_result *r;
    char *text;
    char bytes[4];
    size_t got;
    uint64_t id;
    bool fine = true;
    orun_task t = { .size = sizeof t,
                    .argv = cat,
                    .prompt = "abc",
                    .done = process_done,
                    .more = process_done };
    for (int i = 0; i < 3; i++) {
        bool begun = process_fine(orun_start(o, &t, &id));
        fine = fine && begun;
        if (begun) {
            fine = process_fine(orun_wait(o, id, -1)) && fine;
            bool taken = process_fine(orun_take(o, id, &r));
            CHECK(taken == (r != NULL));
            fine = taken && r->state == ORUN_COMPLETED && fine;
            orun_drop(r);
            fine = process_fine(orun_read(o, id, 1, 0, bytes, 4, &got, NULL))
                && fine;
            fine = process_fine(orun_forget(o, id)) && fine;
        }
        t = (orun_task){ .size = sizeof t,
                         .lua = "return (...)[2].a .. ' ok'",
                         .input = "[1, {\"a\": 2}]",
                         .done = process_done,
                         .options = "{\"priority\": 3}" };
    }
    bool asked = process_fine(
        orun_ask(o, "TaskCreate", "{\"subject\": \"x\"}", &text));
    CHECK(asked == (text != NULL));
    orun_free_text(text);
    while (orun_dispatch(o) > 0)
        continue;
    return fine && asked;
}

/* The same with only one allocation that fails, and with all from it on: no
 * task that was started is lost, and nothing is left. */
static void
process_tasks_fail(void)
{
    process_own_memory();
    for (int once = 0; once < 2; once++) {
        bool fine = false;
        for (long n = 1; !fine; n += 1 + n / 40) {
            orun *o = check_new();
            process_fail_once = once == 1;
            process_asked = 0;
            process_fail_from = n;
            fine = process_tasks(o) && process_asked < n;
            process_fail_from = 0;
            CHECK(orun_free(o) == ORUN_OK);
            CHECK(process_blocks == 0);
        }
        CHECK(process_called > 0);
    }
}

/* ---- a log of the host's ---- */

static char process_lines[2000];
static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;

static void
process_log(void *ud, int level, const char *line)
{
    CHECK(ud == process_lines && !strchr(line, '\n'));
    pthread_mutex_lock(&process_lock);
    size_t n = strlen(process_lines);
    snprintf(process_lines + n, sizeof process_lines - n, "%d %s\n", level,
             line);
    pthread_mutex_unlock(&process_lock);
}

/* Nothing goes to standard error, which is a pipe here. */
static void
process_logs(void)
{
    orun_process p = { .size = sizeof p,
                       .log = process_log,
                       .ud = process_lines };
    CHECK(orun_setup(&p) == ORUN_OK);
    orun *o = check_new();
    check_fine(o,
               "orun.log('one\\27[31m', 2) orun.log('a\\nb') "
               "warn('@on') warn('part', ' and ', 'rest')"
               "Task{run = function() orun.log('in a task') end}");
    CHECK(orun_free(o) == ORUN_OK);
    CHECK(strcmp(process_lines,
                 "1 one\\x1b[31m\t2\n1 a\n1 b\n"
                 "2 Lua warning: part and rest\n1 in a task\n")
          == 0);
}

/* Too late, or nonsense: refused, and the words say so. */
static void
process_refused(void)
{
    struct {
        orun_process p;
        size_t more;
    } newer = { .p = { .size = sizeof newer } };
    CHECK(orun_setup(NULL) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(NULL), "orun_setup: p is NULL"));
    for (size_t n = 0; n < sizeof newer.p; n++) {
        newer.p.size = n;
        CHECK(orun_setup(&newer.p) == ORUN_EINVAL);
    }
    newer.p.size = sizeof newer;
    CHECK(orun_setup(&newer.p) == ORUN_OK);
    newer.more = 1;
    CHECK(orun_setup(&newer.p) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(NULL), "orun_setup: p->size is 40"));
    newer.more = 0;
    orun *o = check_new();
    CHECK(orun_setup(&newer.p) == ORUN_ESTATE);
    CHECK(orun_free(o) == ORUN_OK);
    CHECK(orun_setup(&newer.p) == ORUN_ESTATE);
    CHECK(strstr(orun_errmsg(NULL), "before the first orun_new"));
}

/* ---- errors ---- */

static void *
process_other(void *o)
{
    CHECK(strcmp(orun_errmsg(NULL), "") == 0);
    CHECK(orun_run_string(NULL, "=x", "", 0) == ORUN_EINVAL);
    CHECK(strcmp(orun_errmsg(NULL), "orun_run_string: o is NULL") == 0);
    CHECK(strstr(orun_errmsg(o), "=script") == NULL);
    return NULL;
}

/* Each thread has its own; a runtime's is the later of the two. */
static void
process_errors(void)
{
    pthread_t thread;
    orun_config config = ORUN_CONFIG_INIT;
    orun *o;
    CHECK(strcmp(orun_errmsg(NULL), "") == 0);
    config.workers = -7;
    CHECK(orun_new(&config, &o) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(NULL), "config->workers is -7; expected 0"));
    o = check_new();
    CHECK(strcmp(orun_errmsg(o), "") == 0);
    CHECK(strstr(orun_errmsg(NULL), "config->workers"));
    CHECK(check_run(o, "error('first\\27', 0)") == ORUN_EFAILED);
    CHECK(strncmp(orun_errmsg(o), "first\\x1b", 9) == 0);
    CHECK(strncmp(orun_errmsg(NULL), "first\\x1b", 9) == 0);
    pthread_create(&thread, NULL, process_other, o);
    pthread_join(thread, NULL);
    CHECK(strncmp(orun_errmsg(NULL), "first\\x1b", 9) == 0);
    CHECK(check_run(o, "x = 1") == ORUN_OK);
    CHECK(strcmp(orun_errmsg(o), "") == 0);
    CHECK(strncmp(orun_errmsg(NULL), "first\\x1b", 9) == 0);
    CHECK(orun_free(o) == ORUN_OK);
    CHECK(orun_free(o) == ORUN_EINVAL);
    CHECK(strcmp(orun_errmsg(o),
                 "orun_free: o is not a runtime (it was freed, or never one)")
          == 0);
}

/* A config of a newer header: fine as long as it asks for nothing new. */
static void
process_newer(void)
{
    struct {
        orun_config config;
        size_t more[4];
    } newer = { .config = ORUN_CONFIG_INIT };
    orun *o;
    CHECK(sizeof(orun_config) % 8 == 0);
    newer.config.workers = 3;
    for (size_t n = 1; n <= 4; n++) {
        newer.config.size = sizeof(orun_config) + n * 8;
        CHECK(orun_new(&newer.config, &o) == ORUN_OK);
        check_fine(o, "assert(orun.config().workers == 3)");
        CHECK(orun_free(o) == ORUN_OK);
    }
    newer.more[3] = (size_t)1 << 56;
    CHECK(orun_new(&newer.config, &o) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(NULL), "what is newer than the library to 0"));
    newer.config.size -= 8;
    CHECK(orun_new(&newer.config, &o) == ORUN_OK);
    CHECK(orun_free(o) == ORUN_OK);
    CHECK(orun_api_version() == ORUN_API_VERSION);
}

static const CheckCase cases[] = {
    { "allocates", process_allocates },   { "fails", process_fails },
    { "tasks-fail", process_tasks_fail }, { "logs", process_logs },
    { "refused", process_refused },       { "errors", process_errors },
    { "newer", process_newer },
};

CHECK_MAIN(cases)
