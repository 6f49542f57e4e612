/* tasks.c — a host that starts tasks of its own, waits for them, reads them. */
#include "check.h"
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#define START(o, ...) \
    tasks_start(o, &(orun_task){ sizeof(orun_task), __VA_ARGS__ })

static uint64_t
tasks_start(orun *o, const orun_task *t)
{
    uint64_t id = 0;
    int e = orun_start(o, t, &id);
    if (e)
        fprintf(stderr, "%d: %s\n", e, orun_errmsg(o));
    CHECK(e == ORUN_OK && id > 0);
    return id;
}

/* It is refused with that code, and the words have that text. */
static void
tasks_refuse(orun *o, int code, const char *text, const orun_task *t)
{
    uint64_t id = 77;
    int e = orun_start(o, t, &id);
    if (e != code || !strstr(orun_errmsg(o), text))
        fprintf(stderr, "%d: %s\n", e, orun_errmsg(o));
    CHECK(e == code && strstr(orun_errmsg(o), text) && id == 77);
}

#define REFUSE(o, code, text, ...) \
    tasks_refuse(o, code, text, &(orun_task){ sizeof(orun_task), __VA_ARGS__ })

static const orun_result *
tasks_end(orun *o, uint64_t id)
{
    const orun_result *r = NULL;
    CHECK(orun_wait(o, id, -1) == ORUN_OK);
    CHECK(orun_take(o, id, &r) == ORUN_OK && r && r->id == id);
    return r;
}

/* Each field of orun_task. */
static void
tasks_fields(void)
{
    static const char *const cat[] = { "cat", NULL };
    static const char *const fails[] = { "sh", "-c", "echo no >&2; exit 7",
                                         NULL };
    orun *o = check_new();
    const orun_result *r;
    check_fine(o, "orun.agent{name = 'upper', command = {'tr', 'a-z', 'A-Z'}}");

    uint64_t one = START(o, .agent = "upper", .prompt = "one",
                         .description = "first");
    r = tasks_end(o, one);
    CHECK(r->state == ORUN_COMPLETED && strcmp(r->output, "ONE") == 0);
    CHECK(strcmp(r->json, "\"ONE\"") == 0 && r->json_size == 5);
    CHECK(r->exit_code == 0 && r->signal == 0 && r->attempts == 1);
    CHECK(!r->error && !r->error_kind && !r->cut && !r->model);
    CHECK(isnan(r->cost) && r->input_tokens == -1 && r->duration > 0);
    orun_drop(r);

    r = tasks_end(o, START(o, .argv = cat, .prompt = "a\0b", .prompt_size = 3));
    CHECK(r->output_size == 3 && memcmp(r->output, "a\0b", 4) == 0);
    orun_drop(r);

    r = tasks_end(o, START(o, .argv = fails));
    CHECK(r->state == ORUN_FAILED && r->exit_code == 7);
    CHECK(strcmp(r->error_kind, "exit") == 0 && strstr(r->error, "no"));
    CHECK(r->output && r->output_size == 0 && strcmp(r->json, "\"\"") == 0);
    orun_drop(r);

    r = tasks_end(o,
                  START(o,
                        .lua = "local input, task = ... "
                               "return {sum = input[1] + input[2],"
                               " prompt = task.prompt}",
                        .input = "[1, 41]", .prompt = "p"));
    CHECK(r->state == ORUN_COMPLETED && !r->output && r->output_size == 0);
    CHECK(strcmp(r->json, "{\"prompt\":\"p\",\"sum\":42}") == 0);
    orun_drop(r);

    r = tasks_end(o, START(o, .lua = "return"));
    CHECK(strcmp(r->json, "null") == 0 && !r->output);
    orun_drop(r);
    r = tasks_end(o, START(o, .lua = "return print"));
    CHECK(r->state == ORUN_COMPLETED && !r->json && !r->output);
    orun_drop(r);
    r = tasks_end(o, START(o, .lua = "error('on purpose')"));
    CHECK(strcmp(r->error, "task:1: on purpose") == 0);
    CHECK(strncmp(r->traceback, "stack traceback:", 16) == 0);
    CHECK(strcmp(r->error_kind, "lua") == 0);
    orun_drop(r);

    uint64_t after[] = { one, START(o, .lua = "orun.sleep('20ms') return 5") };
    uint64_t last = START(o, .lua = "return 1", .after = after,
                          .after_count = 2);
    orun_drop(tasks_end(o, last));
    CHECK(orun_take(o, after[1], &r) == ORUN_OK);
    CHECK(r->state == ORUN_COMPLETED && strcmp(r->json, "5") == 0);
    orun_drop(r);

    r = tasks_end(o, START(o, .lua = "while true do end", .timeout = 0.02));
    CHECK(strcmp(r->error_kind, "timeout") == 0);
    orun_drop(r);
    r = tasks_end(o,
                  START(o,
                        .lua = "orun.report{activity = 'x', cost = 0.5,"
                               " usage = {input_tokens = 3}} error('x')",
                        .options = "{\"retry\": {\"max\": 2, \"backoff\": 0},"
                                   "\"priority\": 5, \"phase\": null}"));
    CHECK(r->attempts == 3 && r->cost == 1.5 && r->input_tokens == 9);
    CHECK(r->output_tokens == -1 && strcmp(r->activity, "x") == 0);
    orun_drop(r);
    check_fine(o, "assert(TaskGet('t1').description == 'first')");
    CHECK(orun_free(o) == ORUN_OK);
}

