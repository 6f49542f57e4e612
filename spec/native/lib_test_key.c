/* lib_test_key.c — content keys of tasks, as the specs see them.
 *
 * Only in the test build, as require("orun.test").key.
 */
#include "base/err.h"
#include "base/mem.h"
#include "journal/key.h"
#include "journal/key_files.h"
#include "lib_test.h"
#include "task/agent.h"
#include "task/writes.h"
#include <lauxlib.h>

#define TEST_KEY_BOX "orun.test.key"

enum { KEY_BOX_VALUES = 8, KEY_BOX_LISTS = 8 };

/* All that a KeyParts is made of, given back whatever happens. The texts in the
 * lists are those of the Lua strings, which their tables hold. */
typedef struct KeyBox {
    Value *values[KEY_BOX_VALUES];
    char **lists[KEY_BOX_LISTS];
    size_t values_n, lists_n;
    AgentType agent;
    Writes reads, writes;
    Buf why, parts;
} KeyBox;

static int
lib_key_gc(lua_State *L)
{
    KeyBox *box = lua_touserdata(L, 1);
    for (size_t i = 0; i < box->values_n; i++)
        value_drop(box->values[i]);
    for (size_t i = 0; i < box->lists_n; i++)
        mem_free(box->lists[i]);
    buf_free(&box->why);
    buf_free(&box->parts);
    *box = (KeyBox){ 0 };
    return 0;
}

/* Field `name` of the table at `idx` as a Value, NULL when it is nil. */
static const Value *
lib_key_value(lua_State *L, int idx, KeyBox *box, const char *name)
{
    Value *v = NULL;
    if (lua_getfield(L, idx, name) != LUA_TNIL
        && value_encode(L, -1, name, NULL, &v, &box->why))
        luaL_error(L, "%s", buf_cstr(&box->why));
    lua_pop(L, 1);
    if (v)
        box->values[box->values_n++] = v;
    return v;
}

/* The texts of the array that is field `name`, and a NULL; NULL when it is
 * nil. */
