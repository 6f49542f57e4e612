/* lib_paths.h — `reads` and `writes` of a task: files and folders. */
#ifndef ORUN_LIB_PATHS_H
#define ORUN_LIB_PATHS_H

#include "task/task.h"
#include "vm/park.h"
#include <lua.h>

/* The two arrays of paths of a Task call, checked. */
typedef struct LibPaths {
    int reads_at, writes_at;   /* where they are in the stack */
    lua_Integer reads, writes; /* entries */
    bool looks;                /* reads are given: they may be none */
} LibPaths;

/* Check the arrays at these indices, nil for none. Raises. */
LibPaths lib_paths_check(lua_State *L, int reads_at, int writes_at);

/* Put them into opt, seen from the folder opt->cwd. False when memory is out;
 * what there is belongs to opt then. Raises nothing. Blocks on the file
 * system. */
bool lib_paths_set(lua_State *L, const LuaRun *run, const LibPaths *p,
                   TaskOptions *opt);

#endif