/* Wrong, missing, too large, twice. */
static void
tasks_wrong(void)
{
    static const char *const none[] = { NULL };
    static const char *const echo[] = { "echo", NULL };
    uint64_t id, ids[] = { 99 };
    orun *o = check_new();
    CHECK(orun_start(NULL, &(orun_task){ .size = sizeof(orun_task) }, &id)
          == ORUN_EINVAL);
    CHECK(orun_start(o, NULL, &id) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(o), "orun_start: task is NULL"));
    CHECK(orun_start(o, &(orun_task){ sizeof(orun_task), .argv = echo }, NULL)
          == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(o), "orun_start: id is NULL"));
    tasks_refuse(o, ORUN_EINVAL, "task->size is 0", &(orun_task){ 0 });
    tasks_refuse(o, ORUN_EINVAL, "task->size is 1",
                 &(orun_task){ .size = SIZE_MAX, .argv = echo });
    REFUSE(o, ORUN_EINVAL, "neither run nor prompt is given", .agent = NULL);
    REFUSE(o, ORUN_EINVAL, "nobody", .agent = "nobody", .prompt = "x");
    REFUSE(o, ORUN_EINVAL, "command", .argv = none);
    REFUSE(o, ORUN_EINVAL, "both run and command", .argv = echo,
           .lua = "return 1");
    REFUSE(o, ORUN_EINVAL, "orun_start: lua: task:1: syntax error",
           .lua = "x x");
    REFUSE(o, ORUN_EINVAL, "orun_start: lua: ", .lua = "\x1bLua");
    REFUSE(o, ORUN_EINVAL, "unknown field \"promt\", did you mean 'prompt'?",
           .argv = echo, .options = "{\"promt\": \"x\"}");
    REFUSE(o, ORUN_EINVAL, "priority", .argv = echo,
           .options = "{\"priority\": \"high\"}");
    REFUSE(o, ORUN_EINVAL, "options", .argv = echo, .options = "{");
    REFUSE(o, ORUN_EINVAL, "options is not a JSON object", .argv = echo,
           .options = "[1]");
    REFUSE(o, ORUN_EINVAL, "options is not a JSON object", .argv = echo,
           .options = "3");
    REFUSE(o, ORUN_EINVAL, "options", .argv = echo, .options = "");
    REFUSE(o, ORUN_EINVAL, "description is given twice", .argv = echo,
           .description = "x", .options = "{\"description\": \"y\"}");
    REFUSE(o, ORUN_EINVAL, "run_in_background", .argv = echo,
           .options = "{\"run_in_background\": false}");
    REFUSE(o, ORUN_EINVAL, "input", .argv = echo, .input = "{\"a\":}");
    REFUSE(o, ORUN_EINVAL, "timeout", .argv = echo, .timeout = -1);
    REFUSE(o, ORUN_EINVAL, "timeout", .argv = echo, .timeout = NAN);
    REFUSE(o, ORUN_EINVAL, "prompt is NULL", .argv = echo, .prompt_size = 3);
    REFUSE(o, ORUN_EINVAL, "prompt_size", .argv = echo, .prompt = "x",
           .prompt_size = SIZE_MAX);
    REFUSE(o, ORUN_ENOENT, "there is no task 99", .argv = echo, .after = ids,
           .after_count = 1);
    REFUSE(o, ORUN_EINVAL, "after is NULL", .argv = echo, .after_count = 1);
    REFUSE(o, ORUN_EINVAL, "after_count", .argv = echo, .after = ids,
           .after_count = SIZE_MAX / 8);
    ids[0] = 0; /* the script is no task */
    REFUSE(o, ORUN_ENOENT, "there is no task 0", .argv = echo, .after = ids,
           .after_count = 1);
    /* Nothing was started by all that. */
    CHECK(orun_next(o, 0, &id) == ORUN_ENOENT);
    CHECK(START(o, .argv = echo) == 1);
    CHECK(orun_free(o) == ORUN_OK);
    CHECK(orun_start(o, &(orun_task){ sizeof(orun_task), .argv = echo }, &id)
          == ORUN_EINVAL);
}

