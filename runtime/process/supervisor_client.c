/* keeper_client.c — orun's end of the keeper's socket.
 *
 * Requests are whole frames in a queue; most are sent before keeper_spawn
 * returns, the rest when the socket takes more. Replies name a child by id, and
 * ids are never used twice, so a reply for one that was forgotten finds
 * nothing. When the socket ends the keeper is dead: everything that waited on
 * it is told so, and the next spawn starts another. The uv handles live in a
 * Line of their own because closing them takes a turn of the loop, and a new
 * keeper may be there before.
 */
#include "process/keeper_client.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "process/keeper_frame.h"
#include "process/keeper_launch.h"
#include "task/folder.h"
#include "thread/loop.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    KEEPER_END_MS = 5000,   /* how long the keeper may take to end */
    KEEPER_PRESS_MS = 1000, /* … and to read what it is told */
    KEEPER_PING_MS = 1000,  /* between questions whether it lives … */
    KEEPER_PINGS = 3,       /* … that it may leave without an answer */
    KEEPER_ROOM = 16 << 10, /* for replies, which are much smaller each */
};

typedef struct Line {
    uv_poll_t poll;
    uv_timer_t ping; /* runs while k->hasty */
    int handles;     /* of the two that are not closed */
    Keeper *keeper;
    bool writing;    /* polled for room too */
} Line;

struct Keeper {
    EnginePart part;
    Loop *loop;
    Folder *folder; /* may be NULL */
    int null; /* /dev/null */

    /* The rest is the io thread's. */
    Line *line; /* NULL: no keeper runs */
    KeeperLink link;
    uint64_t last_id;
    bool closing; /* start no other */
    bool suspended, hasty;
    int unanswered; /* pings */
    Buf in; /* has the room for all it ever holds */
    List unsent;       /* of Frame */
    List children[64]; /* of KeeperChild, by id */
};

static const char *const keeper_steps[] = {
#define X(name, text) text,
    WIRE_STEPS(X)
#undef X
};

static void
keeper_drop(Keeper *k)
{
    buf_free(&k->in);
    if (k->null >= 0)
        close(k->null);
    mem_free(k);
}

int
keeper_null(const Keeper *k)
{
    return k->null;
}

Loop *
keeper_loop(Keeper *k)
{
    return k->loop;
}

/* ---- children ---- */

static List *
keeper_ring(Keeper *k, uint64_t id)
{
    return &k->children[id % countof(k->children)];
}

static KeeperChild *
keeper_find(Keeper *k, uint64_t id)
{
    List *ring = keeper_ring(k, id);
    list_each(node, ring) {
        KeeperChild *c = container_of(node, KeeperChild, link);
        if (c->id == id)
            return c;
    }
    return NULL;
}

void
keeper_forget(Keeper *k, KeeperChild *c)
{
    (void)k;
    if (!c->id)
        return;
    list_del(&c->link);
    c->id = 0;
}

/* ---- the line ---- */

static void
keeper_line_closed(uv_handle_t *h)
{
    Line *line = h->data;
    if (--line->handles == 0)
        mem_free(line);
}

static void ON_IO
keeper_line_close(Line *line)
{
    line->handles = 2;
    line->poll.data = line->ping.data = line;
    uv_close((uv_handle_t *)&line->poll, keeper_line_closed);
    uv_close((uv_handle_t *)&line->ping, keeper_line_closed);
}

/* Tell a child that its keeper is gone: it could not be started when nobody was
 * asked to (pid -1), else nobody knows what has become of it. */
static void ON_IO
keeper_lose_child(Keeper *k, KeeperChild *c, bool silent)
{
    int pid = c->pid;
    keeper_forget(k, c);
    if (pid > 0)
        kill(-pid, SIGKILL);
    if (pid >= 0)
        c->exited(c, &(KeeperExit){ .lost = true, .silent = silent });
    else
        c->started(c, 0, EPIPE, keeper_steps[WIRE_STEP_KEEPER]);
}

/* Let go of the socket and of everything that waited for it. The children are
 * taken aside first: what they are told may make them spawn again. */
