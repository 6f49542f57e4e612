/* orun_own.h — struct orun, for the files of the C API. */
#ifndef ORUN_OWN_H
#define ORUN_OWN_H

#include "base/err.h"
#include "embed/api_error.h"
#include "embed/api_guard.h"
#include "embed/host.h"
#include "orun.h"
#include "view/view.h"
#include "vm/park.h"

struct orun {
    ApiGuard guard; /* first: any pointer can be checked by it */

    /* Never changes. */
    Engine *engine;
    Vm *vm;
    LuaRun run;          /* of the script, task 0 */
    Host host;           /* what the embedding program has started */
    uv_mutex_t keeping;  /* held while the store is opened */
    View *view;          /* NULL: no view; of the owning thread */
    ViewHost lines;      /* of orun_on_event … */
    bool tells, watched; /* … which was called; and orun_watch */
    bool no_wait;
    bool verbose;
    bool heeds_return, json; /* orun_heed_return; set before any script */
    struct OrunKeep *keep;   /* of a run with a store, or NULL */

    /* Of the owning thread. */
    Buf message, stuck;
    uint64_t said;   /* when the last call ended, as api_error_now counts */
    int status;      /* exit status of the last run */
    uint64_t used;   /* CPU nanoseconds of the script's thread at its start */
    size_t reported; /* tasks below this id were checked for failures */
    int args;        /* number of the script's arguments (`...`) */
    char **argv;     /* all of the command line, copied, or NULL */
};

/* `o` may be any pointer: it is not dereferenced here. */
static inline ApiGuard *
orun_guard(orun *o)
{
    return (ApiGuard *)(void *)o;
}

/* Begin a call that one thread at a time may make, orun_leave ends it; or one
 * that any may make, api_guard_unhold ends it. Errors are those of the guard,
 * and orun_errmsg has words. `fn` is the function's name. */
int orun_enter(orun *o, const char *fn) NODISCARD;
int orun_hold(orun *o, const char *fn) NODISCARD;

/* End the call with that code, for which the message has words. Returns it. */
int orun_leave(orun *o, int code);

/* What orun_errmsg says is "fn: …" for that code. Returns it. `o` may be
 * any pointer. */
int orun_refuse(orun *o, int code, const char *fn);

/* The message, or what there is to say for `code` (0: nothing) without one. Of
 * the thread that is in a call. */
const char *orun_message(orun *o, int code);

/* Read a config (NULL: all defaults), whose defaults are filled in.
 * ORUN_EINVAL, with words. */
int orun_config_read(const orun_config *given, orun_config *c) NODISCARD;

/* Sanitize the message, which holds what scripts raise and programs print, so
 * that it can be printed anywhere. */
void orun_make_safe(orun *o);

/* Set the message; returns `code`. */
int orun_fail(orun *o, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Make the error at the top of the script's stack the message, and `status` the
 * exit status; returns `code`. A hard stop has no error value of its own
 * (stop_raise): its reason becomes the message. */
int orun_raised(orun *o, int code, int status);

/* As orun_run_file, but runs the chunk that `load` makes from `ud`. `path`: the
 * script it belongs to, or NULL. */
int orun_run_path(orun *o, const char *path,
                  int (*load)(lua_State *L, void *ud), void *ud);

/* As orun_run_string of a named workflow: the run is known by the name to its
 * history, its record, and those who go on with it. */
int orun_run_workflow(orun *o, const char *name, const char *code, size_t size);

/* From now on what a script returns counts: false, or nil and a text, is a
 * failure with that message; the exit_code of a table that is no result of a
 * task is that of the run; and with `json` a table is printed as JSON. */
void orun_heed_return(orun *o, bool json);

/* After ORUN_EFORKED in a forked child, which a C module of the script made:
 * the exit code with which the script itself ended there. Appends its error to
 * `to`, and closes the script's state, so that files are flushed. Nothing else
 * of `o` may be used then. */
int orun_forked(orun *o, Buf *to);

/* The run is to have a store: copy what the config says of that. ORUN_ENOMEM.
 * Then, when a script begins: open it (errors are messages), or when it says
 * where (Engine.keep, whose keep_ud is `o`); when one has ended
 * with `code`: what that is if the store has failed; and in orun_free. The last
 * two do nothing without a store. */
int orun_keep_new(orun *o, const orun_config *c) NODISCARD;
int orun_keep_begin(orun *o, const char *script) NODISCARD;
int orun_keep_config(Engine *h, const char *path, Buf *why) NODISCARD;
int orun_keep_ended(orun *o, int code);
void orun_keep_free(orun *o);

/* The host starts a task: open the store, if no script has. Any thread, with
 * words for an error. */
int orun_keep_start(orun *o) NODISCARD;

/* The task of that id, NULL: there is none, or it is forgotten or removed. Any
 * thread inside an epoch. The second says so, and returns ORUN_ENOENT. */
Task *orun_task_find(Board *b, uint64_t id);
int orun_task_unknown(orun *o, const char *fn, uint64_t id);

/* The command line of the run, which resuming it repeats. ORUN_ENOMEM. */
int orun_keep_args(orun *o, int argc, const char *const *argv) NODISCARD;

/* Append "t1 (description), t2": the tasks still running, and those whose
 * program could not be stopped in time; nothing if there is none. Any thread,
 * as long as `o` is not freed. */
void orun_left(orun *o, Buf *to);

#endif
