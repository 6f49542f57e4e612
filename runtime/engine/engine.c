/* engine.c — making and ending what a run owns; the clock that ticks it. */
#include "engine/engine.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "orun.h"
#include "sched/lifecycle.h"
#include "sched/rank.h"
#include "sched/wait.h"
#include "task/folder.h"
#include "value/value.h"
#include "vm/park.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void engine_tick(Engine *h) ON_IO;

static void
engine_timer_fired(uv_timer_t *timer)
{
    role_is_io();
    engine_tick(timer->data);
}

enum {
    ENGINE_LOOK_MS = 1,    /* between looks at what runs, in virtual time */
    ENGINE_PATIENCE_S = 1, /* how long Lua code may take no virtual time */
};
#define ENGINE_PASSED_S 0.1 /* between two looks, at the most */

static double
engine_real_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Let virtual time go on: to what is due next, when nothing is left to be done
 * before; as it really does, while something outside runs, or Lua code that may
 * never end. Gives what is due then. */
static double ON_IO
engine_pass(Engine *h, double next)
{
    double real = engine_real_seconds(), passed = real - h->ticked;
    WaitActivity what = wait_activity(&h->sched);
    h->ticked = real;
    if (what != WAIT_ACTIVITY_LUA)
        h->stood = 0;
    else if (h->stood == 0)
        h->stood = real;
    if (what == WAIT_ACTIVITY_NONE)
        clock_advance_to(&h->clock, next);
    else if (what == WAIT_ACTIVITY_OUTSIDE
             || real - h->stood > ENGINE_PATIENCE_S)
        clock_advance(&h->clock, fmin(passed, ENGINE_PASSED_S));
    return wait_tick(&h->sched);
}

/* Fire what is due, and set the uv timer to what is due next; nothing is while
 * the clock is paused. A timer that another thread arms meanwhile posts a
 * message of its own. */
static void
engine_tick(Engine *h)
{
    uv_loop_t *uv = loop_uv(h->loop);
    if (!h->timer_ready) {
        uv_timer_init(uv, &h->timer);
        h->timer.data = h;
        h->timer_ready = true;
    }
    double next = wait_tick(&h->sched);
    bool looks = h->clock.is_virtual;
    if (looks && next < INFINITY && !clock_is_paused(&h->clock))
        next = engine_pass(h, next);
    if (next == INFINITY || clock_is_paused(&h->clock)) {
        uv_timer_stop(&h->timer);
        return;
    }
    double left = next - clock_seconds(&h->clock);
    uint64_t ms = left <= 0 ? 0 : (uint64_t)ceil(fmin(left, 1e9) * 1000);
    if (looks && ms > ENGINE_LOOK_MS)
        ms = ENGINE_LOOK_MS;
    uv_update_time(uv);
    uv_timer_start(&h->timer, engine_timer_fired, ms, 0);
}

static void
engine_tick_posted(LoopMsg *msg)
{
    role_is_io();
    Engine *h = container_of(msg, Engine, tick_msg);
    uv_mutex_lock(&h->io_lock);
    h->tick_posted = false;
    uv_mutex_unlock(&h->io_lock);
    engine_tick(h);
}

/* With io_lock held. */
static Loop *
engine_start_loop(Engine *h)
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
engine_loop(Engine *h)
{
    Loop *loop = atomic_load_explicit(&h->loop, memory_order_acquire);
    if (loop)
        return loop;
    uv_mutex_lock(&h->io_lock);
    loop = engine_start_loop(h);
    uv_mutex_unlock(&h->io_lock);
    return loop;
}

