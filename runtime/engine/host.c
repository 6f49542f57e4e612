/* host.c — making and ending what a run owns; the clock that ticks it. */
#include "engine/host.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "orun.h"
#include "sched/attempt.h"
#include "sched/cancel.h"
#include "sched/rank.h"
#include "sched/wait.h"
#include "task/folder.h"
#include "value/value.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double
host_now(Clock *c)
{
    return (double)pace_now(&container_of(c, Host, clock)->pace) * 1e-9;
}

static void host_tick(Host *h) ON_IO;

static void
host_timer_fired(uv_timer_t *timer)
{
    role_is_io();
    host_tick(timer->data);
}

/* Fire what is due and set the uv timer to what is due next; nothing is while
 * the clock stands. A timer armed by another thread meanwhile posts a message
 * of its own. */
static void
host_tick(Host *h)
{
    uv_loop_t *uv = loop_uv(h->loop);
    if (!h->timer_ready) {
        uv_timer_init(uv, &h->timer);
        h->timer.data = h;
        h->timer_ready = true;
    }
    double next = wait_tick(&h->sched);
    if (next == INFINITY || pace_stands(&h->pace)) {
        uv_timer_stop(&h->timer);
        return;
    }
    double left = next - host_now(&h->clock);
    uint64_t ms = left <= 0 ? 0 : (uint64_t)ceil(fmin(left, 1e9) * 1000);
    uv_update_time(uv);
    uv_timer_start(&h->timer, host_timer_fired, ms, 0);
}

static void
host_tick_posted(LoopMsg *msg)
{
    role_is_io();
    Host *h = container_of(msg, Host, tick_msg);
    uv_mutex_lock(&h->io_lock);
    h->tick_posted = false;
    uv_mutex_unlock(&h->io_lock);
    host_tick(h);
}

/* With io_lock held. */
static Loop *
host_start_loop(Host *h)
{
    Loop *loop = h->loop;
    int e = loop ? 0 : loop_start(&loop);
    if (e == ORUN_ENOMEM)
        errno = ENOMEM;
    if (e == 0)
        h->loop = loop;
    return h->loop;
}

Loop *
host_loop(Host *h)
{
    Loop *loop = atomic_load_explicit(&h->loop, memory_order_acquire);
    if (loop)
        return loop;
    uv_mutex_lock(&h->io_lock);
    loop = host_start_loop(h);
    uv_mutex_unlock(&h->io_lock);
    return loop;
}

static int
host_wake_at(Clock *c, double at)
{
    Host *h = container_of(c, Host, clock);
    (void)at;
    uv_mutex_lock(&h->io_lock);
    bool post = !h->tick_posted && host_start_loop(h);
    if (post)
        h->tick_posted = true;
    Loop *loop = h->loop;
    uv_mutex_unlock(&h->io_lock);
    if (post)
        loop_post(loop, &h->tick_msg);
    return loop ? 0 : ORUN_ESYS;
}

/* What the io thread holds follows the clock and the haste. */
static void
host_follow(Loop *loop, void *ud)
{
    Host *h = ud;
    (void)loop;
    role_is_io();
    for (int i = 0; i < PART_COUNT; i++) {
        HostPart *p = h->parts[i];
        if (p && p->follow)
            p->follow(p, h);
    }
    host_tick(h);
}

void
host_suspend(Host *h)
{
    pace_stand(&h->pace);
    Loop *loop = atomic_load(&h->loop);
    if (loop)
        loop_call(loop, host_follow, h);
}

void
host_resume(Host *h)
{
    pace_go(&h->pace);
    Loop *loop = atomic_load(&h->loop);
    if (loop)
        loop_call(loop, host_follow, h);
}

void
host_hasten(Host *h, bool hasty)
{
    Loop *loop = atomic_load(&h->loop);
    if (atomic_exchange(&h->hasty, hasty) != hasty && loop)
        loop_call(loop, host_follow, h);
}

typedef struct HostName {
    List link;
    char text[];
} HostName;

