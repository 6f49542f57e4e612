/* poll.c — a server's own poll loop, and a Lua function as the work.
 *
 * Build it where orun was built, and run it:
 *
 *     $ cc -o poll -iquote runtime examples/embed/poll.c build/liborun.a \
 *         $(pkg-config --cflags --libs lua5.4 libuv) -lm -pthread
 *     $ ./poll
 *
 * Each line that comes on a descriptor is a task; a script of this thread could
 * run beside, and fail, and the tasks would go on.
 */
#include "orun.h"
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int answers;

static void
done(orun *o, uint64_t id, void *ud)
{
    const orun_result *r;
    (void)ud;
    if (orun_take(o, id, &r))
        return;
    printf("%s\n", r->json ? r->json : r->error);
    orun_drop(r);
    orun_forget(o, id); /* a server lives long */
    answers++;
}

/* One line of `fd` becomes a task. */
static void
take(orun *o, int fd)
{
    char line[256];
    uint64_t id;
    ssize_t n = read(fd, line, sizeof line);
    orun_task t = {
        sizeof t, .prompt = line, .prompt_size = (size_t)n, .done = done,
        .lua = "local _, task = ...  return {bytes = #task.prompt}"
    };
    if (n > 0 && orun_start(o, &t, &id))
        fprintf(stderr, "%s\n", orun_errmsg(o));
}

int
main(void)
{
    int ends[2]; /* somebody's requests */
    orun *o;
    if (pipe(ends) || orun_new(NULL, &o))
        return 1;
    dprintf(ends[1], "a request\n");
    struct pollfd fds[] = { { ends[0], POLLIN, 0 }, { orun_fd(o), POLLIN, 0 } };
    while (answers < 1 && poll(fds, 2, -1) > 0) {
        if (fds[0].revents)
            take(o, ends[0]);
        if (fds[1].revents)
            orun_dispatch(o);
    }
    return orun_free(o);
}

/*
 * --> {"bytes":10}
 */
