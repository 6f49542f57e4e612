/* gate.c — the list of runtimes, and the stack of a thread. */
#include "embed/gate.h"
#include "base/err.h"
#include "base/fork.h"
#include "base/thread.h"
#include <pthread.h>
#include <unistd.h>

static uv_mutex_t gate_lock = THREAD_MUTEX_INIT;
static uv_cond_t gate_unheld = THREAD_COND_INIT;
static Gate *gate_list; /* guarded by gate_lock */

/* Where the list points to g; NULL when g is not on it. With the lock held. */
static Gate **
gate_find(const Gate *g)
{
    Gate **at = &gate_list;
    while (*at && *at != g)
        at = &(*at)->next;
    return *at ? at : NULL;
}

/* Is g a runtime of this process? With the lock held. */
static int
gate_check(const Gate *g)
{
    if (!g || !gate_find(g))
        return ORUN_EINVAL;
    return g->pid == getpid() ? 0 : ORUN_EFORKED;
}

void
gate_open(Gate *g)
{
    /* No other thread is in the middle of the list when the process is copied.
     */
    fork_guard(FORK_GATE, &gate_lock);
    fork_watch();
    g->pid = getpid();
    g->inside = false;
    g->held = 0;
    uv_mutex_lock(&gate_lock);
    g->next = gate_list;
    gate_list = g;
    uv_mutex_unlock(&gate_lock);
}

bool
gate_close(Gate *g)
{
    bool last = true;
    uv_mutex_lock(&gate_lock);
    *gate_find(g) = g->next;
    while (g->held > 0)
        uv_cond_wait(&gate_unheld, &gate_lock);
    for (const Gate *other = gate_list; other; other = other->next)
        last = last && other->pid != g->pid;
    uv_mutex_unlock(&gate_lock);
    return last;
}

/* Is the thread inside g the one that asks? With the lock held. */
static bool
gate_is_mine(const Gate *g)
{
    uv_thread_t self = uv_thread_self();
    return uv_thread_equal(&g->thread, &self);
}

int
gate_enter(Gate *g)
{
    uv_mutex_lock(&gate_lock);
    int e = gate_check(g);
    if (e == 0 && g->inside)
        e = gate_is_mine(g) ? ORUN_ESTATE : ORUN_ETHREAD;
    if (e == 0) {
        g->inside = true;
        g->thread = uv_thread_self();
    }
    uv_mutex_unlock(&gate_lock);
    return e;
}

void
gate_leave(Gate *g)
{
    uv_mutex_lock(&gate_lock);
    g->inside = false;
    uv_mutex_unlock(&gate_lock);
}

int
gate_hold(Gate *g)
{
    uv_mutex_lock(&gate_lock);
    int e = gate_check(g);
    if (e == 0)
        g->held++;
    uv_mutex_unlock(&gate_lock);
    return e;
}

void
gate_unhold(Gate *g)
{
    uv_mutex_lock(&gate_lock);
    if (--g->held == 0)
        uv_cond_broadcast(&gate_unheld);
    uv_mutex_unlock(&gate_lock);
}

size_t
gate_stack(void)
{
    pthread_attr_t attr;
    void *base = NULL;
    size_t size = 0, guard = 0;
    if (pthread_getattr_np(pthread_self(), &attr) != 0)
        return SIZE_MAX;
    pthread_attr_getstack(&attr, &base, &size);
    pthread_attr_getguardsize(&attr, &guard);
    pthread_attr_destroy(&attr);
    uintptr_t low = (uintptr_t)base + guard;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return here < low || here > low + size ? SIZE_MAX : here - low;
}