/* Every other call with what it should not get. */
static void
tasks_calls(void)
{
    static const uint64_t ids[] = { 0, 99, UINT64_MAX };
    static const char *const echo[] = { "echo", "x", NULL };
    const orun_result *r = (const orun_result *)ids;
    char bytes[8];
    size_t got = 9;
    int end;
    uint64_t id;
    orun *o = check_new();
    for (size_t i = 0; i < 3; i++) {
        CHECK(orun_wait(o, ids[i], 0) == ORUN_ENOENT);
        CHECK(strstr(orun_errmsg(o), "orun_wait: there is no task"));
        CHECK(orun_take(o, ids[i], &r) == ORUN_ENOENT && !r);
        CHECK(orun_stop(o, ids[i]) == ORUN_ENOENT);
        CHECK(orun_forget(o, ids[i]) == ORUN_ENOENT);
        CHECK(orun_read(o, ids[i], 1, 0, bytes, 8, &got, &end) == ORUN_ENOENT);
    }
    CHECK(orun_wait(NULL, 1, 0) == ORUN_EINVAL);
    CHECK(orun_next(NULL, 0, &id) == ORUN_EINVAL);
    CHECK(orun_take(NULL, 1, &r) == ORUN_EINVAL);
    CHECK(orun_stop(NULL, 1) == ORUN_EINVAL);
    CHECK(orun_forget(NULL, 1) == ORUN_EINVAL);
    CHECK(orun_read(NULL, 1, 1, 0, bytes, 8, &got, &end) == ORUN_EINVAL);
    CHECK(orun_fd(NULL) == -1 && orun_dispatch(NULL) == ORUN_EINVAL);
    orun_drop(NULL);

    id = START(o, .argv = echo);
    CHECK(orun_wait(o, id, NAN) == ORUN_EINVAL);
    CHECK(orun_next(o, NAN, &id) == ORUN_EINVAL);
    CHECK(orun_next(o, 0, NULL) == ORUN_EINVAL);
    CHECK(orun_wait(o, id, INFINITY) == ORUN_OK);
    CHECK(orun_wait(o, id, 0) == ORUN_OK); /* as often as you like */
    CHECK(orun_take(o, id, NULL) == ORUN_EINVAL);
    CHECK(orun_read(o, id, 3, 0, bytes, 8, &got, &end) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(o), "stream is 3"));
    CHECK(orun_read(o, id, 1, 0, NULL, 8, &got, &end) == ORUN_EINVAL);
    CHECK(orun_read(o, id, 1, 0, bytes, 8, NULL, &end) == ORUN_EINVAL);
    CHECK(orun_read(o, id, 1, 3, bytes, 8, &got, &end) == ORUN_EINVAL);
    CHECK(orun_read(o, id, 1, UINT64_MAX, bytes, 8, &got, &end) == ORUN_EINVAL);
    CHECK(orun_read(o, id, 1, 0, bytes, 8, &got, NULL) == ORUN_OK && got == 2);
    CHECK(orun_read(o, id, 1, 1, bytes, 8, &got, &end) == ORUN_OK);
    CHECK(got == 1 && bytes[0] == '\n' && end == 1);
    CHECK(orun_read(o, id, 1, 0, NULL, 0, &got, &end) == ORUN_OK && end == 0);
    CHECK(orun_stop(o, id) == ORUN_ERESOLVED);
    CHECK(strstr(orun_errmsg(o), "had ended already: it is completed"));

    uint64_t slow = START(o, .lua = "orun.sleep('1h')");
    CHECK(orun_wait(o, slow, 0) == ORUN_ETIMEOUT);
    CHECK(orun_wait(o, slow, 0.01) == ORUN_ETIMEOUT);
    CHECK(orun_next(o, 0.01, &id) == ORUN_ETIMEOUT);
    CHECK(orun_forget(o, slow) == ORUN_ESTATE);
    CHECK(strstr(orun_errmsg(o), "only one that has ended"));
    CHECK(orun_take(o, slow, &r) == ORUN_OK && r->state <= ORUN_RUNNING);
    orun_drop(r);
    CHECK(orun_stop(o, slow) == ORUN_OK);
    CHECK(orun_next(o, -1, &id) == ORUN_OK && id == slow);
    r = tasks_end(o, slow);
    CHECK(r->state == ORUN_CANCELLED);
    CHECK(strcmp(r->error_kind, "cancelled") == 0);
    CHECK(orun_forget(o, slow) == ORUN_OK && orun_forget(o, slow) != ORUN_OK);
    CHECK(strstr(orun_errmsg(o), "it was forgotten"));
    CHECK(orun_take(o, slow, &(const orun_result *){ NULL }) == ORUN_ENOENT);
    CHECK(orun_free(o) == ORUN_OK);
    CHECK(r->state == ORUN_CANCELLED && strcmp(r->error, "cancelled") == 0);
    orun_drop(r); /* a result outlives the runtime */
}

