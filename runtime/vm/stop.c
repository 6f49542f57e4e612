/* stop.c — ending Lua code that does not end by itself.
 *
 * How a stop is requested and raised. Where Lua switches from one coroutine to
 * another is in stop_lua.c.
 */
#include "vm/stop.h"
#include "base/err.h"
#include "vm/stop_state.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* What this thread runs now. The signal handler reads it, so it must not be
 * storage that is allocated on first use. */
static _Thread_local lua_State *volatile stop_current
    __attribute__((tls_model("initial-exec")));

/* The thread sanitizer delays signals until the thread makes a system call, so
 * there the hook is always installed, and reads the level itself. */
#if defined(__SANITIZE_THREAD__)
#define STOP_POLLS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STOP_POLLS 1
#endif
#endif
#ifndef STOP_POLLS
#define STOP_POLLS 0
#endif

#if STOP_POLLS
/* Of the functions that jump it knows only longjmp; Lua raises its errors with
 * one of the others (which, depends on how it was built), and the sanitizer's
 * own account of the stack overflows after some 60,000 of them. */
void stop_longjmp(jmp_buf env, int value) __asm__("__longjmp_chk");
void stop_longjmp_plain(jmp_buf env, int value) __asm__("_longjmp")
    __attribute__((alias("__longjmp_chk")));

void
stop_longjmp(jmp_buf env, int value)
{
    longjmp(env, value);
}
#endif

/* Has the level risen since the last error was raised? */
static inline bool
stop_armed(Stop *s)
{
    int level = atomic_load_explicit(&s->level, memory_order_acquire);
    return level == STOP_HARD
        || (level == STOP_ONCE && atomic_load(&s->raised) == STOP_NONE);
}

static void stop_hook(lua_State *L, lua_Debug *ar);

static inline void
stop_arm(lua_State *L)
{
    if (STOP_POLLS)
        lua_sethook(L, stop_hook, LUA_MASKCOUNT, 1000);
    if (stop_armed(stop_of(L)))
        lua_sethook(L, stop_hook, LUA_MASKCOUNT, 1);
}

/* The first fields of a lua_State in every Lua 5.4. */
typedef struct StopState {
    void *next;
    unsigned char tt, marked, status, allowhook;
} StopState;

/* Lua turns hooks off while one runs and back on when it returns; a hook that
 * raises leaves them off, in its message handler and, where no pcall is in
 * between, in that coroutine for good: a loop there or in its <close> could
 * not be stopped. No function turns them on, so this writes the field, after
 * checking that it is the right one. */
static void
stop_allow_hooks(lua_State *L)
{
    StopState *state = (void *)L;
    if (state->tt == LUA_TTHREAD && state->status == lua_status(L)
        && state->allowhook == 0)
        state->allowhook = 1;
}

static void
stop_hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    Stop *s = stop_of(L);
    if (stop_final(L)) {
        stop_allow_hooks(L);
        stop_raise(L, s);
    }
    lua_sethook(L, NULL, 0, 0);
    if (stop_armed(s)) {
        atomic_store(&s->raised, STOP_ONCE);
        stop_arm(L); /* the level may have risen meanwhile */
        stop_allow_hooks(L);
        stop_raise(L, s);
    }
    stop_arm(L);
}

/* Finalizers run with hooks off, which the signal turns on for the one that
 * runs. There may be many, so at STOP_HARD a timer signals the thread again and
 * again, for a while. */

enum {
    STOP_TICK = 10000000, /* nanoseconds */
    STOP_TICKS = 300,     /* then it gives up, so as not to disturb C code
                           * forever */
};

/* The thread that runs is signalled from now on. With the lock held. */
static void
stop_tick(Stop *s)
{
    static const struct itimerspec often = { .it_interval.tv_nsec = STOP_TICK,
                                             .it_value.tv_nsec = STOP_TICK };
    struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
                              .sigev_signo = SIGURG };
    event._sigev_un._tid = s->tid;
    atomic_store(&s->ticks, STOP_TICKS);
    s->ticking = timer_create(CLOCK_MONOTONIC, &event, &s->timer) == 0;
    if (s->ticking)
        timer_settime(s->timer, 0, &often, NULL);
}

/* … and no longer. With the lock held. */
static void
stop_untick(Stop *s)
{
    if (s->ticking)
        timer_delete(s->timer);
    s->ticking = false;
}

/* In the handler of the signal: enough? */
static void
stop_ticked(Stop *s)
{
    static const struct itimerspec never;
    if (atomic_fetch_sub(&s->ticks, 1) == 1)
        timer_settime(s->timer, 0, &never, NULL);
}

/* The signal */

static struct sigaction stop_before;

static void
stop_on_signal(int signo, siginfo_t *info, void *context)
{
    int saved = errno;
    lua_State *L = stop_current;
    if (L)
        stop_arm(L);
    if (L && stop_hard(stop_of(L))) {
        stop_allow_hooks(L); /* a finalizer runs without them */
        stop_ticked(stop_of(L));
    }
    if (stop_before.sa_flags & SA_SIGINFO)
        stop_before.sa_sigaction(signo, info, context);
    else if (stop_before.sa_handler != SIG_DFL
             && stop_before.sa_handler != SIG_IGN)
        stop_before.sa_handler(signo);
    errno = saved;
}

static int stop_init_result;

