/* keeper_main.c — the keeper: the small process that starts and ends all
 * others.
 *
 * A program of its own, with all of keeper_*.c but keeper_launch.c: one
 * thread, one poll over its socket and a signalfd. It obeys frames
 * (keeper_wire.h), and when the socket ends, or orun is gone in any way, it
 * kills everything that descends from it and only then ends, so that the end
 * of the socket at orun's side means that nothing is left. It is its own
 * session, so a terminal's signals do not reach it, and it blocks all signals,
 * so only SIGKILL ends it from outside.
 *
 *     orun-keeper PARENT [FOLDER]
 *
 * PARENT is orun's process id, FOLDER its temporary folder, which goes last
 * when orun was killed. Before it serves, the keeper forks: the child
 * is the keeper proper, the parent a guard that only waits. Each is a subreaper
 * and kills all descendants when the other, or orun, is gone; whichever single
 * process of the three is killed, nothing outlives it for long.
 */
#include "base/buf.h"
#include "base/leftover.h"
#include "base/mem.h"
#include "keeper/keeper_brood.h"
#include "keeper/keeper_guard.h"
#include "keeper/keeper_pause.h"
#include "keeper/keeper_post.h"
#include "keeper/keeper_start.h"
#include "keeper/keeper_wire.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A fork that was refused is tried again for this long, at distances growing
 * from the first to the second. */
static const double KEEPER_PATIENCE = 5, KEEPER_SOON = 0.005,
                    KEEPER_LATER = 0.25;

/* How old a child is when its good start is told: the shortest programs have
 * ended by then, and orun is woken once and not several times. */
static const double KEEPER_NEWS = 0.002;

static struct {
    Buf in;         /* bytes received, whole frames and the start of one */
    List news;      /* of Child.news: young, their start not told */
    int fds[2 * WIRE_FDS]; /* received with frames that are not handled yet */
    int nfds;
    int signals;    /* a signalfd */
    int parent;     /* the guard */
    bool over;      /* the socket ended */
    Brood brood;
    Pause pause;
    List refused;   /* of Start: fork said no, or all stand still */
    double retry;   /* when to try those again */
    double delay;   /* … and the distance after that */
} keeper;

static double
keeper_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- answers ---- */

static void
keeper_tell_start(uint64_t id, int pid, int err, int step)
{
    if (!keeper_post_start(id, pid, err, step))
        keeper.over = true;
}

static Child *
keeper_first_news(void)
{
    if (list_empty(&keeper.news))
        return NULL;
    return container_of(keeper.news.next, Child, news);
}

/* Tell the starts of those that have lived for a moment. */
static void
keeper_tell(void)
{
    Child *c;
    double born = keeper_now() - KEEPER_NEWS;
    while ((c = keeper_first_news()) != NULL && c->start <= born) {
        list_del(&c->news);
        keeper_tell_start(c->id, c->pid, 0, WIRE_STEP_NONE);
    }
}

static void
keeper_flush(void)
{
    if (!keeper_post_flush())
        keeper.over = true;
}

/* ---- exits ---- */

static void
keeper_report(Child *c, int status, const struct rusage *used)
{
    const struct timeval *u = &used->ru_utime, *s = &used->ru_stime;
    double now = keeper_now();
    WireExited w = {
        .pid = c->pid,
        .status = status,
        .wall = now - c->start,
        .cpu = (double)(u->tv_sec + s->tv_sec)
            + (double)(u->tv_usec + s->tv_usec) / 1e6,
        .max_rss = used->ru_maxrss,
    };
    if (!keeper_post(WIRE_EXITED, c->id, &w, sizeof w))
        keeper.over = true;
    keeper_brood_end(&keeper.brood, c, now);
    if (!list_empty(&keeper.refused))
        keeper.retry = 0; /* a process less: try now */
}

/* Report and reap what ended. A main is looked at before it is reaped, so its
 * number is still its own when its group is killed. */
