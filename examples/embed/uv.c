/* uv.c — tasks in a libuv loop: nothing blocks, everything is on its thread.
 *
 * Build it where orun was built, and run it:
 *
 *     $ cc -o uv -iquote runtime examples/embed/uv.c build/liborun.a \
 *         $(pkg-config --cflags --libs lua5.4 libuv) -lm -pthread
 *     $ ./uv
 *
 * What a program prints appears as it comes, and the loop ends with the last of
 * its tasks.
 */
#include "orun.h"
#include <inttypes.h>
#include <stdio.h>
#include <uv.h>

typedef struct Watched {
    uint64_t at; /* bytes that were printed */
    int *left;   /* tasks that run */
} Watched;

static void
ready(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    orun_dispatch(poll->data);
}

static void
more(orun *o, uint64_t id, void *ud)
{
    char part[4096];
    Watched *w = ud;
    size_t n;
    while (orun_read(o, id, 1, w->at, part, sizeof part, &n, NULL) == 0 && n) {
        fwrite(part, 1, n, stdout);
        w->at += n;
    }
}

static void
done(orun *o, uint64_t id, void *ud)
{
    Watched *w = ud;
    const orun_result *r;
    if (orun_take(o, id, &r) == 0) {
        printf("t%" PRIu64 ": exit %d\n", id, r->exit_code);
        orun_drop(r);
    }
    orun_forget(o, id);
    if (--*w->left == 0)
        uv_stop(uv_default_loop());
}

int
main(void)
{
    static const char *const count[] = { "seq", "3", NULL };
    static const char *const fail[] = { "sh", "-c", "exit 7", NULL };
    int left = 2;
    Watched one = { 0, &left }, two = { 0, &left };
    orun *o;
    uint64_t id;
    uv_poll_t poll;
    orun_task t = { sizeof t,     .argv = count, .timeout = 600,
                    .more = more, .done = done,  .ud = &one };
    if (orun_new(NULL, &o) || orun_start(o, &t, &id))
        return fprintf(stderr, "%s\n", orun_errmsg(NULL)), 1;
    orun_task next = { sizeof next,      .argv = fail, .after = &id,
                       .after_count = 1, .done = done, .ud = &two };
    if (orun_start(o, &next, &id))
        return fprintf(stderr, "%s\n", orun_errmsg(NULL)), 1;
    poll.data = o;
    uv_poll_init(uv_default_loop(), &poll, orun_fd(o));
    uv_poll_start(&poll, UV_READABLE, ready);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    uv_poll_stop(&poll); /* before orun_free closes the descriptor */
    return orun_free(o);
}

/*
 * --> 1
 * --> 2
 * --> 3
 * --> t1: exit 0
 * --> t2: exit 7
 */
