/* lib_update.c — TaskUpdate and claim: changing the list. */
#include "api/lib_arg.h"
#include "api/lib_list.h"
#include "api/lib_names.h"
#include "api/lib_orun.h"
#include "api/lib_related.h"
#include "api/lib_task.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "engine/engine.h"
#include "sched/claim.h"
#include "sched/durable.h"
#include "sched/edge.h"
#include "sched/lifecycle.h"
#include "sched/slots.h"
#include "value/value.h"
#include "vm/handle.h"
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

/* nil, message, reason */
static int
lib_refused(lua_State *L, Task *t, int e)
{
    Sched *s = park_run(L)->sched;
    char id[HANDLE_ID_SIZE];
    char owner[128] = "";
    handle_name(t->id, id);
    sched_lock(s);
    const char *state = task_state_name(t->state);
    if (t->kind != TASK_ITEM)
        snprintf(owner, sizeof owner, "orun, which runs it");
    else if (t->opt && t->opt->owner)
        snprintf(owner, sizeof owner, "%s", t->opt->owner);
    else if (task_claimer(t))
        snprintf(owner, sizeof owner,
                 task_claimer(t)->id ? "task t%llu" : "the script",
                 (unsigned long long)task_claimer(t)->id);
    board_unlock(&s->board);
    lua_pushnil(L);
    switch (e) {
    case ORUN_ERESOLVED:
        lua_pushfstring(L, "%s is already resolved: it is %s", id, state);
        lua_pushliteral(L, "already_resolved");
        return 3;
    case ORUN_EBLOCKED:
        lua_pushfstring(L, "%s is blocked by unfinished tasks", id);
        lua_pushliteral(L, "blocked");
        return 3;
    case ORUN_ESHUTDOWN:
        lua_pushfstring(L, "%s is not handed out: the run was drained", id);
        lua_pushliteral(L, "drained");
        return 3;
    case ORUN_EREMOVED:
        lua_pushfstring(L, "%s was removed from the list", id);
        lua_pushliteral(L, "removed");
        return 3;
    case ORUN_ECLAIMED:
        lua_pushfstring(L, "%s is already claimed by %s", id, owner);
        lua_pushliteral(L, "already_claimed");
        return 3;
    case ORUN_ESTATE:
        if (t->kind != TASK_ITEM) {
            lua_pushfstring(L, "%s is already claimed by %s", id, owner);
            lua_pushliteral(L, "already_claimed");
        } else {
            lua_pushfstring(L, "illegal transition: %s is %s", id, state);
            lua_pushliteral(L, "illegal");
        }
        return 3;
    default: lua_pop(L, 1); return luaL_error(L, "TaskUpdate: %s", err_text(e));
    }
}

/* clang-format off */
#define LIB_UPDATE_FIELDS(X) \
    X(addBlockedBy) X(addBlocks) X(error) X(metadata) X(output) X(owner) \
    X(priority) X(status) X(task_id)
/* clang-format on */

enum {
#define X(name) U_##name,
    LIB_UPDATE_FIELDS(X)
#undef X
        U_COUNT
};

static const char *const lib_update_fields[] = {
#define X(name) #name,
    LIB_UPDATE_FIELDS(X)
#undef X
};

static int
lib_update_kept(lua_State *L, int status, lua_KContext ctx)
{
    Sched *s = park_run(L)->sched;
    (void)status;
    sched_lock(s);
    board_drop((Task *)ctx);
    board_unlock(&s->board);
    lua_pushboolean(L, 1);
    return 1;
}

/* The item has ended: wait until that is kept (durable.h). Where the code
 * cannot wait it goes on. */
static int
lib_update_await(lua_State *L, Task *t)
{
    Sched *s = park_run(L)->sched;
    WaitFor what = { .kind = WAIT_FOR_TASK,
                     .task = t,
                     .deadline = INFINITY,
                     .fn = "TaskUpdate" };
    sched_lock(s);
    bool held = board_hold(t);
    board_unlock(&s->board);
    if (held)
        return park(L, &what, lib_update_kept, (lua_KContext)t);
    lua_pushboolean(L, 1);
    return 1;
}