/* Many starts: orun_next gives each once, in the order of their ends. */
static void
tasks_many(void)
{
    enum { MANY = 10000 };
    static bool seen[MANY + 1];
    orun *o = check_new();
    uint64_t id, last = 0;
    for (int i = 0; i < MANY; i++)
        START(o, .lua = "return ...", .input = "7");
    for (int i = 0; i < MANY; i++) {
        CHECK(orun_next(o, -1, &id) == ORUN_OK && id <= MANY && !seen[id]);
        seen[id] = true;
        CHECK(orun_forget(o, id) == ORUN_OK);
    }
    CHECK(orun_next(o, -1, &id) == ORUN_ENOENT);
    for (int i = 0; i < 20; i++) {
        uint64_t next = START(o, .lua = "return 1", .after = &last,
                              .after_count = last > 0);
        CHECK(next > last);
        last = next;
    }
    for (uint64_t want = MANY + 1; orun_next(o, -1, &id) == ORUN_OK; want++)
        CHECK(id == want);
    CHECK(orun_free(o) == ORUN_OK);
}

/* One that was waited for, or forgotten, is not given again. */
static void
tasks_told(void)
{
    orun *o = check_new();
    uint64_t id, all[3];
    for (int i = 0; i < 3; i++)
        all[i] = START(o, .lua = "return 1");
    CHECK(orun_wait(o, all[1], -1) == ORUN_OK);
    CHECK(orun_next(o, -1, &id) == ORUN_OK && id != all[1]);
    uint64_t other = id == all[0] ? all[2] : all[0];
    while (orun_forget(o, other) == ORUN_ESTATE)
        usleep(1000);
    CHECK(orun_next(o, 0, &id) == ORUN_ENOENT);
    CHECK(orun_free(o) == ORUN_OK);
}

