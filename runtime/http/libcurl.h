/* libcurl.h — the functions of libcurl, loaded when first needed.
 *
 * Linking it would load some thirty libraries into every run, which takes
 * longer than everything else at the start. So the first request opens it, and
 * a system without it can run everything except requests.
 */
#ifndef ORUN_LIBCURL_H
#define ORUN_LIBCURL_H

#include "base/base.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

/* clang-format off */
#define LIBCURL_FUNCTIONS(X) \
    X(easy_cleanup) X(easy_getinfo) X(easy_init) X(easy_pause) \
    X(easy_perform) \
    X(easy_setopt) X(easy_strerror) X(global_init_mem) X(multi_add_handle) \
    X(multi_assign) X(multi_cleanup) X(multi_info_read) X(multi_init) \
    X(multi_remove_handle) X(multi_setopt) X(multi_socket_action) \
    X(slist_append) X(slist_free_all) X(version_info)
/* clang-format on */

typedef struct Libcurl {
#define X(name) __typeof__(curl_##name) *name;
    LIBCURL_FUNCTIONS(X)
#undef X
} Libcurl;

/* The functions, valid as long as the process lives. NULL, with the reason in
 * *why, a constant, if there is no suitable libcurl. The first call blocks
 * while it is loaded. Any thread. */
const Libcurl *libcurl_get(const char **why);

#endif