/* With io_lock held. */
static const char *
host_add_name(Host *h, const char *s)
{
    size_t size = strlen(s) + 1;
    HostName *name = mem_alloc(sizeof *name + size);
    if (!name)
        return NULL;
    memcpy(name->text, s, size);
    list_push(list_named(h->names, HOST_NAMES, s), &name->link);
    return name->text;
}

/* With io_lock held. */
static const char *
host_find_name(Host *h, const char *s)
{
    list_each(node, list_named(h->names, HOST_NAMES, s)) {
        HostName *name = container_of(node, HostName, link);
        if (strcmp(name->text, s) == 0)
            return name->text;
    }
    return NULL;
}

static void
host_free_names(Host *h)
{
    for (size_t i = 0; i < HOST_NAMES; i++)
        for (List *node; (node = list_shift(&h->names[i])) != NULL;)
            mem_free(container_of(node, HostName, link));
}

const char *
host_intern(Host *h, const char *s)
{
    uv_mutex_lock(&h->io_lock);
    const char *found = host_find_name(h, s);
    if (!found)
        found = host_add_name(h, s);
    uv_mutex_unlock(&h->io_lock);
    return found;
}

bool
host_once(Host *h, const char *s)
{
    uv_mutex_lock(&h->io_lock);
    bool first = !host_find_name(h, s);
    if (first)
        host_add_name(h, s);
    uv_mutex_unlock(&h->io_lock);
    return first;
}

enum {
    HOST_LARGE = 256 << 10, /* values that are worth a file */
    HOST_HTTP = 32,         /* tasks that are requests, at once, at first */
};

static bool
host_to_file(Host *h, Value **v)
{
    int fd;
    char *path;
    if (folder_open(h->folder, "value", ".bin", &fd, &path))
        return false;
    bool there = value_to_file(v, fd) == 0;
    unlink(path);
    close(fd);
    mem_free(path);
    return there;
}

int
host_keep(Host *h, Value **v)
{
    size_t n = value_held(*v);
    if (n == 0 || sched_has_room(&h->sched, n, 2))
        return 0;
    if (n >= HOST_LARGE && host_to_file(h, v))
        return 0;
    return sched_has_room(&h->sched, n, 1) ? 0 : ORUN_EBACKLOG;
}

static char **
host_copy_env(void)
{
    size_t n = 0;
    while (environ && environ[n])
        n++;
    char **copy = mem_zalloc(n + 1, sizeof *copy);
    for (size_t i = 0; copy && i < n; i++) {
        copy[i] = mem_dup(environ[i], strlen(environ[i]));
        if (!copy[i]) {
            task_strings_free(copy);
            return NULL;
        }
    }
    return copy;
}

static char *
host_copy_cwd(void)
{
    char *dir = getcwd(NULL, 0);
    char *copy = dir ? mem_dup(dir, strlen(dir)) : mem_dup("/", 1);
    free(dir);
    return copy;
}

/* Runs side by side must not all try again at the same moments. */
static void
host_seed(Host *h)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == sizeof seed && seed)
        h->sched.random = seed;
}

/* A name that no other run has, for what it makes outside of itself. */
static void
host_name(Host *h)
{
    struct tm tm;
    time_t now = time(NULL);
    char when[20] = "";
    if (localtime_r(&now, &tm))
        strftime(when, sizeof when, "%Y%m%d-%H%M%S", &tm);
    snprintf(h->name, sizeof h->name, "%s-%04x", when,
             (unsigned)(h->sched.random >> 16 & 0xffff));
}

