/* lib_kept.c — a store and its facts, as a userdata and tables. */
#include "api/lib_kept.h"
#include "api/lib_class.h"
#include "base/err.h"
#include "journal/journal_folder.h"
#include "store/fact.h"
#include "store/store.h"
#include "task/task.h"
#include "task/task_report.h"
#include "value/field.h"
#include "value/value.h"
#include <endian.h>
#include <errno.h>
#include <lauxlib.h>

#define KEPT_TYPE "orun.kept"

/* What a call needs in C is here, so that a Lua error leaks none of it. */
typedef struct LibKept {
    Store *store; /* NULL: it is closed */
    Buf body, why;
    Value *value;
    char **files;
} LibKept;

static LibKept *
lib_kept_self(lua_State *L)
{
    LibKept *k = luaL_checkudata(L, 1, KEPT_TYPE);
    if (!k->store)
        luaL_error(L, "this store is closed");
    return k;
}

static int
lib_kept_close(lua_State *L)
{
    LibKept *k = luaL_checkudata(L, 1, KEPT_TYPE);
    store_close(k->store);
    k->store = NULL;
    buf_free(&k->body);
    buf_free(&k->why);
    value_drop(k->value);
    k->value = NULL;
    task_strings_free(k->files);
    k->files = NULL;
    return 0;
}

/* nil and why. */
static int
lib_kept_failed(lua_State *L, LibKept *k, int error)
{
    lua_pushnil(L);
    lua_pushstring(L, k->why.n ? buf_cstr(&k->why) : err_text(error));
    buf_clear(&k->why);
    return 2;
}

/* ---- fields ---- */

/* Is the name at `name` (a stack index, 0: all are) wanted? */
static bool
lib_kept_wants(lua_State *L, int names, const char *name)
{
    bool wanted = names == 0;
    for (lua_Integer i = 1; !wanted; i++) {
        if (lua_rawgeti(L, names, i) == LUA_TNIL) {
            lua_pop(L, 1);
            return false;
        }
        wanted = lua_type(L, -1) == LUA_TSTRING
            && strcmp(lua_tostring(L, -1), name) == 0;
        lua_pop(L, 1);
    }
    return wanted;
}

/* The table at field `name` of the one on top, made where there is none. */
static void
lib_kept_push_list(lua_State *L, const char *name)
{
    if (lua_getfield(L, -1, name) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, name);
}

static void
lib_kept_set_usage(lua_State *L, const FactField *f)
{
    uint64_t n;
    if (f->n != 9 || f->p[0] >= REPORT_COUNT_KINDS)
        return;
    memcpy(&n, f->p + 1, sizeof n);
    lib_kept_push_list(L, "usage");
    field_set_integer(L, report_counts[f->p[0]], (lua_Integer)le64toh(n));
    lua_pop(L, 1);
}

static void
lib_kept_set(lua_State *L, const char *name, FactForm form, const FactField *f)
{
    int64_t whole;
    double number;
    if (f->tag == FACT_TAG_USAGE) {
        lib_kept_set_usage(L, f);
    } else if (f->tag == FACT_TAG_ARGUMENT) {
        lib_kept_push_list(L, name);
        lua_pushlstring(L, (const char *)f->p, f->n);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
        lua_pop(L, 1);
    } else if (form == FACT_AS_TEXT) {
        lua_pushlstring(L, (const char *)f->p, f->n);
        lua_setfield(L, -2, name);
    } else if (form == FACT_AS_DATA) {
        field_set_integer(L, name, (lua_Integer)f->n);
    } else if (form == FACT_AS_INT && fact_int(f, &whole)) {
        field_set_integer(L, name, (lua_Integer)whole);
    } else if (form == FACT_AS_NUMBER && fact_number(f, &number)) {
        field_set_number(L, name, number);
    } else {
        field_set_boolean(L, "damaged", true);
    }
}

/* Set the fields of a body in the table on top; those that are wanted. */
static void
lib_kept_set_fields(lua_State *L, int names, const void *body, size_t n)
{
    FactField f;
    int more;
    fact_first(&f, body, n);
    while ((more = fact_next(&f)) > 0) {
        FactForm form;
        const char *name = fact_tag_name(f.tag, &form);
        if (name && lib_kept_wants(L, names, name))
            lib_kept_set(L, name, form, &f);
    }
    if (more < 0)
        field_set_boolean(L, "damaged", true);
}

/* ---- what the callbacks of a store do, protected ---- */

/* A store must not be left by a Lua error, so its callbacks run in a call of
 * their own; the error is the result, and raised when the store is left. */
typedef struct LibKeptCall {
    lua_State *L;
    LibKept *kept;
    const void *given;  /* StoredRun or StoredFact */
    lua_CFunction each; /* (call, what each call of it gets) */
    int result;         /* of `each`; 0: go on */
    bool failed;        /* an error is on top */
    const char *name;   /* of the field that is looked for … */
    uint64_t seq;       /* … in this fact */
} LibKeptCall;

enum { KEPT_FOUND = 1, KEPT_RAISED = -1000 };

