/* refuse.c — runs a program whose system calls are refused now and then.
 *
 *     refuse CALL[:TEXT] ERRNO FIRST LAST command…
 *
 * Of the calls of this kind that the command and its children make, the
 * FIRST-th to the LAST-th (0: all from there on) fail with ERRNO, a number; 0
 * has the caller killed instead, before the call does anything. With TEXT only
 * those are counted whose file (of mkdir, execve, openat, unlink, rename and
 * link the path, of the others what the descriptor is) has it in its name. CALL
 * is one of those in `calls`.
 *
 * REFUSE_COUNT in the environment is a file that gets how many calls were
 * refused.
 *
 * A filter (seccomp) hands the calls to this process, which lets them go on or
 * not; no rights are needed. The exit code is the command's; 125 when there are
 * no such filters here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REFUSE_NO_FILTERS = 125 };

static const struct {
    const char *name;
    int nr;
} calls[] = {
    { "fork", SYS_clone },   /* as posix_spawn and vfork do it */
    { "thread", SYS_clone }, /* a new thread */
    { "memfd", SYS_memfd_create },  { "pipe", SYS_pipe2 },
    { "mkdir", SYS_mkdir },         { "execve", SYS_execve },
    { "write", SYS_write },         { "pwrite", SYS_pwrite64 },
    { "fdatasync", SYS_fdatasync }, { "fsync", SYS_fsync },
    { "ftruncate", SYS_ftruncate }, { "unlink", SYS_unlink },
    { "openat", SYS_openat },       { "rename", SYS_rename },
    { "link", SYS_link },
};

/* Of these an argument is a path. */
static bool
by_path(int nr)
{
    return nr == SYS_mkdir || nr == SYS_execve || nr == SYS_unlink
        || nr == SYS_rename || nr == SYS_link || nr == SYS_openat;
}

static const char *call, *text;
static int call_nr, refused_errno;
static long first, last, seen, refusals;

/* In the command, before it begins: the filter; gives its listener. */
static int
filter(void)
{
    /* clone3 hides its flags; without it the C library takes clone. */
    unsigned clone3 = call_nr == SYS_clone ? SECCOMP_RET_ERRNO | ENOSYS
                                           : SECCOMP_RET_ALLOW;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, clone3),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call_nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof code / sizeof *code, code };
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                        SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* The file a call is about; "" when it cannot be told. */
static void
file_of(const struct seccomp_notif *n, char *name, size_t size)
{
    char path[64];
    ssize_t got = -1;
    if (!by_path(call_nr)) {
        snprintf(path, sizeof path, "/proc/%u/fd/%d", n->pid,
                 (int)n->data.args[0]);
        got = readlink(path, name, size - 1);
    } else {
        snprintf(path, sizeof path, "/proc/%u/mem", n->pid);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        got = fd < 0 ? -1
                     : pread(fd, name, size - 1,
                             (off_t)n->data.args[call_nr == SYS_openat]);
        if (fd >= 0)
            close(fd);
    }
    name[got < 0 ? 0 : got] = '\0';
}

static bool
counts(const struct seccomp_notif *n)
{
    char name[512];
    bool thread = n->data.args[0] & CLONE_THREAD;
    if (strcmp(call, "thread") == 0)
        return thread;
    if (strcmp(call, "fork") == 0)
        return !thread && n->data.args[0] & CLONE_VFORK;
    if (!text)
        return true;
    file_of(n, name, sizeof name);
    return strstr(name, text) != NULL;
}

static void
answer(int listener)
{
    struct seccomp_notif n;
    memset(&n, 0, sizeof n);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n) != 0)
        return;
    bool refused = counts(&n) && ++seen >= first && (!last || seen <= last);
    refusals += refused;
    if (refused && !refused_errno)
        kill((pid_t)n.pid, SIGKILL);
    struct seccomp_notif_resp r = {
        .id = n.id,
        .error = refused ? -refused_errno : 0,
        .flags = refused ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE,
    };
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

/* Serve until the command has ended; gives its status. */
static int
serve(int listener, int child)
{
    int status;
    struct pollfd p = { .fd = listener, .events = POLLIN };
    while (waitpid(child, &status, WNOHANG) != child) {
        if (poll(&p, 1, 20) > 0 && p.revents & POLLIN)
            answer(listener);
    }
    return status;
}

static void
tally(void)
{
    const char *name = getenv("REFUSE_COUNT");
    FILE *f = name ? fopen(name, "we") : NULL;
    if (!f)
        return;
    fprintf(f, "%ld\n", refusals);
    fclose(f);
}

/* Descriptors pass as the only bytes of a socket. */
static void
give(int to, int fd)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof fd)];
    } c = { 0 };
    struct iovec io = { "", 1 };
    struct msghdr m = { .msg_iov = &io,
                        .msg_iovlen = 1,
                        .msg_control = &c,
                        .msg_controllen = sizeof c };
    c.head.cmsg_level = SOL_SOCKET;
    c.head.cmsg_type = SCM_RIGHTS;
    c.head.cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(&c.head), &fd, sizeof fd);
    sendmsg(to, &m, 0);
}

static int
take(int from)
{
    int fd = -1;
    char byte;
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof fd)];
    } c = { 0 };
    struct iovec io = { &byte, 1 };
    struct msghdr m = { .msg_iov = &io,
                        .msg_iovlen = 1,
                        .msg_control = &c,
                        .msg_controllen = sizeof c };
    if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) == 1 && m.msg_controllen > 0)
        memcpy(&fd, CMSG_DATA(&c.head), sizeof fd);
    return fd;
}

/* The filter stands before the listener is with the parent: what it holds back
 * until then waits, so `write` must not be used in between. */
static void
become(int pair[2], char **command)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(pair[0]);
    int listener = filter();
    if (listener < 0)
        _exit(REFUSE_NO_FILTERS);
    give(pair[1], listener);
    close(listener);
    close(pair[1]);
    execv(command[0], command);
    _exit(127);
}

int
main(int argc, char **argv)
{
    int pair[2];
    if (argc < 6)
        return 2;
    call = strtok(argv[1], ":");
    text = strtok(NULL, "");
    refused_errno = atoi(argv[2]);
    first = atol(argv[3]);
    last = atol(argv[4]);
    call_nr = -1;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(call, calls[i].name) == 0)
            call_nr = calls[i].nr;
    if (call_nr < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return 2;
    int child = fork();
    if (child == 0)
        become(pair, argv + 5);
    close(pair[1]);
    int listener = take(pair[0]);
    close(pair[0]);
    int status;
    if (listener < 0)
        waitpid(child, &status, 0);
    else
        status = serve(listener, child);
    tally();
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