static void ON_IO
keeper_hang_up(Keeper *k)
{
    List all;
    bool silent = k->unanswered > KEEPER_PINGS;
    list_init(&all);
    for (List *node; (node = list_shift(&k->unsent)) != NULL;) {
        Frame *f = container_of(node, Frame, link);
        KeeperChild *c = keeper_frame_asks(f) ? keeper_find(k, f->id) : NULL;
        if (c)
            c->pid = -1;
        keeper_frame_free(f);
    }
    for (size_t i = 0; i < countof(k->children); i++)
        for (List *node; (node = list_shift(&k->children[i])) != NULL;)
            list_push(&all, node);
    keeper_line_close(k->line);
    close(k->link.fd);
    k->line = NULL;
    buf_clear(&k->in);
    for (List *node; (node = list_shift(&all)) != NULL;)
        keeper_lose_child(k, container_of(node, KeeperChild, link), silent);
}

/* The socket ended or made no sense: the keeper and all its descendants are
 * dead, or about to be. */
static void ON_IO
keeper_lost(Keeper *k)
{
    LOG(KEEPER, "keeper %d is gone", k->link.pid);
    keeper_launch_bury(&k->link);
    keeper_hang_up(k);
}

/* ---- sending ---- */

static void keeper_event(uv_poll_t *poll, int status, int events);

static void ON_IO
keeper_watch(Keeper *k, bool writing)
{
    Line *line = k->line;
    int events = writing ? UV_READABLE | UV_WRITABLE : UV_READABLE;
    line->writing = writing;
    uv_poll_start(&line->poll, events, keeper_event);
}

/* Send what the socket takes. A dead keeper is noticed by reading, so errors
 * only end the sending. ETOOMANYREFS is over when the keeper has read what is
 * under way. */
static void ON_IO
keeper_flush(Keeper *k)
{
    while (!list_empty(&k->unsent)) {
        Frame *f = container_of(k->unsent.next, Frame, link);
        ssize_t n = keeper_frame_send(f, k->link.fd, k->null);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        if (f->sent < f->n)
            continue;
        list_del(&f->link);
        keeper_frame_free(f);
    }
    bool writing = !list_empty(&k->unsent);
    if (writing != k->line->writing)
        keeper_watch(k, writing);
}

/* ---- replies ---- */

static void ON_IO
keeper_on_started(KeeperChild *c, Keeper *k, const char *body)
{
    WireStarted w;
    memcpy(&w, body, sizeof w);
    c->pid = w.pid;
    unsigned step = (unsigned)w.step;
    if (w.pid <= 0)
        keeper_forget(k, c);
    c->started(c, w.pid, w.err,
               keeper_steps[step < WIRE_STEP_COUNT ? step : 0]);
}

static void ON_IO
keeper_on_exited(KeeperChild *c, Keeper *k, const char *body)
{
    WireExited w;
    memcpy(&w, body, sizeof w);
    keeper_forget(k, c);
    c->pid = w.pid;
    KeeperExit exit = { .status = w.status, .wall = w.wall, .cpu = w.cpu,
                        .max_rss = (long)w.max_rss };
    c->exited(c, &exit);
}

/* Act on one reply; false when it makes no sense. */
static bool ON_IO
keeper_reply(Keeper *k, const WireHead *head, const char *body)
{
    bool started = head->kind == WIRE_STARTED;
    if (head->kind == WIRE_PING && head->size == 0)
        return true;
    if (head->size != (started ? sizeof(WireStarted) : sizeof(WireExited))
        || (!started && head->kind != WIRE_EXITED))
        return false;
    KeeperChild *c = keeper_find(k, head->id);
    if (c && started)
        keeper_on_started(c, k, body);
    else if (c)
        keeper_on_exited(c, k, body);
    return true;
}

/* Act on every whole reply in k->in; false when one makes no sense. */
static bool ON_IO
keeper_replies(Keeper *k)
{
    Buf *in = &k->in;
    WireHead head;
    size_t at = 0;
    int whole;
    while ((whole = wire_head(in->p + at, in->n - at, &head)) > 0) {
        if (!keeper_reply(k, &head, in->p + at + sizeof head))
            return false;
        at += sizeof head + head.size;
    }
    in->n -= at;
    memmove(in->p, in->p + at, in->n);
    return whole == 0;
}

