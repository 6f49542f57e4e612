/* vm_seed.c — one seed for all Lua states of the process.
 */
#include "vm/vm_seed.h"
#include <stdatomic.h>
#include <sys/random.h>
#include <time.h>

#define VM_SEED_SET (UINT64_C(1) << 32) /* in vm_seed: the rest is the seed */

static _Atomic uint64_t vm_seed;
static atomic_bool vm_seed_asked;

static uint32_t
vm_seed_draw(void)
{
    uint32_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == sizeof seed)
        return seed;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)(now.tv_nsec ^ (uintptr_t)&now >> 4);
}

uint32_t
vm_seed_get(void)
{
    uint64_t seed = atomic_load(&vm_seed);
    if (!seed) {
        uint64_t drawn = VM_SEED_SET | vm_seed_draw();
        if (atomic_compare_exchange_strong(&vm_seed, &seed, drawn))
            seed = drawn;
    }
    return (uint32_t)seed;
}

void
vm_seed_set(uint32_t seed)
{
    atomic_store(&vm_seed, VM_SEED_SET | seed);
}

bool
vm_seed_used(void)
{
    return atomic_load(&vm_seed_asked);
}

unsigned
vm_seed_make(const char *bytes, size_t n, unsigned seed)
{
    (void)bytes, (void)n, (void)seed;
    atomic_store(&vm_seed_asked, true);
    return vm_seed_get();
}
