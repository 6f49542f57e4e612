/* supervisor_client.c — orun's end of the supervisor's socket.
 *
 * Requests are whole messages in a queue. Most are sent before
 * supervisor_client_spawn returns, the rest when the socket takes more. Replies
 * name a child by id, and no id is used twice, so a reply for a child that was
 * forgotten finds nothing. When the socket ends the supervisor is dead: all
 * that waited for it is notified, and the next spawn starts another one. The uv
 * handles are in a SupervisorLink of their own, because closing them takes a
 * turn of the loop, and a new supervisor may run before that.
 */
#include "process/supervisor_client.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "process/supervisor_process.h"
#include "supervisor/supervisor_protocol.h"
#include "task/folder.h"
#include "thread/loop.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SUPERVISOR_END_MS = 5000,   /* for the supervisor to end */
    SUPERVISOR_DRAIN_MS = 1000, /* … and to read what is queued */
    SUPERVISOR_PING_MS = 1000,  /* between two pings … */
    SUPERVISOR_PINGS = 3,       /* … that may be without an answer */
    SUPERVISOR_ROOM = 16 << 10, /* for replies, each of which is much smaller */
};

/* A message that is not sent yet, or only in part. */
typedef struct SupervisorRequest {
    List link; /* in SupervisorClient.unsent */
    uint64_t id;
    size_t n, sent;
    int fds[PROTOCOL_FDS]; /* to go with the first byte; -1: /dev/null */
    bool with_fds;         /* it has them: a SPAWN of which nothing is sent */
    char bytes[];
} SupervisorRequest;

typedef struct SupervisorLink {
    uv_poll_t poll;
    uv_timer_t ping; /* runs while client->hasty */
    int handles;     /* of the two that are not closed */
    SupervisorClient *client;
    bool writing; /* polled for room too */
} SupervisorLink;

struct SupervisorClient {
    EnginePart part;
    Loop *loop;
    Folder *folder; /* may be NULL */
    int null;       /* /dev/null */

    /* The rest belongs to the io thread. */
    SupervisorLink *link; /* NULL: no supervisor runs */
    SupervisorProcess process;
    uint64_t last_id;
    bool closing; /* start no other */
    bool suspended, hasty;
    int unanswered;    /* pings */
    Buf in;            /* has the room for all it ever holds */
    List unsent;       /* of SupervisorRequest */
    List children[64]; /* of SupervisorChild, by id */
};

static const char *const supervisor_client_steps[] = {
#define X(name, text) text,
    PROTOCOL_STEPS(X)
#undef X
};

static void
supervisor_client_free(SupervisorClient *s)
{
    buf_free(&s->in);
    if (s->null >= 0)
        close(s->null);
    mem_free(s);
}

int
supervisor_client_null(const SupervisorClient *s)
{
    return s->null;
}

Loop *
supervisor_client_loop(SupervisorClient *s)
{
    return s->loop;
}

/* ---- a request ---- */

/* One of that kind with room for `size` bytes of body; NULL: out of memory. */
static SupervisorRequest *
supervisor_request_new(uint32_t kind, uint64_t id, size_t size)
{
    SupervisorRequest *r = mem_alloc(sizeof *r + sizeof(ProtocolHead) + size);
    if (!r)
        return NULL;
    ProtocolHead head = { PROTOCOL_MAGIC, kind, size, id };
    r->id = id;
    r->n = sizeof head + size;
    r->sent = 0;
    r->with_fds = false;
    memcpy(r->bytes, &head, sizeof head);
    return r;
}

/* Count the strings of `list` and add their bytes to *size. */
static uint32_t
supervisor_request_measure(const char *const *list, size_t *size)
{
    uint32_t n = 0;
    for (; list[n]; n++)
        *size += strlen(list[n]) + 1;
    return n;
}

static char *
supervisor_request_put(char *to, const char *const *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        to = stpcpy(to, list[i]) + 1;
    return to;
}

/* A SPAWN, without its descriptors; task and lingers of `w` are set. Errors:
 * ORUN_EINVAL (no argv[0]), ORUN_ETOOBIG, ORUN_ENOMEM, with errno to match. */
