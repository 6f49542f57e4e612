/* orun_ask.c — the calls that programs of tasks have, for the host. */
#include "base/mem.h"
#include "embed/host_guest.h"
#include "embed/orun_own.h"
#include "thread/epoch.h"
#include "value/module.h"
#include <lauxlib.h>

typedef struct OrunAsk {
    const char *call, *args;
    Buf result, why;
    int code;
} OrunAsk;

/* Protected; argument 1: an OrunAsk. */
static int
orun_ask_body(lua_State *L)
{
    OrunAsk *ask = lua_touserdata(L, 1);
    size_t n;
    module_push(L, "orun.control.ask");
    lua_pushstring(L, ask->call);
    lua_pushstring(L, ask->args);
    lua_call(L, 2, 3);
    const char *text = lua_tolstring(L, -3, &n);
    if (text) {
        buf_put(&ask->result, text, n);
        return 0;
    }
    const char *reason = luaL_checkstring(L, -1);
    ask->code = strcmp(reason, "request") == 0 ? ORUN_EINVAL : ORUN_EFAILED;
    text = luaL_checklstring(L, -2, &n);
    buf_put(&ask->why, text, n);
    return 0;
}

/* Make the call; returns its code, with words if that is an error. */
static int
orun_ask_call(orun *o, OrunAsk *ask, char **reply)
{
    int e = host_guest_call(&o->host, o->engine, orun_ask_body, ask, NULL,
                            &ask->why);
    if (e == 0)
        e = ask->code;
    if (e == ORUN_EFAILED && api_guard_is_shut(&o->guard))
        e = ORUN_ESHUTDOWN;
    if (e == 0 && !(*reply = buf_take(&ask->result)))
        e = ORUN_ENOMEM;
    if (e && ask->why.n)
        api_error_set(o, e, "%s", buf_cstr(&ask->why));
    else if (e)
        orun_refuse(o, e, "orun_ask");
    return e;
}

int
orun_ask(orun *o, const char *call, const char *args, char **reply)
{
    OrunAsk ask = { .call = call, .args = args };
    if (reply)
        *reply = NULL;
    int e = orun_hold(o, "orun_ask");
    if (e)
        return e;
    epoch_enter();
    if (!call || !reply)
        e = api_error_set(o, ORUN_EINVAL, "orun_ask: %s is NULL",
                          call ? "reply" : "call");
    else if ((e = orun_keep_start(o)) == 0)
        e = orun_ask_call(o, &ask, reply);
    epoch_leave();
    buf_free(&ask.result);
    buf_free(&ask.why);
    api_guard_unhold(&o->guard);
    return e;
}

void
orun_free_text(char *text)
{
    mem_free(text);
}
