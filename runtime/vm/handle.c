/* handle.c — ids and handles. */
#include "vm/handle.h"
#include "value/field.h"
#include <lauxlib.h>
#include <stdio.h>

static const char handle_key; /* its address is the metatable's registry key */

size_t
handle_name(uint64_t id, char out[HANDLE_ID_SIZE])
{
    char digits[HANDLE_ID_SIZE], *p = digits + sizeof digits;
    do
        *--p = (char)('0' + id % 10);
    while ((id /= 10) != 0);
    size_t n = (size_t)(digits + sizeof digits - p);
    out[0] = 't';
    memcpy(out + 1, p, n);
    out[n + 1] = '\0';
    return n + 1;
}

uint64_t
handle_parse(const char *s)
{
    uint64_t id = 0;
    if (*s++ != 't' || *s == '0')
        return 0;
    for (; *s >= '0' && *s <= '9'; s++) {
        if (id > UINT64_MAX / 100)
            return 0;
        id = id * 10 + (uint64_t)(*s - '0');
    }
    return *s ? 0 : id;
}

void
handle_push_id(lua_State *L, const Task *t)
{
    char id[HANDLE_ID_SIZE];
    size_t n = handle_name(t->id, id);
    if (lua_gettop(L) > 0 && lua_type(L, 1) == LUA_TTABLE) {
        lua_pushliteral(L, "id");
        if (lua_rawget(L, 1) == LUA_TSTRING
            && strcmp(lua_tostring(L, -1), id) == 0)
            return;
        lua_pop(L, 1);
    }
    lua_pushlstring(L, id, n);
}

void
handle_push_named(lua_State *L, uint64_t number, const char *description)
{
    char id[HANDLE_ID_SIZE];
    size_t n = handle_name(number, id);
    lua_createtable(L, 0, description ? 2 : 1);
    lua_pushlstring(L, id, n);
    lua_setfield(L, -2, "id");
    field_set_string(L, "description", description);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &handle_key);
    lua_setmetatable(L, -2);
}

void
handle_push(lua_State *L, const Task *t)
{
    handle_push_named(L, t->id, t->description);
}

/* "task t3 (description)" */
static int
handle_to_string(lua_State *L)
{
    const char *text[2] = { "?", NULL };
    static const char *const keys[] = { "id", "description" };
    for (int i = 0; lua_istable(L, 1) && i < 2; i++) {
        lua_pushstring(L, keys[i]);
        if (lua_rawget(L, 1) == LUA_TSTRING)
            text[i] = lua_tostring(L, -1);
    }
    lua_pushfstring(L, text[1] ? "task %s (%s)" : "task %s", text[0], text[1]);
    return 1;
}

/* A field that a handle lacks is nil, or an error if a result has it. */
static int
handle_index(lua_State *L)
{
    static const char *const fields[] = {
        "status",    "output",   "error",    "error_kind", "error_value",
        "traceback", "attempts", "duration", "usage",      "output_file",
        "timed_out", "ok",       "skipped",
    };
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    for (size_t i = 0; i < countof(fields); i++)
        if (strcmp(key, fields[i]) == 0)
            return luaL_error(L,
                              "a handle has no '%s': TaskOutput(handle).%s "
                              "waits for the task and has it; TaskGet(handle) "
                              "returns the task as it is now",
                              key, key);
    return 0;
}

void
handle_open(lua_State *L)
{
    lua_createtable(L, 0, 3);
    lua_pushliteral(L, "orun.handle");
    lua_setfield(L, -2, "__name");
    lua_pushcfunction(L, handle_to_string);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, handle_index);
    lua_setfield(L, -2, "__index");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &handle_key);
}

bool
handle_is(lua_State *L, int idx)
{
    if (!lua_checkstack(L, 3) || !lua_getmetatable(L, idx))
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &handle_key);
    bool is = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is;
}

static uint64_t
handle_at(lua_State *L, int idx, void *ud)
{
    (void)ud;
    if (!handle_is(L, idx))
        return 0;
    uint64_t id = 0;
    idx = lua_absindex(L, idx);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1))
        if (lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING
            && strcmp(lua_tostring(L, -2), "id") == 0)
            id = handle_parse(lua_tostring(L, -1));
    return id;
}

const ValueOps handle_encoding = { .handle = handle_at };
const ValueOps handle_shared = { .handle = handle_at, .json = true };

static void
handle_resolve(lua_State *L, uint64_t id, void *ud)
{
    Sched *s = ud;
    sched_lock(s);
    Task *t = board_held(&s->board, id); /* by the task that decodes */
    Value *v = t && t->state == TASK_COMPLETED ? t->outcome.output : NULL;
    board_unlock(&s->board);
    if (v)
        value_decode(L, v, NULL);
    else
        lua_pushnil(L);
}

/* A captured handle stays a handle. If it names no task (a script can make such
 * a table), the first call that gets it refuses it. */
static void
handle_keep(lua_State *L, uint64_t id, void *ud)
{
    Sched *s = ud;
    const Task *t = board_find(&s->board, id);
    handle_push_named(L, id, t ? t->description : NULL);
}

ValueOps
handle_keeping(Sched *s)
{
    return (ValueOps){ .resolve = handle_keep, .ud = s };
}

ValueOps
handle_decoding(Sched *s)
{
    return (ValueOps){ .resolve = handle_resolve, .ud = s };
}
