/* supervisor_main.c — the small process that starts and ends all others.
 *
 * A program of its own: one thread, one poll over its socket and a signalfd. It
 * obeys the messages of orun (supervisor_protocol.h). When the socket ends, or
 * orun is gone in any way, it kills all its descendants and ends only after
 * them, so that the end of the socket tells orun that nothing is left. It is a
 * session of its own, so signals from a terminal do not reach it, and it blocks
 * all signals, so from outside only SIGKILL ends it.
 *
 *     orun-supervisor PARENT [FOLDER]
 *
 * PARENT is orun's process id. FOLDER is its temporary folder, which is removed
 * last if orun was killed. The supervisor forks before it serves: the child is
 * the supervisor proper, the parent a guard that only waits. Each is a
 * subreaper, and kills all descendants when the other or orun is gone:
 * whichever single process of the three is killed, nothing outlives it for
 * long.
 */
#include "base/buf.h"
#include "base/leftover.h"
#include "base/mem.h"
#include "supervisor/children.h"
#include "supervisor/process_tree.h"
#include "supervisor/spawn.h"
#include "supervisor/supervisor_protocol.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Seconds for which a fork that was refused is tried again; between two tries,
 * at first and at most. */
static const double SUPERVISOR_PATIENCE = 5, SUPERVISOR_SOON = 0.005,
                    SUPERVISOR_LATER = 0.25;

/* Seconds after which orun is notified that a child was started. The shortest
 * programs have ended before, so orun is woken only once for them. */
static const double SUPERVISOR_REPORT_AFTER = 0.002;

static struct {
    Buf in;          /* bytes received: whole messages and part of one */
    Buf out;         /* bytes to send … */
    size_t sent;     /* … and how many of them are sent */
    List unreported; /* of Child.unreported: too young */
    int fds[2 * PROTOCOL_FDS]; /* came with messages not handled yet */
    int nfds;
    int signals; /* a signalfd */
    int parent;  /* the guard */
    bool over;   /* the socket has ended, or has to */
    Children children;
    List refused; /* of Spawn: fork was refused, or there is a pause */
    double retry; /* when to try those again … */
    double delay; /* … and how long after that once more */
} supervisor;

static double
supervisor_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- answers ---- */

/* Queue a message. Without memory the run has to end, because orun must not
 * wait for an answer that it will not get. */
static void
supervisor_queue(uint32_t kind, uint64_t id, const void *body, size_t size)
{
    ProtocolHead head = { PROTOCOL_MAGIC, kind, size, id };
    buf_put(&supervisor.out, &head, sizeof head);
    buf_put(&supervisor.out, body, size);
    if (buf_failed(&supervisor.out))
        supervisor.over = true;
}

/* Queue the answer to a SPAWN. */
static void
supervisor_answer_start(uint64_t id, int pid, int err, int step)
{
    ProtocolStarted w = { .pid = pid, .err = err, .step = step };
    supervisor_queue(PROTOCOL_STARTED, id, &w, sizeof w);
}

static Child *
supervisor_first_unreported(void)
{
    if (list_empty(&supervisor.unreported))
        return NULL;
    return container_of(supervisor.unreported.next, Child, unreported);
}

/* Report the starts of children that are old enough. */
static void
supervisor_report_starts(void)
{
    Child *c;
    double born = supervisor_now() - SUPERVISOR_REPORT_AFTER;
    while ((c = supervisor_first_unreported()) != NULL && c->start <= born) {
        list_del(&c->unreported);
        supervisor_answer_start(c->id, c->pid, 0, PROTOCOL_STEP_NONE);
    }
}

/* Send what the socket takes now. */
static void
supervisor_flush(void)
{
    Buf *out = &supervisor.out;
    while (supervisor.sent < out->n) {
        ssize_t n = send(PROTOCOL_SOCKET, out->p + supervisor.sent,
                         out->n - supervisor.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            if (errno != EAGAIN && errno != ENOBUFS)
                supervisor.over = true;
            return;
        }
        supervisor.sent += (size_t)n;
    }
    supervisor.sent = 0;
    buf_clear(out);
}

/* ---- exits ---- */

static void
supervisor_report_exit(Child *c, int status, const struct rusage *used)
{
    const struct timeval *u = &used->ru_utime, *s = &used->ru_stime;
    double now = supervisor_now();
    ProtocolExited w = {
        .pid = c->pid,
        .status = status,
        .wall = now - c->start,
        .cpu = (double)(u->tv_sec + s->tv_sec)
            + (double)(u->tv_usec + s->tv_usec) / 1e6,
        .max_rss = used->ru_maxrss,
    };
    supervisor_queue(PROTOCOL_EXITED, c->id, &w, sizeof w);
    children_end(&supervisor.children, c, now);
    if (!list_empty(&supervisor.refused))
        supervisor.retry = 0; /* there is one process less: try now */
}

