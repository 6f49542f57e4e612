/* orun_result.c — results, and what tasks print, for C.
 *
 * A result is copied whole, so it lives as long as the host likes, whatever
 * becomes of the runtime.
 */
#include "api/lib_output.h"
#include "base/mem.h"
#include "embed/orun_own.h"
#include "process/launch.h"
#include "runner/run_process.h"
#include "sched/forget.h"
#include "sched/report.h"
#include "task/agent.h"
#include "thread/epoch.h"
#include "value/json.h"
#include "value/value.h"
#include <math.h>

typedef struct OrunResult {
    orun_result seen; /* first: the host has its address */
    Buf output, json, error, trace;
    TaskReport report; /* has the texts that an agent told */
} OrunResult;

static void
orun_result_free(OrunResult *r)
{
    buf_free(&r->output);
    buf_free(&r->json);
    buf_free(&r->error);
    buf_free(&r->trace);
    mem_free(r);
}

/* ---- what is known of a task ---- */

static int
orun_result_state(uint8_t state)
{
    static const int states[TASK_STATE_COUNT] = {
        [TASK_WAITING] = ORUN_PENDING, [TASK_READY] = ORUN_PENDING,
        [TASK_RUNNING] = ORUN_RUNNING, [TASK_COMPLETED] = ORUN_COMPLETED,
        [TASK_FAILED] = ORUN_FAILED,   [TASK_CANCELLED] = ORUN_CANCELLED,
    };
    return states[state];
}

/* What may change meanwhile; returns what its program prints, held, while it
 * runs. */
static Output *
orun_result_look(Sched *s, Task *t, orun_result *r)
{
    Output *live = NULL;
    sched_lock(s);
    bool final = task_final(t);
    r->state = orun_result_state(t->state);
    r->attempts = (int)t->attempt;
    r->duration = final ? t->took : 0;
    if (!final && t->attempt)
        r->duration = board_now(&s->board) - t->started;
    if (!final && agent_prints(t))
        live = run_process_live(t, false);
    board_unlock(&s->board);
    return live;
}

/* The beginning of what it has printed so far. */
static void
orun_result_live(OrunResult *r, const Task *t, Output *live)
{
    size_t max = t->opt && t->opt->max_output ? t->opt->max_output
                                              : LAUNCH_RESULT;
    r->seen.cut = output_copy(live, max, &r->output);
    r->seen.output = "";
    output_drop(live);
}

/* A completed task's output, as text and as JSON. ORUN_ENOMEM. */
static int
orun_result_output(OrunResult *r, const Task *t)
{
    const Outcome *o = &t->outcome;
    size_t n;
    const char *text = o->output ? value_as_string(o->output, &n) : NULL;
    Buf why = { 0 };
    if (text)
        buf_put(&r->output, text, n);
    r->seen.output = text;
    r->seen.cut = o->captured && o->captured->out && agent_prints(t);
    int e = 0;
    if (o->output)
        e = json_from_value(o->output, NULL, &r->json, &why);
    else if (t->state == TASK_COMPLETED)
        buf_puts(&r->json, "null");
    if (e == ORUN_EUNSENDABLE)
        buf_free(&r->json);
    buf_free(&why);
    return e == ORUN_ENOMEM ? e : 0;
}

/* Why it failed, and where, if that is known. */
static void
orun_result_error(OrunResult *r, const Task *t)
{
    static const char mark[] = "\nstack traceback:\n";
    const char *error = task_error(t);
    const char *trace = error ? strstr(error, mark) : NULL;
    r->seen.error_kind = task_fault_name(t->outcome.fault);
    if (error)
        buf_put(&r->error, error,
                trace ? (size_t)(trace - error) : strlen(error));
    if (trace)
        buf_puts(&r->trace, trace + 1);
    r->seen.error = error;
    r->seen.traceback = trace;
}

static int
orun_result_outcome(OrunResult *r, const Task *t)
{
    const Outcome *o = &t->outcome;
    bool stubbed = t->opt && t->opt->stubbed && t->state == TASK_COMPLETED
        && agent_argv(t);
    r->seen.exit_code = o->code < 0 && stubbed ? 0 : o->code;
    r->seen.signal = o->signal;
    if (t->state != TASK_COMPLETED)
        orun_result_error(r, t);
    return orun_result_output(r, t);
}

/* What its agent has told. */
static void
orun_result_report(OrunResult *r, Sched *s, const Task *t)
{
    TaskReport *told = &r->report;
    orun_result *seen = &r->seen;
    int64_t *counts[REPORT_COUNT_KINDS] = {
        [REPORT_INPUT] = &seen->input_tokens,
        [REPORT_OUTPUT] = &seen->output_tokens,
        [REPORT_CACHE_READ] = &seen->cache_read_tokens,
        [REPORT_CACHE_WRITE] = &seen->cache_write_tokens,
        [REPORT_REASONING] = &seen->reasoning_tokens,
    };
    bool any = report_get(s, t, told);
    for (size_t i = 0; i < REPORT_COUNT_KINDS; i++) {
        bool counted = any && (told->counted >> i & 1);
        *counts[i] = counted ? (int64_t)(told->usage[i] + told->before[i]) : -1;
    }
    seen->cost = any && told->costed ? told->cost + told->cost_before : NAN;
    seen->model = any && *told->model ? told->model : NULL;
    seen->session_id = any && *told->session_id ? told->session_id : NULL;
    seen->activity = any && *told->activity ? told->activity : NULL;
    value_drop(told->denials);
    told->denials = NULL;
}

