/* view.c — the thread of the views, and its Lua state. */
#include "view/view.h"
#include "api/lib_orun.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/order.h"
#include "base/sanitize.h"
#include "base/terminal.h"
#include "base/thread.h"
#include "sched/durable.h"
#include "thread/epoch.h"
#include "value/field.h"
#include "value/module.h"
#include "view/view_lua.h"
#include "view/view_post.h"
#include "view/view_screen.h"
#include "vm/handle.h"
#include <errno.h>
#include <lauxlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Nanoseconds between two looks at the events. */
enum { VIEW_PACE = 100 * 1000 * 1000 };

struct View {
    Engine *engine;
    Vm *vm;
    char **wanted;
    const ViewHost *host;
    double begun; /* on the run's clock */
    uv_thread_t thread;

    OrderWatcher order;

    /* Its thread's: */
    EventChunk *rest; /* taken, but not passed to the views yet */
    size_t lost;
    bool brief;

    uint64_t epoch; /* its thread's: in which it took events last */
    uv_mutex_t lock;
    uv_cond_t change;
    /* Guarded by lock: */
    bool ready;   /* the views have begun */
    bool ended;   /* its code has returned */
    bool hurried; /* a script waits until it has caught up */
    bool ending;  /* the run is over … */
    double over;  /* … since then, on its clock */
    Buf problems;
};

static View *
view_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* ready(): all views have begun. */
static int
view_ready(lua_State *L)
{
    View *v = view_of(L);
    uv_mutex_lock(&v->lock);
    v->ready = true;
    uv_cond_broadcast(&v->change);
    uv_mutex_unlock(&v->lock);
    return 0;
}

/* Wait until there may be events; true when the run is over. */
static bool
view_wait(View *v)
{
    uint64_t until = uv_hrtime() + VIEW_PACE;
    uv_mutex_lock(&v->lock);
    for (uint64_t now;
         !v->ending && !v->hurried && (now = uv_hrtime()) < until;)
        uv_cond_timedwait(&v->change, &v->lock, until - now);
    bool ending = v->ending;
    v->hurried = false;
    uv_mutex_unlock(&v->lock);
    return ending;
}

/* A script waits for the view to catch up. Any thread. */
static void
view_hurry(void *ud)
{
    View *v = ud;
    uv_mutex_lock(&v->lock);
    v->hurried = true;
    uv_cond_broadcast(&v->change);
    uv_mutex_unlock(&v->lock);
}

/* As OrderWatcher.catch_up. */
static void
view_catch_up(void *ud)
{
    View *v = ud;
    event_catch_up(&v->engine->sched.board, view_hurry, v);
}

/* Seconds since the run began; of a run that is over, how long it took. */
static double
view_now(View *v)
{
    uv_mutex_lock(&v->lock);
    double now = v->ending ? v->over : board_now(&v->engine->sched.board);
    uv_mutex_unlock(&v->lock);
    return now - v->begun;
}

/* next() -> array of events (maybe empty), now, are there more already; nil
 * when there will not be any more. One chunk at a time, so that a view that is
 * behind does not get everything at once. */
static int
view_next(lua_State *L)
{
    View *v = view_of(L);
    Board *b = &v->engine->sched.board;
    bool ending = false;
    if (!v->rest) {
        event_shown(b);
        epoch_pass_to(v->epoch); /* before which all is shown */
        ending = view_wait(v);
        v->epoch = epoch_number();
        v->rest = event_take(b, &v->lost);
    }
    if (ending && !v->rest)
        return 0;
    ViewBatch batch = { .engine = v->engine,
                        .begun = v->begun,
                        .all = v->rest,
                        .lost = v->lost,
                        .brief = v->brief };
    if (v->rest) {
        v->rest = batch.all->next;
        batch.all->next = NULL;
    }
    view_push_events(L, &batch);
    lua_pushnumber(L, view_now(v));
    lua_pushboolean(L, v->rest != NULL);
    return 3;
}

