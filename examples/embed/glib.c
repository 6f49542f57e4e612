/* glib.c — tasks in a GLib main loop, as a GTK program has one.
 *
 * Build it where orun was built (and libglib2.0-dev is there), and run it:
 *
 *     $ cc -o glib -iquote runtime examples/embed/glib.c build/liborun.a \
 *         $(pkg-config --cflags --libs glib-2.0 lua5.4 libuv) -lm -pthread
 *     $ ./glib
 *
 * The loop goes on while the tasks run: a timer of its own ticks beside them.
 */
#include "orun.h"
#include <glib-unix.h>
#include <glib.h>
#include <stdio.h>

static int left = 3, ticks;

static void
done(orun *o, uint64_t id, void *ud)
{
    const orun_result *r;
    if (orun_take(o, id, &r) == 0) {
        printf("%s\n", r->output ? r->output : r->error);
        orun_drop(r);
    }
    orun_forget(o, id);
    if (--left == 0)
        g_main_loop_quit(ud);
}

static gboolean
ready(gint fd, GIOCondition condition, gpointer o)
{
    (void)fd, (void)condition;
    orun_dispatch(o);
    return G_SOURCE_CONTINUE;
}

static gboolean
tick(gpointer ud)
{
    (void)ud;
    ticks++;
    return G_SOURCE_CONTINUE;
}

int
main(void)
{
    orun *o;
    if (orun_new(NULL, &o))
        return 1;
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);
    g_unix_fd_add(orun_fd(o), G_IO_IN, ready, o);
    g_timeout_add(1, tick, NULL);
    orun_task t = { .size = sizeof t,
                    .done = done,
                    .ud = loop,
                    .lua = "orun.sleep('50ms') return 'slept'" };
    for (int i = 0; i < 3; i++)
        if (orun_start(o, &t, &(uint64_t){ 0 }))
            return fprintf(stderr, "%s\n", orun_errmsg(o)), 1;
    g_main_loop_run(loop);
    printf("the loop went on: %s\n", ticks > 0 ? "yes" : "no");
    g_main_loop_unref(loop);
    return orun_free(o);
}

/*
 * --> slept
 * --> slept
 * --> slept
 * --> the loop went on: yes
 */
