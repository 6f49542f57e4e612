/* agents.h — what the programs of the specs of agents in C share. */
#ifndef SPEC_EMBED_AGENTS_H
#define SPEC_EMBED_AGENTS_H

#include "check.h"
#include <stdatomic.h>
#include <unistd.h>

enum { KEPT = 4096 };

static atomic_int started, released;

/* Calls that were started and are to be ended later. */
static orun_call *kept[KEPT];
static atomic_int kept_count;

static inline void
agents_wait(atomic_int *value, int least)
{
    while (atomic_load(value) < least)
        usleep(500);
}

static inline void
agents_release(orun_call *c, void *ud)
{
    (void)ud;
    free(c->data);
    atomic_fetch_add(&released, 1);
}

/* It is kept, for somebody else to end. */
static inline void
agents_keep(orun_call *c, void *ud)
{
    (void)ud;
    atomic_fetch_add(&started, 1);
    int i = atomic_fetch_add(&kept_count, 1);
    __atomic_store_n(&kept[i % KEPT], c, __ATOMIC_RELEASE);
}

static inline orun_call *
agents_kept(int i)
{
    orun_call *c;
    while (!(c = __atomic_load_n(&kept[i % KEPT], __ATOMIC_ACQUIRE)))
        usleep(500);
    __atomic_store_n(&kept[i % KEPT], NULL, __ATOMIC_RELEASE);
    return c;
}

static inline void
agents_add(orun *o, const char *name, void (*start)(orun_call *, void *),
           const char *options)
{
    orun_agent type = { sizeof type, .name = name, .start = start };
    type.release = agents_release;
    type.options = options;
    int e = orun_add_agent(o, &type);
    if (e)
        fprintf(stderr, "%s\n", orun_errmsg(NULL));
    CHECK(e == ORUN_OK);
}

/* It ends, and every call that was started has been released once. */
static inline void
agents_free(orun *o)
{
    CHECK(orun_free(o) == ORUN_OK);
    CHECK(released == started);
}

#endif
