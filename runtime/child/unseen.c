/* unseen.c — a list of failures, and which were looked at. */
#include "child/unseen.h"
#include "base/mem.h"
#include "task/task.h"
#include "value/frame.h"
#include "value/unread.h"
#include "vm/park.h"
#include <lauxlib.h>
#include <stdio.h>

typedef struct Unseen {
    struct Unseen *next;
    atomic_bool seen;
    int fault, code, line;
    char file[LUA_IDSIZE];
} Unseen;

static Unseen *unseen_first;

/* The fault of the result on top; 0: it is none of a program that failed. */
static int
unseen_fault(lua_State *L)
{
    if (!lua_istable(L, -1) || luaL_getmetafield(L, -1, "__name") != LUA_TNIL)
        return 0;
    lua_pushliteral(L, "ok");
    bool failed = lua_rawget(L, -2) == LUA_TBOOLEAN && !lua_toboolean(L, -1);
    lua_pushliteral(L, "error_kind");
    const char *kind = lua_rawget(L, -3) == LUA_TSTRING ? lua_tostring(L, -1)
                                                        : NULL;
    int fault = failed && kind ? task_fault_find(kind) : 0;
    lua_pop(L, 2);
    return fault > 0 ? fault : 0;
}

/* Without memory nobody asks for it later. */
void
unseen_watch(lua_State *L)
{
    static const char *const names[] = { "ok", "error", "error_kind",
                                         "exit_code", "signal" };
    lua_Debug ar;
    int fault = unseen_fault(L);
    Unseen *u = fault && park_line(L, &ar) ? mem_zalloc(1, sizeof *u) : NULL;
    if (!u)
        return;
    lua_pushliteral(L, "exit_code");
    u->code = lua_rawget(L, -2) == LUA_TNUMBER ? (int)lua_tointeger(L, -1) : -1;
    lua_pop(L, 1);
    u->fault = fault;
    u->line = ar.currentline;
    snprintf(u->file, sizeof u->file, "%s", ar.short_src);
    u->next = unseen_first;
    unseen_first = u;
    unread_hide(L, -1, names, countof(names), &u->seen, false);
}

void
unseen_put(Buf *b)
{
    Buf all = { 0 };
    for (const Unseen *u = unseen_first; u; u = u->next) {
        if (atomic_load(&u->seen))
            continue;
        frame_put_number(&all, (uint64_t)u->fault);
        frame_put_number(&all, (uint64_t)(u->code + 1));
        frame_put_number(&all, (uint64_t)u->line);
        frame_put_text(&all, u->file);
    }
    b->failed |= buf_failed(&all);
    frame_put(b, all.p, all.n);
    buf_free(&all);
}
