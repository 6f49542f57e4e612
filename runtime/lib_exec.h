/* lib_exec.h — a program that Lua code waits for. Layer 7 (Lua API). */
#ifndef ORUN_LIB_EXEC_H
#define ORUN_LIB_EXEC_H

#include "launch.h"
#include "park.h"
#include <stdatomic.h>

/* Shared by Lua (a userdata with a finalizer) and the io thread; the last of
 * the two frees it. When Lua lets go of it first, the program is ended. */
typedef struct ExecCall {
    Sched *sched;
    Launch *launch;
    atomic_int refs;
    char *program;
    size_t max;
    Op op;         /* its `done` is guarded by the board's lock */
    ProcEnd end;   /* valid once done */
    Output *out, *err;
} ExecCall;

/* Push the userdata that owns a new call; `fn` begins messages. May raise. */
ExecCall *lib_exec_new(lua_State *L, const char *fn, const char *program,
                       size_t max);

/* Start it: the spec but for task, keep, done and ud. Raises nothing; errors
 * are those of launch_new. */
int lib_exec_go(lua_State *L, ExecCall *c, LaunchSpec *spec) NODISCARD;

/* Ask for the end of a program nobody waits for any more. */
void lib_exec_abandon(ExecCall *c);

/* Put os.execute and io.popen into a task's `os` and `io`. */
void lib_shell_open(lua_State *L);

#endif