/* End the item as asked. */
static int
lib_update_resolve(lua_State *L, Task *t, TaskState state)
{
    LuaRun *run = park_run(L);
    const char *error = arg_string(L, "TaskUpdate", "error", ARG(U_error),
                                   LIB_MAX_PROMPT, NULL);
    Outcome o = { .state = state,
                  .code = -1,
                  .fault = state == TASK_FAILED ? FAULT_LUA
                      : state == TASK_CANCELLED ? FAULT_CANCELLED
                                                : FAULT_NONE };
    Buf text = { 0 };
    LibWhy why = { "" };
    if (arg_given(L, ARG(U_output))
        && value_encode(L, ARG(U_output), "output", &value_shared, &o.output,
                        &text)) {
        lib_why(&why, "TaskUpdate", &text);
        return luaL_error(L, "%s", why.text);
    }
    if (engine_keep(run->engine, &o.output)) {
        value_drop(o.output);
        lib_why_backlog(&why, "TaskUpdate", run);
        return luaL_error(L, "%s", why.text);
    }
    if (!error && state == TASK_FAILED)
        error = "failed, without a reason given";
    if (error)
        o.error = mem_dup(error, strlen(error));
    secret_mask_string(&o.error);
    if (error && !o.error) {
        outcome_clear(&o);
        return luaL_error(L, "TaskUpdate: %s", err_text(ORUN_ENOMEM));
    }
    int e = claim_resolve(run->sched, t, run->task, &o);
    if (e)
        return lib_refused(L, t, e);
    if (!task_final(t))
        return lib_update_await(L, t);
    lua_pushboolean(L, 1);
    return 1;
}

static int
lib_update_delete(lua_State *L, Task *t)
{
    Sched *s = park_run(L)->sched;
    if (t->kind != TASK_ITEM && !task_final(t))
        return luaL_error(L,
                          "TaskUpdate: status = \"deleted\": a task that "
                          "has not ended cannot be deleted; use TaskStop to "
                          "end it");
    if (t->kind != TASK_ITEM) {
        lua_pushcfunction(L, lib_forget);
        lua_pushvalue(L, ARG(U_task_id));
        lua_call(L, 1, 0);
        lua_pushboolean(L, 1);
        return 1;
    }
    if (park_run(L)->task->id != 0 && task_claimer(t)
        && !lib_related(park_run(L), t))
        return lib_refused(L, t, ORUN_ECLAIMED);
    lifecycle_cancel(s, t);
    sched_lock(s);
    t->removed = true;
    event_add(&s->board, (Event){ .kind = EVENT_REMOVED, .task = t->id });
    durable_item(s, t);
    board_unlock(&s->board);
    lua_pushboolean(L, 1);
    return 1;
}

static int
lib_update_claim(lua_State *L, Task *t)
{
    LuaRun *run = park_run(L);
    const char *owner = arg_text(L, "TaskUpdate", "owner", ARG(U_owner), 255);
    char *copy = owner ? mem_dup(owner, strlen(owner)) : NULL;
    if (owner && !copy)
        return luaL_error(L, "TaskUpdate: %s", err_text(ORUN_ENOMEM));
    int e = claim_item(run->sched, t, run->task, copy);
    if (e)
        return lib_refused(L, t, e);
    run->claimed = t->id;
    lua_pushboolean(L, 1);
    return 1;
}

static int
lib_update_status(lua_State *L, Task *t, const char *status)
{
    LuaRun *run = park_run(L);
    if (strcmp(status, "in_progress") == 0)
        return lib_update_claim(L, t);
    if (strcmp(status, "completed") == 0)
        return lib_update_resolve(L, t, TASK_COMPLETED);
    if (strcmp(status, "failed") == 0)
        return lib_update_resolve(L, t, TASK_FAILED);
    if (strcmp(status, "cancelled") == 0)
        return lib_update_resolve(L, t, TASK_CANCELLED);
    if (strcmp(status, "deleted") == 0)
        return lib_update_delete(L, t);
    int e = claim_release(run->sched, t, run->task);
    if (e)
        return lib_refused(L, t, e);
    lua_pushboolean(L, 1);
    return 1;
}