static void
keeper_event(uv_poll_t *poll, int status, int events)
{
    role_is_io();
    Keeper *k = container_of(poll, Line, poll)->keeper;
    if (status == 0 && !(events & UV_READABLE)) {
        keeper_flush(k);
        return;
    }
    ssize_t n = recv(k->link.fd, k->in.p + k->in.n, k->in.cap - k->in.n,
                     MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        k->in.n += (size_t)n;
        k->unanswered = 0; /* whatever it says, it lives */
    }
    if (n <= 0 || !keeper_replies(k))
        keeper_lost(k);
    else if (events & UV_WRITABLE)
        keeper_flush(k);
}

/* ---- requests ---- */

static void ON_IO
keeper_queue(Keeper *k, Frame *f)
{
    list_push(&k->unsent, &f->link);
    if (!k->line->writing)
        keeper_flush(k);
}

/* Have everything sent before this process is stopped, unless the keeper takes
 * very long to read it. */
static void ON_IO
keeper_press(Keeper *k)
{
    struct pollfd p = { .fd = k->link.fd, .events = POLLOUT };
    while (!list_empty(&k->unsent) && poll(&p, 1, KEEPER_PRESS_MS) > 0
           && !(p.revents & (POLLERR | POLLHUP)))
        keeper_flush(k);
}

/* Tell the keeper what k->suspended says. Without memory for that it is not
 * told; the run goes on all the same. */
static void ON_IO
keeper_tell_suspended(Keeper *k)
{
    uint32_t kind = k->suspended ? WIRE_SUSPEND : WIRE_RESUME;
    Frame *f = keeper_frame_new(kind, 0, 0);
    if (f)
        keeper_queue(k, f);
}

/* Without memory for the question nothing is concluded from the silence. */
static void
keeper_ping(uv_timer_t *timer)
{
    role_is_io();
    Keeper *k = container_of(timer, Line, ping)->keeper;
    Frame *f = keeper_frame_new(WIRE_PING, 0, 0);
    if (f)
        keeper_queue(k, f);
    k->unanswered = f ? k->unanswered + 1 : 0;
    if (k->unanswered > KEEPER_PINGS)
        keeper_lost(k);
}

static void ON_IO
keeper_line_hasten(Keeper *k)
{
    uv_timer_t *ping = &k->line->ping;
    k->unanswered = 0;
    if (k->hasty) {
        uv_update_time(ping->loop);
        uv_timer_start(ping, keeper_ping, 0, KEEPER_PING_MS);
    } else {
        uv_timer_stop(ping);
    }
}

/* The run is to end, and nothing may keep it from that / may take its time
 * again. Once is as good as twice. */
static void ON_IO
keeper_hasten(Keeper *k, bool hasty)
{
    bool was = k->hasty;
    k->hasty = hasty;
    if (k->line && was != hasty)
        keeper_line_hasten(k);
}

int
keeper_need(Keeper *k, const char *const *env)
{
    if (k->line)
        return 0;
    if (k->closing)
        return ORUN_ESHUTDOWN;
    Line *line = mem_zalloc(1, sizeof *line);
    if (!line)
        return ORUN_ENOMEM;
    int e = keeper_launch(&k->link,
                          k->folder ? folder_path(k->folder) : NULL, env), err;
    if (e)
        goto fail_launch;
    err = loop_watch(k->loop, &line->poll, k->link.fd, UV_READABLE,
                     keeper_event);
    if (err)
        goto fail_poll;
    uv_timer_init(loop_uv(k->loop), &line->ping);
    line->keeper = k;
    k->line = line;
    if (k->suspended)
        keeper_tell_suspended(k);
    keeper_line_hasten(k);
    return 0;
fail_poll:
    keeper_launch_bury(&k->link);
    close(k->link.fd);
    errno = err;
    e = err == ENOMEM ? ORUN_ENOMEM : ORUN_ESYS;
fail_launch:
    mem_free(line);
    return e;
}

