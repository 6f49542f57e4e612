/* base.h — what every other file uses.
 *
 * Fixed-width types, the thread-role macros and three small helpers. The role
 * macros say which thread may call a function. `make analyze` has clang check
 * them (-Wthread-safety); other compilers see nothing.
 */
#ifndef ORUN_BASE_H
#define ORUN_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__clang__)
#define ORUN_ATTR(x) __attribute__((x))
#else
#define ORUN_ATTR(x)
#endif

/* A role is a capability that cannot be acquired: only functions that already
 * have it may call others that require it. */
#define ROLE(name) struct ORUN_ATTR(capability("role")) name
#define HOLDS(lock) ORUN_ATTR(requires_capability(lock))
#define TAKES(lock) ORUN_ATTR(acquire_capability(lock))
#define DROPS(lock) ORUN_ATTR(release_capability(lock))
#define ASSERTS(role) ORUN_ATTR(assert_capability(role))

/* clang-format off */
typedef ROLE(Role) { char unused; } Role;
extern Role role_io;     /* the io thread, which owns the uv loop */
extern Role role_worker; /* a worker thread, which may resume Lua tasks */
#define ON_IO HOLDS(role_io)
#define ON_WORKER HOLDS(role_worker)

/* The entry of each thread states its role once, by calling one of these. */
static inline void role_is_io(void) ASSERTS(role_io) { }
static inline void role_is_worker(void) ASSERTS(role_worker) { }
/* clang-format on */

#define countof(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, field) \
    ((type *)(void *)((char *)(p) - offsetof(type, field)))
#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define MUST_BE(x) _Static_assert(x, #x)

#endif
