/* journal_content.h — what a task is to do, as the parts that key.h hashes.
 */
#ifndef ORUN_JOURNAL_CONTENT_H
#define ORUN_JOURNAL_CONTENT_H

#include "engine/engine.h"
#include "journal/key.h"
#include "task/task.h"

enum { JOURNAL_CONTENT_VALUES = 4 };

/* The Values that t consists of and that may have handles in them; NULL where
 * there is none. Those of an item with the board's lock held. */
void journal_content_values(const Task *t,
                            const Value *values[JOURNAL_CONTENT_VALUES]);

/* All of it but the Values, the blockers, and what is asked (ops). What comes
 * here does not change once t was added. Any thread. */
void journal_content_parts(KeyParts *parts, const Task *t, const Engine *h);

/* Mix what an item says into its content: errors as value_hash has them. With
 * the board's lock held. */
int journal_content_item(const Task *t, const Value *metadata,
                         unsigned char content[DIGEST_SIZE]) NODISCARD;

/* The place where t was called, for one that began before the run was kept: the
 * scope of what it starts, and what it is to do. Any thread. */
void journal_content_place(const Task *t, unsigned char out[TASK_KEY_SIZE]);

/* The same Value, held once more; NULL of NULL. */
Value *journal_content_hold(const Value *v);

#endif
