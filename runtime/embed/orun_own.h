/* orun_own.h — what a runtime is, for the files of its API. */
#ifndef ORUN_OWN_H
#define ORUN_OWN_H

#include "base/err.h"
#include "embed/gate.h"
#include "orun.h"
#include "view/view.h"
#include "vm/park.h"

struct orun {
    Gate gate; /* first: by it any pointer can be checked */

    /* Never changes. */
    Engine *engine;
    Vm *vm;
    LuaRun run; /* of the script, task 0 */
    View *view; /* NULL: nobody watches; of the owning thread */
    bool no_wait;
    bool verbose;

    /* Of the owning thread. */
    Buf message, stuck;
    int status;      /* exit status of the last run */
    uint64_t used;   /* nanoseconds: by the script's thread when it began */
    size_t reported; /* tasks up to this id were looked at for failures */
    int args;        /* how many `...` there are */
};

/* `o` may be any pointer: it is not followed here. */
static inline Gate *
orun_gate(orun *o)
{
    return (Gate *)(void *)o;
}

/* Make the message one that may be printed anywhere: it holds what scripts
 * raise and programs print. */
void orun_make_safe(orun *o);

/* Set the message; gives `code`. */
int orun_fail(orun *o, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* The message at the top of the script's stack becomes the error, and `status`
 * the exit status; gives `code`. A stop that nothing could hold back has no
 * message of its own (stop_raise): its reason is. */
int orun_raised(orun *o, int code, int status);

/* orun_run_file of what `load` makes of `ud`: the script at `path`, or more;
 * NULL is no script. */
int orun_run_path(orun *o, const char *path,
                  int (*load)(lua_State *L, void *ud), void *ud);

/* The code that the script's own end gave, in a fork of the process, made by a
 * C module of that script: of the run that has come back with ORUN_EFORKED.
 * What it raised is appended to `to`. Closes the script's state, so that what
 * was written to files arrives; nothing else of o may be used. */
int orun_forked(orun *o, Buf *to);

/* Append the tasks that run, and those with a program that could not be stopped
 * in time, "t1 (description), t2"; nothing when there is none. While `o` is not
 * freed; any thread. */
void orun_left(orun *o, Buf *to);

#endif
