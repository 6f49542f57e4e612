/* machine.h — how much memory there is to use. Layer 0 (ground). */
#ifndef ORUN_MACHINE_H
#define ORUN_MACHINE_H

#include "base.h"

/* Bytes of memory this process may count on: what the machine has or, when
 * that is less, what the control groups (v1 or v2) it is in allow, as in a
 * container. Never 0. `root` is put before the paths that are read, "" for
 * the real ones. Reads files; any thread. */
size_t machine_memory(const char *root);

/* Bytes that more processes can be given: what is available on the machine or,
 * when that is less, in the control groups. SIZE_MAX when it cannot be told. As
 * machine_memory. */
size_t machine_free(const char *root);

#endif