/* Report and reap what has ended. The group of a Child is killed before it is
 * reaped, while the process id is still its own. */
static void
supervisor_reap(void)
{
    for (;;) {
        siginfo_t info = { 0 };
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0
            || info.si_pid == 0)
            return;
        struct rusage used;
        int status;
        Child *c = children_by_pid(&supervisor.children, info.si_pid);
        if (c && !children_lingers(&supervisor.children, c))
            kill(-c->pid, SIGKILL);
        if (wait4(info.si_pid, &status, 0, &used) == info.si_pid && c)
            supervisor_report_exit(c, status, &used);
    }
}

/* ---- starting ---- */

static void
supervisor_close(const int *fds)
{
    for (int i = 0; i < PROTOCOL_FDS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* Start it and add it to the children. Returns its process id, or 0 with s->err
 * and s->step set. */
static int
supervisor_start(Spawn *s)
{
    Child *c = mem_alloc(sizeof *c);
    if (!c) {
        s->err = ENOMEM;
        s->step = PROTOCOL_STEP_FORK;
        return 0;
    }
    double now = supervisor_now();
    int pid = spawn_exec(s);
    if (pid) {
        *c = (Child){ .id = s->id,
                      .task = s->task,
                      .pid = pid,
                      .start = now,
                      .lingers = s->lingers };
        children_add(&supervisor.children, c);
        list_push(&supervisor.unreported, &c->unreported);
    } else {
        mem_free(c);
    }
    return pid;
}

/* Try to start it, and report a failure. False when the system refuses a
 * process for now. */
static bool
supervisor_try(Spawn *s)
{
    int pid = supervisor_start(s), err = s->err, step = s->step;
    if (step == PROTOCOL_STEP_FORK && (err == EAGAIN || err == ENOMEM)
        && supervisor_now() < s->deadline)
        return false;
    if (!pid)
        supervisor_answer_start(s->id, 0, err, step);
    return true;
}

static void
supervisor_drop(Spawn *s)
{
    supervisor_close(s->fds);
    mem_free(s);
}

/* Let it wait with the others that were refused. */
static void
supervisor_defer(Spawn *s)
{
    if (list_empty(&supervisor.refused)) {
        supervisor.delay = SUPERVISOR_SOON;
        supervisor.retry = supervisor_now() + supervisor.delay;
    }
    list_push(&supervisor.refused, &s->link);
}

/* Try those that were refused, in their order, up to the first that is refused
 * again. */
static void
supervisor_retry(void)
{
    while (!list_empty(&supervisor.refused)) {
        Spawn *s = container_of(supervisor.refused.next, Spawn, link);
        if (!supervisor_try(s)) {
            if (supervisor.delay < SUPERVISOR_LATER)
                supervisor.delay *= 2;
            supervisor.retry = supervisor_now() + supervisor.delay;
            return;
        }
        list_del(&s->link);
        supervisor_drop(s);
    }
}

static void
supervisor_spawn(uint64_t id, const char *body, size_t size)
{
    if (supervisor.nfds < PROTOCOL_FDS) {
        supervisor.over = true;
        return;
    }
    int fds[PROTOCOL_FDS];
    supervisor.nfds -= PROTOCOL_FDS;
    memcpy(fds, supervisor.fds, sizeof fds);
    memmove(supervisor.fds, supervisor.fds + PROTOCOL_FDS, sizeof fds);
    Spawn *s = spawn_new(id, body, size);
    if (!s || fds[PROTOCOL_FDS - 1] < 0) {
        /* No room for the strings, or for the descriptors. */
        supervisor_answer_start(id, 0, s ? EMFILE : errno, PROTOCOL_STEP_FORK);
        supervisor_close(fds);
        mem_free(s);
        return;
    }
    memcpy(s->fds, fds, sizeof fds);
    s->deadline = supervisor_now() + SUPERVISOR_PATIENCE;
    if (!supervisor.children.pause.on && supervisor_try(s))
        supervisor_drop(s);
    else
        supervisor_defer(s);
}

/* ---- signals ---- */

/* A request that is stopped while it waits is not started. */
static void
supervisor_cancel(uint64_t id)
{
    list_each(node, &supervisor.refused) {
        Spawn *s = container_of(node, Spawn, link);
        if (s->id != id)
            continue;
        list_del(&s->link);
        supervisor_answer_start(id, 0, ECANCELED, PROTOCOL_STEP_FORK);
        supervisor_drop(s);
    }
}

static void
supervisor_signal(uint64_t id, const char *body, size_t size)
{
    ProtocolSignal w;
    if (size != sizeof w) {
        supervisor.over = true;
        return;
    }
    memcpy(&w, body, sizeof w);
    Child *c = children_by_id(&supervisor.children, id);
    if (!c)
        supervisor_cancel(id);
    else if (w.tree)
        children_doom(&supervisor.children, c, supervisor_now());
    else
        kill(-c->pid, w.signo);
}

/* ---- the end of a pause ---- */

/* The time of the pause does not count for the starts that wait. */
static void
supervisor_resume(void)
{
    double now = supervisor_now();
    double paused = children_resume(&supervisor.children, now);
    list_each(node, &supervisor.refused)
        container_of(node, Spawn, link)->deadline += paused;
    supervisor.retry = now;
}

/* ---- messages ---- */

/* Keep the PROTOCOL_FDS descriptors that came with a SPAWN. Those that this
 * process has no room for are -1. */
static void
supervisor_take_fds(struct msghdr *msg)
{
    int got = 0, *to = supervisor.fds + supervisor.nfds;
    struct cmsghdr *c = CMSG_FIRSTHDR(msg);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        got = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(to, CMSG_DATA(c), (size_t)got * sizeof(int));
    }
    if (got == 0 && !(msg->msg_flags & MSG_CTRUNC))
        return;
    while (got < PROTOCOL_FDS)
        to[got++] = -1;
    supervisor.nfds += PROTOCOL_FDS;
}

/* Receive once. One recvmsg never returns the descriptors of two SPAWNs, and at
 * most one message is received in part, so supervisor.fds has the room. */
static void
supervisor_receive(void)
{
    enum { ROOM = 128 << 10 };
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(PROTOCOL_FDS * sizeof(int))];
    } control;
    struct iovec io = { buf_room(&supervisor.in, ROOM), ROOM };
    struct msghdr msg = {
        .msg_iov = &io,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t n = io.iov_base
        ? recvmsg(PROTOCOL_SOCKET, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)
        : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        supervisor.over = true;
        return;
    }
    supervisor.in.n += (size_t)n;
    supervisor_take_fds(&msg);
}

