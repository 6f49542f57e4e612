/* machine.h — how much memory and processor time there is. */
#ifndef ORUN_MACHINE_H
#define ORUN_MACHINE_H

#include "base/base.h"

/* Bytes of memory this process may count on: what the machine has or, when
 * that is less, what the control groups (v1 or v2) it is in allow, as in a
 * container. Never 0. `root` is put before the paths that are read, "" for
 * the real ones. Reads files; any thread. */
size_t machine_memory(const char *root);

/* Bytes that more processes can be given: what is available on the machine or,
 * when that is less, in the control groups. SIZE_MAX when it cannot be told. As
 * machine_memory. */
size_t machine_free(const char *root);

/* How long the calling thread has been on a processor, in nanoseconds. */
uint64_t machine_thread_time(void);

/* How many processors this process may use, 1 at least. Any thread. */
int machine_processors(void);

#endif