/* The texts are complete: point to them. False: memory is out. */
static bool
orun_result_point(OrunResult *r)
{
    orun_result *seen = &r->seen;
    bool failed = buf_failed(&r->output) || buf_failed(&r->json)
        || buf_failed(&r->error) || buf_failed(&r->trace);
    seen->output_size = seen->output ? r->output.n : 0;
    seen->output = seen->output ? buf_cstr(&r->output) : NULL;
    seen->json_size = r->json.n;
    seen->json = r->json.n ? buf_cstr(&r->json) : NULL;
    seen->error = seen->error ? buf_cstr(&r->error) : NULL;
    seen->traceback = seen->traceback ? buf_cstr(&r->trace) : NULL;
    return !failed && !buf_failed(&r->output) && !buf_failed(&r->json)
        && !buf_failed(&r->error) && !buf_failed(&r->trace);
}

/* Somebody has read the result of t, which is final. */
static void
orun_result_read(Sched *s, Task *t)
{
    const Value *output = t->outcome.output;
    sched_lock(s);
    event_add(&s->board,
              (Event){ .kind = EVENT_READ,
                       .task = t->id,
                       .n = output ? value_content(output) : 0 });
    t->read = true;
    if (t->opt && t->opt->once)
        forget_read(s, t);
    board_unlock(&s->board);
}

static int
orun_result_take(orun *o, Task *t, OrunResult *r)
{
    Sched *s = o->run.sched;
    int e = 0;
    r->seen.id = t->id;
    r->seen.exit_code = -1;
    Output *live = orun_result_look(s, t, &r->seen);
    if (live)
        orun_result_live(r, t, live);
    if (r->seen.state >= ORUN_COMPLETED)
        e = orun_result_outcome(r, t);
    orun_result_report(r, s, t);
    if (!orun_result_point(r))
        e = ORUN_ENOMEM;
    if (e == 0 && r->seen.state >= ORUN_COMPLETED)
        orun_result_read(s, t);
    return e;
}

int
orun_take(orun *o, uint64_t id, const orun_result **result)
{
    static const char fn[] = "orun_take";
    if (result)
        *result = NULL;
    int e = orun_hold(o, fn);
    if (e)
        return e;
    epoch_enter();
    Task *t = orun_task_find(&o->run.sched->board, id);
    OrunResult *r = NULL;
    if (!result)
        e = api_error_set(o, ORUN_EINVAL, "%s: r is NULL", fn);
    else if (!t)
        e = orun_task_unknown(o, fn, id);
    else if (!(r = mem_zalloc(1, sizeof *r)) || orun_result_take(o, t, r) != 0)
        e = orun_refuse(o, ORUN_ENOMEM, fn);
    epoch_leave();
    api_guard_unhold(&o->guard);
    if (e && r)
        orun_result_free(r);
    if (e == 0)
        *result = &r->seen;
    return e;
}

void
orun_drop(const orun_result *result)
{
    if (result)
        orun_result_free((OrunResult *)(uintptr_t)result);
}

/* ---- what it prints ---- */

static int
orun_result_copy(orun *o, const LibSource *from, uint64_t offset, void *to,
                 size_t size, size_t *got)
{
    if (!from->output && !from->text)
        return api_error_set(o, ORUN_EINVAL,
                             "orun_read: the output is not text but a value "
                             "that a function returned: orun_take gives it");
    if (offset > from->size)
        return api_error_set(o, ORUN_EINVAL,
                             "orun_read: offset is %llu, and %zu bytes are "
                             "there; an attempt that is made again prints "
                             "anew, from 0",
                             (unsigned long long)offset, from->size);
    size_t n = from->size - (size_t)offset;
    n = n < size ? n : size;
    *got = n;
    if (n && !from->output)
        memcpy(to, from->text + offset, n);
    else if (n)
        *got = output_read_at(from->output, (size_t)offset, to, n);
    if (*got < n)
        return api_error_set(o, ORUN_ESYS, "orun_read: %s cannot be read",
                             output_path(from->output));
    return 0;
}

static int
orun_result_print(orun *o, Task *t, int stream, uint64_t offset, void *to,
                  size_t size, size_t *got, int *end)
{
    LibOutput box = { 0 };
    LibSource from = lib_source_find(o->run.sched, t, stream == 2, &box);
    int e = orun_result_copy(o, &from, offset, to, size, got);
    if (e == 0 && end)
        *end = from.final && offset + *got >= from.size;
    output_drop(box.output);
    return e;
}

int
orun_read(orun *o, uint64_t id, int stream, uint64_t offset, void *to,
          size_t size, size_t *got, int *end)
{
    static const char fn[] = "orun_read";
    int e = orun_hold(o, fn);
    if (e)
        return e;
    epoch_enter();
    Task *t = orun_task_find(&o->run.sched->board, id);
    if (!t)
        e = orun_task_unknown(o, fn, id);
    else if (stream != 1 && stream != 2)
        e = api_error_set(o, ORUN_EINVAL,
                          "%s: stream is %d; expected 1 (stdout) or 2 (stderr)",
                          fn, stream);
    else if (!got || (!to && size))
        e = api_error_set(o, ORUN_EINVAL, "%s: %s is NULL", fn,
                          got ? "to" : "got");
    else
        e = orun_result_print(o, t, stream, offset, to, size, got, end);
    epoch_leave();
    api_guard_unhold(&o->guard);
    if (e && got)
        *got = 0;
    return e;
}
