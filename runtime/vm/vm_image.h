/* vm_image.h — a Lua state just opened, kept as bytes.
 *
 * It is taken once, from a state in a slice (arena.h), and copied to wherever a
 * pristine state is needed. It records where in the slice the things are that
 * must be set in each copy: the main thread, the task's coroutine, the random
 * numbers.
 *
 * An image can be moved only if no table in it is keyed by an object, because
 * such keys are hashed by address. Everything reachable from the registry is
 * searched for that when the image is taken.
 */
#ifndef ORUN_VM_IMAGE_H
#define ORUN_VM_IMAGE_H

#include "base/base.h"
#include <lua.h>

struct Arena;
struct ArenaImage;

typedef struct VmImage {
    struct ArenaImage *arena;
    size_t L, co;    /* offsets in the slice */
    size_t random;   /* of math.random's state; 0: not found */
    size_t userdata; /* how many were made */
    size_t refs;     /* the owner's count */
} VmImage;

enum { VM_IMAGE_RANDOM = 4 * sizeof(uint64_t) };

/* The image of the state whose main thread is L, with refs = 1. The state is
 * not pristine afterwards. Errors: ORUN_ENOMEM; ORUN_ETOOBIG or ORUN_EFAILED
 * when it cannot be moved. */
int vm_image_new(const struct Arena *arena, lua_State *L, lua_State *co,
                 VmImage **out) NODISCARD;
void vm_image_free(VmImage *image);

/* The VM_IMAGE_RANDOM bytes of math.random's state in L, or NULL. Leaves L
 * unchanged; may raise. */
void *vm_image_random(lua_State *L);

#endif