static int
lib_kept_each(LibKeptCall *c, const void *given)
{
    lua_State *L = c->L;
    int top = lua_gettop(L);
    c->given = given;
    c->result = 0;
    lua_pushcfunction(L, c->each);
    lua_pushlightuserdata(L, c);
    lua_pushvalue(L, 2);   /* what the method was given */
    lua_pushvalue(L, top); /* the list that is made */
    c->failed = lua_pcall(L, 3, 0, 0) != LUA_OK;
    return c->failed ? KEPT_RAISED : c->result;
}

static int
lib_kept_each_run(void *ctx, const StoredRun *run)
{
    return lib_kept_each(ctx, run);
}

static int
lib_kept_each_fact(void *ctx, const StoredFact *f)
{
    return lib_kept_each(ctx, f);
}

/* Add the table on top to the list below it. */
static void
lib_kept_add(lua_State *L)
{
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

/* (call, nil, list) */
static int
lib_kept_add_run(lua_State *L)
{
    const LibKeptCall *c = lua_touserdata(L, 1);
    const StoredRun *run = c->given;
    lua_createtable(L, 0, 8);
    field_set_string(L, "id", run->id);
    field_set_integer(L, "epoch", (lua_Integer)run->epoch);
    field_set_number(L, "begun", run->begun);
    field_set_integer(L, "facts", (lua_Integer)run->facts);
    field_set_integer(L, "bytes", (lua_Integer)run->bytes);
    lua_newtable(L);
    if (run->run)
        lib_kept_set_fields(L, 0, run->run, run->run_size);
    lua_setfield(L, -2, "run");
    if (run->end) {
        lua_newtable(L);
        lib_kept_set_fields(L, 0, run->end, run->end_size);
        lua_setfield(L, -2, "ended");
    }
    lib_kept_add(L);
    return 0;
}

/* The whole body of a fact: in place, or read into k->body. NULL: it cannot be
 * read, and the error is *e. */
static const char *
lib_kept_body(LibKept *k, const StoredFact *f, int *e)
{
    *e = 0;
    if (f->body)
        return f->body;
    buf_clear(&k->body);
    *e = store_body(k->store, f, &k->body, &k->why);
    return *e ? NULL : buf_cstr(&k->body);
}

/* (call, names or nil, list) */
static int
lib_kept_add_fact(lua_State *L)
{
    static const char digits[] = "0123456789abcdef";
    const LibKeptCall *c = lua_touserdata(L, 1);
    const StoredFact *f = c->given;
    char key[2 * KEY_SIZE];
    for (int i = 0; i < KEY_SIZE; i++) {
        key[2 * i] = digits[f->key[i] >> 4];
        key[2 * i + 1] = digits[f->key[i] & 15];
    }
    int e;
    const char *body = lib_kept_body(c->kept, f, &e);
    lua_createtable(L, 0, 8);
    field_set_integer(L, "seq", (lua_Integer)f->seq);
    field_set_string(L, "fact", store_kind_name(f->kind));
    lua_pushlstring(L, key, sizeof key);
    lua_setfield(L, -2, "fact_key");
    field_set_integer(L, "size", (lua_Integer)f->size);
    if (body)
        lib_kept_set_fields(L, lua_istable(L, 2) ? 2 : 0, body, f->size);
    else
        field_set_boolean(L, "damaged", true);
    buf_clear(&c->kept->why);
    lib_kept_add(L);
    return 0;
}

/* (call, run, list): the bytes of the field into the list, if it is this fact.
 */
static int
lib_kept_find(lua_State *L)
{
    LibKeptCall *c = lua_touserdata(L, 1);
    const StoredFact *f = c->given;
    FactField field;
    FactForm form;
    if (f->seq != c->seq)
        return 0;
    const char *body = lib_kept_body(c->kept, f, &c->result);
    if (!body)
        return 0;
    c->result = KEPT_FOUND;
    fact_first(&field, body, f->size);
    while (fact_next(&field) > 0) {
        const char *name = fact_tag_name(field.tag, &form);
        if (!name || strcmp(name, c->name) != 0)
            continue;
        lua_pushlstring(L, (const char *)field.p, field.n);
        lib_kept_add(L);
        return 0;
    }
    return 0;
}

/* Raise, or give the list on top; what a store says. */
static int
lib_kept_end(lua_State *L, const LibKeptCall *c, int e)
{
    if (c->failed && lua_type(L, -1) == LUA_TSTRING) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    if (c->failed)
        return lua_error(L);
    return e < 0 ? lib_kept_failed(L, c->kept, e) : 1;
}

/* ---- methods ---- */

static int
lib_kept_runs(lua_State *L)
{
    LibKeptCall c = { .L = L,
                      .kept = lib_kept_self(L),
                      .each = lib_kept_add_run };
    lua_settop(L, 1);
    lua_pushnil(L);
    lua_newtable(L);
    int e = store_runs(c.kept->store, lib_kept_each_run, &c, &c.kept->why);
    return lib_kept_end(L, &c, e);
}

static int
lib_kept_facts(lua_State *L)
{
    LibKeptCall c = { .L = L,
                      .kept = lib_kept_self(L),
                      .each = lib_kept_add_fact };
    const char *run = luaL_checkstring(L, 2);
    lua_settop(L, 3);
    lua_remove(L, 2);
    lua_pushstring(L, run); /* it must stay */
    lua_newtable(L);
    int e = store_load(c.kept->store, lua_tostring(L, 3), lib_kept_each_fact,
                       &c, &c.kept->why);
    return lib_kept_end(L, &c, e);
}

static int
lib_kept_data(lua_State *L)
{
    LibKeptCall c = { .L = L, .kept = lib_kept_self(L), .each = lib_kept_find };
    const char *run = luaL_checkstring(L, 2);
    c.seq = (uint64_t)luaL_checkinteger(L, 3);
    c.name = luaL_checkstring(L, 4);
    lua_settop(L, 4);
    lua_newtable(L);
    int e = store_load(c.kept->store, run, lib_kept_each_fact, &c,
                       &c.kept->why);
    if (c.failed || e < 0)
        return lib_kept_end(L, &c, e);
    lua_rawgeti(L, -1, 1);
    return 1;
}

/* (userdata): push what its Value is. */
static int
lib_kept_decode(lua_State *L)
{
    const LibKept *k = luaL_checkudata(L, 1, KEPT_TYPE);
    value_decode(L, k->value, &value_data);
    return 1;
}

static int
lib_kept_value(lua_State *L)
{
    size_t n;
    LibKept *k = lib_kept_self(L);
    int pushed = lib_kept_data(L);
    const char *p = lua_tolstring(L, pushed > 1 ? -2 : -1, &n);
    if (pushed > 1)
        return pushed;
    if (!p) {
        lua_pushboolean(L, false);
        return 1;
    }
    k->value = value_import(p, n, false);
    if (!k->value)
        return luaL_error(L, "%s", err_text(ORUN_ENOMEM));
    lua_pushcfunction(L, lib_kept_decode);
    lua_pushvalue(L, 1);
    bool failed = lua_pcall(L, 1, 1, 0) != LUA_OK;
    value_drop(k->value);
    k->value = NULL;
    if (failed)
        lua_pushnil(L);
    else
        lua_pushboolean(L, true);
    lua_insert(L, -2);
    return 2;
}

/* ---- functions ---- */

/* What owns the C memory of a call, on top of the stack. */
static LibKept *
lib_kept_new(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "runs", lib_kept_runs },     { "facts", lib_kept_facts },
        { "data", lib_kept_data },     { "value", lib_kept_value },
        { "close", lib_kept_close },   { "__gc", lib_kept_close },
        { "__close", lib_kept_close }, { NULL, NULL },
    };
    LibKept *k = lua_newuserdatauv(L, sizeof *k, 0);
    *k = (LibKept){ .store = NULL };
    lib_class_set(L, KEPT_TYPE, methods);
    return k;
}

