/* lib_list.c — TaskCreate, TaskList, TaskGet, and their entries. */
#include "api/lib_list.h"
#include "api/lib_arg.h"
#include "api/lib_limit.h"
#include "api/lib_names.h"
#include "api/lib_orun.h"
#include "api/lib_report.h"
#include "api/lib_result.h"
#include "api/lib_task.h"
#include "base/err.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "sched/forget.h"
#include "value/field.h"
#include "value/module.h"
#include "value/value.h"
#include "vm/handle.h"
#include "vm/task_result.h"
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

/* ---- TaskCreate ---- */

/* clang-format off */
#define LIB_CREATE_FIELDS(X) \
    X(blockedBy) X(description) X(input) X(metadata) X(on_blocker_failure) \
    X(priority) X(prompt)
/* clang-format on */

enum {
#define X(name) C_##name,
    LIB_CREATE_FIELDS(X)
#undef X
        C_COUNT
};

static const char *const lib_create_fields[] = {
#define X(name) #name,
    LIB_CREATE_FIELDS(X)
#undef X
};

static int
lib_create_make(lua_State *L, Task *t, const char *description,
                const char *prompt, size_t prompt_len, Buf *why)
{
    int e = 0;
    t->kind = TASK_ITEM;
    t->opt = mem_zalloc(1, sizeof *t->opt);
    t->description = mem_dup(description, strlen(description));
    if (!t->opt || !t->description)
        return ORUN_ENOMEM;
    if (prompt && !(t->opt->prompt = value_string(prompt, prompt_len)))
        return ORUN_ENOMEM;
    if (arg_given(L, ARG(C_input)))
        e = arg_encode(L, "TaskCreate", "input", ARG(C_input), &handle_shared,
                       &t->input, why);
    if (e == 0 && arg_given(L, ARG(C_metadata)))
        e = value_encode(L, ARG(C_metadata), "metadata", &value_data,
                         &t->opt->metadata, why);
    return e;
}

int
lib_task_create(lua_State *L)
{
    const char *fn = "TaskCreate";
    LuaRun *run = park_run(L);
    Buf text = { 0 };
    LibWhy why = { "" };
    size_t prompt_len;
    lib_names_create(L, fn);
    arg_frame(L, fn, lib_create_fields, C_COUNT, false);
    const char *description = arg_text(L, fn, "description", ARG(C_description),
                                       LIB_MAX_LABEL);
    if (!description || !*description)
        return luaL_error(L,
                          "TaskCreate: description is missing; it is the "
                          "item's short title");
    const char *prompt = arg_string(L, fn, "prompt", ARG(C_prompt),
                                    LIB_MAX_PROMPT, &prompt_len);
    lua_Integer priority = arg_integer(L, fn, "priority", ARG(C_priority),
                                       QUEUE_LOWEST, QUEUE_HIGHEST, 0);
    arg_table(L, fn, "metadata", ARG(C_metadata));
    const char *policy = arg_text(L, fn, "on_blocker_failure",
                                  ARG(C_on_blocker_failure), 32);
    if (policy && strcmp(policy, "run") != 0 && strcmp(policy, "cancel") != 0)
        arg_error(L, fn, "on_blocker_failure", ARG(C_on_blocker_failure),
                  "expected \"cancel\" (the default) or \"run\"");
    int first = lua_gettop(L) + 1;
    lua_Integer n = arg_tasks(L, fn, "blockedBy", ARG(C_blockedBy));
    Task *t, draft = { .priority = (int8_t)priority };
    lib_where(L, &draft);
    int e = lib_create_make(L, &draft, description, prompt, prompt_len, &text);
    if (e == 0)
        e = engine_keep(run->engine, &draft.input);
    if (e == 0) {
        draft.opt->despite_failure = policy && policy[0] == 'r';
        e = lib_task_add(L, &draft, first, n, &t);
    }
    if (e) {
        if (e == ORUN_EBACKLOG)
            lib_why_backlog(&why, fn, run);
        else if (text.n)
            lib_why(&why, fn, &text);
        else
            snprintf(why.text, sizeof why.text, "TaskCreate: %s", err_text(e));
        task_clear(&draft);
        return luaL_error(L, "%s", why.text);
    }
    handle_push(L, t);
    return 1;
}

/* ---- entries: how TaskList, TaskGet and claim show a task ---- */

