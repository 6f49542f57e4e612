/* view_lua.h — events as Lua tables. */
#ifndef ORUN_VIEW_LUA_H
#define ORUN_VIEW_LUA_H

#include "engine/engine.h"
#include "task/event.h"
#include <lua.h>

/* The events since the last batch. */
typedef struct ViewBatch {
    Engine *engine;
    EventChunk *all; /* freed by view_push_events, also when it raises */
    size_t lost;     /* events that could not be kept, so far */
    double begun;    /* when the run began, in seconds of its clock; times are
                      * relative to it */
    bool brief;      /* only notable events, of tasks that run or have failed */
} ViewBatch;

/* Push an array of tables, one an event, as lua/view/init.lua documents, with
 * the field `lost`. Secrets in texts are replaced. */
void view_push_events(lua_State *L, const ViewBatch *batch);

/* Push the event "added" of a task whose event was not kept, without its
 * time. */
void view_push_added(lua_State *L, Engine *engine, uint64_t id);

#endif
