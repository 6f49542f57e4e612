/* session.c — two pipes, a fork, and the variables of a run. */
#include "cli/session.h"
#include "base/base.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool
session_wanted(int argc, char **argv)
{
    const char *socket = getenv("ORUN_SOCKET");
    return argc == 3 && strcmp(argv[1], "mcp") == 0
        && strcmp(argv[2], "--session") == 0 && (!socket || !*socket);
}

/* The child: input that ends with the parent, output to standard error. */
static void
session_become_run(int *argc, char ***argv, int up, int down)
{
    static char code[80];
    static char *words[] = { "orun", "--quiet", "--no-store", "--no-wait",
                             "-e",   code,      NULL };
    snprintf(code, sizeof code,
             "require('orun.control.session')('/proc/self/fd/%d')", up);
    dup2(down, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    close(down);
    *argc = (int)countof(words) - 1;
    *argv = words;
}

/* Set the variables that the run tells, each a line NAME=VALUE, up to an empty
 * line. False when it has ended before that. */
static bool
session_take(int up)
{
    FILE *from = fdopen(up, "r");
    char *line = NULL;
    size_t size = 0;
    bool all = false;
    ssize_t n;
    while (from && !all && (n = getline(&line, &size, from)) > 0) {
        line[n - 1] = '\0';
        char *value = strchr(line, '=');
        all = n == 1;
        if (!value)
            continue;
        *value++ = '\0';
        setenv(line, value, 1);
    }
    free(line);
    if (from)
        fclose(from);
    else
        close(up);
    return all;
}

bool
session_begin(Session *s, int *argc, char ***argv)
{
    int up[2], down[2];
    if (pipe2(up, O_CLOEXEC) != 0 || pipe2(down, O_CLOEXEC) != 0
        || (s->run = fork()) < 0) {
        fprintf(stderr, "orun mcp: no run can be started: %s\n",
                strerror(errno));
        return false;
    }
    if (s->run == 0) {
        close(up[0]);
        close(down[1]);
        session_become_run(argc, argv, up[1], down[0]);
        return true;
    }
    close(up[1]);
    close(down[0]);
    s->down = down[1];
    if (session_take(up[0]))
        return true;
    session_end(s, 0); /* it has said why */
    return false;
}

int
session_end(Session *s, int status)
{
    close(s->down);
    while (waitpid(s->run, NULL, 0) < 0 && errno == EINTR)
        continue;
    return status;
}
