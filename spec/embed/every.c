/* every.c — every function of orun.h and orun_lua.h, called wrongly: a row
 * each, with arguments that are right but for the runtime. `every names` prints
 * their names. */
#include "check.h"
#include "orun_lua.h"
#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a function has in place of a code when it is refused. */
enum { EVERY_REFUSED = -1000 };

static uint64_t every_task = 1;

static int
every_set_args(orun *o)
{
    return orun_set_args(o, 0, NULL, 0);
}

static int
every_run_file(orun *o)
{
    return orun_run_file(o, "/dev/null");
}

static int
every_run_string(orun *o)
{
    return orun_run_string(o, "=x", "x = 1", 5);
}

static int
every_exit_status(orun *o)
{
    return orun_exit_status(o) == 2 ? EVERY_REFUSED : 0;
}

static int
every_stuck(orun *o)
{
    return *orun_stuck(o) ? 0 : EVERY_REFUSED;
}

static int
every_kept(orun *o)
{
    orun_kept_info info = { .size = sizeof info };
    return orun_kept(o, &info);
}

static int
every_watch(orun *o)
{
    static const char *const views[] = { NULL };
    return orun_watch(o, views);
}

static void
every_event(orun *o, const char *line, size_t n, void *ud)
{
    (void)o, (void)line, (void)n, (void)ud;
}

static int
every_on_event(orun *o)
{
    return orun_on_event(o, every_event, NULL);
}

static int
every_nothing(lua_State *L)
{
    (void)L;
    return 0;
}

static int
every_on_state(orun *o)
{
    return orun_lua_on_state(o, every_nothing);
}

static int
every_start(orun *o)
{
    uint64_t id;
    orun_task t = { .size = sizeof t, .lua = "return 1" };
    return orun_start(o, &t, &id);
}

static int
every_wait(orun *o)
{
    return orun_wait(o, every_task, 0);
}

static int
every_next(orun *o)
{
    uint64_t id;
    return orun_next(o, 0, &id);
}

static int
every_stop(orun *o)
{
    return orun_stop(o, every_task);
}

static int
every_forget(orun *o)
{
    return orun_forget(o, UINT64_MAX);
}

static int
every_take(orun *o)
{
    const orun_result *r = (const orun_result *)&every_task;
    int e = orun_take(o, every_task, &r);
    CHECK(e == ORUN_OK || !r);
    orun_drop(r);
    return e;
}

static int
every_read(orun *o)
{
    size_t got;
    return orun_read(o, every_task, 1, 0, NULL, 0, &got, NULL);
}

static int
every_fd(orun *o)
{
    return orun_fd(o) == -1 ? EVERY_REFUSED : 0;
}

static int
every_ask(orun *o)
{
    char *text = (char *)&every_task;
    int e = orun_ask(o, "TaskList", NULL, &text);
    CHECK(e == ORUN_OK || !text);
    orun_free_text(text);
    return e;
}

static void
every_agent(orun_call *c, void *ud)
{
    (void)ud;
    (void)orun_call_text(c, "", 0);
}

static int
every_add_agent(orun *o)
{
    orun_agent type = { .size = sizeof type, .name = "x" };
    type.start = every_agent;
    return orun_add_agent(o, &type);
}

static int
every_opens(lua_State *L)
{
    return orun_lua_open(L, lua_touserdata(L, 1));
}

/* Its error is one of Lua. */
static int
every_lua_open(orun *o)
{
    lua_State *L = luaL_newstate();
    CHECK(L);
    luaL_openlibs(L);
    lua_pushcfunction(L, every_opens);
    lua_pushlightuserdata(L, o);
    bool refused = lua_pcall(L, 1, 1, 0) != LUA_OK;
    CHECK(!refused || strstr(lua_tostring(L, -1), "orun_lua_open"));
    lua_close(L);
    return refused ? EVERY_REFUSED : 0;
}

