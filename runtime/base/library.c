/* library.c — functions by their names. */
#include "base/library.h"
#include <dlfcn.h>

const char *
library_bind(void *library, const char *const *names, size_t n, void *slots)
{
    void **slot = slots;
    for (size_t i = 0; i < n; i++)
        if (!(slot[i] = dlsym(library, names[i])))
            return names[i];
    return NULL;
}
