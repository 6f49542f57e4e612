/* isolate_outcome.c — the outcome of an isolated task's process. */
#include "base/mem.h"
#include "base/terminal.h"
#include "base/version.h"
#include "process/program.h"
#include "runner/isolate_state.h"
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>

static void isolate_fail(Outcome *o, TaskFault fault, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void
isolate_fail(Outcome *o, TaskFault fault, const char *format, ...)
{
    Buf text = { 0 };
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    mem_free(o->error);
    o->error = buf_take(&text);
    o->state = TASK_FAILED;
    o->fault = fault;
}

/* Did C code use up the memory of the process? Half of ISOLATE_OWN is address
 * space of its states' slices, which is not resident. */
static bool
isolate_exhausted(const Isolate *i)
{
    size_t rss = (size_t)i->end.max_rss << 10;
    return rss >= (isolate_memory(i->limit) - ISOLATE_OWN / 2) / 4 * 3;
}

/* The process ended, by a signal or by itself, before its function did. */
static void
isolate_exit_outcome(Isolate *i, Outcome *o)
{
    launch_outcome(&i->end, i->engine->program, NULL, NULL, o);
    if (i->end.spawn_errno == ENOENT && o->error)
        isolate_fail(o, o->fault,
                     "%s A task with isolation = \"process\" runs in the "
                     "command orun, of the same build (%s)",
                     o->error, ORUN_VERSION);
    if (i->end.spawn_errno || i->end.lost)
        return;
    if (i->end.signal == SIGPIPE)
        terminal_reader_gone(); /* what it printed was what is printed here */
    if (i->end.signal && isolate_exhausted(i))
        isolate_fail(o, FAULT_MEMORY,
                     "its process ended by signal %d when it "
                     "had %zu bytes of memory, C code's included; "
                     "memory_limit = %zu allows %zu",
                     o->signal, (size_t)i->end.max_rss << 10, i->limit,
                     isolate_memory(i->limit));
    else if (!i->end.signal && i->state == ISOLATE_GREETING
             && o->code == FRAME_REFUSED)
        isolate_fail(o, FAULT_SPAWN,
                     "its process was refused a thread, or "
                     "memory, by the system: ulimit -u (processes and threads "
                     "of the user) or ulimit -v is too low");
    else if (!i->end.signal && (i->cut || i->state == ISOLATE_GREETING))
        isolate_fail(o, FAULT_LOST, "protocol: '%s' ended with exit code %d %s",
                     i->engine->program, o->code,
                     i->cut ? "in the middle of a frame"
                            : "before it greeted: it is not an orun of this "
                              "build");
    else if (!i->end.signal)
        isolate_fail(o, FAULT_EXIT,
                     "its process ended with exit code %d "
                     "before its function did",
                     o->code);
}

/* Have the run report the failures of programs that END tells of. A field that
 * is none ends that. */
static void
isolate_add_unseen(const Isolate *i)
{
    uint64_t fault, code, line;
    const char *file;
    Frame f = { .at = i->unseen.p, .end = i->unseen.p + i->unseen.n };
    while (i->run && f.at != f.end && frame_get_number(&f, &fault)
           && frame_get_number(&f, &code) && frame_get_number(&f, &line)
           && frame_get_text(&f, &file) && file && fault < FAULT_COUNT
           && code <= 256 && line <= INT_MAX)
        program_failed(i->run, (TaskFault)fault, (int)code - 1, file,
                       (int)line);
}

void
isolate_outcome(Isolate *i, Outcome *o)
{
    if (i->refused[0]) {
        isolate_fail(o, FAULT_SPAWN, "%s", i->refused);
    } else if (i->lost[0]) {
        isolate_fail(o, FAULT_LOST, "protocol: %s", i->lost);
    } else if (i->state == ISOLATE_REPORTED) {
        isolate_add_unseen(i);
        *o = i->reported;
        i->reported = (Outcome){ 0 };
    } else {
        isolate_exit_outcome(i, o);
    }
}
