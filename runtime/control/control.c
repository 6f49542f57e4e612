/* control.c — the control socket: created, listening, closed. */
#include "control/control.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/connection.h"
#include "control/control_state.h"
#include "task/folder.h"
#include "vm/handle.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CONTROL_QUEUE = 128,    /* connections not accepted yet */
    CONTROL_ACCEPTS = 32,   /* in a row before others have a turn */
    CONTROL_PAUSE_MS = 100, /* when out of descriptors or memory */
    CONTROL_TRIES = 20,     /* to watch the socket, with that pause */
};

/* ---- the environment of programs ---- */

bool
control_owns(const char *variable)
{
    static const char *const names[CONTROL_VARIABLES] = {
        "ORUN_TASK_ID=", "ORUN_PROGRAM=",    "ORUN_SOCKET=",
        "ORUN_SLOT=",    TOKEN_VARIABLE "=",
    };
    for (size_t i = 0; i < countof(names); i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static int
control_put(char **env, size_t *n, const char *name, const char *value)
{
    Buf text = { 0 };
    buf_printf(&text, "%s=%s", name, value);
    env[*n] = buf_take(&text);
    return env[(*n)++] ? 0 : ORUN_ENOMEM;
}

int
control_put_env(Engine *h, uint64_t task, uint32_t attempt, uint32_t slot,
                char **env)
{
    char id[HANDLE_ID_SIZE], token[TOKEN_SIZE];
    size_t n = 0;
    Control *c = NULL;
    handle_name(task, id);
    int e = control_put(env, &n, "ORUN_TASK_ID", id);
    if (e == 0 && slot) {
        snprintf(id, sizeof id, "%" PRIu32, slot);
        e = control_put(env, &n, "ORUN_SLOT", id);
    }
    if (e == 0)
        e = control_put(env, &n, "ORUN_PROGRAM", h->program);
    int opened = control_open(h, &c);
    if (e || opened)
        return e ? e : opened == ORUN_ENOMEM ? opened : 0;
    token_put(&c->tokens, task, attempt, token);
    e = control_put(env, &n, "ORUN_SOCKET", c->path);
    return e ? e : control_put(env, &n, TOKEN_VARIABLE, token);
}

/* ---- the io thread ---- */

static void control_listen(Control *c) ON_IO;
static void control_watch(Control *c) ON_IO;

static void
control_paused(uv_timer_t *timer)
{
    role_is_io();
    Control *c = timer->data;
    if (c->watching)
        control_listen(c);
    else
        control_watch(c);
}

/* Out of descriptors, memory or connections: accept none for a while. */
static void ON_IO
control_pause(Control *c)
{
    uv_poll_stop(&c->poll);
    uv_timer_start(&c->timer, control_paused, CONTROL_PAUSE_MS, 0);
}

/* Is the peer our own user? Others cannot enter the folder, but a descriptor
 * may have been passed on. */
static bool
control_trusts(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0
        && peer.uid == geteuid();
}

static void
control_event(uv_poll_t *poll, int status, int events)
{
    role_is_io();
    Control *c = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < CONTROL_ACCEPTS; i++) {
        if (c->count >= CONTROL_CONNECTIONS) {
            control_pause(c);
            return;
        }
        int fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0
            && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
            return;
        if (fd < 0) {
            control_pause(c);
            return;
        }
        if (!control_trusts(fd) || connection_new(c, fd))
            close(fd);
    }
}

/* Accept connections again. */
static void ON_IO
control_listen(Control *c)
{
    if (c->watching)
        uv_poll_start(&c->poll, UV_READABLE, control_event);
}

/* Stop listening: further connections are refused. */
static void
control_shut(Control *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    folder_remove(c->engine->folder, c->path);
}

/* Start to accept connections. If that fails for lack of memory, try again for
 * a while, then close the socket so that no client waits forever. */
static void
control_watch(Control *c)
{
    int e = loop_watch(c->engine->loop, &c->poll, c->fd, UV_READABLE,
                       control_event);
    LOG(PROC, "control socket %s%s%s", c->path, e ? ": " : "",
        e ? strerror(e) : "");
    if (e == 0) {
        c->poll.data = c;
        c->watching = true;
    } else if (++c->tries < CONTROL_TRIES) {
        uv_timer_start(&c->timer, control_paused, CONTROL_PAUSE_MS, 0);
    } else {
        control_shut(c);
    }
}

static void
control_start_posted(LoopMsg *msg)
{
    role_is_io();
    Control *c = container_of(msg, Control, start_msg);
    uv_timer_init(loop_uv(c->engine->loop), &c->timer);
    c->timer.data = c;
    c->started = true;
    control_watch(c);
}

/* Close the socket and the connections. */
static void
control_leave(EnginePart *part)
{
    role_is_io();
    Control *c = container_of(part, Control, part);
    if (c->watching)
        uv_close((uv_handle_t *)&c->poll, NULL);
    if (c->started)
        uv_close((uv_handle_t *)&c->timer, NULL);
    c->watching = c->started = false;
    control_shut(c);
    connection_leave_all(c);
}

/* ---- creation and release ---- */

int
control_address(const char *path, struct sockaddr_un *a, int *dir)
{
    *a = (struct sockaddr_un){ .sun_family = AF_UNIX };
    *dir = -1;
    if (strlen(path) < sizeof a->sun_path) {
        strcpy(a->sun_path, path);
        return 0;
    }
    const char *name = strrchr(path, '/');
    char *folder = mem_dup(path, (size_t)(name - path));
    if (!folder)
        return ORUN_ENOMEM;
    *dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    mem_free(folder);
    if (*dir < 0)
        return ORUN_ESYS;
    snprintf(a->sun_path, sizeof a->sun_path, "/proc/self/fd/%d%s", *dir, name);
    return 0;
}

/* Bind and listen. c->fd is closed by control_drop, also after an error. */
static int
control_bind(Control *c)
{
    struct sockaddr_un a;
    int dir, e = control_address(c->path, &a, &dir);
    if (e)
        return e;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&a, sizeof a) != 0
        || chmod(c->path, 0600) != 0 || listen(c->fd, CONTROL_QUEUE) != 0)
        e = ORUN_ESYS;
    int saved = errno;
    if (dir >= 0)
        close(dir);
    errno = saved;
    return e;
}

