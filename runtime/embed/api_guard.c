/* api_guard.c — the list of runtimes, and the stack of a thread. */
#include "embed/api_guard.h"
#include "base/err.h"
#include "base/fork.h"
#include "base/thread.h"
#include <pthread.h>
#include <unistd.h>

static uv_mutex_t api_guard_lock = THREAD_MUTEX_INIT;
static uv_cond_t api_guard_unheld = THREAD_COND_INIT;
/* Guarded by api_guard_lock: */
static ApiGuard *api_guard_list;
static bool api_guard_any; /* there was one */

/* The link that points to g; NULL: g is not in the list. Holds the lock. */
static ApiGuard **
api_guard_find(const ApiGuard *g)
{
    ApiGuard **at = &api_guard_list;
    while (*at && *at != g)
        at = &(*at)->next;
    return *at ? at : NULL;
}

/* Is g a runtime of this process? Holds the lock. */
static int
api_guard_check(const ApiGuard *g)
{
    if (!g || !api_guard_find(g))
        return ORUN_EINVAL;
    if (g->pid != getpid())
        return ORUN_EFORKED;
    return g->closing ? ORUN_ESHUTDOWN : 0;
}

void
api_guard_open(ApiGuard *g)
{
    /* A fork must not copy the list while another thread changes it. */
    fork_guard(FORK_API_GUARD, &api_guard_lock);
    fork_watch();
    g->pid = getpid();
    g->inside = g->closing = false;
    g->held = 0;
    list_init(&g->visits);
    uv_mutex_lock(&api_guard_lock);
    g->next = api_guard_list;
    api_guard_list = g;
    api_guard_any = true;
    uv_mutex_unlock(&api_guard_lock);
}

bool
api_guard_used(void)
{
    uv_mutex_lock(&api_guard_lock);
    bool any = api_guard_any;
    uv_mutex_unlock(&api_guard_lock);
    return any;
}

void
api_guard_shut(ApiGuard *g)
{
    uv_mutex_lock(&api_guard_lock);
    g->closing = true;
    uv_mutex_unlock(&api_guard_lock);
}

bool
api_guard_close(ApiGuard *g)
{
    bool last = true;
    uv_mutex_lock(&api_guard_lock);
    while (g->held > 0)
        uv_cond_wait(&api_guard_unheld, &api_guard_lock);
    *api_guard_find(g) = g->next;
    while (list_shift(&g->visits)) /* stuck ones may return when g is gone */
        continue;
    for (const ApiGuard *other = api_guard_list; other; other = other->next)
        last = last && other->pid != g->pid;
    uv_mutex_unlock(&api_guard_lock);
    return last;
}

static bool
api_guard_is_self(const uv_thread_t *thread)
{
    uv_thread_t self = uv_thread_self();
    return uv_thread_equal(thread, &self);
}

/* Does the calling thread visit the host? Holds the lock. */
static bool
api_guard_visits(const ApiGuard *g)
{
    for (List *node = g->visits.next; node != &g->visits; node = node->next)
        if (api_guard_is_self(&container_of(node, ApiVisit, link)->thread))
            return true;
    return false;
}

int
api_guard_enter(ApiGuard *g)
{
    uv_mutex_lock(&api_guard_lock);
    int e = api_guard_check(g);
    if (e == 0 && api_guard_visits(g))
        e = ORUN_ESTATE;
    else if (e == 0 && g->inside)
        e = api_guard_is_self(&g->thread) ? ORUN_ESTATE : ORUN_ETHREAD;
    if (e == 0) {
        g->inside = true;
        g->thread = uv_thread_self();
    }
    uv_mutex_unlock(&api_guard_lock);
    return e;
}

void
api_guard_leave(ApiGuard *g)
{
    uv_mutex_lock(&api_guard_lock);
    g->inside = false;
    uv_mutex_unlock(&api_guard_lock);
}

int
api_guard_hold(ApiGuard *g)
{
    uv_mutex_lock(&api_guard_lock);
    int e = api_guard_check(g);
    if (e == 0)
        g->held++;
    uv_mutex_unlock(&api_guard_lock);
    return e;
}

void
api_guard_unhold(ApiGuard *g)
{
    uv_mutex_lock(&api_guard_lock);
    if (--g->held == 0)
        uv_cond_broadcast(&api_guard_unheld);
    uv_mutex_unlock(&api_guard_lock);
}

void
api_guard_visit(ApiGuard *g, ApiVisit *v)
{
    v->thread = uv_thread_self();
    list_init(&v->link);
    uv_mutex_lock(&api_guard_lock);
    if (api_guard_find(g))
        list_push(&g->visits, &v->link);
    uv_mutex_unlock(&api_guard_lock);
}

void
api_guard_return(ApiGuard *g, ApiVisit *v)
{
    (void)g;
    uv_mutex_lock(&api_guard_lock);
    list_del(&v->link);
    uv_mutex_unlock(&api_guard_lock);
}

bool
api_guard_is_shut(ApiGuard *g)
{
    uv_mutex_lock(&api_guard_lock);
    bool shut = g->closing;
    uv_mutex_unlock(&api_guard_lock);
    return shut;
}

bool
api_guard_is_visit(ApiGuard *g)
{
    uv_mutex_lock(&api_guard_lock);
    bool visits = api_guard_visits(g);
    uv_mutex_unlock(&api_guard_lock);
    return visits;
}

size_t
api_guard_stack(void)
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
