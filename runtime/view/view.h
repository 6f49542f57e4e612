/* view.h — what shows a run: Lua code on a thread of its own.
 *
 * The display, the report and the traces are bundled Lua (lua/view/init.lua and
 * the modules it names) in a state of its own, which gets the run's events
 * (event.h) about ten times a second. A view never waits for tasks, and no task
 * waits for a view; a slow view only shows old news. A script that prints where
 * a view is shown waits for a moment until the view has caught up (order.h).
 */
#ifndef ORUN_VIEW_H
#define ORUN_VIEW_H

#include "base/buf.h"
#include "engine/engine.h"

typedef struct View View;

/* Who gets each event as a line of JSON, from the view "host": called by the
 * view's thread, which holds no lock. */
typedef struct ViewHost {
    void (*line)(void *ud, const char *line, size_t n);
    void *ud;
} ViewHost;

/* Start the views that `wanted` names: a NULL-terminated array of "NAME=VALUE",
 * as lua/view/init.lua documents; copied. Before the first task of the run.
 * `host` is for the view of that name, or NULL; it stays as long as the view.
 * Returns when all views are ready. Errors: ORUN_ENOMEM, ORUN_ESYS, ORUN_EINVAL
 * (a view could not start; `why` gets a line with the reason). */
int view_start(Engine *h, const char *const *wanted, const ViewHost *host,
               View **out, Buf *why) NODISCARD;

/* The run is over: wait until the views have shown its end, and free v. True if
 * something could not be shown; then lines about it are appended to `problems`.
 * NULL is fine. Any thread, once. */
bool view_finish(View *v, Buf *problems);

#endif
