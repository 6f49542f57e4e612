/* sysmem.h — how much memory the system has. */
#ifndef ORUN_SYSMEM_H
#define ORUN_SYSMEM_H

#include "base/base.h"

/* How many bytes of memory this process may count on: all of the machine's or,
 * where that is less, what its control groups (v1 or v2) allow, as in a
 * container. Never 0. `root` is put before the paths that are read, "" for the
 * real ones. Reads files; any thread. */
size_t sysmem_total(const char *root);

/* How many bytes more processes can be given: what is available on the machine
 * or, where that is less, in the control groups. SIZE_MAX if that is unknown.
 * Otherwise as sysmem_total. */
size_t sysmem_free(const char *root);

#endif