static int
every_errmsg(orun *o)
{
    CHECK(orun_errmsg(o));
    return EVERY_REFUSED;
}

static int
every_interrupt(orun *o)
{
    orun_interrupt(o);
    return EVERY_REFUSED;
}

static int
every_suspend(orun *o)
{
    orun_suspend(o);
    return EVERY_REFUSED;
}

static int
every_resume(orun *o)
{
    orun_resume(o);
    return EVERY_REFUSED;
}

typedef enum EveryKind {
    EVERY_ONE,      /* one thread at a time */
    EVERY_ANY,      /* any thread */
    EVERY_LOOP,     /* any thread, and not in a function of the host */
    EVERY_WORDLESS, /* any thread; it has neither a code nor words */
} EveryKind;

static const struct {
    const char *name;
    int (*call)(orun *o);
    EveryKind kind;
} every_rows[] = {
    { "orun_set_args", every_set_args, EVERY_ONE },
    { "orun_run_file", every_run_file, EVERY_ONE },
    { "orun_run_string", every_run_string, EVERY_ONE },
    { "orun_exit_status", every_exit_status, EVERY_ONE },
    { "orun_stuck", every_stuck, EVERY_ONE },
    { "orun_kept", every_kept, EVERY_ONE },
    { "orun_watch", every_watch, EVERY_ONE },
    { "orun_unwatch", orun_unwatch, EVERY_ONE },
    { "orun_on_event", every_on_event, EVERY_ONE },
    { "orun_save_history", orun_save_history, EVERY_ONE },
    { "orun_lua_on_state", every_on_state, EVERY_ONE },
    { "orun_start", every_start, EVERY_ANY },
    { "orun_wait", every_wait, EVERY_ANY },
    { "orun_next", every_next, EVERY_ANY },
    { "orun_stop", every_stop, EVERY_ANY },
    { "orun_forget", every_forget, EVERY_ANY },
    { "orun_take", every_take, EVERY_ANY },
    { "orun_read", every_read, EVERY_ANY },
    { "orun_fd", every_fd, EVERY_ANY },
    { "orun_ask", every_ask, EVERY_ANY },
    { "orun_add_agent", every_add_agent, EVERY_ANY },
    { "orun_lua_open", every_lua_open, EVERY_ANY },
    { "orun_dispatch", orun_dispatch, EVERY_LOOP },
    { "orun_errmsg", every_errmsg, EVERY_WORDLESS },
    { "orun_suspend", every_suspend, EVERY_WORDLESS },
    { "orun_resume", every_resume, EVERY_WORDLESS },
    { "orun_interrupt", every_interrupt, EVERY_WORDLESS },
    { "orun_free", orun_free, EVERY_ONE },
};
enum { EVERY_ROWS = sizeof every_rows / sizeof *every_rows };

/* Those that take no runtime: every_plain, and the calls of agents_wrong.c. */
static const char *const every_others[] = {
    "orun_api_version", "orun_call_fail",    "orun_call_json",
    "orun_call_report", "orun_call_stopped", "orun_call_text",
    "orun_call_write",  "orun_drop",         "orun_free_text",
    "orun_new",         "orun_setup",        "orun_version",
};

/* This row is refused with that code, and with words that begin with its name.
 */
static void
every_is_refused(size_t row, orun *o, int e)
{
    const char *name = every_rows[row].name;
    int got = every_rows[row].call(o);
    if (got != e && got != EVERY_REFUSED)
        fprintf(stderr, "%s: %d, not %d\n", name, got, e);
    CHECK(got == e || got == EVERY_REFUSED);
    if (every_rows[row].kind == EVERY_WORDLESS
        || every_rows[row].call == every_lua_open)
        return;
    const char *why = orun_errmsg(NULL);
    size_t n = strlen(name);
    if (strncmp(why, name, n) != 0 || strlen(why) < n + 5)
        fprintf(stderr, "%s: %s\n", name, why);
    CHECK(strncmp(why, name, n) == 0 && strlen(why) >= n + 5);
}