static void
stop_init_once(void)
{
    struct sigaction sa = { 0 };
    sa.sa_sigaction = stop_on_signal;
    sa.sa_flags = SA_RESTART | SA_ONSTACK | SA_SIGINFO;
    sigemptyset(&sa.sa_mask);
    if (sigaction(SIGURG, NULL, &stop_before) || sigaction(SIGURG, &sa, NULL))
        stop_init_result = ORUN_ESYS;
}

int
stop_init(void)
{
    static uv_once_t once = UV_ONCE_INIT;
    uv_once(&once, stop_init_once);
    return stop_init_result;
}

/* The Stop itself */

void
stop_setup(Stop *s)
{
    memset(s, 0, sizeof *s);
    uv_mutex_init(&s->lock);
}

void
stop_reset(Stop *s)
{
    atomic_store_explicit(&s->level, STOP_NONE, memory_order_relaxed);
    atomic_store_explicit(&s->raised, STOP_NONE, memory_order_relaxed);
    atomic_store_explicit(&s->reason, NULL, memory_order_relaxed);
}

void
stop_destroy(Stop *s)
{
    uv_mutex_destroy(&s->lock);
}

void
stop_request(Stop *s, int level, const char *reason)
{
    uv_mutex_lock(&s->lock);
    if (level > atomic_load(&s->level)) {
        atomic_store(&s->reason, reason);
        atomic_store(&s->level, level);
    }
    if (s->running)
        pthread_kill(s->thread, SIGURG);
    if (s->running && level == STOP_HARD && !s->ticking)
        stop_tick(s);
    uv_mutex_unlock(&s->lock);
}

void
stop_tell(Stop *s, const char *reason)
{
    atomic_store(&s->raised, STOP_ONCE);
    stop_request(s, STOP_ONCE, reason);
}

bool
stop_forgive(Stop *s)
{
    uv_mutex_lock(&s->lock);
    bool once = atomic_load(&s->level) == STOP_ONCE;
    if (once)
        stop_reset(s);
    uv_mutex_unlock(&s->lock);
    return once;
}

int
stop_raise(lua_State *L, Stop *s)
{
    if (stop_hard(s) || vm_of(L)->over_limit) {
        lua_pushliteral(L, "not enough memory"); /* becomes LUA_ERRMEM */
        return lua_error(L);
    }
    const char *reason = atomic_load(&s->reason);
    atomic_store(&s->raised, STOP_ONCE);
    lua_pushfstring(L, "stopped: %s", reason ? reason : "no reason given");
    return lua_error(L);
}

/* Running */

lua_State *
stop_publish(lua_State *co)
{
    lua_State *outer = stop_current;
    stop_current = co;
    atomic_signal_fence(memory_order_seq_cst);
    stop_arm(co);
    return outer;
}

void
stop_unpublish(lua_State *outer)
{
    stop_current = outer;
    atomic_signal_fence(memory_order_seq_cst);
    if (outer)
        stop_arm(outer);
}

void
stop_interrupt(lua_State *L)
{
    lua_sethook(L, stop_hook, LUA_MASKCOUNT, 1);
}

/* True if this call made the thread the one to signal, and must undo that. */
static bool
stop_enter(Stop *s)
{
    static _Thread_local pid_t self;
    if (!self)
        self = gettid();
    uv_mutex_lock(&s->lock);
    bool first = !s->running;
    s->running = true;
    s->thread = uv_thread_self();
    s->tid = self;
    if (first && stop_hard(s))
        stop_tick(s);
    uv_mutex_unlock(&s->lock);
    return first;
}

static void
stop_leave(Stop *s, bool first)
{
    if (!first)
        return;
    uv_mutex_lock(&s->lock);
    s->running = false;
    stop_untick(s);
    uv_mutex_unlock(&s->lock);
}

int
stop_resume(Stop *s, lua_State *co, int nargs, int *nresults)
{
    bool first = stop_enter(s);
    lua_State *outer = stop_publish(co);
    int status = lua_resume(co, NULL, nargs, nresults);
    stop_unpublish(outer);
    stop_leave(s, first);
    return status;
}

int
stop_pcall(Stop *s, lua_State *L, int nargs, int nresults, int msgh)
{
    bool first = stop_enter(s);
    lua_State *outer = stop_publish(L);
    int status = lua_pcall(L, nargs, nresults, msgh);
    stop_unpublish(outer);
    stop_leave(s, first);
    return status;
}

int
stop_close_thread(lua_State *co, lua_State *from)
{
    lua_State *outer = stop_publish(co);
#if LUA_VERSION_RELEASE_NUM >= 50406
    int status = lua_closethread(co, from);
#else
    (void)from;
    int status = lua_resetthread(co);
#endif
    stop_unpublish(outer);
    return status;
}

int
stop_close(Stop *s, lua_State *co)
{
    bool first = stop_enter(s);
    int status = stop_close_thread(co, NULL);
    stop_leave(s, first);
    return status;
}

/* Closing a state. Its finalizers run on the main thread. */

static const char stop_guard_key; /* its address: a registry key */

/* This finalizer is called last, because its object is the oldest. What follows
 * frees the state, so nothing may be set in it. */
static int
stop_guard_gc(lua_State *L)
{
    (void)L;
    stop_current = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    return 0;
}

void
stop_guard(lua_State *L)
{
    lua_newuserdatauv(L, 0, 0);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, stop_guard_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &stop_guard_key);
}

void
stop_close_state(Stop *s, lua_State *L)
{
    bool first = stop_enter(s);
    lua_State *outer = stop_current;
    stop_current = L;
    atomic_signal_fence(memory_order_seq_cst);
    lua_close(L);
    stop_unpublish(outer);
    stop_leave(s, first);
}
