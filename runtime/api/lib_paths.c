/* lib_paths.c — from arrays of paths to what a task reads and writes. */
#include "api/lib_paths.h"
#include "api/lib_arg.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "task/fresh.h"
#include "task/writes.h"
#include <lauxlib.h>

enum {
    LIB_PATHS_WRITES = 1000, /* of one task */
    LIB_PATHS_READS = 10000, /* the same */
};

/* How many paths there are in this field. */
static lua_Integer
lib_paths_count(lua_State *L, const char *name, int idx, lua_Integer most)
{
    if (!arg_given(L, idx))
        return 0;
    lua_Integer n = arg_array(L, "Task", name, idx, most);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, idx, i);
        const char *s = arg_text(L, "Task", name, lua_gettop(L), 4096);
        if (!s || !*s)
            arg_error(L, "Task", name, -1,
                      "expected paths of files or folders");
        lua_pop(L, 1);
    }
    return n;
}

LibPaths
lib_paths_check(lua_State *L, int reads_at, int writes_at)
{
    LibPaths p = { .reads_at = reads_at, .writes_at = writes_at };
    p.writes = lib_paths_count(L, "writes", writes_at, LIB_PATHS_WRITES);
    p.reads = lib_paths_count(L, "reads", reads_at, LIB_PATHS_READS);
    p.looks = arg_given(L, reads_at);
    if (p.looks && p.writes == 0)
        arg_error(L, "Task", "reads", reads_at,
                  "it comes with writes: "
                  "the task runs when one of those is missing, or older than "
                  "what it reads");
    return p;
}

/* ---- what is made of them, without raising ---- */

/* The n paths of the array at idx, seen from `cwd`; NULL when memory is out. */
static Writes *
lib_paths_read(lua_State *L, const Engine *h, int idx, lua_Integer n,
               const char *cwd)
{
    Writes *w = mem_zalloc(1, sizeof *w);
    if (!w)
        return NULL;
    list_init(&w->held);
    w->paths = mem_zalloc((size_t)n, sizeof *w->paths);
    for (lua_Integer i = 1; w->paths && i <= n; i++) {
        lua_rawgeti(L, idx, i);
        char *p = writes_path(cwd && cwd[0] == '/' ? cwd : h->cwd,
                              lua_tostring(L, -1));
        lua_pop(L, 1);
        if (!p)
            break;
        w->paths[w->n++] = p;
    }
    if (w->n == (size_t)n)
        return w;
    writes_free(w);
    return NULL;
}

static bool
lib_paths_set_fresh(lua_State *L, const LuaRun *run, const LibPaths *p,
                    TaskOptions *opt)
{
    Writes *reads = NULL;
    if (p->looks
        && !(reads = lib_paths_read(L, run->engine, p->reads_at, p->reads,
                                    opt->cwd)))
        return false;
    opt->fresh = fresh_new(reads, opt->writes->n);
    if (!opt->fresh)
        writes_free(reads);
    return opt->fresh != NULL;
}

bool
lib_paths_set(lua_State *L, const LuaRun *run, const LibPaths *p,
              TaskOptions *opt)
{
    if (p->writes == 0)
        return true;
    opt->writes = lib_paths_read(L, run->engine, p->writes_at, p->writes,
                                 opt->cwd);
    return opt->writes && lib_paths_set_fresh(L, run, p, opt);
}