int
lib_kept_open(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    LibKept *k = lib_kept_new(L);
    int e = store_open(path, STORE_READ | STORE_EXISTS, &k->store, &k->why);
    return e ? lib_kept_failed(L, k, e) : 1;
}

int
lib_kept_used(lua_State *L)
{
    int pid;
    lua_pushboolean(L, store_in_use(luaL_checkstring(L, 1), &pid));
    lua_pushinteger(L, pid);
    return 2;
}

int
lib_kept_files(lua_State *L)
{
    const char *folder = luaL_checkstring(L, 1);
    LibKept *k = lib_kept_new(L);
    k->files = journal_folder_list(folder);
    if (!k->files)
        return luaL_error(L, "%s", err_text(ORUN_ENOMEM));
    lua_newtable(L);
    for (int i = 0; k->files[i]; i++) {
        lua_pushstring(L, k->files[i]);
        lib_kept_add(L);
    }
    return 1;
}

int
lib_kept_forget(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1), *run = luaL_checkstring(L, 2);
    LibKept *k = lib_kept_new(L);
    int e = store_open(path, STORE_EXISTS, &k->store, &k->why);
    if (e == 0)
        e = store_forget(k->store, run, &k->why);
    if (e)
        return lib_kept_failed(L, k, e);
    e = store_close(k->store);
    k->store = NULL;
    if (e)
        return lib_kept_failed(L, k, e);
    lua_pushboolean(L, true);
    return 1;
}

int
lib_kept_remove(lua_State *L)
{
    int pid;
    const char *path = luaL_checkstring(L, 1);
    int e = journal_folder_remove(path, &pid);
    lua_pushboolean(L, true);
    if (e == 0)
        return 1;
    lua_pushnil(L);
    if (e == ORUN_ESTATE)
        lua_pushfstring(L, "%s is in use by process %d", path, pid);
    else
        lua_pushfstring(L, "%s cannot be removed: %s", path,
                        e == ORUN_ESYS ? strerror(errno) : err_text(e));
    return 2;
}
