/* orun_watch.c — watching what a runtime does. */
#include "embed/orun_own.h"

static int
orun_start_view(orun *o, const char *const *views)
{
    Buf why = { 0 };
    if (!views)
        return orun_fail(o, ORUN_EINVAL, "orun_watch: views is NULL");
    if (o->view || o->run.sched->board.count > 1)
        return orun_fail(o, ORUN_ESTATE,
                         "orun_watch: call it once, before the "
                         "first script");
    int e = view_start(o->engine, views, &o->view, &why);
    if (e)
        orun_fail(o, e, "%s", why.n ? buf_cstr(&why) : err_text(e));
    buf_free(&why);
    return e;
}

int
orun_watch(orun *o, const char *const *views)
{
    int e = orun_enter(o, "orun_watch");
    if (e)
        return e;
    return orun_leave(o, orun_start_view(o, views));
}

int
orun_unwatch(orun *o)
{
    int e = orun_enter(o, "orun_unwatch");
    if (e)
        return e;
    buf_clear(&o->message);
    if (view_finish(o->view, &o->message))
        e = ORUN_ESYS;
    orun_make_safe(o);
    o->view = NULL;
    return orun_leave(o, e);
}
