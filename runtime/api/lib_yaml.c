/* lib_yaml.c — YAML text as Lua tables, for front matter.
 *
 * libyaml's events, with bounds: what people write by hand at the head of a
 * file, not all that YAML can say. Aliases are refused, for a few of them in
 * each other are billions of nodes. The parser and the event in hand belong to
 * a userdata, for Lua may raise at any step. libyaml allocates through mem.h:
 * see the Makefile.
 */
#include "api/lib_class.h"
#include "api/lib_orun.h"
#include "base/mem.h"
#include <lauxlib.h>
#include <yaml.h>

#define LIB_YAML_TYPE "orun.yaml"

enum {
    LIB_YAML_MAX = 1 << 20, /* bytes */
    LIB_YAML_DEPTH = 32,
    LIB_YAML_NODES = 10000,
};

typedef struct LibYaml {
    yaml_parser_t parser;
    yaml_event_t event;
    bool parsing, holding; /* are they there? */
    bool wrong, bound;     /* bound: it is YAML, but more than is read here */
    int nodes, depth;
    const char *text;
    size_t line;      /* of what is wrong, from 1 */
    const char *what; /* what that is */
} LibYaml;

/* What libyaml's strdup is linked to. */
char *lib_yaml_strdup(const char *s);

char *
lib_yaml_strdup(const char *s)
{
    return mem_dup(s, strlen(s));
}

static void
lib_yaml_let_go(LibYaml *y)
{
    if (y->holding)
        yaml_event_delete(&y->event);
    y->holding = false;
}

static int
lib_yaml_gc(lua_State *L)
{
    LibYaml *y = lua_touserdata(L, 1);
    lib_yaml_let_go(y);
    if (y->parsing)
        yaml_parser_delete(&y->parser);
    y->parsing = false;
    return 0;
}

static const luaL_Reg lib_yaml_methods[] = {
    { "__gc", lib_yaml_gc },
    { NULL, NULL },
};

static bool
lib_yaml_fail(LibYaml *y, const char *what, size_t line)
{
    y->wrong = true;
    y->what = what;
    y->line = line;
    return false;
}

static bool
lib_yaml_bound(LibYaml *y, const char *what, size_t line)
{
    y->bound = true;
    return lib_yaml_fail(y, what, line);
}

/* The line of a byte, which is all that is known of a bad one. */
static size_t
lib_yaml_line_of(const LibYaml *y, size_t offset)
{
    size_t line = 1;
    for (size_t i = 0; i < offset && y->text[i]; i++)
        line += y->text[i] == '\n';
    return line;
}

/* Where a mistake is seen is often a line after where it was made. */
static bool
lib_yaml_refused(LibYaml *y)
{
    const yaml_parser_t *p = &y->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return lib_yaml_fail(y, NULL, 0);
    if (p->error == YAML_READER_ERROR)
        return lib_yaml_fail(y, p->problem,
                             lib_yaml_line_of(y, p->problem_offset));
    return lib_yaml_fail(y, p->problem ? p->problem : "it is not YAML",
                         p->problem_mark.line + 1);
}

static bool
lib_yaml_next(LibYaml *y)
{
    lib_yaml_let_go(y);
    if (!yaml_parser_parse(&y->parser, &y->event))
        return lib_yaml_refused(y);
    y->holding = true;
    return true;
}

/* The line the event in hand begins on. */
static size_t
lib_yaml_line(const LibYaml *y)
{
    return y->event.start_mark.line + 1;
}

/* Is the scalar in hand one that says "nothing"? */
static bool
lib_yaml_null(const LibYaml *y)
{
    static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
    const char *s = (const char *)y->event.data.scalar.value;
    if (y->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < countof(nulls); i++)
        if (strcmp(s, nulls[i]) == 0)
            return true;
    return false;
}

static void
lib_yaml_push_text(lua_State *L, const LibYaml *y)
{
    lua_pushlstring(L, (const char *)y->event.data.scalar.value,
                    y->event.data.scalar.length);
}

static bool lib_yaml_node(lua_State *L, LibYaml *y);

static bool
lib_yaml_list(lua_State *L, LibYaml *y)
{
    lua_newtable(L);
    for (lua_Integer i = 1;; i++) {
        if (!lib_yaml_next(y))
            return false;
        if (y->event.type == YAML_SEQUENCE_END_EVENT)
            return true;
        size_t line = lib_yaml_line(y);
        if (!lib_yaml_node(L, y))
            return false;
        if (lua_isnil(L, -1))
            return lib_yaml_fail(y, "an entry of the list is empty", line);
        lua_rawseti(L, -2, i);
    }
}