static void
keeper_reap(void)
{
    for (;;) {
        siginfo_t info = { 0 };
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0
            || info.si_pid == 0)
            return;
        struct rusage used;
        int status;
        Child *c = keeper_brood_pid(&keeper.brood, info.si_pid);
        if (c && !keeper_brood_lingers(&keeper.brood, c))
            kill(-c->pid, SIGKILL);
        if (wait4(info.si_pid, &status, 0, &used) == info.si_pid && c)
            keeper_report(c, status, &used);
    }
}

/* ---- starting ---- */

static void
keeper_close(const int *fds)
{
    for (int i = 0; i < WIRE_FDS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* Start it and take it in: its pid, or 0 with exec.err and exec.step. */
static int
keeper_start(Start *s)
{
    Child *c = mem_alloc(sizeof *c);
    if (!c) {
        s->exec.err = ENOMEM;
        s->exec.step = WIRE_STEP_FORK;
        return 0;
    }
    double now = keeper_now();
    int pid = keeper_exec(&s->exec);
    if (pid) {
        *c = (Child){ .id = s->id, .task = s->task, .pid = pid, .start = now,
                      .lingers = s->lingers };
        keeper_brood_add(&keeper.brood, c);
        list_push(&keeper.news, &c->news);
    } else {
        mem_free(c);
    }
    return pid;
}

/* Try to start; false when the system has no process to give just now. */
static bool
keeper_try(Start *s)
{
    int pid = keeper_start(s), err = s->exec.err, step = s->exec.step;
    if (step == WIRE_STEP_FORK && (err == EAGAIN || err == ENOMEM)
        && keeper_now() < s->deadline)
        return false;
    if (!pid)
        keeper_tell_start(s->id, 0, err, step);
    return true;
}

static void
keeper_drop(Start *s)
{
    keeper_close(s->exec.fds);
    mem_free(s);
}

/* Put a refused start with the others that wait. */
static void
keeper_defer(Start *s)
{
    if (list_empty(&keeper.refused)) {
        keeper.delay = KEEPER_SOON;
        keeper.retry = keeper_now() + keeper.delay;
    }
    list_push(&keeper.refused, &s->link);
}

/* Try the refused ones in their order, up to the first that is refused
 * again. */
static void
keeper_retry(void)
{
    while (!list_empty(&keeper.refused)) {
        Start *s = container_of(keeper.refused.next, Start, link);
        if (!keeper_try(s)) {
            if (keeper.delay < KEEPER_LATER)
                keeper.delay *= 2;
            keeper.retry = keeper_now() + keeper.delay;
            return;
        }
        list_del(&s->link);
        keeper_drop(s);
    }
}

static void
keeper_spawn(uint64_t id, const char *body, size_t size)
{
    if (keeper.nfds < WIRE_FDS) {
        keeper.over = true;
        return;
    }
    int fds[WIRE_FDS];
    keeper.nfds -= WIRE_FDS;
    memcpy(fds, keeper.fds, sizeof fds);
    memmove(keeper.fds, keeper.fds + WIRE_FDS, sizeof fds);
    Start *s = keeper_start_new(id, body, size);
    if (!s || fds[WIRE_FDS - 1] < 0) {
        /* No room for the strings, or for the descriptors. */
        keeper_tell_start(id, 0, s ? EMFILE : errno, WIRE_STEP_FORK);
        keeper_close(fds);
        mem_free(s);
        return;
    }
    memcpy(s->exec.fds, fds, sizeof fds);
    s->deadline = keeper_now() + KEEPER_PATIENCE;
    if (!keeper.pause.on && keeper_try(s))
        keeper_drop(s);
    else
        keeper_defer(s);
}

/* ---- signals ---- */

/* Stopping what was not started yet is not starting it. */
static void
keeper_cancel(uint64_t id)
{
    list_each(node, &keeper.refused) {
        Start *s = container_of(node, Start, link);
        if (s->id != id)
            continue;
        list_del(&s->link);
        keeper_tell_start(id, 0, ECANCELED, WIRE_STEP_FORK);
        keeper_drop(s);
    }
}

static void
keeper_signal(uint64_t id, const char *body, size_t size)
{
    WireSignal w;
    if (size != sizeof w) {
        keeper.over = true;
        return;
    }
    memcpy(&w, body, sizeof w);
    Child *c = keeper_brood_id(&keeper.brood, id);
    if (!c)
        keeper_cancel(id);
    else if (w.tree)
        keeper_brood_doom(&keeper.brood, c, keeper_now());
    else
        kill(-c->pid, w.signo);
}

/* ---- standing still ---- */

/* What waits to be started is as old as it was. */
static void
keeper_resume(void)
{
    double now = keeper_now();
    double stood = keeper_pause_end(&keeper.pause, &keeper.brood, now);
    list_each(node, &keeper.refused)
        container_of(node, Start, link)->deadline += stood;
    keeper.retry = now;
}

/* ---- frames ---- */

/* Queue the descriptors of one message, all WIRE_FDS of a frame: those that
 * did not fit into our table are -1. */
static void
keeper_take_fds(struct msghdr *msg)
{
    int got = 0, *to = keeper.fds + keeper.nfds;
    struct cmsghdr *c = CMSG_FIRSTHDR(msg);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        got = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(to, CMSG_DATA(c), (size_t)got * sizeof(int));
    }
    if (got == 0 && !(msg->msg_flags & MSG_CTRUNC))
        return;
    while (got < WIRE_FDS)
        to[got++] = -1;
    keeper.nfds += WIRE_FDS;
}

/* Receive once. A message never holds the descriptors of two frames, and at
 * most one frame is half received, so keeper.fds has the room. */
static void
keeper_receive(void)
{
    enum { ROOM = 128 << 10 };
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(WIRE_FDS * sizeof(int))];
    } control;
    struct iovec io = { buf_room(&keeper.in, ROOM), ROOM };
    struct msghdr msg = {
        .msg_iov = &io, .msg_iovlen = 1,
        .msg_control = control.bytes, .msg_controllen = sizeof control.bytes,
    };
    ssize_t n = io.iov_base
        ? recvmsg(WIRE_SOCKET, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        keeper.over = true;
        return;
    }
    keeper.in.n += (size_t)n;
    keeper_take_fds(&msg);
}