static void
control_drop(Control *c)
{
    int saved = errno;
    if (c->fd >= 0)
        close(c->fd);
    mem_free(c->path);
    mem_free(c);
    errno = saved;
}

static void
control_free(EnginePart *part)
{
    Control *c = container_of(part, Control, part);
    connection_free_all(c);
    control_drop(c);
}

static int
control_new(Engine *h, Control **out)
{
    Control *c = mem_zalloc(1, sizeof *c);
    if (!c)
        return ORUN_ENOMEM;
    c->part = (EnginePart){ .leave = control_leave, .free = control_free };
    c->engine = h;
    c->fd = -1;
    c->start_msg.run = control_start_posted;
    list_init(&c->connections);
    int e = token_draw(&c->tokens);
    if (e == 0)
        e = folder_name(h->folder, "control", ".socket", &c->path);
    if (e == 0)
        e = control_bind(c);
    if (e)
        control_drop(c);
    else
        *out = c;
    return e;
}

/* The run's control socket; NULL: not created yet. */
static Control *
control_of(Engine *h)
{
    EnginePart *part = atomic_load_explicit(&h->parts[PART_CONTROL],
                                            memory_order_acquire);
    return part ? container_of(part, Control, part) : NULL;
}

int
control_open(Engine *h, Control **out)
{
    int e = 0;
    *out = control_of(h);
    if (*out)
        return 0;
    Loop *loop = engine_loop(h);
    if (!loop)
        return ORUN_ESYS;
    uv_mutex_lock(&h->io_lock);
    *out = control_of(h);
    if (!*out && (e = control_new(h, out)) == 0) {
        h->parts[PART_CONTROL] = &(*out)->part;
        loop_post(loop, &(*out)->start_msg);
    }
    uv_mutex_unlock(&h->io_lock);
    return e;
}

const char *
control_path(const Control *c)
{
    return c->path;
}

const TokenKeys *
control_tokens(const Control *c)
{
    return &c->tokens;
}
