/* powercut.c — what a disk would have after a power cut, as a preload.
 *
 *     LD_PRELOAD=powercut.so POWERCUT_STORE=/…/run.db POWERCUT_DISK=/…/folder
 *
 * Of the files whose path begins with POWERCUT_STORE (but the -shm, which no
 * disk needs) POWERCUT_DISK has what was synced of them, and no more:
 *
 *   ID      the bytes of a file as they were at its last fsync or fdatasync;
 *           none for a file that was never synced
 *   names   a line "ID NAME" for each file that the folder had when that was
 *           synced last
 *
 * Both are replaced at once, so the caller may be killed at any moment. What
 * was there at the start counts as synced. ID is the inode and when it was
 * made. Each sync takes a random time, up to POWERCUT_SLOW microseconds, before
 * it takes effect. It is not handed to the system: what is asked is only what
 * would be there.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 2 * PATH_MAX };

static const char *store, *disk;

/* Is this a file of the store? */
static bool
is_ours(const char *path)
{
    size_t n = strlen(path);
    return store && disk && strncmp(path, store, strlen(store)) == 0
        && !(n > 4 && strcmp(path + n - 4, "-shm") == 0);
}

/* A path in the folder of what is on the disk. */
static void
on_disk(char path[PATH_SIZE], const char *name)
{
    snprintf(path, PATH_SIZE, "%s/%s", disk, name);
}

/* A name for what is written before it takes its place. */
static void
unfinished(char path[PATH_SIZE], const char *what)
{
    char name[64];
    snprintf(name, sizeof name, "new.%s.%ld", what, (long)syscall(SYS_gettid));
    on_disk(path, name);
}

/* Of a file that is open, or at a path; it is not opened for that: a process
 * loses its locks of a file when it closes any descriptor of it. */
static bool
id_of(int fd, const char *path, char id[64])
{
    struct statx st;
    if (statx(path ? AT_FDCWD : fd, path ? path : "",
              path ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH,
              STATX_INO | STATX_BTIME, &st)
        != 0)
        return false;
    snprintf(id, 64, "%llu.%lld.%u", (unsigned long long)st.stx_ino,
             (long long)st.stx_btime.tv_sec, st.stx_btime.tv_nsec);
    return true;
}

/* The bytes of an open file are on the disk now. */
static void
sync_bytes(int fd)
{
    char bytes[65536], id[64], to[PATH_SIZE], path[PATH_SIZE];
    if (!id_of(fd, NULL, id))
        return;
    unfinished(to, "bytes");
    on_disk(path, id);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    off_t at = 0;
    for (ssize_t n; (n = pread(fd, bytes, sizeof bytes, at)) > 0; at += n)
        if (write(out, bytes, (size_t)n) != n)
            abort();
    close(out);
    if (rename(to, path) != 0)
        abort();
}

static void
sync_at(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    sync_bytes(fd);
    close(fd);
}

/* The names in the store's folder are on the disk now; with `all` the bytes of
 * the files, too. */
static void
sync_names(bool all)
{
    char folder[PATH_SIZE], to[PATH_SIZE], path[PATH_SIZE], id[64];
    snprintf(folder, sizeof folder, "%s", store);
    *strrchr(folder, '/') = '\0';
    unfinished(to, "names");
    FILE *out = fopen(to, "we");
    DIR *names = opendir(folder);
    if (!out || !names)
        abort();
    for (struct dirent *e; (e = readdir(names));) {
        snprintf(path, sizeof path, "%.*s/%.255s", PATH_MAX, folder, e->d_name);
        if (!is_ours(path) || !id_of(-1, path, id))
            continue;
        fprintf(out, "%s %s\n", id, e->d_name);
        if (all)
            sync_at(path);
    }
    closedir(names);
    fclose(out);
    on_disk(path, "names");
    if (rename(to, path) != 0)
        abort();
}

/* Only the first process has files opened here, before it has any itself. */
__attribute__((constructor)) static void
begin(void)
{
    char path[PATH_SIZE];
    store = getenv("POWERCUT_STORE");
    disk = getenv("POWERCUT_DISK");
    if (!store || !disk)
        return;
    on_disk(path, "names");
    if (access(path, F_OK) != 0)
        sync_names(true);
}

static void
take_time(void)
{
    const char *slow = getenv("POWERCUT_SLOW");
    unsigned draw = 0;
    long most = slow ? atol(slow) : 0;
    if (most <= 0 || getrandom(&draw, sizeof draw, 0) < 0)
        return;
    struct timespec t = { 0, (long)(draw % (unsigned)most) * 1000 };
    nanosleep(&t, NULL);
}

static int
sync_file(int fd, int call)
{
    char link[64], path[PATH_SIZE], folder[PATH_SIZE];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = disk && store ? readlink(link, path, sizeof path - 1) : -1;
    path[n > 0 ? n : 0] = '\0';
    snprintf(folder, sizeof folder, "%s", store ? store : "/");
    *strrchr(folder, '/') = '\0';
    if (n > 0 && strcmp(path, folder) == 0) {
        take_time();
        sync_names(false);
        return 0;
    }
    if (n <= 0 || !is_ours(path))
        return (int)syscall(call, fd);
    take_time();
    sync_bytes(fd);
    return 0;
}

int
fsync(int fd)
{
    return sync_file(fd, SYS_fsync);
}

int
fdatasync(int fd)
{
    return sync_file(fd, SYS_fdatasync);
}
