/* leftover.c — recognized by name, owner, mark and lock; removed by
 * descriptor. */
#include "base/leftover.h"
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEFTOVER_ENTRIES = 100000 }; /* of a shared folder that are checked */

/* "orun-" and six letters or digits. */
static bool
leftover_is(const char *name)
{
    size_t head = sizeof LEFTOVER_TEMPLATE - sizeof "XXXXXX";
    if (strlen(name) != sizeof LEFTOVER_TEMPLATE - 1
        || strncmp(name, LEFTOVER_TEMPLATE, head) != 0)
        return false;
    for (name += head; *name; name++)
        if (!isalnum((unsigned char)*name))
            return false;
    return true;
}

/* Is the name one that folder_open makes: letters, a dash, a number, and maybe
 * a dot and letters? */
static bool
leftover_made(const char *name)
{
    const char *s = name;
    while (isalpha((unsigned char)*s) || *s == '_')
        s++;
    if (s == name || *s++ != '-' || !isdigit((unsigned char)*s))
        return false;
    while (isdigit((unsigned char)*s))
        s++;
    if (*s == '.')
        while (isalpha((unsigned char)*++s))
            continue;
    return *s == '\0';
}

void
leftover_own(int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return;
    int mark = openat(fd, LEFTOVER_MARK,
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                      0600);
    if (mark >= 0)
        close(mark);
}

/* Is the folder open at `fd` private to this user, marked, and not locked by
 * another process? The lock is taken. */
static bool
leftover_dead(int fd)
{
    struct stat st, mark;
    return fstat(fd, &st) == 0 && st.st_uid == geteuid()
        && (st.st_mode & 0777) == 0700
        && fstatat(fd, LEFTOVER_MARK, &mark, AT_SYMLINK_NOFOLLOW) == 0
        && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* Remove what orun made in the folder, the mark last; `fd` is closed. */
static void
leftover_empty(int fd)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        if (leftover_made(e->d_name))
            unlinkat(fd, e->d_name, 0);
    unlinkat(fd, LEFTOVER_MARK, 0);
    closedir(dir);
}

void
leftover_remove(int parent, const char *name)
{
    if (!leftover_is(name))
        return;
    int fd = openat(parent, name,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (!leftover_dead(fd)) {
        close(fd);
        return;
    }
    leftover_empty(fd);
    unlinkat(parent, name, AT_REMOVEDIR);
}

void
leftover_remove_path(const char *path)
{
    char parent[PATH_MAX];
    const char *name = strrchr(path, '/');
    size_t n = name ? (size_t)(name - path) : 0;
    if (n == 0 || n >= sizeof parent)
        return;
    memcpy(parent, path, n);
    parent[n] = '\0';
    int fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    leftover_remove(fd, name + 1);
    close(fd);
}

void
leftover_sweep(const char *parent)
{
    DIR *dir = opendir(parent);
    if (!dir)
        return;
    struct dirent *e;
    for (int n = 0; n < LEFTOVER_ENTRIES && (e = readdir(dir)) != NULL; n++)
        if (leftover_is(e->d_name))
            leftover_remove(dirfd(dir), e->d_name);
    closedir(dir);
}
