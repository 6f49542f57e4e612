/* cycle.c — make a runtime, work, free it; again and again, leaving nothing:
 * `cycle ROUNDS`.
 *
 * What the C library keeps for itself is no part of the figures. It has the
 * stack of an ended thread, and 304 bytes that go with it, wait for the next
 * thread, so how many it keeps depends on how many threads happened to be there
 * at once. It is told to keep none (CYCLE_TUNABLES), and then frees what
 * detached threads left when another one is joined (cycle_look). */
#include "check.h"
#include <dirent.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

#define CYCLE_TUNABLES \
    "glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1:" \
    "glibc.pthread.stack_cache_size=0"

typedef struct Left {
    size_t bytes, files, threads, children, maps;
} Left;

static size_t
cycle_entries(const char *folder)
{
    size_t n = 0;
    DIR *dir = opendir(folder);
    CHECK(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static size_t
cycle_count(const char *path, int each)
{
    size_t n = 0;
    FILE *file = fopen(path, "r");
    CHECK(file);
    for (int c; (c = getc(file)) != EOF;)
        n += c == each;
    fclose(file);
    return n;
}

static void *
cycle_nothing(void *arg)
{
    return arg;
}

static Left
cycle_look(void)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, cycle_nothing, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(orun_stop(NULL, 1)); /* the text of this thread's last error stays */
    char children[64];
    snprintf(children, sizeof children, "/proc/self/task/%d/children",
             getpid());
    Left left = { .bytes = mallinfo2().uordblks };
    left.files = cycle_entries("/proc/self/fd");
    left.threads = cycle_entries("/proc/self/task");
    left.children = cycle_count(children, ' ');
    left.maps = cycle_count("/proc/self/maps", '\n');
    return left;
}

/* An agent in C: it gives its input back, or waits for its stop. */
static void
cycle_start(orun_call *c, void *ud)
{
    (void)ud;
    c->data = malloc(1);
    if (c->input)
        orun_call_json(c, c->input);
}

static void
cycle_stop(orun_call *c, void *ud)
{
    (void)ud;
    orun_call_fail(c, NULL, "stopped");
}

static void
cycle_release(orun_call *c, void *ud)
{
    (void)ud;
    free(c->data);
}

static void
cycle_event(orun *o, const char *line, size_t n, void *ud)
{
    (void)o, (void)line, (void)n, (void)ud;
}

static void
cycle_done(orun *o, uint64_t id, void *ud)
{
    *(int *)ud += 1;
    CHECK(orun_forget(o, id) == ORUN_OK);
}

static void
cycle_reads(orun *o, uint64_t id, void *ud)
{
    char bytes[10];
    size_t got;
    (void)ud;
    CHECK(orun_read(o, id, 1, 0, bytes, sizeof bytes, &got, NULL) == ORUN_OK);
}

/* Tasks of the host: told of, waited for, or neither, when all is freed. */
static void
cycle_host(orun *o, int i)
{
    static const char *const seq[] = { "seq", "3", NULL };
    int told = 0;
    uint64_t id;
    char *text;
    const orun_result *r;
    orun_task t = { .size = sizeof t,
                    .argv = seq,
                    .done = cycle_done,
                    .more = cycle_reads,
                    .ud = &told };
    if (i % 2)
        return;
    CHECK(orun_start(o, &t, &id) == ORUN_OK);
    t = (orun_task){ .size = sizeof t, .lua = "return {1, 'x'}" };
    CHECK(orun_start(o, &t, &id) == ORUN_OK);
    CHECK(orun_wait(o, id, -1) == ORUN_OK && orun_take(o, id, &r) == ORUN_OK);
    orun_drop(r);
    CHECK(orun_start(o, &t, &id) == ORUN_OK);
    CHECK(orun_ask(o, "TaskList", NULL, &text) == ORUN_OK);
    orun_free_text(text);
    CHECK(orun_ask(o, "TaskLost", NULL, &text) == ORUN_EINVAL);
    struct pollfd p = { .fd = orun_fd(o), .events = POLLIN };
    while (i % 4 && !told) {
        CHECK(poll(&p, 1, -1) == 1);
        (void)orun_dispatch(o);
        (void)orun_next(o, 0, &id);
    }
}

static void
cycle_once(int i)
{
    static const orun_agent type = { .size = sizeof type,
                                     .name = "in-c",
                                     .start = cycle_start,
                                     .stop = cycle_stop,
                                     .release = cycle_release,
                                     .options = "{\"retry\": 1}" };
    static const char *const work[] = {
        "assert(Task{run = function(i) return i end, input = 7}.output == 7)",
        "assert(orun.exec('echo', 'x').output == 'x\\n')",
        "Task{run = error, run_in_background = true}",
        "x = = 1",
        "os.exit(3)",
        "orun.sleep('1ms')",
        "orun.agent{name = 'a', command = {'seq', '20000'}} "
        "assert(Task{subagent_type = 'a', prompt = 'x'}.truncated)",
        "local t = Task{run = function() orun.sleep('1h') end, "
        "  run_in_background = true} TaskStop(t)",
        "assert(Task{subagent_type = 'in-c', input = {7}}.output[1] == 7)"
        "local r = Task{subagent_type = 'in-c', timeout = 0.001}"
        "assert(r.error_kind == 'timeout')",
    };
    orun *o = check_new();
    CHECK(i % 3 || orun_on_event(o, cycle_event, NULL) == ORUN_OK);
    CHECK(orun_add_agent(o, &type) == ORUN_OK);
    check_run(o, work[i % (int)(sizeof work / sizeof *work)]);
    cycle_host(o, i);
    CHECK(orun_free(o) == ORUN_OK);
}

static bool
cycle_more(const Left *now, const Left *before)
{
    return now->bytes > before->bytes || now->files > before->files
        || now->threads > before->threads || now->children > before->children
        || now->maps > before->maps;
}

/* A runtime's last threads may be about to end when it has been freed: look
 * until nothing is left (`before`), or for half a minute. */
static Left
cycle_settle(const Left *before)
{
    Left now = cycle_look();
    for (int i = 0; i < 3000 && cycle_more(&now, before); i++) {
        usleep(10000);
        now = cycle_look();
    }
    return now;
}

/* What is there when only this thread is, its folder's `.` and `..` apart. */
static Left
cycle_begin(void)
{
    Left alone = {
        .bytes = -1, .files = -1, .threads = 3, .children = 0, .maps = -1
    };
    Left now = cycle_settle(&alone);
    CHECK(!cycle_more(&now, &alone));
    return now;
}

int
main(int argc, char **argv)
{
    int rounds = argc == 2 ? atoi(argv[1]) : 0;
    CHECK(rounds > 0);
    const char *tunables = getenv("GLIBC_TUNABLES");
    if (!tunables || strcmp(tunables, CYCLE_TUNABLES) != 0) {
        CHECK(setenv("GLIBC_TUNABLES", CYCLE_TUNABLES, 1) == 0);
        execv("/proc/self/exe", argv);
        CHECK(!"execv");
    }
    for (int i = 0; i < 16; i++) /* what is made once a process */
        cycle_once(i);
    Left before = cycle_begin();
    for (int i = 0; i < rounds; i++)
        cycle_once(i);
    Left after = cycle_settle(&before);
    printf("bytes %+ld, files %+ld, threads %+ld, children %+ld, maps %+ld\n",
           (long)(after.bytes - before.bytes),
           (long)(after.files - before.files),
           (long)(after.threads - before.threads),
           (long)(after.children - before.children),
           (long)(after.maps - before.maps));
    return 0;
}
