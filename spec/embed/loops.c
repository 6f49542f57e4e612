/* loops.c — a host with a loop of its own, whatever kind, and what it is told.
 */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

enum { LOOPS_TASKS = 1000 };

static int loops_done, loops_wakes;
static bool loops_seen[LOOPS_TASKS + 1];

static void
loops_count(orun *o, uint64_t id, void *ud)
{
    CHECK(ud == &loops_done && id <= LOOPS_TASKS && !loops_seen[id]);
    loops_seen[id] = true;
    loops_done++;
    CHECK(orun_forget(o, id) == ORUN_OK);
}

static uint64_t
loops_start(orun *o, const orun_task *t)
{
    uint64_t id;
    int e = orun_start(o, t, &id);
    if (e)
        fprintf(stderr, "%d: %s\n", e, orun_errmsg(o));
    CHECK(e == ORUN_OK);
    return id;
}

static void *
loops_starter(void *o)
{
    for (int i = 0; i < LOOPS_TASKS; i++)
        loops_start(o,
                    &(orun_task){ sizeof(orun_task), .lua = "return 1",
                                  .done = loops_count, .ud = &loops_done });
    return NULL;
}

static bool
loops_readable(orun *o)
{
    struct pollfd p = { .fd = orun_fd(o), .events = POLLIN };
    return poll(&p, 1, 0) == 1;
}

/* All came, none twice; nothing is readable then; and the loop did not spin. */
static void
loops_end(orun *o, pthread_t starter)
{
    pthread_join(starter, NULL);
    CHECK(loops_done == LOOPS_TASKS);
    CHECK(loops_wakes <= LOOPS_TASKS + 10);
    CHECK(!loops_readable(o));
    CHECK(orun_dispatch(o) == 0);
    CHECK(orun_free(o) == ORUN_OK);
}

static void
loops_poll(void)
{
    orun *o = check_new();
    pthread_t starter;
    struct pollfd p = { .fd = orun_fd(o), .events = POLLIN };
    CHECK(p.fd >= 0 && orun_fd(o) == p.fd && !loops_readable(o));
    pthread_create(&starter, NULL, loops_starter, o);
    while (loops_done < LOOPS_TASKS) {
        CHECK(poll(&p, 1, -1) == 1);
        loops_wakes++;
        CHECK(orun_dispatch(o) > 0);
    }
    loops_end(o, starter);
}

static void
loops_epoll(bool edge)
{
    orun *o = check_new();
    pthread_t starter;
    struct epoll_event event = { .events = EPOLLIN | (edge ? EPOLLET : 0u) };
    int loop = epoll_create1(0);
    CHECK(epoll_ctl(loop, EPOLL_CTL_ADD, orun_fd(o), &event) == 0);
    pthread_create(&starter, NULL, loops_starter, o);
    while (loops_done < LOOPS_TASKS) {
        CHECK(epoll_wait(loop, &event, 1, -1) == 1);
        loops_wakes++;
        while (orun_dispatch(o) > 0 && edge)
            continue;
    }
    CHECK(epoll_ctl(loop, EPOLL_CTL_DEL, orun_fd(o), NULL) == 0);
    close(loop);
    loops_end(o, starter);
}

static void
loops_level(void)
{
    loops_epoll(false);
}

static void
loops_edge(void)
{
    loops_epoll(true);
}

static void
loops_ready(uv_poll_t *handle, int status, int events)
{
    CHECK(status == 0 && (events & UV_READABLE));
    loops_wakes++;
    CHECK(orun_dispatch(handle->data) > 0);
    if (loops_done == LOOPS_TASKS)
        uv_close((uv_handle_t *)handle, NULL);
}

static void
loops_uv(void)
{
    orun *o = check_new();
    pthread_t starter;
    uv_loop_t loop;
    uv_poll_t handle = { .data = o };
    CHECK(uv_loop_init(&loop) == 0);
    CHECK(uv_poll_init(&loop, &handle, orun_fd(o)) == 0);
    CHECK(uv_poll_start(&handle, UV_READABLE, loops_ready) == 0);
    pthread_create(&starter, NULL, loops_starter, o);
    CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
    CHECK(uv_loop_close(&loop) == 0);
    loops_end(o, starter);
}

/* Without `done`: orun_next takes what the descriptor tells of. */
static void
loops_next(void)
{
    orun *o = check_new();
    struct pollfd p = { .fd = orun_fd(o), .events = POLLIN };
    uint64_t id;
    for (int i = 0; i < 50; i++)
        loops_start(o, &(orun_task){ sizeof(orun_task), .lua = "return 1" });
    for (int n = 0; n < 50; loops_wakes++) {
        CHECK(poll(&p, 1, -1) == 1 && orun_dispatch(o) == 0);
        for (int e; (e = orun_next(o, 0, &id)) != ORUN_ETIMEOUT; n++)
            if (e == ORUN_ENOENT)
                break;
            else
                CHECK(e == ORUN_OK);
    }
    CHECK(loops_wakes <= 50 && !loops_readable(o));
    /* What was waited for, or forgotten, lights nothing. */
    id = loops_start(o, &(orun_task){ sizeof(orun_task), .lua = "return 1" });
    CHECK(orun_wait(o, id, -1) == ORUN_OK && !loops_readable(o));
    CHECK(orun_free(o) == ORUN_OK);
}

/* ---- more ---- */

typedef struct Stream {
    char text[200000];
    size_t n;
    int calls, ended;
} Stream;

static void
loops_more(orun *o, uint64_t id, void *ud)
{
    Stream *s = ud;
    size_t got;
    int end;
    CHECK(!s->ended);
    s->calls++;
    do {
        CHECK(orun_read(o, id, 1, s->n, s->text + s->n, sizeof s->text - s->n,
                        &got, &end)
              == ORUN_OK);
        s->n += got;
    } while (got);
}

