/* libcurl.c — opening libcurl, and setting its allocator. */
#include "http/libcurl.h"
#include "base/library.h"
#include "base/mem.h"
#include <dlfcn.h>
#include <stdio.h>
#include <uv.h>

/* The first version with CURLOPT_QUICK_EXIT. Without that, a name server that
 * does not answer would block the io thread. */
#define LIBCURL_LEAST CURL_VERSION_BITS(7, 87, 0)

static Libcurl libcurl;
static char libcurl_why[512]; /* "": it is loaded */

static char *
libcurl_strdup(const char *s)
{
    return mem_dup(s, strlen(s));
}

static void
libcurl_load(void)
{
    static const char *const names[] = {
#define X(name) "curl_" #name,
        LIBCURL_FUNCTIONS(X)
#undef X
    };
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *said = dlerror();
        snprintf(libcurl_why, sizeof libcurl_why,
                 "libcurl cannot be loaded, "
                 "install it (on Debian: libcurl4): %s",
                 said ? said : "");
        return;
    }
    MUST_BE(sizeof libcurl == countof(names) * sizeof(void *));
    const char *absent = library_bind(library, names, countof(names), &libcurl);
    if (absent) {
        snprintf(libcurl_why, sizeof libcurl_why, "libcurl has no %s", absent);
        return;
    }
    const curl_version_info_data *v = libcurl.version_info(CURLVERSION_NOW);
    if (v->version_num < LIBCURL_LEAST)
        snprintf(libcurl_why, sizeof libcurl_why,
                 "libcurl %s is too old: "
                 "expected 7.87 or newer",
                 v->version);
    else if (libcurl.global_init_mem(CURL_GLOBAL_DEFAULT, mem_alloc, mem_free,
                                     mem_realloc, libcurl_strdup, mem_zalloc))
        snprintf(libcurl_why, sizeof libcurl_why,
                 "libcurl cannot be initialised");
}

const Libcurl *
libcurl_get(const char **why)
{
    static uv_once_t once = UV_ONCE_INIT;
    uv_once(&once, libcurl_load);
    *why = libcurl_why;
    return *libcurl_why ? NULL : &libcurl;
}
