/* machine.c — how much memory and processor time there is.
 *
 * Inside a container /proc/meminfo tells of the whole machine, and the limit
 * that the kernel enforces stands in the files of the control group: in its
 * own or, as limits add up, in one above it.
 */
#include "base/machine.h"
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { MACHINE_PATH = 4096 };

/* The number a file begins with, SIZE_MAX when it has none ("max"). */
static size_t
machine_read(const char *path)
{
    unsigned long long n;
    FILE *f = fopen(path, "re");
    if (!f)
        return SIZE_MAX;
    bool is = fscanf(f, "%llu", &n) == 1;
    fclose(f);
    return is && n > 0 && n < SIZE_MAX ? (size_t)n : SIZE_MAX;
}

/* The files of a control group that tell its limit and what is in use. */
typedef struct MachineFiles {
    const char *limit, *used;
} MachineFiles;

/* The least that the group `group` and those above it, below `mount`, allow; or
 * (left) allow beyond what they use. */
static size_t
machine_group(const char *mount, char *group, const MachineFiles *files,
              bool left)
{
    char path[2 * MACHINE_PATH];
    size_t least = SIZE_MAX;
    for (;;) {
        snprintf(path, sizeof path, "%s%s/%s", mount, group, files->limit);
        size_t n = machine_read(path);
        snprintf(path, sizeof path, "%s%s/%s", mount, group, files->used);
        size_t used = left && n != SIZE_MAX ? machine_read(path) : 0;
        if (used != SIZE_MAX)
            n = n > used ? n - used : 0;
        least = n < least ? n : least;
        char *slash = strrchr(group, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

/* Is `name` one of the comma-separated words? */
static bool
machine_has(const char *words, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = words; (at = strstr(at, name)) != NULL; at += n)
        if ((at == words || at[-1] == ',') && (!at[n] || at[n] == ','))
            return true;
    return false;
}

/* What the group allows that a line "ID:CONTROLLERS:/GROUP" tells. */
static size_t
machine_line(const char *root, char *line, bool left)
{
    static const MachineFiles v2 = { "memory.max", "memory.current" };
    static const MachineFiles v1 = { "memory.limit_in_bytes",
                                     "memory.usage_in_bytes" };
    char mount[MACHINE_PATH];
    line[strcspn(line, "\n")] = '\0';
    char *words = strchr(line, ':');
    char *group = words ? strchr(words + 1, ':') : NULL;
    if (!group)
        return SIZE_MAX;
    *group++ = '\0';
    if (words[1] == '\0') {
        snprintf(mount, sizeof mount, "%s/sys/fs/cgroup", root);
        return machine_group(mount, group, &v2, left);
    }
    if (!machine_has(words + 1, "memory"))
        return SIZE_MAX;
    snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/memory", root);
    return machine_group(mount, group, &v1, left);
}

static size_t
machine_groups(const char *root, bool left)
{
    char path[MACHINE_PATH], line[MACHINE_PATH];
    size_t least = SIZE_MAX;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        size_t n = machine_line(root, line, left);
        least = n < least ? n : least;
    }
    if (f)
        fclose(f);
    return least;
}

size_t
machine_memory(const char *root)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGE_SIZE);
    size_t all = pages > 0 && size > 0 ? (size_t)pages * (size_t)size
                                       : (size_t)1 << 30;
    size_t allowed = machine_groups(root, false);
    return allowed < all ? allowed : all;
}

size_t
machine_free(const char *root)
{
    char path[MACHINE_PATH], line[256];
    unsigned long long kib;
    size_t most = SIZE_MAX, left = machine_groups(root, true);
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    FILE *f = fopen(path, "re");
    while (f && most == SIZE_MAX && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
            most = (size_t)kib << 10;
    if (f)
        fclose(f);
    return left < most ? left : most;
}

uint64_t
machine_thread_time(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int
machine_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}
