/* lib_test_store.c — a store of facts, for the unit specs.
 *
 * An object is one handle. What kept() says is noted in the order in which it
 * came, by the number that append() gave.
 */
#include "base/err.h"
#include "base/mem.h"
#include "lib_test.h"
#include "store/fact.h"
#include "store/store.h"
#include "store/store_file.h"
#include "store/store_schema.h"
#include <lauxlib.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <uv.h>

#define LIB_STORE "orun.test.store"

typedef struct LibStore {
    Store *store;
    uv_mutex_t lock;
    struct LibKept {
        lua_Integer n;
        int error;
    } *kept;
    size_t count, cap;
    lua_Integer next;
} LibStore;

typedef struct LibFact {
    Fact fact;
    LibStore *of;
    lua_Integer n;
} LibFact;

static LibStore *
lib_store(lua_State *L)
{
    LibStore *s = luaL_checkudata(L, 1, LIB_STORE);
    luaL_argcheck(L, s->store, 1, "this store is closed");
    return s;
}

/* nil, "ENAME", why */
static int
lib_store_failed(lua_State *L, int error, Buf *why)
{
    lua_pushnil(L);
    lua_pushstring(L, err_name(error));
    lua_pushstring(L, buf_cstr(why));
    buf_free(why);
    return 3;
}

static void
lib_store_kept(Fact *f, int error)
{
    LibFact *mine = container_of(f, LibFact, fact);
    LibStore *s = mine->of;
    uv_mutex_lock(&s->lock);
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        s->kept = realloc(s->kept, s->cap * sizeof *s->kept);
    }
    s->kept[s->count++] = (struct LibKept){ mine->n, error };
    uv_mutex_unlock(&s->lock);
    buf_free(&f->body);
    free(mine);
}

static void
lib_store_send(LibStore *s, lua_Integer n, int kind, const char *key,
               const char *body, size_t size)
{
    LibFact *f = calloc(1, sizeof *f);
    f->of = s;
    f->n = n;
    f->fact.kind = (uint8_t)kind;
    memcpy(f->fact.key, key, KEY_SIZE);
    buf_put(&f->fact.body, body, size);
    f->fact.kept = lib_store_kept;
    store_append(s->store, &f->fact);
}

/* append(kind, key, body) -> its number; a key is filled up with zeros */
static int
lib_store_append(lua_State *L)
{
    LibStore *s = lib_store(L);
    int kind = (int)luaL_checkinteger(L, 2);
    size_t n, size;
    const char *text = luaL_checklstring(L, 3, &n);
    const char *body = luaL_checklstring(L, 4, &size);
    char key[KEY_SIZE] = { 0 };
    memcpy(key, text, n < KEY_SIZE ? n : KEY_SIZE);
    lib_store_send(s, ++s->next, kind, key, body, size);
    lua_pushinteger(L, s->next);
    return 1;
}

/* kept() -> {{n, error or nil}, …} so far, in order */
static int
lib_store_list_kept(lua_State *L)
{
    LibStore *s = luaL_checkudata(L, 1, LIB_STORE);
    lua_newtable(L);
    uv_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->count; i++) {
        lua_createtable(L, 2, 0);
        lua_pushinteger(L, s->kept[i].n);
        lua_rawseti(L, -2, 1);
        if (s->kept[i].error) {
            lua_pushstring(L, err_name(s->kept[i].error));
            lua_rawseti(L, -2, 2);
        }
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    uv_mutex_unlock(&s->lock);
    return 1;
}

/* true, or nil and the name of an error */
static int
lib_store_result(lua_State *L, int error)
{
    if (error)
        return lib_test_error(L, error);
    lua_pushboolean(L, true);
    return 1;
}

static int
lib_store_flush(lua_State *L)
{
    return lib_store_result(L, store_flush(lib_store(L)->store));
}

static int
lib_store_close(lua_State *L)
{
    LibStore *s = lib_store(L);
    Store *store = s->store;
    s->store = NULL;
    return lib_store_result(L, store_close(store));
}

/* fault() -> nil, or the name of an error and why */
static int
lib_store_fault(lua_State *L)
{
    LibStore *s = lib_store(L);
    Buf why = { 0 };
    int error = store_fault(s->store, &why);
    if (!error) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushstring(L, err_name(error));
    lua_pushstring(L, buf_cstr(&why));
    buf_free(&why);
    return 2;
}