/* Raise for a status that is none, before anything is changed. */
static const char *
lib_update_read_status(lua_State *L)
{
    static const char *const known[] = {
        "pending", "in_progress", "completed", "failed", "cancelled", "deleted",
    };
    const char *status = arg_text(L, "TaskUpdate", "status", ARG(U_status),
                                  LIB_MAX_LABEL);
    for (size_t i = 0; status && i < countof(known); i++)
        if (strcmp(status, known[i]) == 0)
            return status;
    if (status)
        arg_error(L, "TaskUpdate", "status", ARG(U_status),
                  "expected "
                  "\"pending\", \"in_progress\", \"completed\", \"failed\", "
                  "\"cancelled\" or \"deleted\"");
    return NULL;
}

/* Add the edges asked for, all or none. Raises on a cycle. */
static void
lib_update_edges(lua_State *L, Task *t)
{
    const char *fn = "TaskUpdate";
    int first = lua_gettop(L) + 1;
    lua_Integer by = arg_tasks(L, fn, "addBlockedBy", ARG(U_addBlockedBy));
    lua_Integer of = arg_tasks(L, fn, "addBlocks", ARG(U_addBlocks));
    if (by + of == 0)
        return;
    Edge *edges = lua_newuserdatauv(L, (size_t)(by + of) * sizeof *edges, 0);
    for (lua_Integer i = 0; i < by + of; i++) {
        Task *other = lua_touserdata(L, first + (int)i);
        edges[i] = i < by ? (Edge){ t, other } : (Edge){ other, t };
    }
    Buf path = { 0 };
    char text[512];
    int e = edge_add(park_run(L)->sched, edges, (size_t)(by + of), &path);
    snprintf(text, sizeof text, "%s", buf_cstr(&path));
    buf_free(&path);
    if (e == ORUN_ECYCLE)
        luaL_error(L, "TaskUpdate: a dependency cycle would close: %s", text);
    if (e == ORUN_ESTATE)
        luaL_error(L,
                   "TaskUpdate: a task that has begun or ended cannot get "
                   "new blockers");
    if (e)
        luaL_error(L, "TaskUpdate: %s", err_text(e));
    lua_settop(L, first - 1);
}

/* Merge `metadata` into the task's, shallowly; false-less keys stay. */
static void
lib_update_metadata(lua_State *L, Task *t)
{
    Sched *s = park_run(L)->sched;
    if (!arg_given(L, ARG(U_metadata)))
        return;
    lib_push_entry(L, t);
    lua_pushliteral(L, "metadata");
    lua_rawget(L, -2);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_newtable(L);
    }
    for (lua_pushnil(L); lua_next(L, ARG(U_metadata)); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, -5);
    }
    Buf text = { 0 };
    LibWhy why = { "" };
    Value *v = NULL;
    if (value_encode(L, -1, "metadata", &value_data, &v, &text)) {
        lib_why(&why, "TaskUpdate", &text);
        luaL_error(L, "%s", why.text);
    }
    sched_lock(s);
    if (!t->opt)
        t->opt = mem_zalloc(1, sizeof *t->opt);
    Value *old = t->opt ? t->opt->metadata : v;
    if (t->opt) {
        t->opt->metadata = v;
        s->held += value_held(v) - value_held(old);
    }
    bool kept = t->opt != NULL;
    board_unlock(&s->board);
    value_drop(old);
    if (!kept)
        luaL_error(L, "TaskUpdate: %s", err_text(ORUN_ENOMEM));
    lua_pop(L, 2);
}

/* Raise for values that cannot be kept, and for an output that has no end to
 * come with, before anything is changed. */