static void
loops_ended(orun *o, uint64_t id, void *ud)
{
    Stream *s = ud;
    (void)o, (void)id;
    s->ended++;
}

static void
loops_until(orun *o, const Stream *s)
{
    struct pollfd p = { .fd = orun_fd(o), .events = POLLIN };
    while (!s->ended) {
        CHECK(poll(&p, 1, -1) == 1);
        CHECK(orun_dispatch(o) > 0);
    }
}

/* Each line as it comes; at the end all is there before `done`. */
static void
loops_stream(void)
{
    static const char *const slow[] = {
        "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.05; done", NULL
    };
    static const char *const flood[] = { "seq", "1", "20000", NULL };
    static Stream one, two, three;
    orun *o = check_new();
    orun_task t = { sizeof t, .argv = slow, .more = loops_more,
                    .done = loops_ended, .ud = &one };
    loops_start(o, &t);
    loops_until(o, &one);
    CHECK(one.n == 6 && memcmp(one.text, "1\n2\n3\n", 6) == 0);
    CHECK(one.calls >= 3);
    t.argv = flood;
    t.ud = &two;
    loops_start(o, &t);
    loops_until(o, &two);
    CHECK(two.n == 108894 && two.ended == 1);
    /* A function's text is there at the end. */
    t.argv = NULL;
    t.lua = "return 'text'";
    t.ud = &three;
    loops_start(o, &t);
    loops_until(o, &three);
    CHECK(three.n == 4 && three.calls >= 1);
    CHECK(!loops_readable(o) && orun_free(o) == ORUN_OK);
}

/* ---- careless callbacks ---- */

static void
loops_back(orun *o, uint64_t id, void *ud)
{
    uint64_t other;
    const orun_result *r;
    int *calls = ud;
    CHECK(orun_dispatch(o) == ORUN_ESTATE);
    CHECK(strstr(orun_errmsg(o), "called in a function that orun calls"));
    CHECK(orun_free(o) == ORUN_ESTATE);
    CHECK(check_run(o, "x = 1") == ORUN_ESTATE);
    CHECK(orun_exit_status(o) == 2 && strcmp(orun_stuck(o), "") == 0);
    CHECK(orun_watch(o, NULL) == ORUN_ESTATE && orun_unwatch(o) == ORUN_ESTATE);
    orun_interrupt(o);
    /* The [any] calls are fine; another runtime is, too. */
    CHECK(orun_take(o, id, &r) == ORUN_OK && r->state == ORUN_COMPLETED);
    orun_drop(r);
    CHECK(orun_wait(o, id, 0) == ORUN_OK);
    CHECK(orun_forget(o, id) == ORUN_OK);
    orun *mine = check_new();
    check_fine(mine, "x = 1");
    CHECK(orun_free(mine) == ORUN_OK);
    if (++*calls < 3) { /* due at another dispatch */
        orun_task t = { sizeof t, .lua = "return 1", .done = loops_back,
                        .ud = ud };
        CHECK(orun_start(o, &t, &other) == ORUN_OK);
        CHECK(orun_wait(o, other, -1) == ORUN_OK);
    }
}

static void
loops_reentered(void)
{
    orun *o = check_new();
    int calls = 0;
    orun_task t = { sizeof t, .lua = "return 1", .done = loops_back,
                    .ud = &calls };
    CHECK(orun_wait(o, loops_start(o, &t), -1) == ORUN_OK);
    for (int i = 1; i <= 3; i++)
        CHECK(orun_dispatch(o) == 1 && calls == i);
    CHECK(orun_dispatch(o) == 0);
    check_fine(o, "x = 1");
    CHECK(orun_free(o) == ORUN_OK);
}

static atomic_int loops_in, loops_out;

static void
loops_block(orun *o, uint64_t id, void *ud)
{
    (void)id, (void)ud;
    loops_in = 1;
    while (!loops_out)
        usleep(1000);
    CHECK(orun_wait(o, 2, -1) == ORUN_ESHUTDOWN);
}

static void *
loops_dispatcher(void *o)
{
    while (orun_dispatch(o) == 0)
        usleep(500);
    return NULL;
}

static void *
loops_freer(void *o)
{
    loops_out = 1;
    CHECK(orun_free(o) == ORUN_OK);
    return NULL;
}

/* A second thread in dispatch is refused; a script runs beside; orun_free waits
 * for what is being called, and calls nothing more. */
static void
loops_threads(void)
{
    orun *o = check_new();
    pthread_t one, two;
    orun_task t = { sizeof t, .lua = "return 1", .done = loops_block };
    loops_start(o, &t);
    loops_start(o,
                &(orun_task){ sizeof(orun_task), .lua = "orun.sleep('1h')" });
    pthread_create(&one, NULL, loops_dispatcher, o);
    while (!loops_in)
        usleep(500);
    CHECK(orun_dispatch(o) == ORUN_ETHREAD);
    CHECK(strstr(orun_errmsg(o), "another thread is in this call"));
    check_fine(o, "assert(Task{run = function() return 1 end}.output)");
    CHECK(orun_wait(o, loops_start(o, &t), -1) == ORUN_OK);
    pthread_create(&two, NULL, loops_freer, o);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
}

static const CheckCase cases[] = {
    { "poll", loops_poll },           { "level", loops_level },
    { "edge", loops_edge },           { "uv", loops_uv },
    { "next", loops_next },           { "stream", loops_stream },
    { "reentered", loops_reentered }, { "threads", loops_threads },
};

CHECK_MAIN(cases)
