/* park_bell.c — waiting for an eventfd, or a signal. */
#include "vm/park_bell.h"
#include <lauxlib.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

void
park_bell_init(ParkBell *bell, lua_State *L)
{
    bell->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bell->before = lua_gethook(L);
    bell->interrupted = false;
    uv_cond_init(&bell->go);
}

void
park_bell_destroy(ParkBell *bell)
{
    if (bell->fd >= 0)
        close(bell->fd);
    uv_cond_destroy(&bell->go);
}

void
park_bell_ring(ParkBell *bell)
{
    uint64_t one = 1;
    if (bell->fd < 0)
        uv_cond_signal(&bell->go);
    else if (write(bell->fd, &one, sizeof one) < 0)
        return; /* it is ringing already */
}

/* A hook that is to run at the next instruction, and was not there before. */
static bool
park_bell_hooked(const ParkBell *bell, lua_State *L)
{
    return lua_gethook(L) != bell->before && lua_gethook(L)
        && (lua_gethookmask(L) & LUA_MASKCOUNT) && lua_gethookcount(L) == 1;
}

bool
park_bell_wait(ParkBell *bell, lua_State *L, uv_mutex_t *lock)
{
    if (bell->fd < 0) {
        uv_cond_wait(&bell->go, lock);
        return false;
    }
    /* Between the look and the wait no handler may run. */
    struct pollfd fd = { bell->fd, POLLIN, 0 };
    sigset_t all, before;
    uint64_t count;
    uv_mutex_unlock(lock);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    bool hooked = park_bell_hooked(bell, L);
    if (!hooked)
        (void)ppoll(&fd, 1, NULL, &before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    hooked = park_bell_hooked(bell, L);
    uv_mutex_lock(lock);
    if (read(bell->fd, &count, sizeof count) < 0)
        count = 0; /* a signal, or nobody has rung since */
    bell->interrupted = hooked;
    return hooked;
}

void
park_bell_heed(ParkBell *bell, lua_State *L, lua_State *main)
{
    if (!bell->interrupted)
        return;
    bell->interrupted = false;
    lua_Hook hook = lua_gethook(main);
    lua_Debug ar = { .event = LUA_HOOKCOUNT };
    if (hook && L == main && lua_getstack(L, 0, &ar)) {
        ar.event = LUA_HOOKCOUNT;
        ar.currentline = -1;
        hook(L, &ar);
    }
    luaL_error(L, "interrupted!");
}
