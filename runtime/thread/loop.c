/* loop.c — the io thread.
 *
 * The uv_async that wakes the loop is unreferenced, so uv_run returns by
 * itself once nothing else is alive. Until loop_stop asks for the end, that
 * only means that the loop is idle, and a reference keeps it waiting; after
 * it, an idle loop with an empty mailbox is the end. The async is closed last
 * and under the lock, so a late post is never sent to a closed handle.
 */
#include "thread/loop.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LOOP_STACK = 8 << 20 };
#else
enum { LOOP_STACK = 1 << 20 };
#endif

enum {
    LOOP_ROOM = 4096, /* bytes of memory, … */
    LOOP_PIPES = 3,   /* … and pairs of descriptors, for uv_loop_init */
};

struct Loop {
    uv_loop_t uv;
    uv_thread_t thread;

    uv_async_t wake; /* sent by any thread, closed by the io thread */

    uv_mutex_t lock;
    /* guarded by lock: */
    List mail;     /* of LoopMsg */
    bool stopping; /* loop_stop was called */
    bool closed;   /* wake can be sent no more */
};

/* What loop_call waits for; lives on the caller's stack. */
typedef struct LoopCall {
    LoopMsg msg;
    Loop *loop;
    void (*fn)(Loop *loop, void *ud);
    void *ud;
    uv_sem_t done;
} LoopCall;

/* Run what the mailbox held at this moment; true when there was something. */
static bool ON_IO
loop_drain(Loop *l)
{
    List batch;
    list_init(&batch);
    uv_mutex_lock(&l->lock);
    bool any = !list_empty(&l->mail);
    if (any) {
        list_after(&l->mail, &batch);
        list_del(&l->mail);
    }
    uv_mutex_unlock(&l->lock);
    for (List *node; (node = list_shift(&batch)) != NULL;) {
        LoopMsg *msg = container_of(node, LoopMsg, link);
        msg->run(msg);
    }
    return any;
}

static void
loop_woken(uv_async_t *wake)
{
    role_is_io();
    Loop *l = wake->data;
    loop_drain(l);
    uv_mutex_lock(&l->lock);
    if (l->stopping)
        uv_unref((uv_handle_t *)wake);
    uv_mutex_unlock(&l->lock);
}

/* Close the async unless a message came meanwhile; true when closed. */
static bool ON_IO
loop_seal(Loop *l)
{
    uv_mutex_lock(&l->lock);
    l->closed = list_empty(&l->mail);
    bool closed = l->closed;
    uv_mutex_unlock(&l->lock);
    if (closed)
        uv_close((uv_handle_t *)&l->wake, NULL);
    return closed;
}

static void
loop_main(void *arg)
{
    Loop *l = arg;
    role_is_io();
    pthread_setname_np(pthread_self(), "orun-io");
    do
        uv_run(&l->uv, UV_RUN_DEFAULT);
    while (loop_drain(l) || !loop_seal(l));
    uv_run(&l->uv, UV_RUN_DEFAULT);
    LOG(LOOP, "io thread ends");
}

/* libuv aborts when there are no descriptors for its own pipes: see that there
 * are. 0 or -errno. */
static int
loop_probe(void)
{
    int pairs[LOOP_PIPES][2], n = 0;
    while (n < LOOP_PIPES && pipe2(pairs[n], O_CLOEXEC) == 0)
        n++;
    int err = n < LOOP_PIPES ? -errno : 0;
    while (n-- > 0) {
        close(pairs[n][0]);
        close(pairs[n][1]);
    }
    return err;
}

/* libuv's part of the loop. It also aborts when it cannot grow its table of
 * watched descriptors, so the memory is seen to be there by the caller. */
static int
loop_init(Loop *l)
{
    int e = loop_probe();
    if (e == 0)
        e = uv_loop_init(&l->uv);
    if (e == 0) {
        e = uv_async_init(&l->uv, &l->wake, loop_woken);
        if (e)
            uv_loop_close(&l->uv);
    }
    l->wake.data = l;
    if (e)
        errno = -e;
    return e == UV_ENOMEM ? ORUN_ENOMEM : e ? ORUN_ESYS : 0;
}

int
loop_watch(Loop *l, uv_poll_t *poll, int fd, int events, uv_poll_cb call)
{
    size_t slots = 2 * ((size_t)fd + 4); /* it doubles */
    if (mem_begin_sure(slots * sizeof(void *)))
        return ENOMEM;
    int e = uv_poll_init(&l->uv, poll, fd);
    if (e == 0)
        uv_poll_start(poll, events, call);
    mem_end_sure();
    return -e;
}

bool
loop_is_io(Loop *l)
{
    uv_thread_t self = uv_thread_self();
    return uv_thread_equal(&self, &l->thread);
}

int
loop_start(Loop **out)
{
    int e = ORUN_ENOMEM;
    Loop *l = mem_zalloc(1, sizeof *l);
    if (!l)
        return e;
    list_init(&l->mail);
    uv_mutex_init(&l->lock);
    if (mem_begin_sure(LOOP_ROOM))
        goto fail_loop;
    e = loop_init(l);
    mem_end_sure();
    if (e)
        goto fail_loop;
    if ((e = thread_start(&l->thread, LOOP_STACK, 0, loop_main, l)) != 0)
        goto fail_thread;
    *out = l;
    return 0;
fail_thread:;
    int saved = errno;
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    uv_loop_close(&l->uv);
    errno = saved;
fail_loop:
    uv_mutex_destroy(&l->lock);
    mem_free(l);
    return e;
}

void
loop_post(Loop *l, LoopMsg *msg)
{
    uv_mutex_lock(&l->lock);
    bool first = list_empty(&l->mail);
    list_push(&l->mail, &msg->link);
    if (first && !l->closed)
        uv_async_send(&l->wake);
    uv_mutex_unlock(&l->lock);
}

uv_loop_t *
loop_uv(Loop *l)
{
    return &l->uv;
}

static void ON_IO
loop_called(LoopMsg *msg)
{
    LoopCall *call = container_of(msg, LoopCall, msg);
    call->fn(call->loop, call->ud);
    uv_sem_post(&call->done);
}

void
loop_call(Loop *l, void (*fn)(Loop *loop, void *ud), void *ud)
{
    LoopCall call = { .msg.run = loop_called, .loop = l, .fn = fn, .ud = ud };
    uv_sem_init(&call.done, 0);
    loop_post(l, &call.msg);
    uv_sem_wait(&call.done);
    uv_sem_destroy(&call.done);
}

void
loop_stop(Loop *l)
{
    if (!l)
        return;
    uv_mutex_lock(&l->lock);
    l->stopping = true;
    uv_async_send(&l->wake);
    uv_mutex_unlock(&l->lock);
    uv_thread_join(&l->thread);
    int e = uv_loop_close(&l->uv);
    if (e)
        LOG(LOOP, "handles left open: %s", uv_strerror(e));
    uv_mutex_destroy(&l->lock);
    mem_free(l);
}
