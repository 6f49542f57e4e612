/* sysmem.c — how much memory the system has.
 *
 * Inside a container /proc/meminfo describes the whole machine. The limit that
 * the kernel enforces is in the files of the control groups: that of this
 * process or, because limits add up, of one above it.
 */
#include "base/sysmem.h"
#include <stdio.h>
#include <unistd.h>

enum { SYSMEM_PATH = 4096 };

/* The number a file begins with, SIZE_MAX when it has none ("max"). */
static size_t
sysmem_read(const char *path)
{
    unsigned long long n;
    FILE *f = fopen(path, "re");
    if (!f)
        return SIZE_MAX;
    bool is = fscanf(f, "%llu", &n) == 1;
    fclose(f);
    return is && n > 0 && n < SIZE_MAX ? (size_t)n : SIZE_MAX;
}

/* The files of a control group that hold its limit and what is in use. */
typedef struct SysmemFiles {
    const char *limit, *used;
} SysmemFiles;

/* The least that `group` and the groups above it, below `mount`, allow or, with
 * `left`, allow beyond what they use. */
static size_t
sysmem_group(const char *mount, char *group, const SysmemFiles *files,
             bool left)
{
    char path[2 * SYSMEM_PATH];
    size_t least = SIZE_MAX;
    for (;;) {
        snprintf(path, sizeof path, "%s%s/%s", mount, group, files->limit);
        size_t n = sysmem_read(path);
        snprintf(path, sizeof path, "%s%s/%s", mount, group, files->used);
        size_t used = left && n != SIZE_MAX ? sysmem_read(path) : 0;
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
sysmem_has(const char *words, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = words; (at = strstr(at, name)) != NULL; at += n)
        if ((at == words || at[-1] == ',') && (!at[n] || at[n] == ','))
            return true;
    return false;
}

/* What the group of a line "ID:CONTROLLERS:/GROUP" allows. */
static size_t
sysmem_line(const char *root, char *line, bool left)
{
    static const SysmemFiles v2 = { "memory.max", "memory.current" };
    static const SysmemFiles v1 = { "memory.limit_in_bytes",
                                    "memory.usage_in_bytes" };
    char mount[SYSMEM_PATH];
    line[strcspn(line, "\n")] = '\0';
    char *words = strchr(line, ':');
    char *group = words ? strchr(words + 1, ':') : NULL;
    if (!group)
        return SIZE_MAX;
    *group++ = '\0';
    if (words[1] == '\0') {
        snprintf(mount, sizeof mount, "%s/sys/fs/cgroup", root);
        return sysmem_group(mount, group, &v2, left);
    }
    if (!sysmem_has(words + 1, "memory"))
        return SIZE_MAX;
    snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/memory", root);
    return sysmem_group(mount, group, &v1, left);
}

static size_t
sysmem_groups(const char *root, bool left)
{
    char path[SYSMEM_PATH], line[SYSMEM_PATH];
    size_t least = SIZE_MAX;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        size_t n = sysmem_line(root, line, left);
        least = n < least ? n : least;
    }
    if (f)
        fclose(f);
    return least;
}

size_t
sysmem_total(const char *root)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGE_SIZE);
    size_t all = pages > 0 && size > 0 ? (size_t)pages * (size_t)size
                                       : (size_t)1 << 30;
    size_t allowed = sysmem_groups(root, false);
    return allowed < all ? allowed : all;
}

size_t
sysmem_free(const char *root)
{
    char path[SYSMEM_PATH], line[256];
    unsigned long long kib;
    size_t most = SIZE_MAX, left = sysmem_groups(root, true);
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    FILE *f = fopen(path, "re");
    while (f && most == SIZE_MAX && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
            most = (size_t)kib << 10;
    if (f)
        fclose(f);
    return left < most ? left : most;
}
