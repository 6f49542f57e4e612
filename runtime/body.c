/* body.c — the code of a Lua task: what is called, what its end means. */
#include "body.h"
#include "handle.h"
#include <lauxlib.h>

static void
body_push_task(lua_State *L, const Task *t)
{
    char id[HANDLE_ID_SIZE];
    handle_name(t->id, id);
    lua_createtable(L, 0, 4);
    lua_pushstring(L, id);
    lua_setfield(L, -2, "id");
    lua_pushinteger(L, t->attempt);
    lua_setfield(L, -2, "attempt");
    if (t->description) {
        lua_pushstring(L, t->description);
        lua_setfield(L, -2, "description");
    }
    if (t->prompt) {
        value_decode(L, t->prompt, NULL);
        lua_setfield(L, -2, "prompt");
    }
}

void
body_push(lua_State *L, const Task *t, const ValueOps *code,
          const ValueOps *input)
{
    value_decode(L, t->code, code);
    if (t->input)
        value_decode(L, t->input, input);
    else
        lua_pushnil(L);
    body_push_task(L, t);
}

/* argument 1: the coroutine that failed, 2: the text; gives the text with
 * where it happened. */
static int
body_trace(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    luaL_traceback(L, co, lua_tostring(L, 2), 0);
    return 1;
}

/* A trace without the frames of orun itself at its end. */
static void
body_trim(Buf *text)
{
    static const char frame[] = "\n\t[C]: in ?";
    size_t n = sizeof frame - 1;
    if (text->n > n && memcmp(text->p + text->n - n, frame, n) == 0)
        text->n -= n;
}

/* A global of the script is not there in a task: say so. */
static void
body_hint(Buf *text)
{
    const char *s = buf_cstr(text), *at = strstr(s, "a nil value (global '");
    if (!at)
        return;
    const char *name = strchr(at, '\'') + 1;
    int n = (int)strcspn(name, "'");
    size_t line = strcspn(s, "\n");
    Buf with = { 0 };
    buf_put(&with, s, line);
    buf_printf(&with, "; a task does not see the script's globals: make '%.*s' "
               "a local above the function, or pass it in input", n, name);
    buf_puts(&with, s + line);
    buf_free(text);
    *text = with;
}

/* What was raised, as text with a traceback (while the coroutine still has its
 * frames); never raises. */
static char *
body_explain(Vm *vm, int status, bool frames)
{
    Buf text = { 0 };
    lua_State *L = vm->L;
    vm_error_text(vm->co, &text);
    body_hint(&text);
    if (!frames || status == LUA_ERRMEM || stop_wanted(&vm->stop)
        || !lua_checkstack(L, 4))
        return buf_take(&text);
    lua_settop(L, 0);
    lua_pushcfunction(L, body_trace);
    lua_pushthread(vm->co);
    lua_xmove(vm->co, L, 1);
    lua_pushstring(L, buf_cstr(&text));
    if (lua_pcall(L, 2, 1, 0) == LUA_OK) {
        size_t n;
        const char *s = lua_tolstring(L, -1, &n);
        buf_clear(&text);
        buf_put(&text, s, n);
        body_trim(&text);
    }
    return buf_take(&text);
}

/* os.exit(n) was called: 0 completes the task, any other number fails it. */
static void
body_exited(int code, Outcome *o)
{
    o->code = code;
    o->state = code == 0 ? TASK_COMPLETED : TASK_FAILED;
    if (code != 0) {
        o->fault = FAULT_EXIT;
        Buf text = { 0 };
        buf_printf(&text, "os.exit(%d)", code);
        o->error = buf_take(&text);
    }
}

static void
body_failed(Vm *vm, int status, bool frames, Outcome *o)
{
    outcome_clear(o);
    o->state = TASK_FAILED;
    o->fault = FAULT_LUA;
    if (status == LUA_ERRMEM && vm->over_limit) {
        o->fault = FAULT_MEMORY;
        Buf text = { 0 };
        buf_printf(&text, "memory limit of %zu bytes reached", vm->limit);
        o->error = buf_take(&text);
        return;
    }
    if (status == LUA_ERRMEM)
        o->fault = FAULT_MEMORY;
    if (status != LUA_ERRMEM && lua_type(vm->co, -1) == LUA_TTABLE) {
        Buf why = { 0 };
        if (value_encode(vm->co, -1, "error", NULL, &o->error_value, &why))
            o->error_value = NULL;
        buf_free(&why);
    }
    o->error = body_explain(vm, status, frames);
}

static void
body_completed(lua_State *co, Outcome *o)
{
    o->state = TASK_COMPLETED;
    if (lua_gettop(co) == 0 || lua_isnil(co, -1))
        return;
    Buf why = { 0 };
    if (value_encode(co, -1, "result", NULL, &o->output, &why)) {
        o->state = TASK_FAILED;
        o->fault = FAULT_LUA;
        o->error = buf_take(&why);
    }
    buf_free(&why);
}

/* The coroutine failed: close its variables. An error that is raised on the way
 * takes the place of the one before, as in Lua. */
static void
body_failed_closing(Vm *vm, int status, Outcome *o)
{
    lua_State *L = vm->L, *co = vm->co;
    body_failed(vm, status, true, o);
    lua_settop(L, 0);
    if (lua_checkstack(co, 1)) {
        lua_pushvalue(co, -1);
        lua_xmove(co, L, 1);
    }
    status = stop_close(&vm->stop, co);
    if (status == LUA_OK || vm->exit_code >= 0 || !lua_checkstack(L, 2))
        return;
    lua_pushvalue(co, -1);
    lua_xmove(co, L, 1);
    if (lua_gettop(L) == 2 && !lua_rawequal(L, 1, 2))
        body_failed(vm, status, false, o);
}

void
body_judge(Vm *vm, int status, Outcome *o)
{
    if (status == LUA_OK)
        body_completed(vm->co, o);
    else
        body_failed_closing(vm, status, o);
    if (vm->exit_code < 0)
        return;
    outcome_clear(o);
    body_exited(vm->exit_code, o);
}
