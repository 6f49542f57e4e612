/* lib_channel.h — lines to and from a run's socket.
 *
 * What `orun task` and `orun mcp` are made of, which have no runtime: a channel
 * is a connection, or standard input, read line by line. Nothing but `await`
 * and sending blocks. Of the thread that has the state.
 */
#ifndef ORUN_LIB_CHANNEL_H
#define ORUN_LIB_CHANNEL_H

#include <lua.h>
#include <poll.h>

/* channel(path) -> a channel, connected to the socket there; nil and why not.
 *   ch:line() -> a line; nil and "more" (none is there), "end" or "too_big" (it
 *     had more than 16 MiB, and is skipped)
 *   ch:id(line) -> the text of the id that the JSON-RPC message in a line has,
 *     found without reading all of it as JSON; "" for none
 *   ch:send(text) -> true; nil and why not
 *   ch:close()
 */
int lib_channel(lua_State *L);

/* input() -> the channel that is standard input; lines of 4 MiB at most */
int lib_channel_input(lua_State *L);

/* await({channels}, seconds): until one can be read, or the time (nil: none) is
 * up */
int lib_channel_await(lua_State *L);

/* Fill `all`, which has room for `most`, with what the open ones of the
 * channels in the array at idx can be waited for by; returns how many. May
 * raise.
 */
nfds_t lib_channel_gather(lua_State *L, int idx, struct pollfd *all,
                          nfds_t most);

/* write(text) -> true, once all of it is on standard output; nil and why not */
int lib_channel_write(lua_State *L);

#endif