static void
view_drop_rest(View *v)
{
    for (EventChunk *next; v->rest; v->rest = next) {
        next = v->rest->next;
        event_free(v->rest);
    }
}

/* enough(): next will return no more events, only the time. */
static int
view_enough(lua_State *L)
{
    View *v = view_of(L);
    event_stop(&v->engine->sched.board);
    view_drop_rest(v);
    return 0;
}

/* brief(): next will return only notable events, of tasks that run or have
 * failed. */
static int
view_brief(lua_State *L)
{
    View *v = view_of(L);
    v->brief = true;
    event_be_brief(&v->engine->sched.board);
    return 0;
}

/* count_tasks() -> {tasks=, completed=, failed=, cancelled=}: all tasks, and
 * how many ended in which way */
static int
view_count_tasks(lua_State *L)
{
    static const TaskState states[] = { TASK_COMPLETED, TASK_FAILED,
                                        TASK_CANCELLED };
    size_t ended[TASK_STATE_COUNT];
    size_t all = event_count_tasks(&view_of(L)->engine->sched.board, ended);
    lua_createtable(L, 0, countof(states) + 1);
    field_set_integer(L, "tasks", (lua_Integer)all);
    for (size_t i = 0; i < countof(states); i++) {
        lua_pushinteger(L, (lua_Integer)ended[states[i]]);
        lua_setfield(L, -2, task_state_name(states[i]));
    }
    return 1;
}

/* final(id) -> has that task ended? */
static int
view_final(lua_State *L)
{
    uint64_t id = handle_parse(luaL_checkstring(L, 1));
    const Task *t = board_find(&view_of(L)->engine->sched.board, id);
    lua_pushboolean(L, t && task_final(t));
    return 1;
}

/* added(id) -> the event "added" of that task, without `at` */
static int
view_tell_added(lua_State *L)
{
    Engine *engine = view_of(L)->engine;
    uint64_t id = handle_parse(luaL_checkstring(L, 1));
    luaL_argcheck(L, board_find(&engine->sched.board, id), 1, "no task has it");
    view_push_added(L, engine, id);
    return 1;
}

/* again(id) -> in a plan of a kept run, once it is over: nil, or why that task
 * runs again, a word of Durable.why; how it differs; the task after which it
 * runs */
static int
view_again(lua_State *L)
{
    Sched *s = &view_of(L)->engine->sched;
    Task *t = board_find(&s->board, handle_parse(luaL_checkstring(L, 1)));
    Durable *d = s->durable;
    Buf differs = { 0 };
    uint64_t after;
    const char *word = t && d && d->why ? d->why(d, t, &differs, &after) : NULL;
    if (!word)
        return 0;
    char name[HANDLE_ID_SIZE] = "";
    if (after)
        handle_name(after, name);
    lua_pushstring(L, word);
    lua_pushlstring(L, differs.n ? differs.p : "", differs.n);
    lua_pushstring(L, name);
    buf_free(&differs);
    return 3;
}

/* The bits of event_show for an event's name, or "failed"; 0: there is none. */
static unsigned
view_kind(const char *name)
{
    for (unsigned i = 0; i < EVENT_KIND_COUNT; i++)
        if (strcmp(event_kind_name((EventKind)i), name) == 0)
            return 1u << i;
    return strcmp(name, "failed") == 0 ? EVENT_FAILURES : 0;
}

/* shows(name, …): a view shows events of these names, or all events without an
 * argument, by the time that `tick` returns, so what is printed later appears
 * below them. "failed" is the end of a task that failed. */
static int
view_shows(lua_State *L)
{
    unsigned kinds = lua_gettop(L) == 0 ? EVENT_FAILURES - 1 : 0;
    for (int i = 1; i <= lua_gettop(L); i++) {
        unsigned kind = view_kind(luaL_checkstring(L, i));
        luaL_argcheck(L, kind, i, "no event is called that");
        kinds |= kind;
    }
    event_show(&view_of(L)->engine->sched.board, kinds);
    return 0;
}

