/* lib_test_failing.c — ORUN_FAULT: allocations fail from outside.
 *
 * Read before main: "7" has the seventh allocation of the run fail, "7*2" that
 * one and the next, "7+" all from the seventh on. When the run ends as it
 * should, what happened is appended to the file that ORUN_FAULT_TALLY names:
 * how many allocations were asked for, how many failed, and how many blocks
 * are still there.
 *
 * The allocations of libuv and of SQLite come through the same seam here.
 */
#include "base/mem.h"
#include "lib_test.h"
#include "orun.h"
#include "value/json.h"
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdatomic.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

static void
lib_failing_arm(const char *spec)
{
    char *end;
    long first = spec ? strtol(spec, &end, 10) : 0, count = 1;
    if (first > 0 && *end == '*')
        count = strtol(end + 1, &end, 10);
    else if (first > 0 && *end == '+')
        count = LONG_MAX;
    mem_fail(first, count);
}

/* SQLite wants to know the size of its blocks: it stands before each. */
enum { LIB_FAILING_HEAD = 16 };

static void *
lib_failing_sized(char *p, int n)
{
    if (!p)
        return NULL;
    memcpy(p, &n, sizeof n);
    return p + LIB_FAILING_HEAD;
}

static void *
lib_failing_malloc(int n)
{
    return lib_failing_sized(mem_alloc((size_t)n + LIB_FAILING_HEAD), n);
}

static void
lib_failing_free(void *p)
{
    if (p)
        mem_free((char *)p - LIB_FAILING_HEAD);
}

static void *
lib_failing_realloc(void *p, int n)
{
    char *block = (char *)p - LIB_FAILING_HEAD;
    return lib_failing_sized(mem_realloc(block, (size_t)n + LIB_FAILING_HEAD),
                             n);
}

static int
lib_failing_size(void *p)
{
    int n;
    memcpy(&n, (char *)p - LIB_FAILING_HEAD, sizeof n);
    return n;
}

static int
lib_failing_round(int n)
{
    return (n + 7) & ~7;
}

static int
lib_failing_init(void *unused)
{
    (void)unused;
    return SQLITE_OK;
}

static void
lib_failing_shutdown(void *unused)
{
    (void)unused;
}

__attribute__((constructor)) static void
lib_failing_begin(void)
{
    static const sqlite3_mem_methods sqlite = {
        .xMalloc = lib_failing_malloc,
        .xFree = lib_failing_free,
        .xRealloc = lib_failing_realloc,
        .xSize = lib_failing_size,
        .xRoundup = lib_failing_round,
        .xInit = lib_failing_init,
        .xShutdown = lib_failing_shutdown,
    };
    uv_replace_allocator(mem_alloc, mem_realloc, mem_zalloc, mem_free);
    sqlite3_config(SQLITE_CONFIG_MALLOC, &sqlite);
    lib_failing_arm(getenv("ORUN_FAULT"));
}

__attribute__((destructor)) static void
lib_failing_end(void)
{
    char line[64];
    const char *path = getenv("ORUN_FAULT_TALLY");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    if (fd < 0)
        return;
    int n = snprintf(line, sizeof line, "%ld %ld %ld\n", mem_asked(),
                     mem_failed(), mem_live());
    n = (int)write(fd, line, (size_t)n);
    close(fd);
}

/* arm("7*2") as ORUN_FAULT, counted from here; arm() ends it and gives how
 * many were asked for and how many failed since */
static int
lib_failing_armed(lua_State *L)
{
    const char *spec = luaL_optstring(L, 1, NULL);
    lua_Integer asked = mem_asked(), failed = mem_failed();
    lib_failing_arm(spec);
    lua_pushinteger(L, asked);
    lua_pushinteger(L, failed);
    return 2;
}

/* An agent in C: it prints, reports, and gives its input back. */
static void
lib_failing_start(orun_call *c, void *ud)
{
    int e = orun_call_write(c, "text", 4);
    (void)ud;
    if (e == 0)
        e = orun_call_report(c, "{\"activity\": \"works\", \"cost\": 1}");
    if (e)
        orun_call_fail(c, "spawn", orun_errmsg(NULL));
    else if (c->input)
        orun_call_json(c, c->input);
    else
        orun_call_text(c, c->prompt, c->prompt_size);
}

/* It counts in *ud how many were released. */
static void
lib_failing_release(orun_call *c, void *ud)
{
    (void)c;
    ++*(atomic_int *)ud;
}

static int
lib_failing_add_agent(orun *o, atomic_int *released)
{
    orun_agent type = { sizeof type, .name = "in-c" };
    type.description = "gives its input back";
    type.start = lib_failing_start;
    type.release = lib_failing_release;
    type.ud = released;
    type.slots = 1;
    type.options = "{\"retry\": 1, \"permissions\": \"read\"}";
    return orun_add_agent(o, &type);
}

/* embed(code, spec) -> what orun_new and orun_run_string gave, the message, the
 * blocks left after orun_free, and how many allocations were asked for and
 * failed. The script's tasks may be of the agent type "in-c". */
static int
lib_failing_embed(lua_State *L)
{
    size_t n;
    const char *code = luaL_checklstring(L, 1, &n);
    const char *spec = luaL_optstring(L, 2, NULL);
    char text[512] = "";
    orun *o = NULL;
    int ran = 0;
    atomic_int released = 0;
    json_close(); /* the state that is kept for the next JSON is no leak */
    long before = mem_live();
    lib_failing_arm(spec);
    int made = orun_new(NULL, &o);
    if (made == 0) {
        ran = lib_failing_add_agent(o, &released);
        if (ran == 0)
            ran = orun_run_string(o, "=embedded", code, n);
        snprintf(text, sizeof text, "%s", orun_errmsg(o));
    }
    orun_free(o);
    json_close();
    lua_Integer asked = mem_asked(), failed = mem_failed();
    lib_failing_arm(NULL);
    long left = mem_live() - before;
    lua_pushinteger(L, made);
    lua_pushinteger(L, ran);
    lua_pushstring(L, text);
    lua_pushinteger(L, left);
    lua_pushinteger(L, asked);
    lua_pushinteger(L, failed);
    return 6;
}

int
luaopen_test_failing(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "arm", lib_failing_armed },
        { "embed", lib_failing_embed },
        { NULL, NULL },
    };
    luaL_newlib(L, functions);
    return 1;
}
