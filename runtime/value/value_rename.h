/* value_rename.h — a Value of another run, whose handles become those of this
 * one.
 */
#ifndef ORUN_VALUE_RENAME_H
#define ORUN_VALUE_RENAME_H

#include "value/value.h"

/* The handle `was`, a task's id in the other run, becomes `is`. */
typedef struct ValueRename {
    uint64_t was, is;
} ValueRename;

/* A Value of bytes that value_bytes gave in another run (copied), each handle
 * of which is renamed by one of the n names, whose order does not matter. Like
 * that of value_import it is data only: no code. NULL: memory is out, the bytes
 * are malformed, or there is a handle without a name. Any thread. */
Value *value_rename(const void *p, size_t size, const ValueRename *names,
                    size_t n);

#endif
