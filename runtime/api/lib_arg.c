/* lib_arg.c — argument checks and their messages. */
#include "api/lib_arg.h"
#include "base/sanitize.h"
#include <lauxlib.h>
#include <math.h>
#include "vm/vm.h"
#include <stdio.h>

enum {
    ARG_SHOWN = 48,       /* bytes of a string shown in a message */
    ARG_AGENT_NAME = 200, /* bytes of an agent type's name */
};

/* In quotes, cut, safe to show. It is on the C stack when Lua, which may raise,
 * copies it. */
static const char *
arg_show_string(lua_State *L, int idx)
{
    char shown[512];
    Buf text = { 0 };
    size_t n;
    const char *s = lua_tolstring(L, idx, &n);
    sanitize_cut(&text, s, n, ARG_SHOWN);
    snprintf(shown, sizeof shown, "\"%s\"", buf_cstr(&text));
    buf_free(&text);
    return lua_pushstring(L, shown);
}

const char *
arg_show(lua_State *L, int idx)
{
    luaL_checkstack(L, 4, NULL);
    switch (lua_type(L, idx)) {
    case LUA_TNIL:
        return lua_pushliteral(L, "nil");
    case LUA_TBOOLEAN:
        return lua_pushstring(L, lua_toboolean(L, idx) ? "true" : "false");
    case LUA_TNUMBER:
        if (lua_isinteger(L, idx))
            return lua_pushfstring(L, "%I", (LUAI_UACINT)lua_tointeger(L, idx));
        return lua_pushfstring(L, "%f", (LUAI_UACNUMBER)lua_tonumber(L, idx));
    case LUA_TSTRING:
        return arg_show_string(L, idx);
    default:
        return lua_pushfstring(L, "a %s", luaL_typename(L, idx));
    }
}

int
arg_error(lua_State *L, const char *fn, const char *name, int idx,
          const char *want)
{
    const char *shown = arg_show(L, idx);
    return luaL_error(L, "%s: %s = %s: %s", fn, name, shown, want);
}

/* How many letters are wrong, missing, too many or swapped with the next one:
 * the distance of optimal string alignment, without regard to case. */
static int
arg_distance(const char *a, const char *b)
{
    enum { MAX = 32 };
    size_t n = strlen(a), m = strlen(b);
    int row[MAX + 1][MAX + 1];
    if (n > MAX || m > MAX)
        return MAX;
    for (size_t i = 0; i <= n; i++)
        row[i][0] = (int)i;
    for (size_t j = 0; j <= m; j++)
        row[0][j] = (int)j;
    for (size_t i = 1; i <= n; i++)
        for (size_t j = 1; j <= m; j++) {
            int x = a[i - 1] | 32, y = b[j - 1] | 32;
            int best = row[i - 1][j - 1] + (x != y);
            if (row[i - 1][j] + 1 < best)
                best = row[i - 1][j] + 1;
            if (row[i][j - 1] + 1 < best)
                best = row[i][j - 1] + 1;
            if (i > 1 && j > 1 && x == (b[j - 2] | 32) && y == (a[i - 2] | 32)
                && row[i - 2][j - 2] + 1 < best)
                best = row[i - 2][j - 2] + 1;
            row[i][j] = best;
        }
    return row[n][m];
}

const char *
arg_nearest(const char *word, const char *const *known, int n)
{
    const char *best = arg_meant(word, known, n);
    if (best)
        return best;
    int near = (int)(strlen(word) / 3) + 1;
    for (int i = 0; i < n; i++) {
        int d = arg_distance(word, known[i]);
        if (d < near) {
            near = d;
            best = known[i];
        }
    }
    return best;
}

/* nearest(word, {known, …}) -> the known word nearest to it, or nil */
int
lib_nearest(lua_State *L)
{
    const char *known[64];
    int n = 0;
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    luaL_checkstack(L, countof(known) + 4, NULL);
    while (n < (int)countof(known) && lua_rawgeti(L, 2, n + 1) == LUA_TSTRING)
        known[n++] = lua_tostring(L, -1);
    lua_pushstring(L, arg_nearest(luaL_checkstring(L, 1), known, n));
    return 1;
}

