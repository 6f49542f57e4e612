/* lib_test.h — what the parts of require("orun.test") share.
 *
 * The doors to the C parts that the unit specs go through; only in the test
 * build (-DORUN_TEST). One file a door: lib_test.c has the small ones, the
 * others are named after what they open.
 */
#ifndef ORUN_LIB_TEST_H
#define ORUN_LIB_TEST_H

#include "base/base.h"
#include <lauxlib.h>

/* The small doors (lib_test.c). */
extern const luaL_Reg lib_test_functions[];

/* Push one door each; called once in a state, with nothing on the stack. */
int luaopen_test_frame(lua_State *L);
int luaopen_test_failing(lua_State *L);
int luaopen_test_hash(lua_State *L);
int luaopen_test_key(lua_State *L);
int luaopen_test_memory(lua_State *L);
int luaopen_test_nats(lua_State *L);
int luaopen_test_pool(lua_State *L);
int luaopen_test_race(lua_State *L);
int luaopen_test_secret(lua_State *L);
int luaopen_test_sim(lua_State *L);
int luaopen_test_store(lua_State *L);
int luaopen_test_value(lua_State *L);

/* A new zeroed userdata of `size` bytes with the metatable `type`, which is
 * made of `methods` and `gc` the first time. */
void *lib_test_object(lua_State *L, const char *type, size_t size,
                      const void *methods, lua_CFunction gc);

/* Field `key` of the table at `idx`, or `otherwise` when it is nil; anything
 * but a number raises. */
double lib_test_number(lua_State *L, int idx, const char *key,
                       double otherwise);

/* Field `key` is true. */
bool lib_test_flag(lua_State *L, int idx, const char *key);

/* Around the calls into the part under test: the allocation that fail_at named
 * fails between the two, once. Lua's own allocations are not counted. */
void lib_test_arm(void);
void lib_test_disarm(void);

/* nil, the name of the error code ("ENOMEM"): two results. */
int lib_test_error(lua_State *L, int code);

#endif