static char **
lib_key_list(lua_State *L, int idx, KeyBox *box, const char *name, size_t *n)
{
    *n = 0;
    char **list = NULL;
    if (lua_getfield(L, idx, name) == LUA_TTABLE) {
        *n = lua_rawlen(L, -1);
        list = mem_zalloc(*n + 1, sizeof *list);
        if (!list)
            luaL_error(L, "out of memory");
        box->lists[box->lists_n++] = list;
        for (size_t i = 0; i < *n; i++) {
            lua_rawgeti(L, -1, (lua_Integer)i + 1);
            list[i] = (char *)(uintptr_t)luaL_checkstring(L, -1);
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
    return list;
}

static const char *
lib_key_text(lua_State *L, int idx, const char *name)
{
    lua_getfield(L, idx, name);
    const char *s = luaL_optstring(L, -1, NULL); /* the table holds it */
    lua_pop(L, 1);
    return s;
}

static uint8_t
lib_key_permissions(lua_State *L, int idx)
{
    const char *s = lib_key_text(L, idx, "permissions");
    return s ? (uint8_t)task_permission_find(s) : 0;
}

/* The type that field `agent` describes, or NULL. */
static const AgentType *
lib_key_agent(lua_State *L, KeyBox *box)
{
    size_t n;
    AgentType *a = &box->agent;
    if (lua_getfield(L, 1, "agent") != LUA_TTABLE)
        return lua_pop(L, 1), NULL;
    int at = lua_gettop(L);
    a->name = (char *)(uintptr_t)lib_key_text(L, at, "name");
    a->description = (char *)(uintptr_t)lib_key_text(L, at, "description");
    a->code = (Value *)(uintptr_t)lib_key_value(L, at, box, "run");
    a->argv = lib_key_list(L, at, box, "command", &n);
    a->kind = a->argv ? TASK_PROCESS : TASK_LUA;
    a->opt.env = lib_key_list(L, at, box, "env", &n);
    a->opt.cwd = (char *)(uintptr_t)lib_key_text(L, at, "cwd");
    a->opt.permissions = lib_key_permissions(L, at);
    a->opt.timeout = lib_test_number(L, at, "timeout", 0);
    lua_pop(L, 1);
    return a;
}

static const Writes *
lib_key_paths(lua_State *L, KeyBox *box, const char *name, Writes *w)
{
    w->paths = lib_key_list(L, 1, box, name, &w->n);
    return w->paths ? w : NULL;
}

static void
lib_key_read(lua_State *L, KeyBox *box, KeyParts *k)
{
    size_t n;
    k->key = lib_key_text(L, 1, "key");
    k->agent = lib_key_agent(L, box);
    k->code = lib_key_value(L, 1, box, "run");
    k->argv = lib_key_list(L, 1, box, "command", &n);
    k->prompt = lib_key_value(L, 1, box, "prompt");
    k->input = lib_key_value(L, 1, box, "input");
    k->schema = lib_key_value(L, 1, box, "schema");
    k->model = lib_key_text(L, 1, "model");
    k->permissions = lib_key_permissions(L, 1);
    k->cwd = lib_key_text(L, 1, "cwd");
    k->env = lib_key_list(L, 1, box, "env", &n);
    k->worktree = lib_test_flag(L, 1, "worktree");
    k->base = lib_key_text(L, 1, "base");
    k->max_output = (size_t)lib_test_number(L, 1, "max_output", 0);
    k->reads = lib_key_paths(L, box, "reads", &box->reads);
    k->writes = lib_key_paths(L, box, "writes", &box->writes);
    k->root = lib_key_text(L, 1, "root");
}

/* content{agent={run= or command=, …}, run=, prompt=, …, blockers={texts of 16
 * bytes}} → hex, parts; or nil and the name of the error. */
static int
lib_key_content(lua_State *L)
{
    static const luaL_Reg none[] = { { NULL, NULL } };
    KeyParts k = { 0 };
    unsigned char hash[DIGEST_SIZE], blockers[8][KEY_SIZE] = { 0 };
    char hex[DIGEST_HEX + 1];
    lua_settop(L, 1);
    KeyBox *box = lib_test_object(L, TEST_KEY_BOX, sizeof *box, none,
                                  lib_key_gc);
    lib_key_read(L, box, &k);
    char **outcomes = lib_key_list(L, 1, box, "blockers", &k.blocker_count);
    for (size_t i = 0; i < k.blocker_count && i < countof(blockers); i++)
        memcpy(blockers[i], outcomes[i], strnlen(outcomes[i], KEY_SIZE));
    k.blockers = blockers;
    lib_test_arm();
    int error = key_content(&k, hash, &box->parts);
    lib_test_disarm();
    if (error)
        return lib_test_error(L, error);
    digest_hex(hash, sizeof hash, hex);
    lua_pushstring(L, hex);
    lua_pushlstring(L, box->parts.n ? box->parts.p : "", box->parts.n);
    return 2;
}

/* differs(was, is) → text; or nil and the name of the error. */
static int
lib_key_differs(lua_State *L)
{
    static const luaL_Reg none[] = { { NULL, NULL } };
    size_t was_n, is_n;
    const char *was = luaL_checklstring(L, 1, &was_n);
    const char *is = luaL_checklstring(L, 2, &is_n);
    KeyBox *box = lib_test_object(L, TEST_KEY_BOX, sizeof *box, none,
                                  lib_key_gc);
    int error = key_differs(was, was_n, is, is_n, &box->why);
    if (error)
        return lib_test_error(L, error);
    lua_pushstring(L, buf_cstr(&box->why));
    return 1;
}

/* files(path, {paths that do not count}) → hex */
static int
lib_key_files(lua_State *L)
{
    static const luaL_Reg none[] = { { NULL, NULL } };
    unsigned char hash[DIGEST_SIZE];
    char hex[DIGEST_HEX + 1];
    size_t n = 0;
    const char *path = luaL_checkstring(L, 1);
    lua_settop(L, 2);
    KeyBox *box = lib_test_object(L, TEST_KEY_BOX, sizeof *box, none,
                                  lib_key_gc);
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, "but");
    char **but = lib_key_list(L, lua_gettop(L), box, "but", &n);
    lib_test_arm();
    int error = key_files_hash(path, but, n, hash);
    lib_test_disarm();
    if (error)
        return lib_test_error(L, error);
    digest_hex(hash, sizeof hash, hex);
    lua_pushstring(L, hex);
    return 1;
}

int
luaopen_test_key(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "content", lib_key_content },
        { "differs", lib_key_differs },
        { "files", lib_key_files },
        { NULL, NULL },
    };
    luaL_newlib(L, functions);
    return 1;
}
