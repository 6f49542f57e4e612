/* lib_draw.c — now, random, uuid: what is another in every run.
 *
 * In a run that is kept each value is kept, and given again when the run is
 * gone on with (durable.h): what was made of it has the same key then.
 */
#include "api/lib_arg.h"
#include "api/lib_orun.h"
#include "engine/engine.h"
#include "sched/durable.h"
#include <errno.h>
#include <lauxlib.h>
#include <string.h>

/* The value is `value`, or the one of an earlier try. */
static void
lib_draw(lua_State *L, DrawnKind kind, unsigned char value[DRAWN_SIZE])
{
    LuaRun *run = park_run(L);
    durable_draw(run->sched, run->task, run->attempt, kind, value);
}

static void
lib_draw_bytes(lua_State *L, const char *fn, DrawnKind kind, size_t n,
               unsigned char value[DRAWN_SIZE])
{
    memset(value, 0, DRAWN_SIZE);
    if (!engine_draw(park_run(L)->engine, value, n))
        luaL_error(L, "%s: the system gives no random bytes: %s", fn,
                   strerror(errno));
    lib_draw(L, kind, value);
}

/* now() -> seconds of a clock that only goes forward */
int
lib_now(lua_State *L)
{
    unsigned char value[DRAWN_SIZE] = { 0 };
    double now = durable_now(park_run(L)->sched);
    memcpy(value, &now, sizeof now);
    lib_draw(L, DRAWN_NOW, value);
    memcpy(&now, value, sizeof now);
    lua_pushnumber(L, now);
    return 1;
}

/* The next of the numbers that follow from one (SplitMix64). */
static uint64_t
lib_draw_follow(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

/* One of 0 to `most`, each as likely as any other, by the number drawn. */
static uint64_t
lib_draw_upto(uint64_t drawn, uint64_t most)
{
    uint64_t mask = most, state = drawn;
    for (unsigned shift = 1; shift < 64; shift *= 2)
        mask |= mask >> shift;
    while ((drawn & mask) > most)
        drawn = lib_draw_follow(&state);
    return drawn & mask;
}

/* Argument idx, which is an integer. */
static lua_Integer
lib_draw_integer(lua_State *L, const char *name, int idx)
{
    int exact;
    lua_Integer n = lua_tointegerx(L, idx, &exact);
    if (lua_type(L, idx) != LUA_TNUMBER || !exact)
        arg_error(L, "random", name, idx, "expected an integer");
    return n;
}

/* random([m [, n]]) as math.random: a float in [0, 1), or an integer in [1, m]
 * or [m, n]; of 0 any. */
int
lib_random(lua_State *L)
{
    int n = lua_gettop(L);
    unsigned char value[DRAWN_SIZE];
    uint64_t drawn;
    if (n > 2)
        return luaL_error(L, "random: expected at most 2 arguments, got %d", n);
    lua_Integer low = n == 2 ? lib_draw_integer(L, "m", 1) : 1;
    lua_Integer high = n == 0 ? 0 : lib_draw_integer(L, n == 2 ? "n" : "m", n);
    bool any = n == 1 && high == 0;
    if (n > 0 && !any && low > high)
        arg_error(L, "random", n == 2 ? "n" : "m", n,
                  n == 2 ? "expected no less than m"
                         : "expected 0, or 1 at least");
    lib_draw_bytes(L, "random", DRAWN_RANDOM, sizeof drawn, value);
    memcpy(&drawn, value, sizeof drawn);
    if (n == 0)
        lua_pushnumber(L, (lua_Number)(drawn >> 11) * 0x1p-53);
    else if (any)
        lua_pushinteger(L, (lua_Integer)drawn);
    else
        lua_pushinteger(
            L,
            (lua_Integer)((uint64_t)low
                          + lib_draw_upto(drawn,
                                          (uint64_t)high - (uint64_t)low)));
    return 1;
}

/* uuid() -> a random UUID (version 4) */
int
lib_uuid(lua_State *L)
{
    unsigned char b[DRAWN_SIZE];
    char text[37];
    lib_draw_bytes(L, "uuid", DRAWN_UUID, sizeof b, b);
    b[6] = (unsigned char)(0x40 | (b[6] & 0x0F));
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3F));
    char *to = text;
    for (int i = 0; i < DRAWN_SIZE; i++) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        to += snprintf(to, (size_t)(text + sizeof text - to), "%s%02x",
                       dash ? "-" : "", b[i]);
    }
    lua_pushstring(L, text);
    return 1;
}