static void
lib_update_check(lua_State *L, const char *status)
{
    static const int fields[] = { U_metadata, U_output };
    const char *fn = "TaskUpdate";
    arg_table(L, fn, "metadata", ARG(U_metadata));
    arg_string(L, fn, "error", ARG(U_error), LIB_MAX_PROMPT, NULL);
    if (arg_text(L, fn, "owner", ARG(U_owner), 255)
        && (!status || strcmp(status, "in_progress") != 0))
        luaL_error(L,
                   "TaskUpdate: owner comes with status = \"in_progress\", "
                   "which is the claim");
    if (!status && (arg_given(L, ARG(U_output)) || arg_given(L, ARG(U_error))))
        luaL_error(L,
                   "TaskUpdate: output and error come with status = "
                   "\"completed\" or \"failed\"");
    for (size_t i = 0; i < countof(fields); i++) {
        Buf text = { 0 };
        LibWhy why = { "" };
        Value *v = NULL;
        if (arg_given(L, ARG(fields[i]))
            && value_encode(L, ARG(fields[i]), lib_update_fields[fields[i]],
                            fields[i] == U_metadata ? &value_data
                                                    : &value_shared,
                            &v, &text)) {
            lib_why(&why, "TaskUpdate", &text);
            luaL_error(L, "%s", why.text);
        }
        value_drop(v);
    }
}

/* A run that is kept keeps what was changed, too. */
static void
lib_update_note(lua_State *L, Task *t)
{
    Sched *s = park_run(L)->sched;
    bool changed = arg_given(L, ARG(U_metadata))
        || arg_given(L, ARG(U_priority)) || arg_given(L, ARG(U_addBlockedBy))
        || arg_given(L, ARG(U_addBlocks));
    if (!changed)
        return;
    sched_lock(s);
    durable_item(s, t);
    board_unlock(&s->board);
}

int
lib_task_update(lua_State *L)
{
    const char *fn = "TaskUpdate";
    lib_names_update(L, fn);
    arg_frame(L, fn, lib_update_fields, U_COUNT, false);
    if (!arg_given(L, ARG(U_task_id)))
        return luaL_error(L, "TaskUpdate: task_id is missing");
    Task *t = arg_task(L, fn, "task_id", ARG(U_task_id));
    const char *status = lib_update_read_status(L);
    lua_Integer priority = arg_integer(L, fn, "priority", ARG(U_priority),
                                       QUEUE_LOWEST, QUEUE_HIGHEST, 0);
    lib_update_check(L, status);
    if (t->removed)
        return lib_refused(L, t, ORUN_EREMOVED);
    lib_update_edges(L, t);
    lib_update_metadata(L, t);
    if (arg_given(L, ARG(U_priority)))
        slots_set_priority(park_run(L)->sched, t, (int)priority);
    lib_update_note(L, t);
    if (status)
        return lib_update_status(L, t, status);
    lua_pushboolean(L, 1);
    return 1;
}

static const char *const lib_claim_fields[] = { "owner", "wait" };

static int lib_claim_try(lua_State *L, int status, lua_KContext ctx);

/* The next ready item, claimed; with `wait`, waits for one until no item is
 * left open. Stack: the frame of lib_claim. */
static int
lib_claim_again(lua_State *L)
{
    LuaRun *run = park_run(L);
    const char *owner = lua_tostring(L, ARG(0));
    char *copy = owner ? mem_dup(owner, strlen(owner)) : NULL;
    size_t open;
    Task *t;
    int e = owner && !copy ? ORUN_ENOMEM
                           : claim_next(run->sched, run->task, copy, &t, &open);
    if (e == ORUN_ESHUTDOWN) {
        lua_pushnil(L);
        lua_pushliteral(L, "drained");
        return 2;
    }
    if (e)
        return luaL_error(L, "claim: %s", err_text(e));
    if (t) {
        run->claimed = t->id;
        lib_push_item(L, t);
        return 1;
    }
    if (!lua_toboolean(L, ARG(1)) || open == 0) {
        lua_pushnil(L);
        return 1;
    }
    WaitFor what = { .kind = WAIT_FOR_ITEM, .deadline = INFINITY };
    return park(L, &what, lib_claim_try, 0);
}

static int
lib_claim_try(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    if (park_outcome(L) == WAIT_DEADLOCK)
        return luaL_error(L,
                          "claim: no item can become ready now: all "
                          "open items are blocked or held, and nothing runs");
    return lib_claim_again(L);
}

/* claim{owner=, wait=false} -> item; nil; nil, "drained" */
int
lib_claim(lua_State *L)
{
    arg_frame(L, "claim", lib_claim_fields, 2, true);
    arg_text(L, "claim", "owner", ARG(0), 255);
    arg_bool(L, "claim", "wait", ARG(1), false);
    return lib_claim_again(L);
}
