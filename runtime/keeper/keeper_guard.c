/* keeper_guard.c — the guard, and what it and the keeper have in common. */
#include "keeper/keeper_guard.h"
#include "keeper/keeper_wire.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

bool
keeper_guard_descriptors(void)
{
    if (close_range(WIRE_SOCKET + 1, ~0u, 0) != 0)
        for (int fd = (int)sysconf(_SC_OPEN_MAX); --fd > WIRE_SOCKET;)
            close(fd);
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        if (null < 0 || dup2(null, fd) < 0)
            return false;
    if (null > 2)
        close(null);
    return fcntl(WIRE_SOCKET, F_SETFD, FD_CLOEXEC) == 0;
}

/* The system call, because the C library guards two signals of its own that
 * posix_spawn set to be ignored. */
int
keeper_guard_signals(void)
{
    static const unsigned long standard[8]; /* a struct sigaction of zeros */
    sigset_t all, wanted;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int signo = 1; signo < NSIG; signo++)
        syscall(SYS_rt_sigaction, signo, standard, NULL, (NSIG - 1) / 8);
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGCONT);
    return signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool
keeper_guard_ended(int pid)
{
    siginfo_t info = { 0 };
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0
        || info.si_pid != 0;
}

void
keeper_guard(int child, int orun)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGCONT);
    prctl(PR_SET_NAME, "keeper-guard");
    while (getppid() == orun && !keeper_guard_ended(child))
        sigwaitinfo(&wanted, NULL);
    kill(child, SIGKILL); /* not reaped yet: the number is still its own */
}

void
keeper_guard_adopt(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, SIGCONT);
}
