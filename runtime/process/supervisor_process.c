/* supervisor_process.c — from bytes in the library to a process; its end. */
#include "process/supervisor_process.h"
#include "base/err.h"
#include "base/log.h"
#include "supervisor/supervisor_protocol.h"
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

extern const unsigned char supervisor_image[];
extern const size_t supervisor_image_len;

/* Write the program to `fd`; 0 or -1 with errno. */
static int
supervisor_process_write(int fd)
{
    size_t done = 0;
    while (done < supervisor_image_len) {
        ssize_t n = write(fd, supervisor_image + done,
                          supervisor_image_len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        done += (size_t)n;
    }
    return 0;
}

/* Execute `file` with `sock` as PROTOCOL_SOCKET and an empty environment: it
 * needs nothing of the embedder's, which is not safe to read here. Returns the
 * process id, or -1 with errno. */
static int
supervisor_process_exec(const char *file, int sock, char *const *argv)
{
    posix_spawn_file_actions_t actions;
    char *env[] = { NULL };
    int pid, e = posix_spawn_file_actions_init(&actions);
    if (e)
        return errno = e, -1;
    e = posix_spawn_file_actions_adddup2(&actions, sock, PROTOCOL_SOCKET);
    if (!e)
        e = posix_spawn(&pid, file, &actions, NULL, argv, env);
    posix_spawn_file_actions_destroy(&actions);
    return e ? (errno = e, -1) : pid;
}

static int
supervisor_process_from_memory(int sock, char *const *argv)
{
    char path[32];
    int fd = memfd_create("orun-supervisor", MFD_CLOEXEC | MFD_EXEC);
    if (fd < 0 && errno == EINVAL) /* before Linux 6.3 all may be executed */
        fd = memfd_create("orun-supervisor", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    int pid = -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (supervisor_process_write(fd) == 0)
        pid = supervisor_process_exec(path, sock, argv);
    int e = errno;
    close(fd);
    return errno = e, pid;
}

/* The file is "busy" as long as a process that another thread is forking has
 * not closed its copy of the descriptor that the file was written by. */
static int
supervisor_process_exec_patiently(const char *file, int sock, char *const *argv)
{
    struct timespec nap = { 0, 2000000 };
    int pid = -1;
    for (int i = 0; i < 100; i++) {
        pid = supervisor_process_exec(file, sock, argv);
        if (pid > 0 || errno != ETXTBSY)
            break;
        nanosleep(&nap, NULL);
    }
    return pid;
}

static int
supervisor_process_from_file(const char *folder, int sock, char *const *argv)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/orun-supervisor-XXXXXX", folder);
    if (n < 0 || (size_t)n >= sizeof path)
        return errno = ENAMETOOLONG, -1;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return -1;
    int e = supervisor_process_write(fd) || fchmod(fd, 0700) ? errno : 0;
    if (close(fd) && !e)
        e = errno;
    int pid = e ? -1 : supervisor_process_exec_patiently(path, sock, argv);
    e = e ? e : errno;
    unlink(path);
    return errno = e, pid;
}

static const char *
supervisor_process_tmp(const char *const *env)
{
    for (; *env; env++)
        if (strncmp(*env, "TMPDIR=", 7) == 0)
            return *env + 7;
    return NULL;
}

/* Try every way to execute it. Returns -1 with the errno of the last one. */
static int
supervisor_process_exec_any(int sock, char *const *argv, const char *tmp)
{
    const char *folders[] = { tmp, "/tmp", "/var/tmp", "/dev/shm" };
    int pid = supervisor_process_from_memory(sock, argv);
    for (size_t i = 0; pid < 0 && i < countof(folders); i++) {
        LOG(SUPERVISOR, "not started: %s", strerror(errno));
        if (folders[i] && folders[i][0])
            pid = supervisor_process_from_file(folders[i], sock, argv);
    }
    return pid;
}

int
supervisor_process_start(SupervisorProcess *p, const char *folder,
                         const char *const *env)
{
    int pair[2];
    char parent[16], place[PATH_MAX];
    snprintf(parent, sizeof parent, "%d", getpid());
    snprintf(place, sizeof place, "%s", folder ? folder : "");
    char *argv[] = { "orun-supervisor", parent, folder ? place : NULL, NULL };
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return ORUN_ESYS;
    int pid = supervisor_process_exec_any(pair[1], argv,
                                          supervisor_process_tmp(env));
    int e = errno;
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return errno = e, ORUN_ESYS;
    }
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    p->fd = pair[0];
    p->pid = pid;
    LOG(SUPERVISOR, "supervisor %d started", pid);
    return 0;
}

/* It has ended when its end of the socket is closed. */
bool
supervisor_process_end(const SupervisorProcess *p, unsigned ms)
{
    char scrap[4096];
    uint64_t end = uv_hrtime() / 1000000 + ms;
    shutdown(p->fd, SHUT_WR);
    for (;;) {
        ssize_t n = recv(p->fd, scrap, sizeof scrap, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return true;
        uint64_t now = uv_hrtime() / 1000000;
        if (now >= end)
            return false;
        struct pollfd input = { .fd = p->fd, .events = POLLIN };
        poll(&input, 1, (int)(end - now));
    }
}

void
supervisor_process_kill(const SupervisorProcess *p)
{
    kill(p->pid, SIGKILL);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}
