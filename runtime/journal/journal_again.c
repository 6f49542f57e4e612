/* journal_again.c — ids, and the newest outcome of each. */
#include "journal/journal_again.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/fact.h"
#include <stdio.h>

typedef struct JournalAgainTask {
    const char *word; /* "t3" or "t3@1" */
    unsigned char key[KEY_SIZE];
    bool known;
} JournalAgainTask;

struct JournalAgain {
    char *words; /* cut into strings */
    JournalAgainTask *tasks;
    size_t count;
    uint64_t tries;
};

int
journal_again_new(const char *tasks, JournalAgain **out)
{
    *out = NULL;
    if (!tasks || !*tasks)
        return 0;
    JournalAgain *a = mem_zalloc(1, sizeof *a);
    if (!a)
        return ORUN_ENOMEM;
    a->words = mem_dup(tasks, strlen(tasks));
    a->tasks = mem_zalloc(strlen(tasks), sizeof *a->tasks);
    if (!a->words || !a->tasks) {
        journal_again_free(a);
        return ORUN_ENOMEM;
    }
    char *rest = a->words;
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;)
        a->tasks[a->count++].word = word;
    *out = a;
    return 0;
}

/* Is it the task of this id, which ran in this try? */
static bool
journal_again_is(const char *word, const FactField *id, uint64_t try)
{
    char at[32];
    size_t n = id->n;
    if (strncmp(word, (const char *)id->p, n) != 0 || memchr(id->p, 0, n))
        return false;
    snprintf(at, sizeof at, "@%llu", (unsigned long long)try);
    return word[n] == '\0' || strcmp(word + n, at) == 0;
}

static void
journal_again_match(JournalAgain *a, const StoredFact *f, const void *body)
{
    FactField id;
    if (fact_find(body, f->size, FACT_TAG_TASK, &id) <= 0)
        return;
    for (size_t i = 0; i < a->count; i++) {
        JournalAgainTask *t = &a->tasks[i];
        if (!journal_again_is(t->word, &id, a->tries))
            continue;
        t->known = true;
        memcpy(t->key, f->key, sizeof t->key);
    }
}

int
journal_again_see(JournalAgain *a, Store *s, const StoredFact *f)
{
    Buf body = { 0 };
    if (a && f->kind == FACT_RUN)
        a->tries++;
    if (!a || f->kind != FACT_OUTCOME)
        return 0;
    int e = f->body ? 0 : store_body(s, f, &body, NULL);
    if (e == 0)
        journal_again_match(a, f, f->body ? f->body : buf_cstr(&body));
    buf_free(&body);
    return e == ORUN_ENOMEM ? e : 0; /* what is damaged runs again anyway */
}

int
journal_again_drop(const JournalAgain *a, ResumeTable *table, const char *run,
                   Buf *why)
{
    for (size_t i = 0; a && i < a->count; i++) {
        const JournalAgainTask *t = &a->tasks[i];
        if (!t->known) {
            buf_printf(why,
                       "%s: nothing is kept of such a task of run %s (orun "
                       "show %s lists what is)",
                       t->word, run, run);
            return ORUN_ENOENT;
        }
        resume_table_drop(table, t->key, FACT_OUTCOME);
    }
    return 0;
}

void
journal_again_free(JournalAgain *a)
{
    if (!a)
        return;
    mem_free(a->words);
    mem_free(a->tasks);
    mem_free(a);
}
