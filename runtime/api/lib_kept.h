/* lib_kept.h — runs that were kept, for the commands that look at them.
 *
 * Everything here blocks on the disk. A store is opened to be read only, beside
 * the run that writes it; what its bytes say is trusted in nothing.
 */
#ifndef ORUN_LIB_KEPT_H
#define ORUN_LIB_KEPT_H

#include <lua.h>

/* kept_open(path) -> a store; nil and a sentence. Its methods:
 *
 *   runs() -> {{id=, epoch=, begun=, facts=, bytes=, run={…}, ended={…} or
 *       nil}, …}, the oldest first; `run` and `ended` are the fields of its
 *       newest RUN fact and of the END fact behind that
 *   facts(run, {name, …}) -> {{seq=, fact=, fact_key=, size=, field = value,
 * …}, …}, with the fields of these names (fact.h); without names with all.
 * Those that are data stand there by their length in bytes, ARGUMENT as an
 *       array, USAGE as {input_tokens=, …}. `damaged` is true where the bytes
 *       end too early
 *   data(run, seq, name) -> the bytes of that field; nil: it has none
 *   value(run, seq, name) -> true and the value that they are; false: there is
 *       none; nil and a sentence
 *   close()
 *
 * In all of them nil and a sentence says what is wrong with the file. */
int lib_kept_open(lua_State *L);

/* kept_used(path) -> whether a process writes the store; its id, 0: unknown */
int lib_kept_used(lua_State *L);

/* kept_files(folder) -> the paths of the stores there, the newest first */
int lib_kept_files(lua_State *L);

/* kept_forget(path, run) -> true, once that run is removed from the store; nil
 * and a sentence */
int lib_kept_forget(lua_State *L);

/* kept_remove(path) -> true, once the file is removed; nil and a sentence */
int lib_kept_remove(lua_State *L);

#endif
