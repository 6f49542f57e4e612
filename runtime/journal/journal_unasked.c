/* journal_unasked.c — the titles of results, read from their facts. */
#include "journal/journal_unasked.h"
#include "base/sanitize.h"
#include "journal/journal_state.h"
#include "store/fact.h"

enum { JOURNAL_UNASKED_TITLE = 60 }; /* bytes of one that are told */

/* The title of the task that had this outcome, or its id. */
static void
journal_unasked_title(Journal *j, const StoredFact *f, Buf *to)
{
    Buf body = { 0 };
    FactField field;
    if (store_body(j->store, f, &body, NULL) == 0
        && (fact_find(body.p, body.n, FACT_TAG_DESCRIPTION, &field) == 1
            || fact_find(body.p, body.n, FACT_TAG_TASK, &field) == 1)) {
        buf_puts(to, to->n ? ", " : "");
        sanitize_cut(to, (const char *)field.p, field.n, JOURNAL_UNASKED_TITLE);
    }
    buf_free(&body);
}

void
journal_unasked_tell(Journal *j, size_t most, Buf *to)
{
    size_t n = j->store ? resume_table_length(j->table) : 0;
    for (size_t i = 0; i < n; i++) {
        const ResumeEntry *e = resume_table_at(j->table, i);
        if (!resume_table_unasked(j->table, e))
            continue;
        if (most-- == 0) {
            buf_puts(to, ", ...");
            return;
        }
        journal_unasked_title(j, &e->fact, to);
    }
}