static int
arg_find(const char *key, const char *const *names, int n)
{
    int lo = 0, hi = n;
    while (lo < hi) {
        int mid = (lo + hi) / 2, order = strcmp(key, names[mid]);
        if (order == 0)
            return mid;
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return -1;
}

static int
arg_unknown(lua_State *L, const char *fn, const char *const *names, int n)
{
    if (lua_type(L, -2) != LUA_TSTRING) {
        const char *shown = arg_show(L, -2);
        return luaL_error(L, "%s: the field [%s] has no meaning here; %s takes "
                          "one table of named fields", fn, shown, fn);
    }
    const char *key = lua_tostring(L, -2);
    const char *near = arg_nearest(key, names, n);
    const char *shown = arg_show(L, -2);
    if (near)
        return luaL_error(L, "%s: unknown field %s, did you mean '%s'?", fn,
                          shown, near);
    luaL_Buffer all;
    luaL_buffinit(L, &all);
    for (int i = 0; i < n; i++) {
        luaL_addstring(&all, i == 0 ? "" : ", ");
        luaL_addstring(&all, names[i]);
    }
    luaL_pushresult(&all);
    return luaL_error(L, "%s: unknown field %s; there are %s", fn, shown,
                      lua_tostring(L, -1));
}

void
arg_frame(lua_State *L, const char *fn, const char *const *names, int n,
          bool optional)
{
    Stop *stop = &vm_of(L)->stop;
    if (stop_hard(stop)) /* a C function called this: no hook was run */
        stop_raise(L, stop);
    if (optional && lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    if (lua_type(L, 1) != LUA_TTABLE)
        luaL_error(L, "%s: argument 1 is %s, not a table; call it as %s{...}",
                   fn, lua_isnone(L, 1) ? "missing" : arg_show(L, 1), fn);
    if (lua_gettop(L) > 1)
        luaL_error(L, "%s takes one table, and got %d arguments", fn,
                   lua_gettop(L));
    luaL_checkstack(L, n + 16, "too many fields");
    lua_settop(L, n + 1);
    for (lua_pushnil(L); lua_next(L, 1);) {
        int i = lua_type(L, -2) == LUA_TSTRING
            ? arg_find(lua_tostring(L, -2), names, n) : -1;
        if (i < 0)
            arg_unknown(L, fn, names, n);
        lua_replace(L, ARG(i));
    }
}

const char *
arg_string(lua_State *L, const char *fn, const char *name, int idx, size_t max,
           size_t *n)
{
    size_t length = 0;
    if (n)
        *n = 0;
    if (lua_isnil(L, idx))
        return NULL;
    if (lua_type(L, idx) != LUA_TSTRING)
        arg_error(L, fn, name, idx, "expected a string; convert it yourself "
                  "with tostring");
    const char *s = lua_tolstring(L, idx, &length);
    if (length > max)
        luaL_error(L, "%s: %s is %I bytes long, and at most %I are allowed", fn,
                   name, (LUAI_UACINT)length, (LUAI_UACINT)max);
    if (n)
        *n = length;
    return s;
}

const char *
arg_text(lua_State *L, const char *fn, const char *name, int idx, size_t max)
{
    size_t n;
    const char *s = arg_string(L, fn, name, idx, max, &n);
    if (s && strlen(s) != n)
        arg_error(L, fn, name, idx, "it may not hold a NUL byte");
    return s;
}

bool
arg_bool(lua_State *L, const char *fn, const char *name, int idx, bool other)
{
    if (lua_isnil(L, idx))
        return other;
    if (!lua_isboolean(L, idx))
        arg_error(L, fn, name, idx, "expected true or false (a string counts "
                  "as true in Lua)");
    return lua_toboolean(L, idx);
}

lua_Integer
arg_integer(lua_State *L, const char *fn, const char *name, int idx,
            lua_Integer lo, lua_Integer hi, lua_Integer other)
{
    if (lua_isnil(L, idx))
        return other;
    int is = 0;
    lua_Integer i = lua_type(L, idx) == LUA_TNUMBER
        ? lua_tointegerx(L, idx, &is) : 0;
    if (!is || i < lo || i > hi) {
        const char *want = lua_pushfstring(L, "expected an integer from "
                                           "%I to %I", (LUAI_UACINT)lo,
                                           (LUAI_UACINT)hi);
        arg_error(L, fn, name, idx, want);
    }
    return i;
}

void
arg_table(lua_State *L, const char *fn, const char *name, int idx)
{
    if (!lua_isnil(L, idx) && lua_type(L, idx) != LUA_TTABLE)
        arg_error(L, fn, name, idx, "expected a table of named fields");
}

typedef struct ArgUnit {
    const char *name;
    double factor;
} ArgUnit;

/* "12.5ms" -> 12.5 × the unit's factor; NaN when it is not of that form. */
static double
arg_with_unit(const char *s, const ArgUnit *units, size_t n)
{
    char *end;
    if (!(*s >= '0' && *s <= '9') && *s != '.')
        return NAN;
    double x = strtod(s, &end);
    for (size_t i = 0; i < n; i++)
        if (strcmp(end, units[i].name) == 0)
            return x * units[i].factor;
    return NAN;
}

double
arg_duration(lua_State *L, const char *fn, const char *name, int idx, bool zero,
             double other)
{
    static const ArgUnit units[] = {
        { "ms", 1e-3 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 },
    };
    if (lua_isnil(L, idx))
        return other;
    double x = lua_type(L, idx) == LUA_TNUMBER ? lua_tonumber(L, idx)
        : lua_type(L, idx) == LUA_TSTRING
        ? arg_with_unit(lua_tostring(L, idx), units, countof(units)) : NAN;
    if (!(x >= 0))
        arg_error(L, fn, name, idx, "a duration is a number of seconds, 0 or "
                  "more, or a string such as \"250ms\", \"30s\", \"5m\", "
                  "\"2h\"");
    if (x == 0 && !zero)
        arg_error(L, fn, name, idx,
                  "0 seconds leave no time; use nil for none");
    return x == INFINITY ? x : fmin(x, 1e9);
}

size_t
arg_size(lua_State *L, const char *fn, const char *name, int idx)
{
    static const ArgUnit units[] = {
        { "KiB", 1024.0 }, { "MiB", 1048576.0 }, { "GiB", 1073741824.0 },
        { "B", 1 },
    };
    if (lua_isnil(L, idx))
        return 0;
    double x = lua_isinteger(L, idx) ? (double)lua_tointeger(L, idx)
        : lua_type(L, idx) == LUA_TSTRING
        ? arg_with_unit(lua_tostring(L, idx), units, countof(units)) : NAN;
    if (!(x >= 1) || x > 1e15)
        arg_error(L, fn, name, idx, "a size is a whole number of bytes, 1 or "
                  "more, or a string such as \"64KiB\", \"32MiB\", \"1GiB\"");
    return (size_t)x;
}

static bool
arg_is_name(const char *s, size_t n)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    if (n == 0 || n > 64 || strlen(s) != n || !strchr(first, s[0]))
        return false;
    for (size_t i = 1; i < n; i++)
        if (!strchr(first, s[i]) && !strchr("0123456789-", s[i]))
            return false;
    return true;
}

const char *
arg_name(lua_State *L, const char *fn, const char *name, int idx)
{
    size_t n;
    const char *s = arg_string(L, fn, name, idx, SIZE_MAX, &n);
    if (s && !arg_is_name(s, n))
        arg_error(L, fn, name, idx, "a name has 1 to 64 letters, digits, '_' "
                  "and '-', and begins with a letter or '_'");
    return s;
}

const char *
arg_agent_name(lua_State *L, const char *fn, const char *name, int idx)
{
    size_t n;
    const char *s = arg_string(L, fn, name, idx, SIZE_MAX, &n);
    if (s && (n == 0 || n > ARG_AGENT_NAME || s[0] == ' ' || s[0] == '-'
              || s[n - 1] == ' '
              || !sanitize_is_safe(s, n, SANITIZE_LINE)))
        arg_error(L, fn, name, idx, "the name of an agent type is expected: "
                  "one line of text, at most 200 bytes, without blanks at its "
                  "ends, a '-' at its beginning, or control characters");
    return s;
}

lua_Integer
arg_array(lua_State *L, const char *fn, const char *name, int idx,
          lua_Integer max)
{
    if (lua_type(L, idx) != LUA_TTABLE)
        arg_error(L, fn, name, idx, "expected an array");
    lua_Integer count = 0, highest = 0;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1), count++) {
        if (!lua_isinteger(L, -2)) {
            const char *key = arg_show(L, -2);
            luaL_error(L, "%s: %s has the key %s; an array has 1, 2, 3, ...",
                       fn, name, key);
        }
        lua_Integer i = lua_tointeger(L, -2);
        if (i > highest)
            highest = i;
        if (i < 1 || count >= max)
            luaL_error(L, "%s: %s: keys from 1 to %I are allowed", fn, name,
                       (LUAI_UACINT)max);
    }
    if (highest != count)
        luaL_error(L, "%s: %s has holes: %I entries, but the last is [%I]", fn,
                   name, (LUAI_UACINT)count, (LUAI_UACINT)highest);
    return count;
}