int
keeper_spawn(Keeper *k, KeeperChild *c, uint64_t task,
             const char *const *argv, const char *const *env,
             const char *cwd, const int fds[3])
{
    Frame *f;
    uint64_t id = k->last_id + 1;
    WireSpawn w = { .task = task, .lingers = c->lingers };
    int e = keeper_frame_spawn(id, w, argv, env, cwd, &f);
    if (e)
        goto fail_request;
    e = keeper_need(k, env);
    if (e)
        goto fail_need;
    keeper_frame_attach(f, fds);
    c->id = k->last_id = id;
    c->pid = 0;
    list_push(keeper_ring(k, id), &c->link);
    keeper_queue(k, f);
    return 0;
fail_need:
    keeper_frame_free(f);
fail_request:;
    int saved = errno;
    for (int i = 0; i < WIRE_FDS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    errno = saved;
    return e;
}

void
keeper_signal(Keeper *k, KeeperChild *c, int signo, bool tree)
{
    if (!c->id || !k->line)
        return;
    WireSignal w = { .signo = signo, .tree = tree };
    Frame *f = keeper_frame_new(WIRE_SIGNAL, c->id, sizeof w);
    if (!f) {
        if (c->pid > 0) /* better its group than nothing */
            kill(-c->pid, tree ? SIGKILL : signo);
        return;
    }
    memcpy(f->bytes + sizeof(WireHead), &w, sizeof w);
    keeper_queue(k, f);
}

void
keeper_task_over(Keeper *k, uint64_t task)
{
    Frame *f = k->line ? keeper_frame_new(WIRE_OVER, task, 0) : NULL;
    if (f)
        keeper_queue(k, f);
}

/* Stop every descendant and start none / have them go on. What had stopped by
 * itself before stays so. Killing works meanwhile. */
static void ON_IO
keeper_suspend(Keeper *k, bool suspended)
{
    if (k->suspended == suspended)
        return;
    k->suspended = suspended;
    if (!k->line)
        return;
    keeper_tell_suspended(k);
    keeper_press(k);
}

/* ---- the end ---- */

/* Close the socket, wait until the keeper has killed everything and ended, at
 * most a few seconds; free. Children that were not reported yet are reported
 * lost from inside this call. */
static void
keeper_close(EnginePart *part)
{
    role_is_io();
    Keeper *k = container_of(part, Keeper, part);
    if (k->line) {
        if (!keeper_launch_ends(&k->link, KEEPER_END_MS))
            LOG(KEEPER, "keeper %d does not end", k->link.pid);
        k->closing = true;
        keeper_lost(k);
    }
    keeper_drop(k);
}

/* ---- the run's ---- */

static void
keeper_follow(EnginePart *part, Engine *h)
{
    role_is_io();
    Keeper *k = container_of(part, Keeper, part);
    keeper_suspend(k, clock_is_paused(&h->clock));
    keeper_hasten(k, h->hasty);
}

static int
keeper_new(Engine *h, Keeper **out)
{
    Keeper *k = mem_zalloc(1, sizeof *k);
    if (!k)
        return ORUN_ENOMEM;
    int e = buf_room(&k->in, KEEPER_ROOM) ? ORUN_ESYS : ORUN_ENOMEM;
    k->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (e == ORUN_ENOMEM || k->null < 0) {
        keeper_drop(k);
        return e;
    }
    k->part = (EnginePart){ .follow = keeper_follow, .close = keeper_close };
    k->loop = h->loop;
    k->folder = h->folder;
    list_init(&k->unsent);
    for (size_t i = 0; i < countof(k->children); i++)
        list_init(&k->children[i]);
    *out = k;
    return 0;
}

Keeper *
keeper_of(Engine *h)
{
    EnginePart *part = h->parts[PART_KEEPER];
    Keeper *k = part ? container_of(part, Keeper, part) : NULL;
    int e = k ? 0 : keeper_new(h, &k);
    if (e == ORUN_ENOMEM)
        errno = ENOMEM;
    if (e)
        return NULL;
    h->parts[PART_KEEPER] = &k->part;
    if (clock_is_paused(&h->clock))
        keeper_suspend(k, true);
    keeper_hasten(k, h->hasty);
    return k;
}