/* begin(run or nil) -> id, epoch */
static int
lib_store_begin(lua_State *L)
{
    LibStore *s = lib_store(L);
    char id[STORE_RUN_ID] = "";
    uint64_t epoch;
    Buf why = { 0 };
    int error = store_begin(s->store, luaL_optstring(L, 2, NULL), id, &epoch,
                            &why);
    if (error)
        return lib_store_failed(L, error, &why);
    lua_pushstring(L, id);
    lua_pushinteger(L, (lua_Integer)epoch);
    return 2;
}

static void
lib_store_set(lua_State *L, const char *name, const void *p, size_t n)
{
    if (!p)
        return;
    lua_pushlstring(L, p, n);
    lua_setfield(L, -2, name);
}

static void
lib_store_set_int(lua_State *L, const char *name, uint64_t n)
{
    lua_pushinteger(L, (lua_Integer)n);
    lua_setfield(L, -2, name);
}

typedef struct LibLoad {
    lua_State *L;
    lua_Integer n, most;
    StoredFact *found; /* the one with this number is wanted */
    uint64_t seq;
} LibLoad;

static int
lib_store_each(void *ctx, const StoredFact *f)
{
    LibLoad *load = ctx;
    lua_State *L = load->L;
    lua_createtable(L, 0, 5);
    lib_store_set_int(L, "seq", f->seq);
    lib_store_set(L, "kind", store_kind_name(f->kind),
                  strlen(store_kind_name(f->kind)));
    lib_store_set(L, "key", f->key, sizeof f->key);
    lib_store_set(L, "body", f->body, f->size);
    lib_store_set_int(L, "size", f->size);
    lua_rawseti(L, -2, ++load->n);
    return load->n == load->most;
}

/* load(run, most) -> {{seq=, kind=, key=, body=, size=}, …}, stopped: of the
 * first `most` (nil: all) */
static int
lib_store_load(lua_State *L)
{
    LibStore *s = lib_store(L);
    LibLoad load = { .L = L, .most = luaL_optinteger(L, 3, -1) };
    Buf why = { 0 };
    lua_settop(L, 3);
    lua_newtable(L);
    int error = store_load(s->store, luaL_checkstring(L, 2), lib_store_each,
                           &load, &why);
    if (error < 0)
        return lib_store_failed(L, error, &why);
    lua_pushboolean(L, error == 1);
    return 2;
}

static int
lib_store_find(void *ctx, const StoredFact *f)
{
    LibLoad *load = ctx;
    if (f->seq != load->seq)
        return 0;
    *load->found = *f;
    load->found->body = NULL;
    return 1;
}

/* body(run, seq) -> its bytes, read behind the load */
static int
lib_store_body(lua_State *L)
{
    LibStore *s = lib_store(L);
    StoredFact f;
    LibLoad load = { .found = &f, .seq = (uint64_t)luaL_checkinteger(L, 3) };
    Buf why = { 0 }, out = { 0 };
    int error = store_load(s->store, luaL_checkstring(L, 2), lib_store_find,
                           &load, &why);
    if (error == 1)
        error = store_body(s->store, &f, &out, &why);
    else if (!error)
        error = ORUN_ENOENT;
    if (error) {
        buf_free(&out);
        return lib_store_failed(L, error, &why);
    }
    lua_pushlstring(L, out.n ? out.p : "", out.n);
    buf_free(&out);
    return 1;
}

static int
lib_store_each_run(void *ctx, const StoredRun *r)
{
    LibLoad *load = ctx;
    lua_State *L = load->L;
    lua_createtable(L, 0, 7);
    lib_store_set(L, "id", r->id, strlen(r->id));
    lib_store_set_int(L, "epoch", r->epoch);
    lua_pushnumber(L, r->begun);
    lua_setfield(L, -2, "begun");
    lib_store_set_int(L, "facts", r->facts);
    lib_store_set_int(L, "bytes", r->bytes);
    lib_store_set(L, "run", r->run, r->run_size);
    lib_store_set(L, "last", r->end, r->end_size);
    lua_rawseti(L, -2, ++load->n);
    return 0;
}