/* ---- the host's tasks are not the script's ---- */

static atomic_int tasks_begun;

static void *
tasks_script(void *o)
{
    tasks_begun = 1;
    for (int i = 0; i < 30; i++) {
        static const char *const ways[] = {
            "local t = Task{run = function() orun.sleep('1h') end,"
            " run_in_background = true} orun.sleep('1ms') error('x')",
            "Task{run = function() error('x') end, run_in_background = true}",
            "os.exit(3)",
            "x = 1",
        };
        int e = check_run(o, ways[i % 4]);
        CHECK(i % 4 < 2 ? e == ORUN_EFAILED : e == ORUN_OK);
    }
    tasks_begun = 2;
    return NULL;
}

/* Scripts fail, exit and are interrupted: the host's tasks go on, new ones are
 * taken, and none is waited for. */
static void
tasks_apart(void)
{
    orun *o = check_new();
    pthread_t thread;
    uint64_t id, count = 0;
    const orun_result *r;
    uint64_t slow = START(o, .lua = "orun.sleep('1h')",
                          .done = (void (*)(orun *, uint64_t, void *))NULL);
    uint64_t child = START(o,
                           .lua = "local t = Task{run = function()"
                                  " orun.sleep('1h') end,"
                                  " run_in_background = true}"
                                  "return TaskOutput(t).status");
    pthread_create(&thread, NULL, tasks_script, o);
    while (tasks_begun < 2) {
        START(o, .lua = "return 1");
        count++;
        usleep(200);
        if (count % 16 == 0)
            orun_interrupt(NULL);
    }
    pthread_join(thread, NULL);
    for (uint64_t i = 0; i < count; i++) {
        CHECK(orun_next(o, -1, &id) == ORUN_OK && id != slow && id != child);
        CHECK(orun_take(o, id, &r) == ORUN_OK && r->state == ORUN_COMPLETED);
        orun_drop(r);
    }
    CHECK(orun_take(o, slow, &r) == ORUN_OK && r->state == ORUN_RUNNING);
    orun_drop(r);
    CHECK(orun_take(o, child, &r) == ORUN_OK && r->state == ORUN_RUNNING);
    orun_drop(r);
    CHECK(orun_stop(o, child) == ORUN_OK && orun_wait(o, child, -1) == ORUN_OK);
    CHECK(orun_free(o) == ORUN_OK);
}

static void *
tasks_sleeper(void *o)
{
    tasks_begun = check_run(o, "started = true orun.sleep('1h')");
    return NULL;
}

/* orun_interrupt, once and twice, is about the script. */
static void
tasks_interrupted(void)
{
    orun *o = check_new();
    const orun_result *r;
    uint64_t clean = START(o,
                           .lua = "local c <close> = setmetatable({}, {__close"
                                  " = function() orun.sleep('30ms') end})"
                                  "orun.sleep('1h')");
    for (int times = 1; times <= 2; times++) {
        pthread_t thread;
        tasks_begun = 1;
        pthread_create(&thread, NULL, tasks_sleeper, o);
        while (tasks_begun == 1) {
            for (int i = 0; i < times; i++)
                orun_interrupt(o);
            usleep(2000);
        }
        pthread_join(thread, NULL);
        if (tasks_begun != ORUN_ESTOPPED)
            fprintf(stderr, "%d: %s\n", tasks_begun, orun_errmsg(o));
        CHECK(tasks_begun == ORUN_ESTOPPED);
        CHECK(orun_take(o, clean, &r) == ORUN_OK && r->state == ORUN_RUNNING);
        orun_drop(r);
        CHECK(orun_wait(o, START(o, .lua = "return 1"), -1) == ORUN_OK);
    }
    /* It has its time to clean up, though the script was hurried. */
    CHECK(orun_stop(o, clean) == ORUN_OK);
    r = tasks_end(o, clean);
    CHECK(r->state == ORUN_CANCELLED && strcmp(r->error, "cancelled") == 0);
    orun_drop(r);
    CHECK(orun_free(o) == ORUN_OK);
}