/* NULL, what never was a runtime, and what was one; each twice. */
static void
every_pointer(void)
{
    uint64_t never[64] = { 0 };
    orun *o = check_new(), *other = check_new();
    CHECK(orun_free(o) == ORUN_OK);
    orun *const wrong[] = { NULL, (orun *)(void *)never, o };
    for (size_t i = 0; i < 3; i++)
        for (size_t row = 0; row < 2 * EVERY_ROWS; row++)
            if (wrong[i] || every_rows[row / 2].call != orun_free)
                every_is_refused(row / 2, wrong[i], ORUN_EINVAL);
            else
                CHECK(orun_free(NULL) == ORUN_OK);
    check_fine(other, "x = 1");
    CHECK(orun_free(other) == ORUN_OK);
}

/* In the child of a fork; the parent goes on. */
static void
every_fork(void)
{
    int status;
    orun *o = check_new();
    check_fine(o, "x = 1");
    pid_t child = fork();
    if (child == 0) {
        for (size_t row = 0; row < EVERY_ROWS; row++)
            every_is_refused(row, o, ORUN_EFORKED);
        _exit(42);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    check_fine(o, "assert(x == 1)");
    CHECK(orun_free(o) == ORUN_OK);
}

/* All that are for one thread are refused with this code; the others are not.
 */
static void
every_elsewhere(orun *o, int e, bool loop)
{
    for (size_t row = 0; row < EVERY_ROWS; row++) {
        if (every_rows[row].kind == EVERY_ONE
            || (every_rows[row].kind == EVERY_LOOP && loop)) {
            every_is_refused(row, o, e);
        } else if (every_rows[row].call != every_interrupt) {
            int got = every_rows[row].call(o);
            if (got == ORUN_ETHREAD || got == ORUN_ESTATE)
                fprintf(stderr, "%s: %d\n", every_rows[row].name, got);
            CHECK(got != ORUN_ETHREAD && got != ORUN_ESTATE);
        }
    }
}

static int every_calls;
static sem_t every_in, every_out;

static void
every_done(orun *o, uint64_t id, void *ud)
{
    (void)ud;
    every_task = id;
    every_elsewhere(o, ORUN_ESTATE, true);
    every_calls++;
}

/* In a function that orun_dispatch has called. */
static void
every_callback(void)
{
    orun *o = check_new();
    uint64_t id;
    orun_task t = { .size = sizeof t, .lua = "return 1", .done = every_done };
    CHECK(orun_start(o, &t, &id) == ORUN_OK);
    CHECK(orun_wait(o, id, -1) == ORUN_OK);
    CHECK(orun_dispatch(o) == 1 && every_calls == 1);
    check_fine(o, "x = 1");
    CHECK(orun_free(o) == ORUN_OK);
}

static void
every_starts(orun_call *c, void *ud)
{
    every_elsewhere(ud, ORUN_ESTATE, true);
    every_calls++;
    CHECK(orun_call_text(c, "x", 1) == ORUN_OK);
}

/* In a function of an agent, on a thread of orun. */
static void
every_in_agent(void)
{
    orun *o = check_new();
    uint64_t id;
    orun_agent type = { .size = sizeof type, .name = "in-c", .ud = o };
    orun_task t = { .size = sizeof t, .agent = "in-c", .prompt = "x" };
    type.start = every_starts;
    CHECK(orun_add_agent(o, &type) == ORUN_OK);
    CHECK(orun_start(o, &t, &id) == ORUN_OK);
    CHECK(orun_wait(o, id, -1) == ORUN_OK && every_calls == 1);
    check_fine(o, "x = 1");
    CHECK(orun_free(o) == ORUN_OK);
}

static void
every_blocks(orun_call *c, void *ud)
{
    (void)ud;
    sem_post(&every_in);
    sem_wait(&every_out);
    CHECK(orun_call_text(c, "x", 1) == ORUN_OK);
}

static void *
every_script(void *o)
{
    check_fine(o,
               "assert(Task{subagent_type = 'in-c', prompt = 'x'}.output "
               "== 'x')");
    return NULL;
}

/* On another thread while a script runs. */
static void
every_thread(void)
{
    orun *o = check_new();
    pthread_t runs;
    orun_agent type = { .size = sizeof type, .name = "in-c" };
    type.start = every_blocks;
    CHECK(sem_init(&every_in, 0, 0) == 0 && sem_init(&every_out, 0, 0) == 0);
    CHECK(orun_add_agent(o, &type) == ORUN_OK);
    CHECK(pthread_create(&runs, NULL, every_script, o) == 0);
    sem_wait(&every_in);
    every_task = 99;
    every_elsewhere(o, ORUN_ETHREAD, false);
    sem_post(&every_out);
    pthread_join(runs, NULL);
    CHECK(orun_free(o) == ORUN_OK);
}

/* A struct of no size that there ever was: too short, or cut in a field. */
static void
every_short(void)
{
    orun *o = check_new(), *other;
    uint64_t id;
    for (size_t n = 0; n < 9; n++) {
        orun_config config = ORUN_CONFIG_INIT;
        orun_process process = { .size = n };
        orun_task task = { .size = n, .lua = "return 1" };
        orun_agent type = { .size = n, .name = "x" };
        orun_kept_info info = { .size = n };
        config.size = n;
        type.start = every_agent;
        const int got[] = {
            orun_new(&config, &other), orun_setup(&process),
            orun_start(o, &task, &id), orun_add_agent(o, &type),
            orun_kept(o, &info),
        };
        for (size_t i = 0; i < sizeof got / sizeof *got; i++)
            CHECK(got[i] == ORUN_EINVAL || (i == 1 && got[i] == ORUN_ESTATE));
    }
    orun_task task = { .size = sizeof task - 1, .lua = "return 1" };
    CHECK(orun_start(o, &task, &id) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(o), "size"));
    CHECK(orun_free(o) == ORUN_OK);
}

