/* value_path.c — where in a value something is, in words.
 *
 * Keys are shown as Lua source would name them; long paths lose their middle
 * and long keys their end, and no byte of a key reaches a terminal raw.
 * Nothing here may raise: strings are read in place, never converted.
 */
#include "value/value_path.h"
#include "value/value.h"
#include <ctype.h>

enum {
    VALUE_PATH_HEAD = 8,   /* steps shown of a long path: the first … */
    VALUE_PATH_TAIL = 4,   /* … and the last */
    VALUE_PATH_CAUGHT = 3, /* first captured variables; of them one last */
    VALUE_PATH_KEY = 40,   /* bytes shown of a key */
};

static bool
value_path_is_name(const char *s, size_t n)
{
    if (!n || n > VALUE_PATH_KEY || isdigit((unsigned char)*s))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && s[i] != '_')
            return false;
    return true;
}

static void
value_path_quoted(Buf *to, const char *s, size_t n)
{
    buf_puts(to, "[\"");
    for (size_t i = 0; i < n && i < VALUE_PATH_KEY; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '"' || c == '\\')
            buf_printf(to, "\\%c", c);
        else if (c < ' ' || c >= 0x7F)
            buf_printf(to, "\\x%02X", c);
        else
            buf_putc(to, (char)c);
    }
    buf_puts(to, n > VALUE_PATH_KEY ? "...\"]" : "\"]");
}

static void
value_path_key(Buf *to, lua_State *L, int at)
{
    size_t n;
    const char *s;
    switch (lua_type(L, at)) {
    case LUA_TSTRING:
        s = lua_tolstring(L, at, &n);
        if (value_path_is_name(s, n))
            buf_printf(to, ".%s", s);
        else
            value_path_quoted(to, s, n);
        break;
    case LUA_TBOOLEAN:
        buf_puts(to, lua_toboolean(L, at) ? "[true]" : "[false]");
        break;
    default:
        if (lua_isinteger(L, at))
            buf_printf(to, "[%lld]", (long long)lua_tointeger(L, at));
        else
            buf_printf(to, "[%.17g]", lua_tonumber(L, at));
    }
}

/* " (plan.lua:12) captures 'sock", the quote left open for keys to come. */
static void
value_path_upvalue(Buf *to, lua_State *L, const ValueStep *s, bool again)
{
    lua_Debug ar;
    lua_pushvalue(L, s->at);
    lua_getinfo(L, ">S", &ar);
    const char *name = lua_getupvalue(L, s->at, s->upvalue);
    lua_pop(L, 1);
    buf_printf(to, "%s (%s:%d)%s captures '%s", again ? "'" : "", ar.short_src,
               ar.linedefined, again ? ", which" : "",
               name && *name ? name : "?");
}

/* Is the step, the `nth` with `left` behind it, of a long path's middle? The
 * first captured variable never is. */
static bool
value_path_hides(const ValueStep *s, int nth, int left, bool inside)
{
    if (s->upvalue)
        return inside && nth > VALUE_PATH_CAUGHT && left > 0;
    return nth > VALUE_PATH_HEAD && left >= VALUE_PATH_TAIL;
}

void
value_path_say(lua_State *L, const char *name, const ValueStep *last,
               const char *plain, const char *captured, Buf *to)
{
    const ValueStep *steps[VALUE_MAX_DEPTH + 1];
    int n = 0;
    bool inside = false, skips = false;
    for (; last && n <= VALUE_MAX_DEPTH; last = last->up)
        steps[n++] = last;
    buf_puts(to, name);
    for (int i = n - 1; i >= 0; i--) {
        if (value_path_hides(steps[i], n - i, i, inside)) {
            buf_puts(to, skips ? "" : "...");
            skips = true;
            continue;
        }
        skips = false;
        if (steps[i]->upvalue)
            value_path_upvalue(to, L, steps[i], inside);
        else
            value_path_key(to, L, steps[i]->at);
        inside = inside || steps[i]->upvalue;
    }
    if (inside)
        buf_printf(to, "', %s; pass what it needs in input", captured);
    else
        buf_printf(to, ": %s", plain);
}
