/* keeper_launch.c — from bytes in the library to a running keeper, and its end.
 */
#include "process/keeper_launch.h"
#include "base/err.h"
#include "base/log.h"
#include "keeper/keeper_wire.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x10u
#endif

extern const unsigned char keeper_image[];
extern const size_t keeper_image_len;

/* Write the program to `fd`; 0 or -1 with errno. */
static int
keeper_launch_write(int fd)
{
    size_t done = 0;
    while (done < keeper_image_len) {
        ssize_t n = write(fd, keeper_image + done, keeper_image_len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        done += (size_t)n;
    }
    return 0;
}

/* Execute `file` with `sock` as WIRE_SOCKET and an empty environment (reading
 * the host's is not safe here, and nothing is needed of it): the pid, or -1
 * with errno. */
static int
keeper_launch_exec(const char *file, int sock, char *const *argv)
{
    posix_spawn_file_actions_t actions;
    char *env[] = { NULL };
    int pid, e = posix_spawn_file_actions_init(&actions);
    if (e)
        return errno = e, -1;
    e = posix_spawn_file_actions_adddup2(&actions, sock, WIRE_SOCKET);
    if (!e)
        e = posix_spawn(&pid, file, &actions, NULL, argv, env);
    posix_spawn_file_actions_destroy(&actions);
    return e ? (errno = e, -1) : pid;
}

static int
keeper_launch_memory(int sock, char *const *argv)
{
    char path[32];
    int fd = memfd_create("orun-keeper", MFD_CLOEXEC | MFD_EXEC);
    if (fd < 0 && errno == EINVAL) /* before Linux 6.3 all could be executed */
        fd = memfd_create("orun-keeper", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    int pid = -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (keeper_launch_write(fd) == 0)
        pid = keeper_launch_exec(path, sock, argv);
    int e = errno;
    close(fd);
    return errno = e, pid;
}

/* The file can be "busy" as long as a process that another thread forks just
 * now has not closed its copy of the descriptor we wrote with. */
static int
keeper_launch_patiently(const char *file, int sock, char *const *argv)
{
    struct timespec nap = { 0, 2000000 };
    int pid = -1;
    for (int i = 0; i < 100; i++) {
        pid = keeper_launch_exec(file, sock, argv);
        if (pid > 0 || errno != ETXTBSY)
            break;
        nanosleep(&nap, NULL);
    }
    return pid;
}

static int
keeper_launch_file(const char *folder, int sock, char *const *argv)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/orun-keeper-XXXXXX", folder);
    if (n < 0 || (size_t)n >= sizeof path)
        return errno = ENAMETOOLONG, -1;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return -1;
    int e = keeper_launch_write(fd) || fchmod(fd, 0700) ? errno : 0;
    if (close(fd) && !e)
        e = errno;
    int pid = e ? -1 : keeper_launch_patiently(path, sock, argv);
    e = e ? e : errno;
    unlink(path);
    return errno = e, pid;
}

static const char *
keeper_launch_tmp(const char *const *env)
{
    for (; *env; env++)
        if (strncmp(*env, "TMPDIR=", 7) == 0)
            return *env + 7;
    return NULL;
}

/* Every way to execute it, in turn; -1 with the errno of the last. */
static int
keeper_launch_any(int sock, char *const *argv, const char *tmp)
{
    const char *folders[] = { tmp, "/tmp", "/var/tmp", "/dev/shm" };
    int pid = keeper_launch_memory(sock, argv);
    for (size_t i = 0; pid < 0 && i < countof(folders); i++) {
        LOG(KEEPER, "not started: %s", strerror(errno));
        if (folders[i] && folders[i][0])
            pid = keeper_launch_file(folders[i], sock, argv);
    }
    return pid;
}

int
keeper_launch(KeeperLink *link, const char *folder, const char *const *env)
{
    int pair[2];
    char parent[16], place[PATH_MAX];
    snprintf(parent, sizeof parent, "%d", getpid());
    snprintf(place, sizeof place, "%s", folder ? folder : "");
    char *argv[] = { "orun-keeper", parent, folder ? place : NULL, NULL };
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return ORUN_ESYS;
    int pid = keeper_launch_any(pair[1], argv, keeper_launch_tmp(env));
    int e = errno;
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return errno = e, ORUN_ESYS;
    }
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    link->fd = pair[0];
    link->pid = pid;
    LOG(KEEPER, "keeper %d started", pid);
    return 0;
}

/* It has ended when its end of the socket is closed. */
bool
keeper_launch_ends(const KeeperLink *link, unsigned ms)
{
    char scrap[4096];
    uint64_t end = uv_hrtime() / 1000000 + ms;
    shutdown(link->fd, SHUT_WR);
    for (;;) {
        ssize_t n = recv(link->fd, scrap, sizeof scrap, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return true;
        uint64_t now = uv_hrtime() / 1000000;
        if (now >= end)
            return false;
        struct pollfd p = { .fd = link->fd, .events = POLLIN };
        poll(&p, 1, (int)(end - now));
    }
}

void
keeper_launch_bury(const KeeperLink *link)
{
    kill(link->pid, SIGKILL);
    while (waitpid(link->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}