static void
keeper_obey(const WireHead *head, const char *body)
{
    if (head->kind == WIRE_SPAWN)
        keeper_spawn(head->id, body, head->size);
    else if (head->kind == WIRE_SIGNAL)
        keeper_signal(head->id, body, head->size);
    else if (head->kind == WIRE_OVER)
        keeper_brood_over(&keeper.brood, head->id, keeper_now());
    else if (head->kind == WIRE_SUSPEND)
        keeper_pause_begin(&keeper.pause, &keeper.brood, keeper_now());
    else if (head->kind == WIRE_RESUME)
        keeper_resume();
    else if (head->kind == WIRE_PING)
        keeper.over = !keeper_post(WIRE_PING, 0, NULL, 0);
    else
        keeper.over = true;
}

/* Obey every whole frame. Exits are looked for after each, because a start
 * takes a while and orun may be waiting to fill a slot. */
static void
keeper_obey_all(void)
{
    Buf *in = &keeper.in;
    WireHead head;
    size_t at = 0;
    int whole;
    while (!keeper.over
           && (whole = wire_head(in->p + at, in->n - at, &head)) != 0) {
        if (whole < 0) {
            keeper.over = true;
            return;
        }
        keeper_obey(&head, in->p + at + sizeof head);
        at += sizeof head + head.size;
        keeper_reap();
        keeper_flush();
    }
    if (at == 0)
        return; /* a long frame comes in many pieces, which stay in place */
    in->n -= at;
    if (in->n)
        memmove(in->p, in->p + at, in->n);
    else if (in->cap > 1 << 20)
        buf_free(in);
}