/* What may change, copied under the lock. */
typedef struct LibEntry {
    TaskState state;
    uint32_t attempt;
    int priority;
    size_t blockers; /* ids in the userdata array */
    Value *metadata; /* held */
    char owner[256];
} LibEntry;

static uint32_t
lib_blocker_count(Sched *s, const Task *t)
{
    sched_lock(s);
    uint32_t n = t->edges ? t->edges->blocker_count : 0;
    board_unlock(&s->board);
    return n;
}

static void
lib_entry_read(Sched *s, Task *t, LibEntry *e, uint64_t *ids, uint32_t room)
{
    sched_lock(s);
    e->state = t->state;
    e->attempt = t->attempt;
    e->priority = t->priority;
    e->blockers = 0;
    e->metadata = t->opt ? value_hold(t->opt->metadata) : NULL;
    const char *owner = t->opt ? t->opt->owner : NULL;
    snprintf(e->owner, sizeof e->owner, "%s", owner ? owner : "");
    for (uint32_t i = 0; t->unmet && t->edges && i < t->edges->blocker_count
         && e->blockers < room;
         i++)
        if (!task_final(t->edges->blockers[i]))
            ids[e->blockers++] = t->edges->blockers[i]->id;
    board_unlock(&s->board);
}

static int
lib_entry_metadata(lua_State *L)
{
    value_decode(L, *(Value **)lua_touserdata(L, 1), NULL);
    return 1;
}

/* Set entry.metadata; the held Value is dropped even when Lua raises. */
static void
lib_entry_set_metadata(lua_State *L, LibEntry *e)
{
    if (!e->metadata)
        return;
    lua_pushcfunction(L, lib_entry_metadata);
    lua_pushlightuserdata(L, &e->metadata);
    int status = lua_pcall(L, 1, 1, 0);
    value_drop(e->metadata);
    e->metadata = NULL;
    if (status)
        lua_error(L);
    lua_setfield(L, -2, "metadata");
}

void
lib_push_entry(lua_State *L, Task *t)
{
    Sched *s = park_run(L)->sched;
    LibEntry e;
    char id[HANDLE_ID_SIZE];
    luaL_checkstack(L, 12, NULL);
    uint32_t room = lib_blocker_count(s, t);
    uint64_t *ids = room ? lua_newuserdatauv(L, room * sizeof *ids, 0) : NULL;
    lua_createtable(L, 0, 8);
    lua_createtable(L, (int)room, 0);
    lib_entry_read(s, t, &e, ids, room);
    lua_insert(L, -2);
    lib_entry_set_metadata(L, &e);
    lua_insert(L, -2);
    for (size_t i = 0; i < e.blockers; i++) {
        handle_name(ids[i], id);
        lua_pushstring(L, id);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "blockedBy");
    handle_name(t->id, id);
    field_set_string(L, "id", id);
    field_set_string(L, "description", t->description);
    field_set_string(L, "status", task_state_name(e.state));
    field_set_integer(L, "attempts", e.attempt);
    field_set_integer(L, "priority", e.priority);
    field_set_string(L, "kind", t->kind == TASK_ITEM ? "item" : "task");
    if (e.owner[0])
        field_set_string(L, "owner", e.owner);
    if (task_agent(t)) {
        field_set_string(L, "subagent_type", task_agent(t)->name);
    }
    field_set_string(L, "skipped", task_skipped(t));
    if (task_fresh(t))
        field_set_boolean(L, "fresh", true);
    if (task_cached(t))
        field_set_boolean(L, "cached", true);
    lib_report_push(L, s, t);
    if (e.state == TASK_READY)
        lib_push_reason(L, s, t);
    if (room)
        lua_remove(L, -2);
}

void
lib_push_item(lua_State *L, Task *t)
{
    ValueOps ops = task_result_decoding(park_run(L)->sched, t);
    lib_push_entry(L, t);
    if (task_prompt(t)) {
        value_decode(L, task_prompt(t), NULL);
        lua_setfield(L, -2, "prompt");
    }
    if (t->input) {
        value_decode(L, t->input, &ops);
        lua_setfield(L, -2, "input");
    }
}

/* ---- TaskGet, TaskList ---- */

static const char *const lib_get_fields[] = { "task_id" };