/* The table on top gets the key above it, and the node that comes next; `lines`
 * is where the lines of keys are kept, 0: nowhere. */
static bool
lib_yaml_pair(lua_State *L, LibYaml *y, int lines)
{
    size_t line = lib_yaml_line(y);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) != LUA_TNIL)
        return lib_yaml_fail(y, "duplicate key", line);
    lua_pop(L, 1);
    if (lines) {
        lua_pushvalue(L, -1);
        lua_pushinteger(L, (lua_Integer)line);
        lua_rawset(L, lines);
    }
    if (!lib_yaml_next(y) || !lib_yaml_node(L, y))
        return false;
    lua_rawset(L, -3);
    return true;
}

static bool
lib_yaml_map(lua_State *L, LibYaml *y)
{
    int lines = y->depth == 1 ? 2 : 0;
    lua_newtable(L);
    for (;;) {
        if (!lib_yaml_next(y))
            return false;
        if (y->event.type == YAML_MAPPING_END_EVENT)
            return true;
        if (y->event.type != YAML_SCALAR_EVENT)
            return lib_yaml_fail(y, "a key is not text", lib_yaml_line(y));
        lib_yaml_push_text(L, y);
        if (!lib_yaml_pair(L, y, lines))
            return false;
    }
}

/* ( -- value ) The node that begins with the event in hand. */
static bool
lib_yaml_node(lua_State *L, LibYaml *y)
{
    luaL_checkstack(L, 8, NULL);
    if (++y->nodes > LIB_YAML_NODES)
        return lib_yaml_bound(y, "it has more than 10000 values",
                              lib_yaml_line(y));
    if (y->event.type == YAML_SCALAR_EVENT) {
        if (lib_yaml_null(y))
            lua_pushnil(L);
        else
            lib_yaml_push_text(L, y);
        return true;
    }
    if (y->event.type == YAML_ALIAS_EVENT)
        return (y->depth > 1 ? lib_yaml_bound : lib_yaml_fail)(
            y,
            "an alias (*name) is not understood here; if it is text, put "
            "it in quotes",
            lib_yaml_line(y));
    if (++y->depth > LIB_YAML_DEPTH)
        return lib_yaml_bound(y, "it is nested more than 32 deep",
                              lib_yaml_line(y));
    bool ok = y->event.type == YAML_MAPPING_START_EVENT ? lib_yaml_map(L, y)
                                                        : lib_yaml_list(L, y);
    y->depth--;
    return ok;
}

/* ( -- value ) The one document there may be. */
static bool
lib_yaml_document(lua_State *L, LibYaml *y)
{
    do {
        if (!lib_yaml_next(y))
            return false;
    } while (y->event.type == YAML_STREAM_START_EVENT
             || y->event.type == YAML_DOCUMENT_START_EVENT);
    if (y->event.type == YAML_STREAM_END_EVENT) {
        lua_pushnil(L);
        return true;
    }
    if (!lib_yaml_node(L, y) || !lib_yaml_next(y) || !lib_yaml_next(y))
        return false;
    return y->event.type == YAML_STREAM_END_EVENT
        || lib_yaml_fail(y, "a second document begins", lib_yaml_line(y));
}

/* yaml(text) -> value, lines | nil, message, line, bound. Scalars are strings
 * as they stand, and plain ones that say null are left out; `lines` has the
 * line of each key of the outermost table; `bound`: it is more than is read
 * here, and not malformed. */
int
lib_yaml(lua_State *L)
{
    size_t n;
    lua_settop(L, 1);
    const char *text = luaL_checklstring(L, 1, &n);
    lua_newtable(L);
    LibYaml *y = lua_newuserdatauv(L, sizeof *y, 0);
    *y = (LibYaml){ .text = text };
    lib_class_set(L, LIB_YAML_TYPE, lib_yaml_methods);
    if (n > LIB_YAML_MAX) {
        lib_yaml_bound(y, "it has more than a MiB", 1);
    } else if (!yaml_parser_initialize(&y->parser)) {
        lib_yaml_fail(y, NULL, 0);
    } else {
        y->parsing = true;
        yaml_parser_set_encoding(&y->parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&y->parser, (const unsigned char *)text,
                                     n);
        lib_yaml_document(L, y);
    }
    if (y->wrong && !y->what)
        return luaL_error(L, "not enough memory");
    if (y->wrong) {
        lua_pushnil(L);
        lua_pushstring(L, y->what);
        lua_pushinteger(L, (lua_Integer)y->line);
        lua_pushboolean(L, y->bound);
        return 4;
    }
    lua_pushvalue(L, 2);
    return 2;
}