static int
engine_wake_at(Clock *c, double at)
{
    Engine *h = container_of(c, Engine, clock);
    (void)at;
    uv_mutex_lock(&h->io_lock);
    bool post = !h->tick_posted && engine_start_loop(h);
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
engine_follow(Loop *loop, void *ud)
{
    Engine *h = ud;
    (void)loop;
    role_is_io();
    for (int i = 0; i < PART_COUNT; i++) {
        EnginePart *p = h->parts[i];
        if (p && p->follow)
            p->follow(p, h);
    }
    engine_tick(h);
}

void
engine_suspend(Engine *h)
{
    clock_pause(&h->clock);
    Loop *loop = atomic_load(&h->loop);
    if (loop)
        loop_call(loop, engine_follow, h);
}

void
engine_resume(Engine *h)
{
    clock_resume(&h->clock);
    Loop *loop = atomic_load(&h->loop);
    if (loop)
        loop_call(loop, engine_follow, h);
}

void
engine_hasten(Engine *h, bool hasty)
{
    Loop *loop = atomic_load(&h->loop);
    if (atomic_exchange(&h->hasty, hasty) != hasty && loop)
        loop_call(loop, engine_follow, h);
}

typedef struct EngineName {
    List link;
    char text[];
} EngineName;

/* With io_lock held. */
static const char *
engine_add_name(Engine *h, const char *s)
{
    size_t size = strlen(s) + 1;
    EngineName *name = mem_alloc(sizeof *name + size);
    if (!name)
        return NULL;
    memcpy(name->text, s, size);
    list_push(list_named(h->names, ENGINE_NAMES, s), &name->link);
    return name->text;
}

/* With io_lock held. */
static const char *
engine_find_name(Engine *h, const char *s)
{
    list_each(node, list_named(h->names, ENGINE_NAMES, s)) {
        EngineName *name = container_of(node, EngineName, link);
        if (strcmp(name->text, s) == 0)
            return name->text;
    }
    return NULL;
}

static void
engine_free_names(Engine *h)
{
    for (size_t i = 0; i < ENGINE_NAMES; i++)
        for (List *node; (node = list_shift(&h->names[i])) != NULL;)
            mem_free(container_of(node, EngineName, link));
}

const char *
engine_intern(Engine *h, const char *s)
{
    uv_mutex_lock(&h->io_lock);
    const char *found = engine_find_name(h, s);
    if (!found)
        found = engine_add_name(h, s);
    uv_mutex_unlock(&h->io_lock);
    return found;
}

bool
engine_once(Engine *h, const char *s)
{
    uv_mutex_lock(&h->io_lock);
    bool first = !engine_find_name(h, s);
    if (first)
        engine_add_name(h, s);
    uv_mutex_unlock(&h->io_lock);
    return first;
}

enum {
    ENGINE_LARGE = 256 << 10, /* values that are worth a file */
    ENGINE_HTTP = 32,         /* tasks that are requests, at once, at first */
};

static bool
engine_to_file(Engine *h, Value **v)
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
engine_keep(Engine *h, Value **v)
{
    size_t n = value_held(*v);
    if (n == 0 || sched_has_room(&h->sched, n, 2))
        return 0;
    if (n >= ENGINE_LARGE && engine_to_file(h, v))
        return 0;
    return sched_has_room(&h->sched, n, 1) ? 0 : ORUN_EBACKLOG;
}

static char **
engine_copy_env(void)
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
engine_copy_cwd(void)
{
    char *dir = getcwd(NULL, 0);
    char *copy = dir ? mem_dup(dir, strlen(dir)) : mem_dup("/", 1);
    free(dir);
    return copy;
}

/* Runs side by side must not all try again at the same moments. */
static void
engine_seed(Engine *h)
{
    uint64_t seed;
    if (engine_draw(h, &seed, sizeof seed) && seed)
        h->sched.random = seed;
}

/* The next number that follows from the seed (SplitMix64). */
static uint64_t
engine_follow_seed(Engine *h)
{
    uint64_t z = atomic_fetch_add(&h->drawn, 0x9E3779B97F4A7C15)
        + 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

bool
engine_draw(Engine *h, void *bytes, size_t n)
{
    if (!h->clock.is_virtual)
        return getrandom(bytes, n, 0) == (ssize_t)n;
    for (size_t at = 0; at < n; at += sizeof(uint64_t)) {
        uint64_t next = engine_follow_seed(h);
        size_t left = n - at;
        memcpy((char *)bytes + at, &next,
               left < sizeof next ? left : sizeof next);
    }
    return true;
}

/* Make a name that no other run has, for its files. */
static void
engine_name(Engine *h)
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
engine_new(const orun_config *config, const VmConfig *vm, Engine **out)
{
    int e = ORUN_ENOMEM;
    Engine *h = mem_zalloc(1, sizeof *h);
    if (!h)
        return e;
    list_init(&h->stuck);
    list_init(&h->guests);
    h->refs = 1;
    for (size_t i = 0; i < ENGINE_NAMES; i++)
        list_init(&h->names[i]);
    h->clock = (Clock){ .now = clock_seconds,
                        .wake_at = engine_wake_at,
                        .is_virtual = config->virtual_time != 0,
                        .at = 1000000000 };
    h->drawn = config->virtual_time;
    h->tick_msg.run = engine_tick_posted;
    h->workers = config->workers;
    h->registered = !config->listed;
    h->memory_limit = config->memory_limit;
    uv_mutex_init(&h->io_lock);
    if (!(h->env = engine_copy_env()) || !(h->cwd = engine_copy_cwd())
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
        [SLOT_LUA] = config->workers,
        [SLOT_PROCESS] = config->processes,
        [SLOT_HTTP] = ENGINE_HTTP,
        [SLOT_HOST] = INT_MAX, /* each type has its own */
    };
    if ((e = sched_init(&h->sched, &h->clock, slots, lifecycle_timer_due)) != 0)
        goto free_vms;
    h->sched.plan = config->plan;
    h->trust = config->trust != 0;
    if (config->history
        && (e = rank_open(&h->sched, config->history, h->cwd)) != 0)
        goto destroy_sched;
    engine_seed(h);
    engine_name(h);
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
engine_close_io(Loop *loop, void *ud)
{
    Engine *h = ud;
    (void)loop;
    role_is_io();
    if (h->timer_ready)
        uv_close((uv_handle_t *)&h->timer, NULL);
    h->timer_ready = false;
    for (int i = 0; i < PART_COUNT; i++) {
        EnginePart *p = h->parts[i];
        if (!p || !p->close)
            continue;
        p->close(p);
        h->parts[i] = NULL;
    }
}

static void
engine_leave(Loop *loop, void *ud)
{
    Engine *h = ud;
    (void)loop;
    role_is_io();
    for (int i = 0; i < PART_COUNT; i++) {
        EnginePart *p = h->parts[i];
        if (p && p->leave)
            p->leave(p);
    }
}

static void
engine_free_parts(Engine *h)
{
    for (int i = PART_COUNT; i-- > 0;) {
        EnginePart *p = h->parts[i];
        h->parts[i] = NULL;
        if (p && p->free)
            p->free(p);
    }
}

/* No worker is left. On the thread of the owner, or of the last worker that was
 * stuck. */
static void
engine_release(void *ud)
{
    Engine *h = ud;
    if (h->loop)
        loop_stop(h->loop);
    engine_free_parts(h);
    vmpool_free(h->vms);
    sched_destroy(&h->sched);
    rank_close(h->sched.ranks);
    folder_free(h->folder);
    secret_close();
    task_strings_free(h->env);
    engine_free_names(h);
    mem_free(h->cwd);
    mem_free(h->program);
    uv_mutex_destroy(&h->io_lock);
    mem_free(h);
}

/* One that uses the memory is gone. */
static void
engine_drop(void *ud)
{
    Engine *h = ud;
    if (atomic_fetch_sub(&h->refs, 1) == 1)
        engine_release(h);
}

void
engine_join(Engine *h, LuaRun *run)
{
    atomic_fetch_add(&h->refs, 1);
    sched_lock(&h->sched);
    list_push(&h->guests, &run->stuck);
    sched_unlock(&h->sched);
}

void
engine_part(Engine *h, LuaRun *run)
{
    sched_lock(&h->sched);
    list_del(&run->stuck);
    sched_unlock(&h->sched);
    engine_drop(h);
}

/* No guest waits from now on. */
static void
engine_wake_guests(Engine *h)
{
    sched_lock(&h->sched);
    list_each(node, &h->guests) {
        LuaRun *run = container_of(node, LuaRun, stuck);
        stop_tell(&run->vm->stop, "orun was closed");
        wait_fire(&run->wait, WAIT_STOPPED);
    }
    sched_unlock(&h->sched);
}

bool
engine_free(Engine *h)
{
    if (!h)
        return true;
    h->over = true;
    engine_wake_guests(h);
    lifecycle_close(&h->sched);
    if (h->loop)
        loop_call(h->loop, engine_leave, h);
    bool ended = pool_close(h->pool);
    if (!ended) /* it may be long until the folder is freed */
        folder_abandon(h->folder);
    if (h->loop)
        loop_call(h->loop, engine_close_io, h);
    if ((!ended && h->forsaken) || !pool_free(h->pool, engine_drop, h))
        return false;
    engine_drop(h);
    return true;
}
