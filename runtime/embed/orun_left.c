/* orun_left.c — tasks that may still be running although they were stopped. */
#include "base/sanitize.h"
#include "embed/orun_own.h"
#include "engine/engine.h"
#include "vm/handle.h"

enum {
    ORUN_LEFT_SHOWN = 10, /* tasks that are named */
    ORUN_LEFT_TEXT = 100, /* bytes of a description */
};

static void
orun_left_task(const Task *t, Buf *to)
{
    char id[HANDLE_ID_SIZE];
    handle_name(t->id, id);
    buf_printf(to, "%s%s", to->n ? ", " : "", id);
    if (!t->description)
        return;
    buf_puts(to, " (");
    sanitize_cut(to, t->description, strlen(t->description), ORUN_LEFT_TEXT);
    buf_puts(to, ")");
}

void
orun_left(orun *o, Buf *to)
{
    Board *b = &o->run.sched->board;
    size_t more = 0, shown = 0;
    sched_lock(o->run.sched);
    for (uint64_t id = 1; id < atomic_load(&b->count); id++) {
        const Task *t = board_find(b, id);
        bool runs = t && t->kind != TASK_ITEM && t->state == TASK_RUNNING;
        if (!t || (!runs && !t->left))
            continue;
        if (shown++ < ORUN_LEFT_SHOWN)
            orun_left_task(t, to);
        else
            more++;
    }
    board_unlock(b);
    if (more)
        buf_printf(to, " and %zu more", more);
}
