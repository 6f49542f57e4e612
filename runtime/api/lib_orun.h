/* lib_orun.h — the module `orun` and the globals.
 *
 * The module is made in C, so `require "orun"` costs nothing; what is written
 * in Lua (lua/ and stdlib/, bundled) is loaded when it is first asked for.
 */
#ifndef ORUN_LIB_ORUN_H
#define ORUN_LIB_ORUN_H

#include "vm/vm.h"
#include <lauxlib.h>

/* The `open` of VmConfig: libraries, module and globals. May raise. */
void lib_orun_open(lua_State *L, Vm *vm, void *ud);

/* Called last by lib_orun_open, unless it is NULL: the test build sets it,
 * before main, to what makes require "orun.test" work. May raise. */
extern void (*lib_orun_more)(lua_State *L);

/* Push the function for the primitive f, called as a method (its first argument
 * is the object) or not. May raise. */
typedef void LibOrunPush(lua_State *L, const luaL_Reg *f, bool method);

/* The same where primitives are what *push makes of them, and nothing of a run
 * is there (lib_remote.h). `push` points to a constant. */
void lib_orun_open_by(lua_State *L, Vm *vm, LibOrunPush *const *push);

/* The same for the programs that reach a run by its socket: what they need to
 * talk (lib_channel.h), and no primitive. May raise. */
void lib_orun_open_client(lua_State *L, Vm *vm, void *ud);

/* The same for views: what they need to show and to keep something. May raise.
 */
void lib_orun_open_view(lua_State *L, Vm *vm, void *ud);

/* ( -- module ) The same in a state of somebody else's (lib_guest.h), which
 * must have what finds modules. May raise. */
void lib_orun_push_guest(lua_State *L, LibOrunPush *const *push);

/* The n-th of the primitives that are global in a script; NULL: there are no
 * more. */
const char *lib_orun_global(size_t n);

/* The functions of the API, each in the file of its noun. */
int lib_task(lua_State *L);
int lib_task_output(lua_State *L);
int lib_task_stop(lua_State *L);
int lib_dismiss(lua_State *L);
int lib_read_output(lua_State *L);
int lib_task_create(lua_State *L);
int lib_task_list(lua_State *L);
int lib_task_get(lua_State *L);
int lib_task_update(lua_State *L);
int lib_claim(lua_State *L);
int lib_clean(lua_State *L);
int lib_entries(lua_State *L);
int lib_real(lua_State *L);
int lib_scan(lua_State *L);
int lib_private_folder(lua_State *L);
int lib_private_file(lua_State *L);
int lib_system(lua_State *L);
int lib_program_path(lua_State *L);
int lib_script_place(lua_State *L);
int lib_yaml(lua_State *L);
int lib_collector(lua_State *L);
int lib_agent(lua_State *L);
int lib_exec(lua_State *L);
int lib_http(lua_State *L);
int lib_forget(lua_State *L);
int lib_sleep(lua_State *L);
int lib_now(lua_State *L);
int lib_random(lua_State *L);
int lib_uuid(lua_State *L);
int lib_ticks(lua_State *L);
int lib_phase(lua_State *L);
int lib_peek(lua_State *L);
int lib_unread(lua_State *L);
int lib_stopping(lua_State *L);
int lib_once(lua_State *L);
int lib_report(lua_State *L);
int lib_key(lua_State *L);
int lib_log(lua_State *L);
int lib_limit(lua_State *L);
int lib_slot(lua_State *L);
int lib_config(lua_State *L);
int lib_control(lua_State *L);

#endif
