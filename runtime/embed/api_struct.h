/* api_struct.h — structs that hosts fill, of older and newer headers. */
#ifndef ORUN_API_STRUCT_H
#define ORUN_API_STRUCT_H

#include "base/base.h"
#include <stdbool.h>

enum {
    API_STRUCT_FIELD = 8,  /* bytes by which structs grow */
    API_STRUCT_MOST = 512, /* bytes that a newer one may have more */
};

/* Copy a host's struct, which begins with its size, to `to`, of `known` bytes,
 * which has the defaults for what it lacks. It has `least` bytes at least, a
 * multiple of what a size_t has, and may have more than `known`, if what is
 * beyond has no bit set (it is newer, and does not use what this library
 * lacks). False: it has another size, or uses more. Any thread. */
bool api_struct_read(void *to, size_t known, const void *from,
                     size_t least) NODISCARD;

#endif
