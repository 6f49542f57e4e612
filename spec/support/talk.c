/* talk.c — says its standard input to a Unix socket and prints what comes back:
 * `talk PATH [half]`, and with `half` it ends its own side first; without, it
 * closes as soon as it has said all. For specs of who does not behave.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char data[64 << 10];

/* All of `from` to `to`; 0 when it has arrived. */
static int
talk_copy(int from, int to)
{
    ssize_t n;
    while ((n = read(from, data, sizeof data)) > 0)
        for (ssize_t at = 0, done; at < n; at += done)
            if ((done = write(to, data + at, (size_t)(n - at))) <= 0)
                return 1;
    return 0;
}

int
main(int argc, char **argv)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (argc < 2 || strlen(argv[1]) >= sizeof a.sun_path)
        return 2;
    strcpy(a.sun_path, argv[1]);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        perror("talk");
        return 3;
    }
    signal(SIGPIPE, SIG_IGN);
    talk_copy(0, fd);
    if (argc < 3)
        return 0;
    shutdown(fd, SHUT_WR);
    return talk_copy(fd, 1);
}