/* problem(text): something could not be shown. */
static int
view_problem(lua_State *L)
{
    View *v = view_of(L);
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    uv_mutex_lock(&v->lock);
    if (v->problems.n)
        buf_putc(&v->problems, '\n');
    buf_put(&v->problems, text, n);
    uv_mutex_unlock(&v->lock);
    return 0;
}

/* output(id, is_stderr, offset, max) -> as view_push_output */
static int
view_output(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    return view_push_output(L, view_of(L)->engine, handle_parse(name),
                            lua_toboolean(L, 2), luaL_checkinteger(L, 3),
                            (size_t)luaL_checkinteger(L, 4));
}

/* unix_time() -> seconds since 1970, with a fraction */
static int
view_unix_time(lua_State *L)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    lua_pushnumber(L, (double)t.tv_sec + (double)t.tv_nsec * 1e-9);
    return 1;
}

/* processors() -> how many the run may use */
static int
view_processors(lua_State *L)
{
    lua_pushinteger(L, thread_processors());
    return 1;
}

/* line(text): an event for the embedding program, without a line's end. */
static int
view_line(lua_State *L)
{
    const ViewHost *host = view_of(L)->host;
    size_t n;
    const char *line = luaL_checklstring(L, 1, &n);
    if (host)
        host->line(host->ud, line, n);
    return 0;
}

static const luaL_Reg view_functions[] = {
    { "enough", view_enough },
    { "line", view_line },
    { "next", view_next },
    { "output", view_output },
    { "problem", view_problem },
    { "ready", view_ready },
    { "size", view_size },
    { "fit", view_fit },
    { "put", view_put },
    { "post", view_post },
    { "brief", view_brief },
    { "count_tasks", view_count_tasks },
    { "final", view_final },
    { "added", view_tell_added },
    { "again", view_again },
    { "unix_time", view_unix_time },
    { "processors", view_processors },
    { "open_foot", view_open_foot },
    { "foot", view_foot },
    { "close_foot", view_close_foot },
    { "shows", view_shows },
    { NULL, NULL },
};

