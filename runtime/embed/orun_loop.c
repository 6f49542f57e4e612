/* orun_loop.c — a host's own loop: the descriptor, and calling what is due. */
#include "embed/orun_own.h"
#include <errno.h>

int
orun_fd(orun *o)
{
    int e = orun_hold(o, "orun_fd");
    if (e) {
        errno = e == ORUN_EINVAL ? EINVAL : ECANCELED;
        return -1;
    }
    int fd = host_fd(&o->host);
    if (fd < 0)
        api_error_set(o, ORUN_ESYS, "orun_fd: %s", strerror(errno));
    api_guard_unhold(&o->guard);
    return fd;
}

int
orun_dispatch(orun *o)
{
    static const char fn[] = "orun_dispatch";
    int n = orun_hold(o, fn);
    if (n)
        return n;
    n = host_dispatch(&o->host);
    if (n < 0)
        api_error_set(o, n, "%s: %s", fn,
                      n == ORUN_ESTATE ? "called in a function that orun calls"
                                       : "another thread is in this call");
    api_guard_unhold(&o->guard);
    return n;
}
