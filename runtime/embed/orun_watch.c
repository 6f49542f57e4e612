/* orun_watch.c — watching what a runtime does. */
#include "base/mem.h"
#include "embed/orun_own.h"

static const char *const orun_watch_host = "host=";

/* The views, and that of orun_on_event if there is one; NULL: no memory. */
static const char **
orun_watch_all(orun *o, const char *const *views)
{
    size_t n = 0, at = 0;
    while (views[n])
        n++;
    const char **all = mem_zalloc(n + 2, sizeof *all);
    if (all && o->tells)
        all[at++] = orun_watch_host;
    for (size_t i = 0; all && i < n; i++)
        all[at++] = views[i];
    return all;
}

/* Start them in the place of a view that shows nothing. */
static int
orun_watch_start(orun *o, const char *const *views)
{
    Buf why = { 0 };
    const char **all = orun_watch_all(o, views);
    (void)view_finish(o->view, &why);
    buf_clear(&why);
    o->view = NULL;
    int e = all ? view_start(o->engine, all, &o->lines, &o->view, &why)
                : ORUN_ENOMEM;
    mem_free(all);
    if (e)
        orun_fail(o, e, "%s", why.n ? buf_cstr(&why) : err_text(e));
    buf_free(&why);
    return e;
}

static int
orun_watch_views(orun *o, const char *const *views)
{
    static const char *const none[] = { NULL };
    Buf words = { 0 };
    if (!views)
        return orun_fail(o, ORUN_EINVAL, "orun_watch: views is NULL");
    if (o->watched || o->run.sched->board.count > 1)
        return orun_fail(o, ORUN_ESTATE,
                         "orun_watch: call it once, before the "
                         "first script and task");
    int e = orun_watch_start(o, views);
    o->watched = e == 0;
    if (e == 0 || !o->tells)
        return e;
    buf_put(&words, o->message.p, o->message.n);
    (void)orun_watch_start(o, none); /* as it was */
    orun_fail(o, e, "%s", buf_cstr(&words));
    buf_free(&words);
    return e;
}

int
orun_watch(orun *o, const char *const *views)
{
    int e = orun_enter(o, "orun_watch");
    if (e)
        return e;
    return orun_leave(o, orun_watch_views(o, views));
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

/* ---- lines for the host ---- */

/* ViewHost.line. */
static void
orun_watch_line(void *host, const char *line, size_t n)
{
    host_put_line(host, line, n);
}

static int
orun_watch_tell(orun *o)
{
    static const char *const none[] = { NULL };
    if (o->tells)
        return 0;
    if (o->watched || o->run.sched->board.count > 1)
        return orun_fail(o, ORUN_ESTATE,
                         "orun_on_event: call it before orun_watch, and before "
                         "the first script and task");
    o->lines = (ViewHost){ .line = orun_watch_line, .ud = &o->host };
    o->tells = true;
    int e = orun_watch_start(o, none);
    o->tells = e == 0;
    return e;
}

int
orun_on_event(orun *o,
              void (*event)(orun *o, const char *line, size_t n, void *ud),
              void *ud)
{
    int e = orun_enter(o, "orun_on_event");
    if (e)
        return e;
    buf_clear(&o->message);
    if (event)
        e = orun_watch_tell(o);
    if (e == 0)
        host_tell_lines(&o->host, event, ud);
    return orun_leave(o, e);
}