/* A failure that the host did not read is not the script's. */
static void
tasks_unread(void)
{
    orun *o = check_new();
    uint64_t id = START(o, .lua = "error('the host looks itself')");
    CHECK(orun_wait(o, id, -1) == ORUN_OK);
    check_fine(o, "x = 1");
    CHECK(orun_free(o) == ORUN_OK);
}

/* A run that is kept keeps what the host starts, before and after scripts. */
static void
tasks_kept(void)
{
    orun_config c = ORUN_CONFIG_INIT;
    orun_kept_info k = { .size = sizeof k };
    orun *o;
    remove("host.db");
    for (int round = 0; round < 2; round++) {
        c.store = "host.db";
        c.resume = round ? "" : NULL;
        CHECK(orun_new(&c, &o) == ORUN_OK);
        const orun_result *r = tasks_end(o, START(o, .lua = "return 42"));
        CHECK(strcmp(r->json, "42") == 0 && r->attempts == !round);
        orun_drop(r);
        check_fine(o, "assert(Task{run = function() return 7 end}.output)");
        r = tasks_end(o, START(o, .lua = "return 43"));
        CHECK(strcmp(r->json, "43") == 0 && r->attempts == !round);
        orun_drop(r);
        CHECK(orun_kept(o, &k) == ORUN_OK && k.kept == (round ? 0 : 3));
        CHECK(k.found == (round ? 3 : 0));
        CHECK(orun_free(o) == ORUN_OK);
    }
    c.store = "/dev/null";
    c.resume = NULL;
    CHECK(orun_new(&c, &o) == ORUN_OK);
    uint64_t id;
    CHECK(
        orun_start(o, &(orun_task){ sizeof(orun_task), .lua = "return 1" }, &id)
        != ORUN_OK);
    CHECK(strstr(orun_errmsg(o), "/dev/null"));
    CHECK(orun_free(o) == ORUN_OK);
}

/* ---- what is printed ---- */

/* Streamed while it runs; a result has the beginning, orun_read all. */
static void
tasks_read(void)
{
    static const char *const seq[] = { "sh", "-c",
                                       "seq 1 20000; echo err >&2; cat", NULL };
    static char all[200000];
    orun *o = check_new();
    size_t n = 0, got;
    int end = 0;
    uint64_t id = START(o, .argv = seq, .prompt = "end\n");
    while (!end) {
        CHECK(orun_read(o, id, 1, n, all + n, sizeof all - n, &got, &end)
              == ORUN_OK);
        n += got;
        if (!got)
            usleep(500);
    }
    CHECK(n == 108894 + 4 && strcmp(all + n - 10, "20000\nend\n") == 0);
    CHECK(orun_read(o, id, 2, 0, all, 10, &got, &end) == ORUN_OK && end);
    CHECK(got == 4 && memcmp(all, "err\n", 4) == 0);
    const orun_result *r = tasks_end(o, id);
    CHECK(r->cut == 1 && r->output_size < 40000);
    CHECK(strstr(r->output, "[cut: "));
    orun_drop(r);
    id = START(o, .lua = "return {1}");
    CHECK(orun_wait(o, id, -1) == ORUN_OK);
    CHECK(orun_read(o, id, 1, 0, all, 10, &got, &end) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(o), "not text"));
    id = START(o, .lua = "return 'text'");
    CHECK(orun_wait(o, id, -1) == ORUN_OK);
    CHECK(orun_read(o, id, 1, 2, all, 10, &got, &end) == ORUN_OK);
    CHECK(got == 2 && memcmp(all, "xt", 2) == 0 && end == 1);
    CHECK(orun_free(o) == ORUN_OK);
}

/* ---- many threads ---- */

