/* kill.c — runs a command, and kills it when a file has grown.
 *
 *     kill FILE LINES MICROSECONDS one|all command…
 *
 * As soon as FILE has so many lines more than at the start, and after as many
 * microseconds as are named, the command gets SIGKILL: it alone ("one"), or it
 * and everything that it has started, whatever session that is in ("all").
 *
 * It ends when nothing is left of the command. The exit code is 137 when it was
 * killed, the command's when it had ended before; 124 when something was left
 * for a minute (which is killed, too).
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MILLION = 1000000, MOST = 65536, LEFT = 124, KILLED = 137 };

static pid_t parents[MOST]; /* by pid modulo MOST; no more live at a time */
static pid_t pids[MOST];

static void
rest(long microseconds)
{
    struct timespec t = { microseconds / MILLION,
                          microseconds % MILLION * 1000 };
    nanosleep(&t, NULL);
}

/* How many lines the file has; 0 when there is none. */
static long
lines(const char *path)
{
    char bytes[4096];
    long count = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (ssize_t n; fd >= 0 && (n = read(fd, bytes, sizeof bytes)) > 0;)
        for (ssize_t i = 0; i < n; i++)
            count += bytes[i] == '\n';
    if (fd >= 0)
        close(fd);
    return count;
}

/* The parent of a process; 0 when it is gone. */
static pid_t
parent_of(pid_t pid)
{
    char name[64], text[512];
    snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *behind = strrchr(text, ')'); /* ") S PARENT …" */
    return behind ? (pid_t)atoi(behind + 3) : 0;
}

static bool
is_below(pid_t pid, pid_t top)
{
    for (int depth = 0; pid > 1 && depth < 64; depth++) {
        pid = pids[pid % MOST] == pid ? parents[pid % MOST] : 0;
        if (pid == top)
            return true;
    }
    return false;
}

/* Kill everything below this process. */
static void
kill_all(void)
{
    DIR *all = opendir("/proc");
    memset(pids, 0, sizeof pids);
    for (struct dirent *e; all && (e = readdir(all));) {
        pid_t pid = isdigit((unsigned char)*e->d_name) ? atoi(e->d_name) : 0;
        if (pid > 0) {
            pids[pid % MOST] = pid;
            parents[pid % MOST] = parent_of(pid);
        }
    }
    if (all)
        closedir(all);
    for (int i = 0; i < MOST; i++)
        if (pids[i] && is_below(pids[i], getpid()))
            kill(pids[i], SIGKILL);
}

/* Reap what has ended; true when nothing is left. *status: of the command. */
static bool
reap(pid_t command, int *status)
{
    int ended;
    pid_t pid;
    while ((pid = waitpid(-1, &ended, WNOHANG)) > 0)
        if (pid == command)
            *status = ended;
    return pid < 0;
}

int
main(int argc, char **argv)
{
    if (argc < 6)
        return 2;
    long until = lines(argv[1]) + atol(argv[2]);
    bool all = strcmp(argv[4], "all") == 0, killed = false;
    int status = -1;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    pid_t command = fork();
    if (command == 0) {
        execvp(argv[5], argv + 5);
        _exit(127);
    }
    while (status == -1 && lines(argv[1]) < until) {
        rest(300);
        reap(command, &status);
    }
    if (status == -1) {
        rest(atol(argv[3]));
        reap(command, &status);
    }
    if (status == -1) {
        killed = true;
        if (all)
            kill_all();
        else
            kill(command, SIGKILL);
    }
    long waited = 0;
    for (; !reap(command, &status); waited += 300) {
        rest(300);
        if ((killed && all) || waited > 60L * MILLION)
            kill_all();
    }
    if (waited > 60L * MILLION)
        return LEFT;
    if (killed)
        return KILLED;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
