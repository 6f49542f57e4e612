/* sanitize.c — sanitized text moves no cursor and hides nothing. */
#include "base/sanitize.h"
#include "fuzz.h"

/* Valid UTF-8 without control characters, but those in `fine`. */
static void
sanitize_check(lua_State *L, const Buf *shown, const char *fine)
{
    for (size_t i = 0; i < shown->n; i++) {
        unsigned char c = (unsigned char)shown->p[i];
        FUZZ_MUST((c >= 0x20 && c != 0x7f) || (c && strchr(fine, c)));
    }
    lua_getglobal(L, "utf8");
    lua_getfield(L, -1, "len");
    lua_pushlstring(L, shown->p ? shown->p : "", shown->n);
    FUZZ_MUST(lua_pcall(L, 1, 1, 0) == LUA_OK);
    FUZZ_MUST(lua_isinteger(L, -1));
    lua_settop(L, 0);
}

FUZZ(data, n)
{
    lua_State *L = fuzz_state();
    Buf line = { 0 }, text = { 0 }, print = { 0 }, cut = { 0 };
    const char *p = (const char *)data;
    sanitize_put(&line, p, n, SANITIZE_LINE);
    sanitize_check(L, &line, "");
    sanitize_put(&text, p, n, SANITIZE_TEXT);
    sanitize_check(L, &text, "\n\t\r");
    sanitize_put(&print, p, n, SANITIZE_PRINT);
    sanitize_check(L, &print, "\n\t\r\033");
    sanitize_cut(&cut, p, n, 20);
    sanitize_check(L, &cut, "");
    buf_free(&line);
    buf_free(&text);
    buf_free(&print);
    buf_free(&cut);
    return 0;
}
