/* view_screen.c — the terminal, and what tasks print, for views. */
#include "view/view_screen.h"
#include "api/lib_orun.h"
#include "api/lib_output.h"
#include "base/log.h"
#include "base/sanitize.h"
#include "base/terminal.h"
#include <lauxlib.h>
#include <unistd.h>

int
view_size(lua_State *L)
{
    TerminalSize size;
    if (!terminal_size(STDERR_FILENO, &size))
        return 0;
    lua_pushinteger(L, size.rows);
    lua_pushinteger(L, size.columns);
    return 2;
}

int
view_fit(lua_State *L)
{
    static const char more[] = "…";
    size_t n;
    int width;
    const char *text = luaL_checklstring(L, 1, &n);
    int columns = (int)luaL_checkinteger(L, 2);
    Buf safe = { 0 };
    sanitize_escape(&safe, text, n, SANITIZE_LINE);
    size_t fits = terminal_fit(safe.p, safe.n, columns, &width);
    bool cut = fits < safe.n;
    if (cut)
        fits = terminal_fit(safe.p, safe.n, columns - 1, &width);
    lua_pushlstring(L, safe.n && !buf_failed(&safe) ? safe.p : "",
                    buf_failed(&safe) ? 0 : fits);
    buf_free(&safe);
    if (cut && columns > 0) {
        lua_pushstring(L, more);
        lua_concat(L, 2);
        width++;
    }
    lua_pushinteger(L, width);
    return 2;
}

int
view_put(lua_State *L)
{
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    log_tell(LOG_INFO, text, n);
    return 0;
}

int
view_open_foot(lua_State *L)
{
    lua_pushboolean(L, terminal_foot_open());
    return 1;
}

int
view_foot(lua_State *L)
{
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    terminal_foot_show(text, n);
    return 0;
}

int
view_close_foot(lua_State *L)
{
    (void)L;
    terminal_foot_close();
    return 0;
}

int
view_push_output(lua_State *L, Engine *h, uint64_t id, bool err,
                 lua_Integer offset, size_t max)
{
    Task *t = board_find(&h->sched.board, id);
    if (!t)
        return 0;
    LibOutput *box = lib_output_box(L);
    LibSource from = lib_source_find(&h->sched, t, err, box);
    if (!from.text && !from.output)
        from.text = "";
    if (offset < 0) {
        size_t back = (size_t)-offset;
        offset = from.size > back ? (lua_Integer)(from.size - back) : 0;
    }
    lib_source_push(L, &from, (size_t)offset, max);
    lua_pushboolean(L, from.final);
    lua_pushinteger(L, from.attempt);
    return 3;
}