static int
supervisor_request_spawn(uint64_t id, ProtocolSpawn w, const char *const *argv,
                         const char *const *env, const char *cwd,
                         SupervisorRequest **out)
{
    size_t size = sizeof w + (cwd ? strlen(cwd) + 1 : 0);
    w.has_cwd = cwd != NULL;
    w.argc = supervisor_request_measure(argv, &size);
    w.envc = supervisor_request_measure(env, &size);
    if (w.argc == 0)
        return errno = EINVAL, ORUN_EINVAL;
    if (size > PROTOCOL_MAX)
        return errno = E2BIG, ORUN_ETOOBIG;
    SupervisorRequest *r = supervisor_request_new(PROTOCOL_SPAWN, id, size);
    if (!r)
        return errno = ENOMEM, ORUN_ENOMEM;
    char *to = r->bytes + sizeof(ProtocolHead);
    to = mempcpy(to, &w, sizeof w);
    to = supervisor_request_put(to, &cwd, w.has_cwd);
    to = supervisor_request_put(to, argv, w.argc);
    supervisor_request_put(to, env, w.envc);
    *out = r;
    return 0;
}

static void
supervisor_request_close(SupervisorRequest *r)
{
    for (int i = 0; r->with_fds && i < PROTOCOL_FDS; i++)
        if (r->fds[i] >= 0)
            close(r->fds[i]);
    r->with_fds = false;
}

static void
supervisor_request_free(SupervisorRequest *r)
{
    if (!r)
        return;
    supervisor_request_close(r);
    mem_free(r);
}

/* Send what `fd` takes of the rest. Returns as send(2); counts in r->sent. */
static ssize_t
supervisor_request_send(SupervisorRequest *r, int fd, int null)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof r->fds)];
    } control = { 0 };
    struct iovec io = { r->bytes + r->sent, r->n - r->sent };
    struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1 };
    if (r->with_fds) {
        int fds[PROTOCOL_FDS];
        for (int i = 0; i < PROTOCOL_FDS; i++)
            fds[i] = r->fds[i] < 0 ? null : r->fds[i];
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof fds);
        memcpy(CMSG_DATA(&control.head), fds, sizeof fds);
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof control.bytes;
    }
    ssize_t n = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) {
        r->sent += (size_t)n;
        supervisor_request_close(r);
    }
    return n;
}

/* ---- children ---- */

static List *
supervisor_client_ring(SupervisorClient *s, uint64_t id)
{
    return &s->children[id % countof(s->children)];
}

static SupervisorChild *
supervisor_client_find(SupervisorClient *s, uint64_t id)
{
    List *ring = supervisor_client_ring(s, id);
    list_each(node, ring) {
        SupervisorChild *c = container_of(node, SupervisorChild, link);
        if (c->id == id)
            return c;
    }
    return NULL;
}

void
supervisor_client_forget(SupervisorChild *c)
{
    if (!c->id)
        return;
    list_del(&c->link);
    c->id = 0;
}

/* ---- the link ---- */

static void
supervisor_link_closed(uv_handle_t *h)
{
    SupervisorLink *link = h->data;
    if (--link->handles == 0)
        mem_free(link);
}

static void ON_IO
supervisor_link_close(SupervisorLink *link)
{
    link->handles = 2;
    link->poll.data = link->ping.data = link;
    uv_close((uv_handle_t *)&link->poll, supervisor_link_closed);
    uv_close((uv_handle_t *)&link->ping, supervisor_link_closed);
}

/* Notify a child that its supervisor is gone. If its request was not sent (pid
 * -1) it could not be started; otherwise what became of it is unknown. */
static void ON_IO
supervisor_client_lose_child(SupervisorChild *c, bool silent)
{
    int pid = c->pid;
    supervisor_client_forget(c);
    if (pid > 0)
        kill(-pid, SIGKILL);
    if (pid >= 0)
        c->exited(c, &(SupervisorExit){ .lost = true, .silent = silent });
    else
        c->started(c, 0, EPIPE,
                   supervisor_client_steps[PROTOCOL_STEP_SUPERVISOR]);
}

/* Close the socket, and notify all that waited for it. The children are put
 * aside first, because their callbacks may spawn again. */
static void ON_IO
supervisor_client_hang_up(SupervisorClient *s)
{
    List all;
    bool silent = s->unanswered > SUPERVISOR_PINGS;
    list_init(&all);
    for (List *node; (node = list_shift(&s->unsent)) != NULL;) {
        SupervisorRequest *r = container_of(node, SupervisorRequest, link);
        SupervisorChild *c = r->with_fds ? supervisor_client_find(s, r->id)
                                         : NULL;
        if (c)
            c->pid = -1;
        supervisor_request_free(r);
    }
    for (size_t i = 0; i < countof(s->children); i++)
        for (List *node; (node = list_shift(&s->children[i])) != NULL;)
            list_push(&all, node);
    supervisor_link_close(s->link);
    close(s->process.fd);
    s->link = NULL;
    buf_clear(&s->in);
    for (List *node; (node = list_shift(&all)) != NULL;)
        supervisor_client_lose_child(container_of(node, SupervisorChild, link),
                                     silent);
}

