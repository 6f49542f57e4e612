/* lib_screen.c — the screen as an object. */
#include "api/lib_screen.h"
#include "api/lib_channel.h"
#include "api/lib_class.h"
#include "base/screen.h"
#include <math.h>

#define SCREEN_TYPE "orun.screen"

enum {
    SCREEN_KEYS_SIZE = 4096, /* bytes of keys at once */
    SCREEN_CHANNELS = 16,
};

static Screen *
lib_screen_self(lua_State *L)
{
    Screen *s = luaL_checkudata(L, 1, SCREEN_TYPE);
    luaL_argcheck(L, s->signals >= 0, 1, "it was closed");
    return s;
}

static int
lib_screen_close(lua_State *L)
{
    screen_close(luaL_checkudata(L, 1, SCREEN_TYPE));
    return 0;
}

static int
lib_screen_push_keys(lua_State *L, Screen *s)
{
    char keys[SCREEN_KEYS_SIZE];
    size_t n = screen_keys(s, keys, sizeof keys);
    lua_pushstring(L, n ? "keys" : "end");
    if (n)
        lua_pushlstring(L, keys, n);
    else
        lua_pushinteger(L, SIGHUP);
    return 2;
}

static int
lib_screen_wait(lua_State *L)
{
    static const char *const words[] = {
        [SCREEN_TIME] = "time",
        [SCREEN_OTHER] = "channel",
        [SCREEN_FRESH] = "fresh",
        [SCREEN_END] = "end",
    };
    struct pollfd all[2 + SCREEN_CHANNELS];
    int signo = 0;
    Screen *s = lib_screen_self(L);
    double seconds = fmin(fmax(luaL_checknumber(L, 2), 0), 1e6);
    nfds_t n = 2;
    if (!lua_isnoneornil(L, 3))
        n += lib_channel_gather(L, 3, all + 2, SCREEN_CHANNELS);
    ScreenNews news = screen_wait(s, all, n, (int)ceil(seconds * 1000), &signo);
    if (news == SCREEN_KEYS)
        return lib_screen_push_keys(L, s);
    lua_pushstring(L, words[news]);
    lua_pushinteger(L, signo);
    return 2;
}

static int
lib_screen_write(lua_State *L)
{
    size_t n;
    lib_screen_self(L);
    const char *text = luaL_checklstring(L, 2, &n);
    if (!screen_write(text, n))
        return 0;
    lua_pushboolean(L, 1);
    return 1;
}

int
lib_screen(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "wait", lib_screen_wait },     { "write", lib_screen_write },
        { "close", lib_screen_close },   { "__gc", lib_screen_close },
        { "__close", lib_screen_close }, { NULL, NULL },
    };
    lua_settop(L, 0);
    Screen *s = lua_newuserdatauv(L, sizeof *s, 0);
    *s = (Screen){ .signals = -1 };
    lib_class_set(L, SCREEN_TYPE, methods);
    int e = screen_open(s);
    if (e == 0)
        return 1;
    lua_pushnil(L);
    lua_pushstring(L, strerror(e));
    return 2;
}
