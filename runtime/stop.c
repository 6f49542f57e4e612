/* stop.c — ending Lua code that does not end by itself.
 *
 * The replaced functions behave as Lua's own, but for the level: they are the
 * places where one coroutine hands over to another, or where an error is
 * caught.
 */
#include "stop.h"
#include "err.h"
#include "vm.h"
#include <errno.h>
#include <lauxlib.h>
#include <setjmp.h>
#include <signal.h>

/* What this thread is running now. Read by the signal handler, so it must not
 * be storage that is made on first use. */
static _Thread_local lua_State *volatile stop_current
    __attribute__((tls_model("initial-exec")));

/* The thread sanitizer holds signals back until the thread calls the system,
 * so there the hook is always installed and looks at the level itself. */
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

static inline Stop *
stop_of(lua_State *L)
{
    return &vm_of(L)->stop;
}

/* May nothing hold an error back any more: a hard stop, or a task that used up
 * its memory? */
static inline bool
stop_final(lua_State *L)
{
    return stop_hard(stop_of(L)) || vm_of(L)->over_limit;
}

/* Is there something that running code has not been told? */
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
 * not be stopped. There is no function to turn them on, so it is done by
 * hand, once it is certain that this is the field. */
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
        stop_arm(L); /* the level may have risen since it was looked at */
        stop_allow_hooks(L);
        stop_raise(L, s);
    }
    stop_arm(L);
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
    if (sigaction(SIGURG, NULL, &stop_before)
        || sigaction(SIGURG, &sa, NULL))
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
    uv_mutex_unlock(&s->lock);
}

void
stop_tell(Stop *s, const char *reason)
{
    atomic_store(&s->raised, STOP_ONCE);
    stop_request(s, STOP_ONCE, reason);
}

int
stop_raise(lua_State *L, Stop *s)
{
    if (stop_final(L)) {
        lua_pushliteral(L, "not enough memory"); /* becomes LUA_ERRMEM */
        return lua_error(L);
    }
    const char *reason = atomic_load(&s->reason);
    atomic_store(&s->raised, STOP_ONCE);
    lua_pushfstring(L, "stopped: %s", reason ? reason : "no reason given");
    return lua_error(L);
}

/* Running */

static lua_State *
stop_publish(lua_State *co)
{
    lua_State *outer = stop_current;
    stop_current = co;
    atomic_signal_fence(memory_order_seq_cst);
    stop_arm(co);
    return outer;
}

static void
stop_unpublish(lua_State *outer)
{
    stop_current = outer;
    atomic_signal_fence(memory_order_seq_cst);
    if (outer)
        stop_arm(outer);
}

/* True when this call made the thread the one to signal, and must undo it. */
static bool
stop_enter(Stop *s)
{
    uv_mutex_lock(&s->lock);
    bool first = !s->running;
    s->running = true;
    s->thread = uv_thread_self();
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

static int
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

/* Closing does not count C calls before 5.4.6: a coroutine whose <close>
 * closes another, and so on, would run off the C stack. So closing asks for
 * half of the stack, or for what 200 nested C calls can take. */
static bool
stop_stack_low(void)
{
    static _Thread_local char *low;
    if (!low) {
        pthread_attr_t attr;
        void *base = NULL;
        size_t size = 0;
        if (pthread_getattr_np(pthread_self(), &attr) == 0) {
            pthread_attr_getstack(&attr, &base, &size);
            pthread_attr_destroy(&attr);
        }
        size_t need = (size_t)1 << 20;
        low = (char *)base + (need < size / 2 ? need : size / 2);
    }
    return (char *)__builtin_frame_address(0) < low;
}

/* The functions of Lua that catch errors */

static int
stop_pcall_done(lua_State *L, int status, lua_KContext skip)
{
    if (status == LUA_OK || status == LUA_YIELD)
        return lua_gettop(L) - (int)skip;
    if (stop_final(L))
        return stop_raise(L, stop_of(L));
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

static int
stop_lua_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0,
                            stop_pcall_done);
    return stop_pcall_done(L, status, 0);
}

static int
stop_lua_xpcall(lua_State *L)
{
    int n = lua_gettop(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2); /* f, handler, true, f, arguments */
    int status = lua_pcallk(L, n - 2, LUA_MULTRET, 2, 2, stop_pcall_done);
    return stop_pcall_done(L, status, 2);
}

/* The functions of Lua that switch coroutines */

static lua_State *
stop_checked_co(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co, 1, "thread");
    return co;
}

/* Resume `co` with the n values on top of L. Gives the count of results, moved
 * to L, and in *status how it went; or -1 with the error on L. `close`: when
 * it dies of an error, close its variables at once. */
static int
stop_switch(lua_State *L, lua_State *co, int n, bool close, int *status)
{
    int nresults;
    *status = LUA_OK;
    if (!lua_checkstack(co, n)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, co, n);
    lua_State *outer = stop_publish(co);
    *status = lua_resume(co, L, n, &nresults);
    stop_unpublish(outer);
    if (*status != LUA_OK && *status != LUA_YIELD) {
        if (close && lua_status(co) != LUA_OK && lua_status(co) != LUA_YIELD)
            *status = stop_close_thread(co, L);
        if (stop_final(L))
            return stop_raise(L, stop_of(L));
        lua_xmove(co, L, 1);
        return -1;
    }
    if (!lua_checkstack(L, nresults + 1)) {
        lua_pop(co, nresults);
        lua_pushliteral(L, "too many results to resume");
        return -1;
    }
    lua_xmove(co, L, nresults);
    return nresults;
}

static int
stop_lua_resume(lua_State *L)
{
    int status;
    int n = stop_switch(L, stop_checked_co(L), lua_gettop(L) - 1, false,
                        &status);
    int results = n < 0 ? 1 : n; /* or the error */
    lua_pushboolean(L, n >= 0);
    lua_insert(L, -(results + 1));
    return results + 1;
}

static int
stop_wrapped(lua_State *L)
{
    int status;
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    int n = stop_switch(L, co, lua_gettop(L), true, &status);
    if (n >= 0)
        return n;
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int
stop_lua_wrap(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(L, stop_wrapped, 1);
    return 1;
}

/* Neither running nor having resumed the one that is. */
static bool
stop_can_close(lua_State *L, lua_State *co)
{
    lua_Debug ar;
    return co != L
        && (lua_status(co) != LUA_OK || !lua_getstack(co, 0, &ar));
}

static int
stop_lua_close(lua_State *L)
{
    lua_State *co = stop_checked_co(L);
    if (!stop_can_close(L, co))
        return luaL_error(L, "cannot close a %s coroutine",
                          co == L ? "running" : "normal");
    if (stop_stack_low())
        return luaL_error(L, "C stack overflow");
    int status = stop_close_thread(co, L);
    if (stop_final(L))
        return stop_raise(L, stop_of(L));
    lua_pushboolean(L, status == LUA_OK);
    if (status == LUA_OK)
        return 1;
    lua_xmove(co, L, 1);
    return 2;
}

void
stop_open(lua_State *L)
{
    static const luaL_Reg catching[] = {
        { "pcall", stop_lua_pcall }, { "xpcall", stop_lua_xpcall },
        { NULL, NULL }
    };
    static const luaL_Reg switching[] = {
        { "resume", stop_lua_resume }, { "wrap", stop_lua_wrap },
        { "close", stop_lua_close }, { NULL, NULL }
    };
    lua_pushglobaltable(L);
    luaL_setfuncs(L, catching, 0);
    lua_getfield(L, -1, "coroutine");
    luaL_setfuncs(L, switching, 0);
    lua_pop(L, 2);
}