/* The socket has ended, or what came is not the protocol: the supervisor and
 * all its descendants are dead, or about to be. */
static void ON_IO
supervisor_client_lost(SupervisorClient *s)
{
    LOG(SUPERVISOR, "supervisor %d is gone", s->process.pid);
    supervisor_process_kill(&s->process);
    supervisor_client_hang_up(s);
}

/* ---- sending ---- */

static void supervisor_client_event(uv_poll_t *poll, int status, int events);

static void ON_IO
supervisor_client_watch(SupervisorClient *s, bool writing)
{
    SupervisorLink *link = s->link;
    int events = writing ? UV_READABLE | UV_WRITABLE : UV_READABLE;
    link->writing = writing;
    uv_poll_start(&link->poll, events, supervisor_client_event);
}

/* Send what the socket takes. That the supervisor is dead is noticed by
 * reading, so errors only end the sending. ETOOMANYREFS passes when the
 * supervisor has read what is under way. */
static void ON_IO
supervisor_client_flush(SupervisorClient *s)
{
    while (!list_empty(&s->unsent)) {
        SupervisorRequest *r = container_of(s->unsent.next, SupervisorRequest,
                                            link);
        ssize_t n = supervisor_request_send(r, s->process.fd, s->null);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        if (r->sent < r->n)
            continue;
        list_del(&r->link);
        supervisor_request_free(r);
    }
    bool writing = !list_empty(&s->unsent);
    if (writing != s->link->writing)
        supervisor_client_watch(s, writing);
}

static void ON_IO
supervisor_client_queue(SupervisorClient *s, SupervisorRequest *r)
{
    list_push(&s->unsent, &r->link);
    if (!s->link->writing)
        supervisor_client_flush(s);
}

/* Send all requests before this process is stopped, unless the supervisor takes
 * very long to read them. */
static void ON_IO
supervisor_client_drain(SupervisorClient *s)
{
    struct pollfd p = { .fd = s->process.fd, .events = POLLOUT };
    while (!list_empty(&s->unsent) && poll(&p, 1, SUPERVISOR_DRAIN_MS) > 0
           && !(p.revents & (POLLERR | POLLHUP)))
        supervisor_client_flush(s);
}

/* ---- replies ---- */

static void ON_IO
supervisor_client_started(SupervisorChild *c, const char *body)
{
    ProtocolStarted w;
    memcpy(&w, body, sizeof w);
    c->pid = w.pid;
    unsigned step = (unsigned)w.step;
    if (w.pid <= 0)
        supervisor_client_forget(c);
    c->started(c, w.pid, w.err,
               supervisor_client_steps[step < PROTOCOL_STEP_COUNT ? step : 0]);
}

static void ON_IO
supervisor_client_exited(SupervisorChild *c, const char *body)
{
    ProtocolExited w;
    memcpy(&w, body, sizeof w);
    supervisor_client_forget(c);
    c->pid = w.pid;
    SupervisorExit exit = { .status = w.status,
                            .wall = w.wall,
                            .cpu = w.cpu,
                            .max_rss = (long)w.max_rss };
    c->exited(c, &exit);
}

/* Handle one reply; false when it is not of the protocol. */
static bool ON_IO
supervisor_client_reply(SupervisorClient *s, const ProtocolHead *head,
                        const char *body)
{
    bool started = head->kind == PROTOCOL_STARTED;
    size_t size = started ? sizeof(ProtocolStarted) : sizeof(ProtocolExited);
    if (head->kind == PROTOCOL_PING && head->size == 0)
        return true;
    if (head->size != size || (!started && head->kind != PROTOCOL_EXITED))
        return false;
    SupervisorChild *c = supervisor_client_find(s, head->id);
    if (c && started)
        supervisor_client_started(c, body);
    else if (c)
        supervisor_client_exited(c, body);
    return true;
}

