/* fuzz.h — what a fuzz target stands on.
 *
 * A target is one file NAME.c with one function, FUZZ(data, n), that hands the
 * bytes to a part of orun and checks with FUZZ_MUST what comes back. It is
 * built twice: with libFuzzer (`make fuzz`), and with driver.c, which the suite
 * runs over spec/fuzz/corpus/NAME. A part that is not in the library is named
 * in the Makefile (see $(BUILD)/fuzz/spawn).
 *
 * Bytes that are to mean several things are taken apart with a FuzzBytes: what
 * is asked for beyond the end is 0.
 */
#ifndef ORUN_FUZZ_H
#define ORUN_FUZZ_H

#include "base/base.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

#define FUZZ(data, n) \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n); \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)

#define FUZZ_MUST(x) \
    do { \
        if (!(x)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x); \
            abort(); \
        } \
    } while (0)

typedef struct FuzzBytes {
    const uint8_t *p;
    size_t n;
} FuzzBytes;

static inline uint8_t
fuzz_byte(FuzzBytes *b)
{
    return b->n ? b->n--, *b->p++ : 0;
}

/* Fill `to` with the next `size` bytes. */
static inline void
fuzz_fill(FuzzBytes *b, void *to, size_t size)
{
    size_t n = size < b->n ? size : b->n;
    memset(to, 0, size);
    if (n)
        memcpy(to, b->p, n);
    b->p += n;
    b->n -= n;
}

/* At most `most` bytes, as a new C block with a NUL behind them (none of them
 * is one when it is to be `text`); free it. */
static inline char *
fuzz_string(FuzzBytes *b, size_t most, bool text, size_t *length)
{
    size_t n = fuzz_byte(b);
    n = n > most ? most : n;
    n = n > b->n ? b->n : n;
    char *s = malloc(n + 1);
    FUZZ_MUST(s);
    fuzz_fill(b, s, n);
    s[n] = '\0';
    for (size_t i = 0; text && i < n; i++)
        s[i] = s[i] ? s[i] : ' ';
    if (length)
        *length = n;
    return s;
}

/* A state with the libraries and, as a global, `same(a, b)`: are they equal,
 * tables by what is in them and functions by what they capture? A new one from
 * time to time: nothing may pile up in it. */
static inline lua_State *
fuzz_state(void)
{
    static const char same[] =
        "local getupvalue = debug.getupvalue\n"
        "local function same(a, b, seen)\n"
        "  local kind = math.type(a) or type(a)\n"
        "  if kind ~= (math.type(b) or type(b)) then return false end\n"
        "  if kind ~= 'table' and kind ~= 'function' then\n"
        "    return a == b or (a ~= a and b ~= b)\n"
        "  end\n"
        "  if seen[a] or a == b then return a == b or seen[a] == b end\n"
        "  seen[a] = b\n"
        "  if kind == 'function' then\n"
        "    for i = 1, 255 do\n"
        "      local name, x = getupvalue(a, i)\n"
        "      local other, y = getupvalue(b, i)\n"
        "      if name ~= other or not same(x, y, seen) then return false end\n"
        "      if not name then return true end\n"
        "    end\n"
        "  end\n"
        "  for k, v in next, a do\n"
        "    if not same(v, rawget(b, k), seen) then return false end\n"
        "  end\n"
        "  for k in next, b do\n"
        "    if rawget(a, k) == nil then return false end\n"
        "  end\n"
        "  return true\n"
        "end\n"
        "function _G.same(a, b) return same(a, b, {}) end\n";
    static lua_State *L;
    static unsigned uses;
    if (L && ++uses % 5000 == 0) {
        lua_close(L);
        L = NULL;
    }
    if (!L) {
        L = luaL_newstate();
        FUZZ_MUST(L);
        luaL_openlibs(L);
        FUZZ_MUST(luaL_dostring(L, same) == LUA_OK);
    }
    lua_settop(L, 0);
    return L;
}

/* Are the values at a and b (absolute) the same? */
static inline bool
fuzz_same(lua_State *L, int a, int b)
{
    lua_getglobal(L, "same");
    lua_pushvalue(L, a);
    lua_pushvalue(L, b);
    int status = lua_pcall(L, 2, 1, 0);
    if (status != LUA_OK)
        fprintf(stderr, "same: %s\n", lua_tostring(L, -1));
    FUZZ_MUST(status == LUA_OK);
    bool same = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return same;
}

#endif
