/* host_guest.c — a state is taken, used by the host's thread, and given back.
 */
#include "embed/host_guest.h"
#include "base/err.h"
#include <lauxlib.h>

enum { HOST_GUEST_STACK = 192 << 10 }; /* bytes that our Lua code may need */

/* LuaRun.on_behalf: never, for its thread blocks. */
static void
host_guest_wake(LuaRun *run)
{
    (void)run;
}

/* The guest is known to orun_free. False: that has begun. */
static bool
host_guest_enter(Host *h, HostGuest *g)
{
    sched_lock(h->sched);
    bool open = !h->closing;
    if (open)
        list_push(&h->guests, &g->link);
    sched_unlock(h->sched);
    return open;
}

static bool
host_guest_leave(Host *h, HostGuest *g)
{
    sched_lock(h->sched);
    list_del(&g->link);
    bool closing = h->closing;
    sched_unlock(h->sched);
    return closing;
}

static int
host_guest_run(Host *h, HostGuest *g, lua_CFunction body, void *arg, Buf *why)
{
    lua_State *L = g->run.vm->L;
    if (!host_guest_enter(h, g))
        return ORUN_ESHUTDOWN;
    lua_pushcfunction(L, body);
    lua_pushlightuserdata(L, arg);
    int status = stop_pcall(&g->run.vm->stop, L, 1, 0, 0);
    bool closing = host_guest_leave(h, g);
    if (status == LUA_OK)
        return 0;
    if (status == LUA_ERRMEM)
        return ORUN_ENOMEM;
    vm_error_text(L, why);
    return closing ? ORUN_ESHUTDOWN : ORUN_EFAILED;
}

int
host_guest_call(Host *h, Engine *engine, lua_CFunction body, void *arg,
                int *refused, Buf *why)
{
    return host_guest_call_for(h, engine, h->sched->board.root, 0, body, arg,
                               refused, why);
}

int
host_guest_call_for(Host *h, Engine *engine, Task *t, uint32_t attempt,
                    lua_CFunction body, void *arg, int *refused, Buf *why)
{
    size_t stack = api_guard_stack();
    if (stack < HOST_GUEST_STACK) {
        buf_printf(why,
                   "this thread has %zu KiB of stack left, and 256 are needed "
                   "(pthread_attr_setstacksize)",
                   stack >> 10);
        return ORUN_EINVAL;
    }
    Vm *vm = vm_take(engine->vms);
    if (!vm)
        return ORUN_ENOMEM;
    HostGuest g = { .run = { .sched = h->sched,
                             .pool = engine->pool,
                             .engine = engine,
                             .task = t,
                             .attempt = attempt,
                             .vm = vm,
                             .hosted = true,
                             .on_behalf = host_guest_wake } };
    list_init(&g.link);
    park_init(&g.run);
    vm->owner = &g.run;
    vm->limit = engine->memory_limit;
    int e = host_guest_run(h, &g, body, arg, why);
    if (refused)
        *refused = g.run.refused;
    lua_settop(vm->L, 0);
    vm_give(engine->vms, vm);
    park_destroy(&g.run);
    return e;
}
