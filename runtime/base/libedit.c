/* libedit.c — opening libedit. */
#include "base/libedit.h"
#include "base/library.h"
#include <dlfcn.h>
#include <uv.h>

static Libedit libedit;
static char libedit_why[512]; /* "": it is loaded */

/* The order of the struct. */
static const char *const libedit_names[] = {
    "el_init",      "el_end",      "el_gets",      "el_set",    "el_wset",
    "el_get",       "el_line",     "el_insertstr", "el_resize", "el_source",
    "history_init", "history_end", "history",
};

static void
libedit_load(void)
{
    static const char *const files[] = { "libedit.so.2", "libedit.so.0",
                                         "libedit.so" };
    void *library = NULL;
    for (size_t i = 0; !library && i < countof(files); i++)
        library = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(libedit_why, sizeof libedit_why,
                 "libedit cannot be loaded, so lines cannot be edited, "
                 "completed or recalled; install it (on Debian: libedit2)");
        return;
    }
    MUST_BE(sizeof libedit == countof(libedit_names) * sizeof(void *));
    const char *absent = library_bind(library, libedit_names,
                                      countof(libedit_names), &libedit);
    if (absent)
        snprintf(libedit_why, sizeof libedit_why,
                 "libedit has no %s: it is too old", absent);
}

const Libedit *
libedit_get(const char **why)
{
    static uv_once_t once = UV_ONCE_INIT;
    uv_once(&once, libedit_load);
    *why = libedit_why;
    return *libedit_why ? NULL : &libedit;
}