/* Handle each whole reply in s->in; false when one is not of the protocol. */
static bool ON_IO
supervisor_client_replies(SupervisorClient *s)
{
    Buf *in = &s->in;
    ProtocolHead head;
    size_t at = 0;
    int whole;
    while ((whole = protocol_head(in->p + at, in->n - at, &head)) > 0) {
        if (!supervisor_client_reply(s, &head, in->p + at + sizeof head))
            return false;
        at += sizeof head + head.size;
    }
    in->n -= at;
    memmove(in->p, in->p + at, in->n);
    return whole == 0;
}

static void
supervisor_client_event(uv_poll_t *poll, int status, int events)
{
    role_is_io();
    SupervisorClient *s = container_of(poll, SupervisorLink, poll)->client;
    if (status == 0 && !(events & UV_READABLE)) {
        supervisor_client_flush(s);
        return;
    }
    ssize_t n = recv(s->process.fd, s->in.p + s->in.n, s->in.cap - s->in.n,
                     MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        s->in.n += (size_t)n;
        s->unanswered = 0; /* whatever it sends, it lives */
    }
    if (n <= 0 || !supervisor_client_replies(s))
        supervisor_client_lost(s);
    else if (events & UV_WRITABLE)
        supervisor_client_flush(s);
}

/* ---- what all of the supervisor is asked for ---- */

/* Send what s->suspended says. Without memory for the request it is not sent,
 * and the run goes on. */
static void ON_IO
supervisor_client_send_suspended(SupervisorClient *s)
{
    uint32_t kind = s->suspended ? PROTOCOL_SUSPEND : PROTOCOL_RESUME;
    SupervisorRequest *r = supervisor_request_new(kind, 0, 0);
    if (r)
        supervisor_client_queue(s, r);
}

/* Stop all descendants and start none, or let them go on. What had stopped by
 * itself before stays stopped. Killing works meanwhile. */
static void ON_IO
supervisor_client_suspend(SupervisorClient *s, bool suspended)
{
    if (s->suspended == suspended)
        return;
    s->suspended = suspended;
    if (!s->link)
        return;
    supervisor_client_send_suspended(s);
    supervisor_client_drain(s);
}

/* Without memory for a ping its silence means nothing. */
static void
supervisor_client_ping(uv_timer_t *timer)
{
    role_is_io();
    SupervisorClient *s = container_of(timer, SupervisorLink, ping)->client;
    SupervisorRequest *r = supervisor_request_new(PROTOCOL_PING, 0, 0);
    if (r)
        supervisor_client_queue(s, r);
    s->unanswered = r ? s->unanswered + 1 : 0;
    if (s->unanswered > SUPERVISOR_PINGS)
        supervisor_client_lost(s);
}

/* Start or stop the pings, as s->hasty says. */
static void ON_IO
supervisor_client_send_pings(SupervisorClient *s)
{
    uv_timer_t *ping = &s->link->ping;
    s->unanswered = 0;
    if (s->hasty) {
        uv_update_time(ping->loop);
        uv_timer_start(ping, supervisor_client_ping, 0, SUPERVISOR_PING_MS);
    } else {
        uv_timer_stop(ping);
    }
}

/* The run is to end, and a supervisor that does not answer must not prevent
 * that; or it may take its time again. Calling it twice has no effect. */
static void ON_IO
supervisor_client_hasten(SupervisorClient *s, bool hasty)
{
    bool was = s->hasty;
    s->hasty = hasty;
    if (s->link && was != hasty)
        supervisor_client_send_pings(s);
}

int
supervisor_client_need(SupervisorClient *s, const char *const *env)
{
    if (s->link)
        return 0;
    if (s->closing)
        return ORUN_ESHUTDOWN;
    SupervisorLink *link = mem_zalloc(1, sizeof *link);
    if (!link)
        return ORUN_ENOMEM;
    const char *folder = s->folder ? folder_path(s->folder) : NULL;
    int e = supervisor_process_start(&s->process, folder, env), err;
    if (e)
        goto fail_start;
    err = loop_watch(s->loop, &link->poll, s->process.fd, UV_READABLE,
                     supervisor_client_event);
    if (err)
        goto fail_poll;
    uv_timer_init(loop_uv(s->loop), &link->ping);
    link->client = s;
    s->link = link;
    if (s->suspended)
        supervisor_client_send_suspended(s);
    supervisor_client_send_pings(s);
    return 0;
fail_poll:
    supervisor_process_kill(&s->process);
    close(s->process.fd);
    errno = err;
    e = err == ENOMEM ? ORUN_ENOMEM : ORUN_ESYS;
fail_start:
    mem_free(link);
    return e;
}