static void
supervisor_handle(const ProtocolHead *head, const char *body)
{
    if (head->kind == PROTOCOL_SPAWN)
        supervisor_spawn(head->id, body, head->size);
    else if (head->kind == PROTOCOL_SIGNAL)
        supervisor_signal(head->id, body, head->size);
    else if (head->kind == PROTOCOL_TASK_OVER)
        children_task_over(&supervisor.children, head->id, supervisor_now());
    else if (head->kind == PROTOCOL_SUSPEND)
        children_pause(&supervisor.children, supervisor_now());
    else if (head->kind == PROTOCOL_RESUME)
        supervisor_resume();
    else if (head->kind == PROTOCOL_PING)
        supervisor_queue(PROTOCOL_PING, 0, NULL, 0);
    else
        supervisor.over = true;
}

/* Handle each whole message. Exits are looked for after each one, because a
 * start takes a while and orun may be waiting to fill a slot. */
static void
supervisor_handle_all(void)
{
    Buf *in = &supervisor.in;
    ProtocolHead head;
    size_t at = 0;
    int whole;
    while (!supervisor.over
           && (whole = protocol_head(in->p + at, in->n - at, &head)) != 0) {
        if (whole < 0) {
            supervisor.over = true;
            return;
        }
        supervisor_handle(&head, in->p + at + sizeof head);
        at += sizeof head + head.size;
        supervisor_reap();
        supervisor_flush();
    }
    if (at == 0)
        return; /* a long message comes in many pieces, which stay in place */
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
supervisor_read_signals(void)
{
    struct signalfd_siginfo info[4];
    ssize_t n = read(supervisor.signals, info, sizeof info);
    (void)n;
    if (getppid() != supervisor.parent)
        supervisor.over = true;
}

/* Is there something that may be started now? */
static bool
supervisor_may_retry(void)
{
    return !list_empty(&supervisor.refused) && !supervisor.children.pause.on;
}

/* The earlier of two times, where 0 is never. */
static double
supervisor_earlier(double a, double b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Milliseconds until something is due, -1 for never. */
static int
supervisor_timeout(void)
{
    static const double hour = 3600;
    const Children *all = &supervisor.children;
    double now = supervisor_now();
    double due = supervisor_earlier(all->due, all->pause.due);
    if (supervisor_may_retry()) /* perhaps at 0, which is at once */
        due = supervisor.retry == 0 ? now
                                    : supervisor_earlier(due, supervisor.retry);
    if (!list_empty(&supervisor.unreported))
        due = supervisor_earlier(due,
                                 supervisor_first_unreported()->start
                                     + SUPERVISOR_REPORT_AFTER);
    if (due == 0)
        return -1;
    double wait = due - now < hour ? due - now : hour;
    return wait <= 0 ? 0 : (int)(wait * 1000) + 1;
}

static void
supervisor_wait(void)
{
    bool unsent = supervisor.out.n > 0;
    struct pollfd p[] = {
        { .fd = PROTOCOL_SOCKET, .events = unsent ? POLLIN | POLLOUT : POLLIN },
        { .fd = supervisor.signals, .events = POLLIN },
    };
    if (poll(p, countof(p), supervisor_timeout()) < 0)
        return;
    if (p[1].revents)
        supervisor_read_signals();
    if (p[0].revents & ~POLLOUT)
        supervisor_receive();
}

static void
supervisor_run(void)
{
    Children *all = &supervisor.children;
    while (!supervisor.over) {
        supervisor_wait();
        supervisor_reap();
        supervisor_flush();
        supervisor_handle_all();
        if (supervisor_may_retry() && supervisor.retry <= supervisor_now())
            supervisor_retry();
        if (all->pause.due != 0 && all->pause.due <= supervisor_now())
            children_pause_sweep(all, supervisor_now());
        if (all->due != 0 && all->due <= supervisor_now())
            children_sweep(all, supervisor_now);
        supervisor_report_starts();
        supervisor_flush();
    }
}

/* Serve as the supervisor proper, until the end. */
static void
supervisor_serve(void)
{
    prctl(PR_SET_NAME, "orun-supervisor");
    supervisor.over = getppid() != supervisor.parent;
    list_init(&supervisor.refused);
    list_init(&supervisor.unreported);
    children_init(&supervisor.children);
    supervisor_run();
    children_signal(&supervisor.children, SIGKILL);
    for (int i = 0; i < supervisor.nfds; i++)
        if (supervisor.fds[i] >= 0)
            close(supervisor.fds[i]);
}

/* ---- the guard, and what it shares with the supervisor proper ---- */

/* Leave only the socket open, and /dev/null on 0-2, so that nothing of orun's
 * is held. */
static bool
supervisor_guard_descriptors(void)
{
    if (close_range(PROTOCOL_SOCKET + 1, ~0u, 0) != 0)
        for (int fd = (int)sysconf(_SC_OPEN_MAX); --fd > PROTOCOL_SOCKET;)
            close(fd);
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        if (null < 0 || dup2(null, fd) < 0)
            return false;
    if (null > 2)
        close(null);
    return fcntl(PROTOCOL_SOCKET, F_SETFD, FD_CLOEXEC) == 0;
}

/* Reset every signal to its default and block it. Returns a signalfd for the
 * end of a child or of the parent, or -1. It uses the system call, because the
 * C library protects two signals of its own, which posix_spawn may have set to
 * be ignored. */
static int
supervisor_guard_signals(void)
{
    static const unsigned long standard[8]; /* a struct sigaction of zeros */
    sigset_t all, wanted;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int signo = 1; signo < NSIG; signo++)
        syscall(SYS_rt_sigaction, signo, standard, NULL, (NSIG - 1) / 8);
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGCONT);
    return signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Adopt orphans, and get SIGCONT when the parent ends. */
static void
supervisor_guard_adopt(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, SIGCONT);
}

