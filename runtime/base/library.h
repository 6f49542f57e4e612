/* library.h — the functions of a library that is loaded when first needed. */
#ifndef ORUN_LIBRARY_H
#define ORUN_LIBRARY_H

#include "base/base.h"

/* Put the functions of these names into `slots`, an array or a struct of as
 * many pointers in the same order. The name of the first that the library does
 * not have, or NULL. Any thread. */
const char *library_bind(void *library, const char *const *names, size_t n,
                         void *slots);

#endif
