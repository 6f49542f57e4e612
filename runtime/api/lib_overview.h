/* lib_overview.h — the tasks of a run as somebody outside sees them.
 *
 * The bundled module that answers `orun tasks` (lua/control/run_tools.lua) asks
 * here. Nothing is read by being looked at: a failure that was seen so is still
 * told of at the end, where the script has not read it. However many tasks
 * there are, a page of them costs a page, and a look at each of their states.
 */
#ifndef ORUN_LIB_OVERVIEW_H
#define ORUN_LIB_OVERVIEW_H

#include <lua.h>

/* Have require "orun.overview" give    page(states, match, offset, limit, at)
 * -> array of entries, counts, index     The tasks that are in one of these
 * states and whose id, description or     agent has the text `match` in it
 * (case is not looked at), those of the     first state first. Of them the
 * `limit` (at most 1,000) after the first     `offset`. In a state they are in
 * the order of their making, but those     that have ended the other way round.
 * An entry is one of TaskList with     more fields: state, elapsed (seconds of
 * this or its last attempt),     waits ("task", "work", …) and other (an id) of
 * one that runs and waits,     program (a program does it), error, error_kind.
 * counts has the number of tasks in each state that match, whether they are
 * asked for or not; index is the place of the task `at` among those asked
 * for, from 1; nil: it is none of them.   entry(id) -> the entry of that task,
 * nil when there is none   output(id) -> what it gave, a value; nil while it
 * has not ended   masked(text) -> the text with secrets replaced; nil for nil
 * stop_all() -> cancels every task that has not ended but list items
 * script(name) -> raises unless the script calls, or a program with its token,
 * as do page, entry, output and stop_all   readable(id) -> may programs and
 * models of the calling task read the input     and the result of that task?
 * True for items, and where there is no such task  The states are running,
 * queued (it may begin, and has not; an item: free), blocked, failed,
 * cancelled, completed. */
void lib_overview_open(lua_State *L);

#endif