int
lib_task_get(lua_State *L)
{
    lua_settop(L, 1);
    lib_names_id(L, "TaskGet");
    int idx = 1;
    if (lua_type(L, 1) == LUA_TTABLE) {
        lua_pushliteral(L, "id");
        lua_rawget(L, 1);
        bool handle = !lua_isnil(L, -1);
        lua_settop(L, 1);
        if (!handle) {
            arg_frame(L, "TaskGet", lib_get_fields, 1, false);
            idx = ARG(0);
        }
    }
    Sched *s = park_run(L)->sched;
    uint64_t id = arg_task_id(L, idx);
    Task *there = id ? board_find(&s->board, id) : NULL;
    if (there && forget_is(there)) {
        lua_pushnil(L);
        lua_pushfstring(L, "t%I was forgotten (%s)", (LUAI_UACINT)id,
                        forget_why(&s->board, id));
        return 2;
    }
    bool unknown = lua_type(L, idx) == LUA_TSTRING && id && !there;
    Task *t = unknown ? NULL : arg_task(L, "TaskGet", "task_id", idx);
    if (!t || t->removed)
        lua_pushnil(L);
    else if (t->kind == TASK_ITEM)
        lib_push_item(L, t);
    else
        lib_push_entry(L, t);
    if (t && !t->removed && t->state == TASK_FAILED)
        lib_hide_failure(L, t);
    return 1;
}

#define LIB_LIST_FIELDS(X) X(kind) X(owner) X(status) X(unblocked)

enum {
#define X(name) L_##name,
    LIB_LIST_FIELDS(X)
#undef X
        L_COUNT
};

static const char *const lib_list_fields[] = {
#define X(name) #name,
    LIB_LIST_FIELDS(X)
#undef X
};

static bool
lib_is_status(const char *s)
{
    for (int i = 0; i < TASK_STATE_COUNT; i++)
        if (strcmp(s, task_state_name((TaskState)i)) == 0)
            return true;
    return false;
}

typedef struct LibFilter {
    const char *status, *owner;
    bool items, tasks; /* made by TaskCreate, started by Task */
    bool unblocked, about_blocked;
} LibFilter;

/* The next task from *id on that passes the filter, NULL at the end. */
static Task *
lib_list_next(Sched *s, uint64_t *id, const LibFilter *f)
{
    Task *found = NULL;
    sched_lock(s);
    while (!found && *id < s->board.count) {
        Task *t = board_find(&s->board, (*id)++);
        const char *owner = t->opt ? t->opt->owner : NULL;
        bool fits = !t->removed && (t->kind == TASK_ITEM ? f->items : f->tasks)
            && (!f->status || !strcmp(f->status, task_state_name(t->state)))
            && (!f->owner || (owner && strcmp(f->owner, owner) == 0))
            && (!f->about_blocked || (t->unmet == 0) == f->unblocked);
        found = fits ? t : NULL;
    }
    board_unlock(&s->board);
    return found;
}

int
lib_task_list(lua_State *L)
{
    const char *fn = "TaskList";
    LibFilter f = { 0 };
    arg_frame(L, fn, lib_list_fields, L_COUNT, true);
    f.owner = arg_text(L, fn, "owner", ARG(L_owner), LIB_MAX_LABEL);
    f.status = arg_text(L, fn, "status", ARG(L_status), LIB_MAX_LABEL);
    if (f.status && !lib_is_status(f.status))
        arg_error(L, fn, "status", ARG(L_status),
                  "expected \"pending\", "
                  "\"in_progress\", \"completed\", \"failed\" or "
                  "\"cancelled\"");
    const char *kind = arg_text(L, fn, "kind", ARG(L_kind), LIB_MAX_LABEL);
    bool all = kind && strcmp(kind, "all") == 0;
    f.tasks = all || (kind && strcmp(kind, "task") == 0);
    f.items = all || !kind || strcmp(kind, "item") == 0;
    if (!f.tasks && !f.items)
        arg_error(L, fn, "kind", ARG(L_kind),
                  "expected \"item\" (made by "
                  "TaskCreate; the default), \"task\" (started by Task) or "
                  "\"all\"");
    f.about_blocked = arg_given(L, ARG(L_unblocked));
    f.unblocked = arg_bool(L, fn, "unblocked", ARG(L_unblocked), false);
    lua_newtable(L);
    uint64_t id = 1;
    lua_Integer n = 0;
    Sched *s = park_run(L)->sched;
    for (Task *t; (t = lib_list_next(s, &id, &f)) != NULL;) {
        lib_push_entry(L, t);
        lua_rawseti(L, -2, ++n);
    }
    module_push(L, "orun.list");
    lua_setmetatable(L, -2);
    return 1;
}
