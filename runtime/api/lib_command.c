/* lib_command.c — command lines in Lua: arrays of arguments. */
#include "api/lib_command.h"
#include "api/lib_arg.h"
#include "api/lib_orun.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include <lauxlib.h>

enum {
    LIB_COMMAND_WORDS = 100000,
    LIB_COMMAND_WORD = 128 << 10, /* bytes of one; the system takes no more */
    LIB_COMMAND_TITLE = 60,       /* bytes of a title made of a command */
};

/* Entry i must be something that can be an argument. */
static void
lib_command_check(lua_State *L, const char *fn, int idx, lua_Integer i)
{
    const char *name = lua_pushfstring(L, "command[%I]", (LUAI_UACINT)i);
    lua_rawgeti(L, idx, i);
    int type = lua_type(L, -1);
    if (type == LUA_TNUMBER)
        (void)lua_tostring(L, -1); /* becomes one, in place */
    else if (type != LUA_TSTRING)
        arg_error(L, fn, name, lua_gettop(L), "expected a string or a number");
    const char *s = arg_text(L, fn, name, lua_gettop(L), LIB_COMMAND_WORD);
    if (i == 1 && !*s)
        luaL_error(L, "%s: command[1] is empty; it is the program", fn);
    lua_pop(L, 2);
}

lua_Integer
lib_check_command(lua_State *L, const char *fn, int idx)
{
    if (lua_type(L, idx) == LUA_TSTRING)
        arg_error(L, fn, "command", idx,
                  "expected an array of arguments, such "
                  "as {\"ls\", \"-l\"}; for a shell line write "
                  "{\"sh\", \"-c\", line}");
    if (lua_type(L, idx) != LUA_TTABLE)
        arg_error(L, fn, "command", idx,
                  "expected an array of arguments, such "
                  "as {\"ls\", \"-l\"}");
    lua_Integer n = arg_array(L, fn, "command", idx, LIB_COMMAND_WORDS);
    if (n == 0)
        luaL_error(L,
                   "%s: command is empty; its first entry is the program, "
                   "as in {\"ls\", \"-l\"}",
                   fn);
    for (lua_Integer i = 1; i <= n; i++)
        lib_command_check(L, fn, idx, i);
    return n;
}

void
lib_command_strings(lua_State *L, int idx, lua_Integer n)
{
    idx = lua_absindex(L, idx);
    lua_createtable(L, (int)n, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, idx, i);
        (void)lua_tostring(L, -1); /* of a number: in place */
        lua_rawseti(L, -2, i);
    }
}

char **
lib_command_copy(lua_State *L, int idx, lua_Integer n)
{
    char **argv = mem_zalloc((size_t)n + 1, sizeof *argv);
    for (lua_Integer i = 1; argv && i <= n; i++) {
        size_t size;
        lua_rawgeti(L, idx, i);
        const char *s = lua_tolstring(L, -1, &size);
        argv[i - 1] = mem_dup(s, size);
        lua_pop(L, 1);
        if (!argv[i - 1]) {
            task_strings_free(argv);
            return NULL;
        }
    }
    return argv;
}

/* Where a title that is cut at n bytes ends: no character is cut in two. */
static size_t
lib_command_cut(const char *s, size_t n)
{
    while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
        n--;
    return n;
}

/* How much of a text its title is made of: what is shown, and so much more that
 * a secret across the cut is recognized. */
static size_t
lib_command_enough(void)
{
    return LIB_COMMAND_TITLE + 4 + secret_longest();
}

/* The text as a title, which frees it: first without secrets, then cut. */
static char *
lib_command_short(Buf *text)
{
    Buf title = { 0 };
    if (!buf_failed(text))
        secret_mask(text->p, text->n, 0, text->n, &title);
    bool failed = buf_failed(text) || buf_failed(&title);
    buf_free(text);
    if (!failed && title.n > LIB_COMMAND_TITLE) {
        title.n = lib_command_cut(title.p, LIB_COMMAND_TITLE - 3);
        buf_puts(&title, "...");
    }
    for (size_t i = 0; !failed && i < title.n; i++)
        if ((unsigned char)title.p[i] < ' ')
            title.p[i] = ' ';
    if (!failed)
        return buf_take(&title);
    buf_free(&title);
    return NULL;
}

char *
lib_command_title(char *const *argv)
{
    Buf text = { 0 };
    size_t most = lib_command_enough();
    for (size_t i = 0; argv[i] && text.n <= most; i++) {
        if (i)
            buf_putc(&text, ' ');
        buf_put(&text, argv[i], strnlen(argv[i], most));
    }
    return lib_command_short(&text);
}

int
lib_command_prompt_title(const char *prompt, char **title)
{
    prompt += strspn(prompt, " \t\r\n\v\f");
    size_t n = strcspn(prompt, "\r\n");
    size_t most = lib_command_enough();
    Buf line = { 0 };
    *title = NULL;
    if (n == 0)
        return 0;
    buf_put(&line, prompt, n < most ? n : most);
    *title = lib_command_short(&line);
    return *title ? 0 : ORUN_ENOMEM;
}