/* ---- the loop ---- */

/* Empty the signalfd. SIGCHLD means only "look"; SIGCONT also comes when the
 * guard has ended. */
static void
keeper_read_signals(void)
{
    struct signalfd_siginfo info[4];
    ssize_t n = read(keeper.signals, info, sizeof info);
    (void)n;
    if (getppid() != keeper.parent)
        keeper.over = true;
}

/* Is there something to start that may be? */
static bool
keeper_retries(void)
{
    return !list_empty(&keeper.refused) && !keeper.pause.on;
}

/* Milliseconds until something is due, -1 for nothing. */
static int
keeper_timeout(void)
{
    static const double hour = 3600;
    double now = keeper_now(), due = now + hour;
    if (keeper.brood.due != 0 && keeper.brood.due < due)
        due = keeper.brood.due;
    if (keeper_retries() && keeper.retry < due)
        due = keeper.retry;
    if (keeper.pause.due != 0 && keeper.pause.due < due)
        due = keeper.pause.due;
    if (!list_empty(&keeper.news)
        && keeper_first_news()->start + KEEPER_NEWS < due)
        due = keeper_first_news()->start + KEEPER_NEWS;
    if (due == now + hour)
        return -1;
    return due <= now ? 0 : (int)((due - now) * 1000) + 1;
}

static void
keeper_wait(void)
{
    bool unsent = keeper_post_waits();
    struct pollfd p[] = {
        { .fd = WIRE_SOCKET, .events = unsent ? POLLIN | POLLOUT : POLLIN },
        { .fd = keeper.signals, .events = POLLIN },
    };
    if (poll(p, countof(p), keeper_timeout()) < 0)
        return;
    if (p[1].revents)
        keeper_read_signals();
    if (p[0].revents & ~POLLOUT)
        keeper_receive();
}

static void
keeper_run(void)
{
    Brood *b = &keeper.brood;
    while (!keeper.over) {
        keeper_wait();
        keeper_reap();
        keeper_flush();
        keeper_obey_all();
        if (keeper_retries() && keeper.retry <= keeper_now())
            keeper_retry();
        if (keeper.pause.due != 0 && keeper.pause.due <= keeper_now())
            keeper_pause_sweep(&keeper.pause, keeper_now());
        if (b->due != 0 && b->due <= keeper_now())
            keeper_brood_sweep(b, keeper_now);
        keeper_tell();
        keeper_flush();
    }
}

/* Serve as the keeper proper, until the end. */
static void
keeper_serve(void)
{
    prctl(PR_SET_NAME, "orun-keeper");
    keeper.over = getppid() != keeper.parent;
    list_init(&keeper.refused);
    list_init(&keeper.news);
    keeper_brood_init(&keeper.brood);
    keeper_run();
    keeper_brood_signal(&keeper.brood, SIGKILL);
    for (int i = 0; i < keeper.nfds; i++)
        if (keeper.fds[i] >= 0)
            close(keeper.fds[i]);
}

int
main(int argc, char **argv)
{
    if (argc < 2 || !keeper_guard_descriptors()
        || (keeper.signals = keeper_guard_signals()) < 0)
        return 1;
    int orun = atoi(argv[1]);
    setsid();
    keeper_tree_init();
    keeper_guard_adopt();
    keeper.parent = getpid();
    int child = fork();
    if (child > 0) {
        keeper_guard(child, orun);
    } else {
        if (child < 0) /* no process to spare: better unguarded than not */
            keeper.parent = orun;
        keeper_guard_adopt();
        keeper_serve();
    }
    keeper_tree_end();
    if (argc > 2) /* locked, and let be, as long as orun lives */
        leftover_remove_path(argv[2]);
    return 0;
}
