/* lib_output.h — what a task prints, wherever it is kept. */
#ifndef ORUN_LIB_OUTPUT_H
#define ORUN_LIB_OUTPUT_H

#include "base/buf.h"
#include "task/output.h"
#include "task/task.h"
#include <lua.h>

struct Sched;

/* An Output and a copy of some of it, held by a userdata so that nothing is
 * lost when Lua raises. */
typedef struct LibOutput {
    Output *output;
    Buf text;
} LibOutput;

/* Push an empty one. */
LibOutput *lib_output_box(lua_State *L);

/* Where what a task prints is, as of now: in an Output, or in a string (of a
 * final task, so it stays). Both NULL: its result is a value that is not
 * text. */
typedef struct LibSource {
    Output *output;
    const char *text;
    size_t size;
    bool final;
    lua_Integer attempt; /* with the transcript's number above it */
} LibSource;

/* Look where that is; the box keeps it. Takes the board's lock. */
LibSource lib_source_find(struct Sched *s, Task *t, bool err, LibOutput *box);

/* Push the bytes at the offset, at most `max`; raises when the file that has
 * them cannot be read. */
void lib_source_push(lua_State *L, const LibSource *from, size_t offset,
                     size_t max);

/* Push what output_copy copies, and return what it returns. */
bool lib_output_push(lua_State *L, LibOutput *box, size_t max);

/* Push n bytes of o from the offset on, where there are so many; raises when
 * its file cannot be read. */
void lib_output_push_at(lua_State *L, const char *fn, Output *o, size_t offset,
                        size_t n);

#endif
