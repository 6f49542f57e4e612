/* view_lua.h — what a view's Lua code can ask. */
#ifndef ORUN_VIEW_LUA_H
#define ORUN_VIEW_LUA_H

#include "engine/engine.h"
#include "task/event.h"
#include <lua.h>

/* What has gathered since it was last asked. */
typedef struct ViewBatch {
    Engine *engine;
    EventChunk *all; /* freed by view_push_events, also when it raises */
    size_t lost;     /* events that could not be kept, so far */
    double begun;    /* seconds of the run's clock that times are told from */
    bool brief;      /* only what is notable, of tasks that go on or failed */
} ViewBatch;

/* Push an array of tables, one an event, as lua/view/init.lua documents, with
 * the field `lost`. Texts are masked: no secret is in them. */
void view_push_events(lua_State *L, const ViewBatch *batch);

/* Push the event "added" of a task, without its time: for one whose own was not
 * kept. */
void view_push_added(lua_State *L, Engine *engine, uint64_t id);

#endif
