/* cycle.c — make a runtime, work, free it; again and again, leaving nothing:
 * `cycle ROUNDS`. */
#include "check.h"
#include <dirent.h>
#include <malloc.h>
#include <stdbool.h>
#include <unistd.h>

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

static Left
cycle_look(void)
{
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

static void
cycle_once(int i)
{
    static const char *const work[] = {
        "assert(Task{run = function(i) return i end, input = 7}.output == 7)",
        "assert(orun.exec('echo', 'x').stdout == 'x\\n')",
        "Task{run = error, run_in_background = true}",
        "x = = 1",
        "os.exit(3)",
        "orun.sleep('1ms')",
        "orun.agent{name = 'a', command = {'seq', '20000'}} "
        "assert(Task{subagent_type = 'a', prompt = 'x'}.truncated)",
        "local t = Task{run = function() orun.sleep('1h') end, "
        "  run_in_background = true} TaskStop(t)",
    };
    orun *o = check_new();
    check_run(o, work[i % 8]);
    CHECK(orun_free(o) == ORUN_OK);
}

static bool
cycle_more(const Left *now, const Left *before)
{
    return now->bytes > before->bytes || now->files > before->files
        || now->threads > before->threads || now->children > before->children
        || now->maps > before->maps;
}

/* A thread that was joined is gone only a moment later, and its stack is kept
 * for the next: look until nothing is left, or for some seconds. */
static Left
cycle_settle(const Left *before)
{
    Left now = cycle_look();
    for (int i = 0; i < 300 && cycle_more(&now, before); i++) {
        usleep(10000);
        now = cycle_look();
    }
    return now;
}

int
main(int argc, char **argv)
{
    int rounds = argc == 2 ? atoi(argv[1]) : 0;
    CHECK(rounds > 0);
    for (int i = 0; i < 16; i++) /* what is made once a process */
        cycle_once(i);
    Left before = cycle_look();
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