static int
every_opens_own(lua_State *L)
{
    return luaopen_orun(L);
}

/* Those without a runtime: NULL and once more. */
static void
every_plain(void)
{
    lua_State *L = luaL_newstate();
    orun *o;
    CHECK(orun_setup(NULL) == ORUN_EINVAL && *orun_errmsg(NULL));
    CHECK(orun_new(NULL, NULL) == ORUN_EINVAL && *orun_errmsg(NULL));
    orun_drop(NULL);
    orun_drop(NULL);
    orun_free_text(NULL);
    orun_free_text(NULL);
    CHECK(orun_api_version() > 0 && *orun_version());
    lua_pushcfunction(L, every_opens_own);
    CHECK(lua_pcall(L, 0, 1, 0) != LUA_OK); /* it has no libraries */
    CHECK(*lua_tostring(L, -1));
    luaL_openlibs(L);
    for (int i = 0; i < 2; i++) {
        lua_pushcfunction(L, every_opens_own);
        CHECK(lua_pcall(L, 0, 1, 0) == LUA_OK);
    }
    lua_close(L);
    CHECK(orun_new(NULL, &o) == ORUN_OK);
    CHECK(orun_lua_on_state(o, NULL) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(o), "open is NULL"));
    CHECK(orun_free(o) == ORUN_OK);
}

static void
every_names(void)
{
    for (size_t row = 0; row < EVERY_ROWS; row++)
        puts(every_rows[row].name);
    for (size_t i = 0; i < sizeof every_others / sizeof *every_others; i++)
        puts(every_others[i]);
}

static const CheckCase cases[] = {
    { "pointer", every_pointer },   { "fork", every_fork },
    { "callback", every_callback }, { "agent", every_in_agent },
    { "thread", every_thread },     { "short", every_short },
    { "plain", every_plain },       { "names", every_names },
};

CHECK_MAIN(cases)