/* runs() -> {{id=, epoch=, begun=, facts=, bytes=, run=, last=}, …} */
static int
lib_store_runs(lua_State *L)
{
    LibStore *s = lib_store(L);
    LibLoad load = { .L = L };
    Buf why = { 0 };
    lua_newtable(L);
    int error = store_runs(s->store, lib_store_each_run, &load, &why);
    return error ? lib_store_failed(L, error, &why) : 1;
}

/* forget(run) -> true */
static int
lib_store_forget(lua_State *L)
{
    LibStore *s = lib_store(L);
    Buf why = { 0 };
    int error = store_forget(s->store, luaL_checkstring(L, 2), &why);
    if (error)
        return lib_store_failed(L, error, &why);
    lua_pushboolean(L, true);
    return 1;
}

typedef struct LibThread {
    LibStore *of;
    pthread_t thread;
    lua_Integer from, count;
    size_t size;
} LibThread;

static void *
lib_store_thread(void *arg)
{
    LibThread *t = arg;
    char key[KEY_SIZE] = { 0 }, *body = calloc(1, t->size + 1);
    for (lua_Integer i = 0; i < t->count; i++) {
        lua_Integer n = t->from + i;
        memcpy(key, &n, sizeof n);
        memset(body, (int)(n & 0xff), t->size);
        lib_store_send(t->of, n, FACT_OUTCOME, key, body, t->size);
    }
    free(body);
    return NULL;
}

/* race(threads, count, size): each thread appends so many facts at once; their
 * numbers go from 1, by thread, and stand in their keys */
static int
lib_store_race(lua_State *L)
{
    enum { MOST = 64 };
    LibStore *s = lib_store(L);
    LibThread all[MOST];
    int n = (int)luaL_checkinteger(L, 2);
    lua_Integer count = luaL_checkinteger(L, 3);
    luaL_argcheck(L, n >= 1 && n <= MOST, 2, "1 to 64");
    for (int i = 0; i < n; i++) {
        all[i] = (LibThread){ .of = s, .from = s->next + 1, .count = count };
        all[i].size = (size_t)luaL_optinteger(L, 4, 100);
        s->next += count;
    }
    for (int i = 0; i < n; i++)
        if (pthread_create(&all[i].thread, NULL, lib_store_thread, &all[i]))
            return luaL_error(L, "no thread");
    for (int i = 0; i < n; i++)
        pthread_join(all[i].thread, NULL);
    return 0;
}

static int
lib_store_gone(lua_State *L)
{
    LibStore *s = lua_touserdata(L, 1);
    store_close(s->store);
    s->store = NULL;
    free(s->kept);
    s->kept = NULL;
    s->count = s->cap = 0;
    return 0;
}

static int lib_store_again(lua_State *L);

static LibStore *
lib_store_new(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "append", lib_store_append },
        { "kept", lib_store_list_kept },
        { "flush", lib_store_flush },
        { "close", lib_store_close },
        { "fault", lib_store_fault },
        { "begin", lib_store_begin },
        { "load", lib_store_load },
        { "body", lib_store_body },
        { "runs", lib_store_runs },
        { "forget", lib_store_forget },
        { "race", lib_store_race },
        { "again", lib_store_again },
        { NULL, NULL },
    };
    LibStore *s = lib_test_object(L, LIB_STORE, sizeof *s, methods,
                                  lib_store_gone);
    uv_mutex_init(&s->lock);
    return s;
}

/* again() -> a second handle on the same */
static int
lib_store_again(lua_State *L)
{
    LibStore *s = lib_store(L);
    Buf why = { 0 };
    LibStore *other = lib_store_new(L);
    int error = store_again(s->store, &other->store, &why);
    return error ? lib_store_failed(L, error, &why) : 1;
}

/* open(path, {read=, exists=, unsafe=}) -> a store */
static int
lib_test_store_open(lua_State *L)
{
    unsigned flags = 0;
    Buf why = { 0 };
    const char *path = luaL_checkstring(L, 1);
    if (lua_istable(L, 2))
        flags = (lib_test_flag(L, 2, "read") ? STORE_READ : 0)
            | (lib_test_flag(L, 2, "exists") ? STORE_EXISTS : 0)
            | (lib_test_flag(L, 2, "unsafe") ? STORE_UNSAFE : 0);
    LibStore *s = lib_store_new(L);
    int error = store_open(path, flags, &s->store, &why);
    return error ? lib_store_failed(L, error, &why) : 1;
}

/* ---- fields ---- */

