/* libnats.c — finding libnats, and starting it where no signal reaches it. */
#include "remote/libnats.h"
#include "base/library.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

enum {
    /* The versions 3.LEAST to 3.NEWEST are tried, the newest first: each has a
     * file name of its own. 3.4 is the first that is tested. */
    LIBNATS_LEAST = 4,
    LIBNATS_NEWEST = 40
};

static Libnats libnats;
static char libnats_why[512]; /* "": it is loaded */

void
libnats_signals_off(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, before);
}

void
libnats_signals_on(const sigset_t *before)
{
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* The newest one that is installed. NULL with the reason. */
static void *
libnats_find(void)
{
    for (int minor = LIBNATS_NEWEST; minor >= LIBNATS_LEAST; minor--) {
        char name[32];
        snprintf(name, sizeof name, "libnats.so.3.%d", minor);
        void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
        if (library)
            return library;
        /* There, but something it needs is not: that is what to tell. */
        const char *said = dlerror();
        if (said && strncmp(said, name, strlen(name))) {
            snprintf(libnats_why, sizeof libnats_why,
                     "libnats cannot be loaded: %s", said);
            return NULL;
        }
    }
    snprintf(libnats_why, sizeof libnats_why,
             "libnats is not installed: tasks on other machines need it; "
             "install it (on Debian 12: libnats3.4, on Debian 13: "
             "libnats3.10)");
    return NULL;
}

static void
libnats_load(void)
{
    static const char *const names[] = {
#define X(field, function) #function,
        LIBNATS_FUNCTIONS(X)
#undef X
    };
    void *library = libnats_find();
    if (!library)
        return;
    MUST_BE(sizeof libnats == countof(names) * sizeof(void *));
    const char *absent = library_bind(library, names, countof(names), &libnats);
    if (absent) {
        snprintf(libnats_why, sizeof libnats_why,
                 "libnats has no %s: it was built without that part", absent);
        return;
    }
    sigset_t before;
    libnats_signals_off(&before);
    natsStatus s = libnats.open(-1);
    libnats_signals_on(&before);
    /* One thread hands out the messages of all subscriptions. */
    if (s == NATS_OK)
        s = libnats.pool(1);
    if (s != NATS_OK)
        snprintf(libnats_why, sizeof libnats_why,
                 "libnats %s cannot be initialised: %s", libnats.version(),
                 libnats.status_text(s));
}

const Libnats *
libnats_get(const char **why)
{
    static uv_once_t once = UV_ONCE_INIT;
    uv_once(&once, libnats_load);
    *why = libnats_why;
    return *libnats_why ? NULL : &libnats;
}
