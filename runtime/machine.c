/* machine.c — how much memory there is to use.
 *
 * Inside a container /proc/meminfo tells of the whole machine, and the limit
 * that the kernel enforces stands in the files of the control group: in its
 * own or, as limits add up, in one above it.
 */
#include "machine.h"
#include <stdio.h>
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

/* The least limit of the group `group` and those above it, below `mount`. */
static size_t
machine_group(const char *mount, char *group, const char *file)
{
    char path[2 * MACHINE_PATH];
    size_t least = SIZE_MAX;
    for (;;) {
        snprintf(path, sizeof path, "%s%s/%s", mount, group, file);
        size_t n = machine_read(path);
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

/* The limit of the group that a line "ID:CONTROLLERS:/GROUP" tells. */
static size_t
machine_line(const char *root, char *line)
{
    char mount[MACHINE_PATH];
    line[strcspn(line, "\n")] = '\0';
    char *words = strchr(line, ':');
    char *group = words ? strchr(words + 1, ':') : NULL;
    if (!group)
        return SIZE_MAX;
    *group++ = '\0';
    if (words[1] == '\0') {
        snprintf(mount, sizeof mount, "%s/sys/fs/cgroup", root);
        return machine_group(mount, group, "memory.max");
    }
    if (!machine_has(words + 1, "memory"))
        return SIZE_MAX;
    snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/memory", root);
    return machine_group(mount, group, "memory.limit_in_bytes");
}

static size_t
machine_groups(const char *root)
{
    char path[MACHINE_PATH], line[MACHINE_PATH];
    size_t least = SIZE_MAX;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        size_t n = machine_line(root, line);
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
    size_t allowed = machine_groups(root);
    return allowed < all ? allowed : all;
}