static atomic_long tasks_done;

static void *
tasks_worker(void *arg)
{
    orun *o = arg;
    for (int i = 0; i < 60; i++) {
        const orun_result *r;
        char byte;
        size_t got;
        uint64_t id, other;
        int end;
        id = START(o,
                   .lua = i % 3 ? "return ..." : "orun.sleep('1ms') return 1",
                   .input = "5");
        if (i % 5 == 0)
            (void)orun_stop(o, id);
        if (i % 2)
            CHECK(orun_wait(o, id, -1) == ORUN_OK);
        CHECK(orun_take(o, id, &r) == ORUN_OK);
        orun_drop(r);
        (void)orun_read(o, id, 1, 0, &byte, 1, &got, &end);
        if (orun_next(o, 0, &other) == ORUN_OK)
            (void)orun_take(o, other, &r), orun_drop(r);
        if (orun_forget(o, id) == ORUN_OK)
            tasks_done++;
    }
    return NULL;
}

/* All calls by eight threads at once, beside a script. */
static void
tasks_threads(void)
{
    orun *o = check_new();
    pthread_t all[8];
    uint64_t id;
    for (int i = 0; i < 8; i++)
        pthread_create(&all[i], NULL, tasks_worker, o);
    for (int i = 0; i < 5; i++)
        check_fine(o, "assert(Task{run = function() return 1 end}.output)");
    for (int i = 0; i < 8; i++)
        pthread_join(all[i], NULL);
    while (orun_next(o, -1, &id) == ORUN_OK)
        continue;
    CHECK(tasks_done > 100);
    CHECK(orun_free(o) == ORUN_OK);
}

static atomic_int tasks_waiting, tasks_shut;

static void *
tasks_waiter(void *arg)
{
    static atomic_int nth;
    orun *o = arg;
    uint64_t id = 1;
    bool next = nth++ % 2;
    tasks_waiting++;
    int e = next ? orun_next(o, -1, &id) : orun_wait(o, 1, -1);
    if (e != ORUN_ESHUTDOWN)
        fprintf(stderr, "%d: %s\n", e, orun_errmsg(NULL));
    tasks_shut += e == ORUN_ESHUTDOWN;
    return NULL;
}

/* orun_free wakes all that wait. */
static void
tasks_freed(void)
{
    orun *o = check_new();
    pthread_t all[6];
    uint64_t id = START(o, .lua = "orun.sleep('1h')");
    CHECK(id == 1);
    for (int i = 0; i < 6; i++)
        pthread_create(&all[i], NULL, tasks_waiter, o);
    while (tasks_waiting < 6)
        usleep(1000);
    usleep(20000);
    CHECK(orun_free(o) == ORUN_OK);
    for (int i = 0; i < 6; i++)
        pthread_join(all[i], NULL);
    CHECK(tasks_shut == 6);
    CHECK(orun_wait(o, id, 0) == ORUN_EINVAL);
}

static void *
tasks_small_thread(void *o)
{
    REFUSE(o, ORUN_EINVAL, "KiB of stack left, and 256 are needed",
           .lua = "return 1");
    return NULL;
}

/* A thread with little stack is told. */
static void
tasks_small(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    orun *o = check_new();
    pthread_attr_init(&attr);
    CHECK(pthread_attr_setstacksize(&attr, 64 << 10) == 0);
    CHECK(pthread_create(&thread, &attr, tasks_small_thread, o) == 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
    CHECK(orun_free(o) == ORUN_OK);
}

static const CheckCase cases[] = {
    { "fields", tasks_fields },
    { "wrong", tasks_wrong },
    { "calls", tasks_calls },
    { "many", tasks_many },
    { "told", tasks_told },
    { "apart", tasks_apart },
    { "interrupted", tasks_interrupted },
    { "unread", tasks_unread },
    { "kept", tasks_kept },
    { "read", tasks_read },
    { "threads", tasks_threads },
    { "freed", tasks_freed },
    { "small", tasks_small },
};

CHECK_MAIN(cases)