/* body{{tag, bytes | integer | float}, …} -> bytes */
static int
lib_test_store_make(lua_State *L)
{
    Buf body = { 0 };
    luaL_checktype(L, 1, LUA_TTABLE);
    for (lua_Integer i = 1; lua_rawgeti(L, 1, i) == LUA_TTABLE; i++) {
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        FactTag tag = (FactTag)lua_tointeger(L, -2);
        size_t n;
        if (lua_isinteger(L, -1))
            fact_put_int(&body, tag, lua_tointeger(L, -1));
        else if (lua_type(L, -1) == LUA_TNUMBER)
            fact_put_number(&body, tag, lua_tonumber(L, -1));
        else {
            const char *p = luaL_checklstring(L, -1, &n);
            fact_put(&body, tag, p, n);
        }
        lua_settop(L, 1);
    }
    lua_pushlstring(L, body.n ? body.p : "", body.n);
    buf_free(&body);
    return 1;
}

static void
lib_store_push_field(lua_State *L, const FactField *f)
{
    FactForm form = FACT_AS_DATA;
    const char *name = fact_tag_name(f->tag, &form);
    int64_t i;
    double d;
    lua_createtable(L, 3, 0);
    lua_pushinteger(L, f->tag);
    lua_rawseti(L, -2, 1);
    if (form == FACT_AS_INT && fact_int(f, &i))
        lua_pushinteger(L, i);
    else if (form == FACT_AS_NUMBER && fact_number(f, &d))
        lua_pushnumber(L, d);
    else
        lua_pushlstring(L, (const char *)f->p, f->n);
    lua_rawseti(L, -2, 2);
    if (name)
        lib_store_set(L, "name", name, strlen(name));
}

/* fields(bytes) -> {{tag, value, name=}, …}, and the name of an error */
static int
lib_test_store_fields(lua_State *L)
{
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    char *exact = malloc(n ? n : 1); /* sanitizers see what is beyond */
    memcpy(exact, text, n);
    FactField f;
    int more;
    lua_newtable(L);
    fact_first(&f, exact, n);
    for (lua_Integer i = 1; (more = fact_next(&f)) > 0; i++) {
        lib_store_push_field(L, &f);
        lua_rawseti(L, -2, i);
    }
    if (more < 0 && fact_next(&f) == more)
        lua_pushstring(L, err_name(more));
    else
        lua_pushnil(L);
    free(exact);
    return 2;
}

/* find(bytes, tag) -> the value of the first, or nil and perhaps an error */
static int
lib_test_store_find(lua_State *L)
{
    size_t n;
    const char *body = luaL_checklstring(L, 1, &n);
    FactField f;
    int more = fact_find(body, n, (FactTag)luaL_checkinteger(L, 2), &f);
    if (more < 0)
        return lib_test_error(L, more);
    if (!more)
        return 0;
    lib_store_push_field(L, &f);
    lua_rawgeti(L, -1, 2);
    return 1;
}

/* sql(path, text) -> true, or nil and SQLite's message: on any database */
static int
lib_test_store_sql(lua_State *L)
{
    sqlite3 *db;
    int result = sqlite3_open(luaL_checkstring(L, 1), &db);
    if (result == SQLITE_OK)
        result = sqlite3_exec(db, luaL_checkstring(L, 2), NULL, NULL, NULL);
    lua_pushboolean(L, result == SQLITE_OK);
    lua_pushstring(L, sqlite3_errmsg(db));
    sqlite3_close(db);
    return 2;
}

/* fs(number): what statfs says of every folder from now on; 0: the truth */
static int
lib_test_store_fs(lua_State *L)
{
    store_file_fs = (long)luaL_checkinteger(L, 1);
    return 0;
}

/* next(sql or nil): the tables have a version more, with this */
static int
lib_test_store_next(lua_State *L)
{
    static char sql[200];
    snprintf(sql, sizeof sql, "%s", luaL_optstring(L, 1, ""));
    store_schema_next = sql[0] ? sql : NULL;
    return 0;
}

int
luaopen_test_store(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "open", lib_test_store_open }, { "sql", lib_test_store_sql },
        { "fs", lib_test_store_fs },     { "next", lib_test_store_next },
        { "body", lib_test_store_make }, { "fields", lib_test_store_fields },
        { "find", lib_test_store_find }, { NULL, NULL },
    };
    luaL_newlib(L, functions);
    return 1;
}
