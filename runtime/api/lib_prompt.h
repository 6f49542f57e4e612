/* lib_prompt.h — the module orun.prompt, for `orun repl`. */
#ifndef ORUN_LIB_PROMPT_H
#define ORUN_LIB_PROMPT_H

#include <lua.h>
#include <stdbool.h>

/* Have require "orun.prompt" give
 *   open(complete) -> a prompt on the terminal of standard input and output,
 * and why lines cannot be edited (nil: they can); nil and why there is none.
 *     complete(text) of the line up to the cursor returns what to insert there,
 *     or "" and what to show. One at a time
 *   agents() -> the names of all agent types
 *   task_fields() -> those of the fields of Task
 *   p:read(prompt) -> a line; nil and "end" or "interrupted" (Ctrl-C)
 *   p:remember(line): it can be recalled
 *   p:call(f, handler) -> how many tasks were cancelled because Ctrl-C
 *     interrupted f: those that it had started and that are not detached; nil:
 *     it was not interrupted; then what xpcall(f, handler) returns
 *   p:close()
 * May raise. */
void lib_prompt_open(lua_State *L);

/* Ctrl-C: it is for the line that is typed, or for what runs because of one.
 * False when there is no prompt, or that was interrupted before: the run is to
 * end. Any thread. */
bool lib_prompt_interrupt(void);

#endif
