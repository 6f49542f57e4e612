/* view.h — what shows a run: Lua code on a thread of its own.
 *
 * The display, the report and the traces are bundled Lua (lua/view/init.lua and
 * those it names) in a state of its own, fed with the run's events (event.h)
 * about ten times a second. A view never waits for tasks, and no task for it:
 * it may be slow, and then its picture is old. Only who prints where a view
 * shows what happens waits until it has, for a moment (order.h).
 */
#ifndef ORUN_VIEW_H
#define ORUN_VIEW_H

#include "base/buf.h"
#include "engine/engine.h"

typedef struct View View;

/* Start what `wanted` names: a NULL-terminated array of "NAME=VALUE", as
 * lua/view/init.lua documents; copied. Before the first task of the run.
 * Returns when all of it is ready. Errors: ORUN_ENOMEM, ORUN_ESYS, ORUN_EINVAL
 * (it could not begin; `why` gets a line that says so). */
int view_start(Engine *h, const char *const *wanted, View **out, Buf *why)
    NODISCARD;

/* The run is over: let the views show its end, wait for that, and free all.
 * `problems` gets lines about what could not be shown, if anything; true when
 * there were any. NULL is fine. Any thread, once. */
bool view_finish(View *v, Buf *problems);

#endif
