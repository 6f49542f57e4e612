/* order.c — the watchers of this process catch up before a script prints. */
#include "base/order.h"
#include "base/thread.h"
#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

static uv_mutex_t order_lock = THREAD_MUTEX_INIT;
static uv_cond_t order_left = THREAD_COND_INIT;
/* Guarded by it: */
static OrderWatcher *order_first;

static atomic_bool order_watched; /* there is a watcher */
static atomic_int order_process;  /* a fork of it lacks the watchers' threads */
static _Thread_local bool order_mine;

void
order_join(OrderWatcher *w)
{
    uv_mutex_lock(&order_lock);
    w->calls = 0;
    w->gone = false;
    w->next = order_first;
    order_first = w;
    order_process = getpid();
    order_watched = true;
    uv_mutex_unlock(&order_lock);
}

void
order_leave(OrderWatcher *w)
{
    OrderWatcher **at = &order_first;
    uv_mutex_lock(&order_lock);
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    w->gone = true;
    order_watched = order_first != NULL;
    while (w->calls > 0)
        uv_cond_wait(&order_left, &order_lock);
    uv_mutex_unlock(&order_lock);
}

void
order_is_mine(void)
{
    order_mine = true;
}

/* Does fd lead to where standard error does? */
static bool
order_compares(int fd)
{
    struct stat out, err;
    if (fd == STDERR_FILENO)
        return true;
    return fd == STDOUT_FILENO && fstat(fd, &out) == 0
        && fstat(STDERR_FILENO, &err) == 0
        && ((out.st_dev == err.st_dev && out.st_ino == err.st_ino)
            || (S_ISCHR(out.st_mode) && S_ISCHR(err.st_mode)
                && out.st_rdev == err.st_rdev));
}

/* A watcher is called without the lock, so that other threads may print
 * meanwhile; it can leave only afterwards. If it has left, the next may have
 * too, and is not asked. */
static void
order_ask(void)
{
    uv_mutex_lock(&order_lock);
    for (OrderWatcher *w = order_first; w;) {
        w->calls++;
        uv_mutex_unlock(&order_lock);
        w->catch_up(w->ud);
        uv_mutex_lock(&order_lock);
        OrderWatcher *next = w->gone ? NULL : w->next;
        if (--w->calls == 0)
            uv_cond_broadcast(&order_left);
        w = next;
    }
    uv_mutex_unlock(&order_lock);
}

bool
order_keep(int fd)
{
    if (!atomic_load_explicit(&order_watched, memory_order_relaxed)
        || order_mine)
        return false;
    int e = errno;
    bool compares = order_process == getpid() && order_compares(fd);
    if (compares)
        order_ask();
    errno = e;
    return compares;
}
