/* lib_test_nats.c — libnats as orun loads it, for the unit specs.
 *
 * Only in the test build, as require("orun.test").nats.
 */
#include "lib_test.h"
#include "remote/libnats.h"
#include <lauxlib.h>

/* version() -> "3.4.1"; nil and why there is no libnats */
static int
lib_nats_version(lua_State *L)
{
    const char *why;
    const Libnats *nats = libnats_get(&why);
    if (!nats) {
        lua_pushnil(L);
        lua_pushstring(L, why);
        return 2;
    }
    lua_pushstring(L, nats->version());
    return 1;
}

typedef struct LibNats {
    natsConnection *connection;
} LibNats;

static int
lib_nats_gc(lua_State *L)
{
    LibNats *n = lua_touserdata(L, 1);
    const char *why;
    const Libnats *nats = libnats_get(&why);
    if (nats && n->connection) {
        nats->close(n->connection);
        nats->free(n->connection);
    }
    n->connection = NULL;
    return 0;
}

/* request(n, subject, body, seconds) -> the answer; nil and why */
static int
lib_nats_request(lua_State *L)
{
    LibNats *n = luaL_checkudata(L, 1, "orun.test.nats");
    const char *subject = luaL_checkstring(L, 2), *why;
    size_t size;
    const char *body = luaL_checklstring(L, 3, &size);
    double seconds = luaL_checknumber(L, 4);
    const Libnats *nats = libnats_get(&why);
    luaL_argcheck(L, n->connection, 1, "this connection is closed");
    natsMsg *m = NULL;
    natsStatus s = nats->request(&m, n->connection, subject, body, (int)size,
                                 (int64_t)(seconds * 1000));
    if (s != NATS_OK) {
        lua_pushnil(L);
        lua_pushstring(L, nats->status_text(s));
        return 2;
    }
    lua_pushlstring(L, nats->message_data(m), (size_t)nats->message_size(m));
    nats->message_free(m);
    return 1;
}

/* max_payload(n) -> what the server said, in bytes */
static int
lib_nats_max_payload(lua_State *L)
{
    LibNats *n = luaL_checkudata(L, 1, "orun.test.nats");
    const char *why;
    const Libnats *nats = libnats_get(&why);
    luaL_argcheck(L, n->connection, 1, "this connection is closed");
    lua_pushinteger(L, nats->max_payload(n->connection));
    return 1;
}

/* connect{urls…, authorities=, inbox=} -> a connection; nil and why */
static int
lib_nats_connect(lua_State *L)
{
    static const luaL_Reg methods[] = { { "request", lib_nats_request },
                                        { "max_payload", lib_nats_max_payload },
                                        { NULL, NULL } };
    luaL_checktype(L, 1, LUA_TTABLE);
    const char *urls[8] = { 0 }, *why;
    int count = (int)lua_rawlen(L, 1);
    luaL_argcheck(L, count <= (int)countof(urls), 1, "too many servers");
    for (int i = 0; i < count; i++) {
        lua_rawgeti(L, 1, i + 1);
        urls[i] = luaL_checkstring(L, -1);
    }
    lua_getfield(L, 1, "authorities");
    const char *authorities = luaL_optstring(L, -1, NULL);
    lua_getfield(L, 1, "inbox");
    const char *inbox = luaL_optstring(L, -1, NULL);
    const Libnats *nats = libnats_get(&why);
    if (!nats)
        return luaL_error(L, "%s", why);
    LibNats *n = lib_test_object(L, "orun.test.nats", sizeof *n, methods,
                                 lib_nats_gc);
    natsOptions *o = NULL;
    natsStatus s = nats->options(&o);
    if (s == NATS_OK)
        s = nats->set_servers(o, urls, count);
    if (s == NATS_OK)
        s = nats->set_global_delivery(o, true);
    if (s == NATS_OK && authorities)
        s = nats->set_authorities(o, authorities);
    if (s == NATS_OK && inbox)
        s = nats->set_inbox_prefix(o, inbox);
    sigset_t before;
    libnats_signals_off(&before);
    if (s == NATS_OK)
        s = nats->connect(&n->connection, o);
    libnats_signals_on(&before);
    nats->options_free(o);
    if (s == NATS_OK)
        return 1;
    lua_pushnil(L);
    lua_pushstring(L, nats->status_text(s));
    return 2;
}

int
luaopen_test_nats(lua_State *L)
{
    static const luaL_Reg functions[] = { { "version", lib_nats_version },
                                          { "connect", lib_nats_connect },
                                          { NULL, NULL } };
    luaL_newlib(L, functions);
    return 1;
}