int
host_new(const orun_config *config, const VmConfig *vm, Host **out)
{
    int e = ORUN_ENOMEM;
    Host *h = mem_zalloc(1, sizeof *h);
    if (!h)
        return e;
    list_init(&h->stuck);
    for (size_t i = 0; i < HOST_NAMES; i++)
        list_init(&h->names[i]);
    h->clock = (Clock){ .now = host_now, .wake_at = host_wake_at };
    h->tick_msg.run = host_tick_posted;
    h->workers = config->workers;
    h->announced = !config->listed;
    h->memory_limit = config->memory_limit;
    uv_mutex_init(&h->io_lock);
    if (!(h->env = host_copy_env()) || !(h->cwd = host_copy_cwd())
        || !(h->program = mem_dup(config->program, strlen(config->program))))
        goto free_strings;
    if (secret_open(h->env))
        goto close_secrets;
    if (!(h->folder = folder_new()))
        goto close_secrets;
    if ((e = pool_new(config->workers, &h->pool)) != 0)
        goto free_folder;
    if ((e = vmpool_new(vm, &h->vms)) != 0)
        goto free_pool;
    const int slots[SLOT_KINDS] = {
        [SLOT_LUA] = config->workers, [SLOT_PROCESS] = config->processes,
        [SLOT_HTTP] = HOST_HTTP,
    };
    if ((e = sched_init(&h->sched, &h->clock, slots, attempt_due)) != 0)
        goto free_vms;
    h->sched.plan = config->plan;
    h->trust = config->trust != 0;
    if (config->history
        && (e = rank_open(&h->sched, config->history, h->cwd)) != 0)
        goto destroy_sched;
    host_seed(h);
    host_name(h);
    h->sched.backlog = config->backlog;
    h->sched.board.keep = config->keep;
    h->sched.runner[TASK_LUA] = &h->lua;
    h->sched.runner[TASK_PROCESS] = &h->process;
    *out = h;
    return 0;
destroy_sched:
    sched_destroy(&h->sched);
free_vms:
    vmpool_free(h->vms);
free_pool:
    (void)pool_free(h->pool, NULL, NULL);
free_folder:
    folder_free(h->folder);
close_secrets:
    secret_close();
free_strings:
    task_strings_free(h->env);
    mem_free(h->cwd);
    mem_free(h->program);
    uv_mutex_destroy(&h->io_lock);
    mem_free(h);
    return e;
}

static void
host_close_io(Loop *loop, void *ud)
{
    Host *h = ud;
    (void)loop;
    role_is_io();
    if (h->timer_ready)
        uv_close((uv_handle_t *)&h->timer, NULL);
    h->timer_ready = false;
    for (int i = 0; i < PART_COUNT; i++) {
        HostPart *p = h->parts[i];
        if (!p || !p->close)
            continue;
        p->close(p);
        h->parts[i] = NULL;
    }
}

static void
host_leave(Loop *loop, void *ud)
{
    Host *h = ud;
    (void)loop;
    role_is_io();
    for (int i = 0; i < PART_COUNT; i++) {
        HostPart *p = h->parts[i];
        if (p && p->leave)
            p->leave(p);
    }
}

static void
host_free_parts(Host *h)
{
    for (int i = PART_COUNT; i-- > 0;) {
        HostPart *p = h->parts[i];
        h->parts[i] = NULL;
        if (p && p->free)
            p->free(p);
    }
}

/* No worker is left. On the thread of the owner, or of the last worker that was
 * stuck. */
static void
host_release(void *ud)
{
    Host *h = ud;
    if (h->loop)
        loop_stop(h->loop);
    host_free_parts(h);
    vmpool_free(h->vms);
    sched_destroy(&h->sched);
    rank_close(h->sched.ranks);
    folder_free(h->folder);
    secret_close();
    task_strings_free(h->env);
    host_free_names(h);
    mem_free(h->cwd);
    mem_free(h->program);
    uv_mutex_destroy(&h->io_lock);
    mem_free(h);
}

bool
host_free(Host *h)
{
    if (!h)
        return true;
    cancel_and_close(&h->sched);
    if (h->loop)
        loop_call(h->loop, host_leave, h);
    bool ended = pool_close(h->pool);
    if (!ended) /* it may be long until the folder is freed */
        folder_abandon(h->folder);
    if (h->loop)
        loop_call(h->loop, host_close_io, h);
    if ((!ended && h->forsaken) || !pool_free(h->pool, host_release, h))
        return false;
    host_release(h);
    return true;
}