/* ---- what a child is asked for ---- */

int
supervisor_client_spawn(SupervisorClient *s, SupervisorChild *c, uint64_t task,
                        const char *const *argv, const char *const *env,
                        const char *cwd, const int fds[3])
{
    SupervisorRequest *r;
    uint64_t id = s->last_id + 1;
    ProtocolSpawn w = { .task = task, .lingers = c->lingers };
    int e = supervisor_request_spawn(id, w, argv, env, cwd, &r);
    if (e)
        goto fail_request;
    e = supervisor_client_need(s, env);
    if (e)
        goto fail_need;
    r->with_fds = true;
    memcpy(r->fds, fds, sizeof r->fds);
    c->id = s->last_id = id;
    c->pid = 0;
    list_push(supervisor_client_ring(s, id), &c->link);
    supervisor_client_queue(s, r);
    return 0;
fail_need:
    supervisor_request_free(r);
fail_request:;
    int saved = errno;
    for (int i = 0; i < PROTOCOL_FDS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    errno = saved;
    return e;
}

void
supervisor_client_signal(SupervisorClient *s, SupervisorChild *c, int signo,
                         bool tree)
{
    if (!c->id || !s->link)
        return;
    ProtocolSignal w = { .signo = signo, .tree = tree };
    SupervisorRequest *r = supervisor_request_new(PROTOCOL_SIGNAL, c->id,
                                                  sizeof w);
    if (!r) {
        if (c->pid > 0) /* better its group than nothing */
            kill(-c->pid, tree ? SIGKILL : signo);
        return;
    }
    memcpy(r->bytes + sizeof(ProtocolHead), &w, sizeof w);
    supervisor_client_queue(s, r);
}

void
supervisor_client_task_over(SupervisorClient *s, uint64_t task)
{
    SupervisorRequest *r = s->link
        ? supervisor_request_new(PROTOCOL_TASK_OVER, task, 0)
        : NULL;
    if (r)
        supervisor_client_queue(s, r);
}

/* ---- as a part of the engine ---- */

/* Close the socket, wait until the supervisor has killed all its descendants
 * and ended, a few seconds at most; free. Children that were not reported yet
 * are reported as lost from inside this call. */
static void
supervisor_client_close(EnginePart *part)
{
    role_is_io();
    SupervisorClient *s = container_of(part, SupervisorClient, part);
    if (s->link) {
        if (!supervisor_process_end(&s->process, SUPERVISOR_END_MS))
            LOG(SUPERVISOR, "supervisor %d does not end", s->process.pid);
        s->closing = true;
        supervisor_client_lost(s);
    }
    supervisor_client_free(s);
}

static void
supervisor_client_follow(EnginePart *part, Engine *h)
{
    role_is_io();
    SupervisorClient *s = container_of(part, SupervisorClient, part);
    supervisor_client_suspend(s, clock_is_paused(&h->clock));
    supervisor_client_hasten(s, h->hasty);
}

static int
supervisor_client_new(Engine *h, SupervisorClient **out)
{
    SupervisorClient *s = mem_zalloc(1, sizeof *s);
    if (!s)
        return ORUN_ENOMEM;
    int e = buf_room(&s->in, SUPERVISOR_ROOM) ? ORUN_ESYS : ORUN_ENOMEM;
    s->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (e == ORUN_ENOMEM || s->null < 0) {
        supervisor_client_free(s);
        return e;
    }
    s->part = (EnginePart){ .follow = supervisor_client_follow,
                            .close = supervisor_client_close };
    s->loop = h->loop;
    s->folder = h->folder;
    list_init(&s->unsent);
    for (size_t i = 0; i < countof(s->children); i++)
        list_init(&s->children[i]);
    *out = s;
    return 0;
}

SupervisorClient *
supervisor_client_of(Engine *h)
{
    EnginePart *part = h->parts[PART_SUPERVISOR];
    SupervisorClient *s = part ? container_of(part, SupervisorClient, part)
                               : NULL;
    int e = s ? 0 : supervisor_client_new(h, &s);
    if (e == ORUN_ENOMEM)
        errno = ENOMEM;
    if (e)
        return NULL;
    h->parts[PART_SUPERVISOR] = &s->part;
    if (clock_is_paused(&h->clock))
        supervisor_client_suspend(s, true);
    supervisor_client_hasten(s, h->hasty);
    return s;
}