/* Push the table that lua/view/init.lua is called with. */
static void
view_push(lua_State *L, View *v)
{
    lua_createtable(L, 0, countof(view_functions));
    lua_pushlightuserdata(L, v);
    luaL_setfuncs(L, view_functions, 1);
    lua_newtable(L);
    for (lua_Integer i = 0; v->wanted[i]; i++) {
        lua_pushstring(L, v->wanted[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "wanted");
}

#ifdef ORUN_TEST
/* For the specs: Lua code that is run before the views begin. */
static void
view_run_door(lua_State *L)
{
    const char *code = getenv("ORUN_TEST_VIEW");
    if (code && luaL_dostring(L, code))
        lua_error(L);
}
#endif

/* Protected; argument 1: the View. */
static int
view_run(lua_State *L)
{
    View *v = lua_touserdata(L, 1);
#ifdef ORUN_TEST
    view_run_door(L);
#endif
    module_push(L, "orun.view");
    view_push(L, v);
    lua_call(L, 1, 0);
    return 0;
}

/* Is there a view that sets the exit code, or is what the command is for? */
static bool
view_has_purpose(const View *v)
{
    for (size_t i = 0; v->wanted[i]; i++)
        if (strncmp(v->wanted[i], "strict=", 7) == 0
            || strncmp(v->wanted[i], "plan=", 5) == 0)
            return true;
    return false;
}

/* The views ended with an error. lua/view/init.lua catches all errors but those
 * of memory. The run continues without them. */
static void
view_fail(View *v, const Buf *why)
{
    bool refused = !v->ready || view_has_purpose(v);
    Buf line = { 0 };
    buf_puts(&line,
             refused ? "" : "orun: the run continues, but is not shown: ");
    buf_put(&line, why->p, why->n);
    if (refused) {
        if (v->problems.n)
            buf_putc(&v->problems, '\n');
        buf_put(&v->problems, line.p, line.n);
    } else {
        buf_putc(&line, '\n');
        log_tell(LOG_WARNING, buf_cstr(&line), line.n);
    }
    buf_free(&line);
}

static void
view_main(void *arg)
{
    View *v = arg;
    lua_State *L = v->vm->L;
    Buf why = { 0 };
    order_is_mine();
    epoch_enter();
    v->epoch = epoch_number();
    lua_pushcfunction(L, view_run);
    lua_pushlightuserdata(L, v);
    bool failed = lua_pcall(L, 1, 0, 0) != LUA_OK;
    if (failed) {
        vm_error_text(L, &why);
        terminal_foot_close();
        event_stop(&v->engine->sched.board);
        view_drop_rest(v);
    }
    epoch_leave();
    uv_mutex_lock(&v->lock);
    if (failed)
        view_fail(v, &why);
    v->ended = true;
    uv_cond_broadcast(&v->change);
    uv_mutex_unlock(&v->lock);
    buf_free(&why);
}

static char **
view_copy(const char *const *wanted)
{
    size_t n = 0;
    while (wanted[n])
        n++;
    char **copy = mem_zalloc(n + 1, sizeof *copy);
    for (size_t i = 0; copy && i < n; i++)
        if (!(copy[i] = mem_dup(wanted[i], strlen(wanted[i])))) {
            task_strings_free(copy);
            return NULL;
        }
    return copy;
}

static void
view_free(View *v)
{
    if (v->vm)
        vm_script_free(v->vm);
    uv_cond_destroy(&v->change);
    uv_mutex_destroy(&v->lock);
    view_drop_rest(v);
    task_strings_free(v->wanted);
    buf_free(&v->problems);
    mem_free(v);
}

/* Start the thread of `v`, which is complete. The views have begun on
 * return. */
static int
view_begin(View *v, Buf *why)
{
    int e = thread_start(&v->thread, 0, 0, view_main, v);
    if (e)
        return e;
    uv_mutex_lock(&v->lock);
    while (!v->ready && !v->ended)
        uv_cond_wait(&v->change, &v->lock);
    bool failed = !v->ready;
    uv_mutex_unlock(&v->lock);
    if (!failed)
        return 0;
    uv_thread_join(&v->thread);
    buf_put(why, v->problems.p, v->problems.n);
    return why->n ? ORUN_EINVAL : ORUN_ENOMEM; /* for the words, too */
}

static void
view_init(View *v, Engine *h)
{
    v->engine = h;
    v->order = (OrderWatcher){ .catch_up = view_catch_up, .ud = v };
    uv_cond_init(&v->change);
    uv_mutex_init(&v->lock);
}

int
view_start(Engine *h, const char *const *wanted, const ViewHost *host,
           View **out, Buf *why)
{
    VmConfig config = { .open = lib_orun_open_view };
    View *v = mem_zalloc(1, sizeof *v);
    if (!v)
        return ORUN_ENOMEM;
    view_init(v, h);
    v->host = host;
    int e = (v->wanted = view_copy(wanted)) ? 0 : ORUN_ENOMEM;
    if (e == 0)
        e = vm_script_new(&config, &v->vm);
    v->begun = board_now(&h->sched.board);
    if (e == 0)
        e = event_open(&h->sched.board);
    if (e == 0)
        e = view_begin(v, why);
    if (e == 0) {
        order_join(&v->order);
        *out = v;
        return 0;
    }
    event_close(&h->sched.board);
    view_free(v);
    return e;
}

bool
view_finish(View *v, Buf *problems)
{
    if (!v)
        return false;
    uv_mutex_lock(&v->lock);
    v->ending = true;
    v->over = board_now(&v->engine->sched.board);
    uv_cond_broadcast(&v->change);
    uv_mutex_unlock(&v->lock);
    uv_thread_join(&v->thread);
    order_leave(&v->order);
    board_lock(&v->engine->sched.board);
    event_close(&v->engine->sched.board);
    board_unlock(&v->engine->sched.board);
    bool any = v->problems.n > 0;
    buf_put(problems, v->problems.p, v->problems.n);
    view_free(v);
    return any;
}
