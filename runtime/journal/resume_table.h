/* resume_table.h — what an earlier run of the same work has kept, by key.
 *
 * Filled when the run is opened, then asked for by key. Belongs to the thread
 * of the journal; the counts may be read when that has ended.
 */
#ifndef ORUN_RESUME_TABLE_H
#define ORUN_RESUME_TABLE_H

#include "store/store.h"
#include "task/task.h"

typedef struct ResumeTable ResumeTable;

/* One fact that was kept. */
typedef struct ResumeEntry {
    StoredFact fact; /* without its body; seq 0: it was dropped */
    bool asked;      /* somebody asked for it … */
    bool taken;      /* … and took it over … */
    uint64_t task;   /* … of an outcome: the task with this id; 0: none */
    bool ended;      /* of the fact of a worktree: its task had ended */
    unsigned char drawn[TASK_KEY_SIZE];  /* of FACT_DREW: the value */
    unsigned char parent[TASK_KEY_SIZE]; /* of an outcome: the key of the task
                                          * that had started its task, or 0s */
} ResumeEntry;

/* NULL when memory is out. */
ResumeTable *resume_table_new(void);
/* NULL is fine. */
void resume_table_free(ResumeTable *r);

/* Add a fact; a later one of the same kind and key replaces it. ORUN_ENOMEM. */
int resume_table_add(ResumeTable *r, const StoredFact *f) NODISCARD;

/* No longer take over the fact of this kind and key, if there is one. */
void resume_table_drop(ResumeTable *r, const unsigned char key[TASK_KEY_SIZE],
                       uint8_t kind);

/* Was that done? */
bool resume_table_dropped(const ResumeTable *r,
                          const unsigned char key[TASK_KEY_SIZE], uint8_t kind);

/* The entry of this kind and key, which is marked as asked for, or NULL. */
ResumeEntry *resume_table_ask(ResumeTable *r,
                              const unsigned char key[TASK_KEY_SIZE],
                              uint8_t kind);

/* The same without marking it. */
ResumeEntry *resume_table_look(const ResumeTable *r,
                               const unsigned char key[TASK_KEY_SIZE],
                               uint8_t kind);

/* How many entries there are, and the i-th, in the order of the facts. */
size_t resume_table_length(const ResumeTable *r);
ResumeEntry *resume_table_at(const ResumeTable *r, size_t i);

/* Is it an outcome that no task asked for, though what had started its task ran
 * again, or is the script? */
bool resume_table_unasked(const ResumeTable *r, const ResumeEntry *e);

/* The number of tasks with this content that `scope` has had before, and one
 * more from now on. ORUN_ENOMEM: negative. */
int64_t resume_table_occurrence(ResumeTable *r,
                                const unsigned char scope[TASK_KEY_SIZE],
                                const unsigned char content[TASK_KEY_SIZE]);

/* How many that was so far, without one more. */
int64_t resume_table_occurred(const ResumeTable *r,
                              const unsigned char scope[TASK_KEY_SIZE],
                              const unsigned char content[TASK_KEY_SIZE]);

#endif