static bool
supervisor_guard_ended(int pid)
{
    siginfo_t info = { 0 };
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0
        || info.si_pid != 0;
}

/* Wait until the supervisor proper or orun is gone. Because SIGCONT reports the
 * end of the parent, this works even if this process was stopped, or a forked
 * copy of orun still holds the socket. */
static void
supervisor_guard(int child, int orun)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGCONT);
    prctl(PR_SET_NAME, "orun-guard");
    while (getppid() == orun && !supervisor_guard_ended(child))
        sigwaitinfo(&wanted, NULL);
    kill(child, SIGKILL); /* not reaped yet: the id is still its own */
}

int
main(int argc, char **argv)
{
    if (argc < 2 || !supervisor_guard_descriptors()
        || (supervisor.signals = supervisor_guard_signals()) < 0)
        return 1;
    int orun = atoi(argv[1]);
    setsid();
    process_tree_init();
    supervisor_guard_adopt();
    supervisor.parent = getpid();
    int child = fork();
    if (child > 0) {
        supervisor_guard(child, orun);
    } else {
        if (child < 0) /* no process to spare: rather serve without a guard */
            supervisor.parent = orun;
        supervisor_guard_adopt();
        supervisor_serve();
    }
    process_tree_end();
    if (argc > 2) /* while orun lives it is locked, and stays */
        leftover_remove_path(argv[2]);
    return 0;
}
