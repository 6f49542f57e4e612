/* journal_past.c — looks for a run, the newest store first. */
#include "journal/journal_past.h"
#include "base/err.h"
#include "base/mem.h"
#include "journal/journal_folder.h"
#include "store/fact.h"
#include "task/task.h"

typedef struct JournalSearch {
    const char *file, *run, *script;
    JournalPast found,
        better; /* the newest; the newest that did not end well */
    bool any, good;
    int e;
} JournalSearch;

void
journal_past_free(JournalPast *p)
{
    mem_free(p->file);
    mem_free(p->script);
    mem_free(p->cwd);
    task_strings_free(p->args);
    *p = (JournalPast){ .file = NULL };
}

static char *
journal_past_text(const FactField *f)
{
    return mem_dup((const char *)f->p, f->n);
}

static int
journal_past_take_argument(JournalPast *p, const FactField *f)
{
    size_t n = 0;
    while (p->args && p->args[n])
        n++;
    char **args = mem_realloc(p->args, (n + 2) * sizeof *args);
    if (!args)
        return ORUN_ENOMEM;
    p->args = args;
    args[n] = journal_past_text(f);
    args[n + 1] = NULL;
    return args[n] ? 0 : ORUN_ENOMEM;
}

static int
journal_past_take(JournalPast *p, const FactField *f)
{
    int64_t n = 0;
    switch (f->tag) {
    case FACT_TAG_SCRIPT:
        mem_free(p->script);
        return (p->script = journal_past_text(f)) ? 0 : ORUN_ENOMEM;
    case FACT_TAG_CWD:
        mem_free(p->cwd);
        return (p->cwd = journal_past_text(f)) ? 0 : ORUN_ENOMEM;
    case FACT_TAG_ARGUMENT: return journal_past_take_argument(p, f);
    case FACT_TAG_SEED: p->seed = fact_int(f, &n) ? (uint32_t)n : 0; return 0;
    case FACT_TAG_LATE: p->late = fact_int(f, &n) && n; return 0;
    default: return 0;
    }
}

static int
journal_past_read(const StoredRun *run, const char *file, JournalPast *p)
{
    FactField f;
    int64_t status = 1;
    int e = 0, more;
    *p = (JournalPast){ .ended = run->end != NULL };
    memcpy(p->id, run->id, sizeof p->id);
    if (!(p->file = mem_dup(file, strlen(file))))
        e = ORUN_ENOMEM;
    fact_first(&f, run->run, run->run_size);
    while (e == 0 && (more = fact_next(&f)) != 0)
        e = more < 0 ? more : journal_past_take(p, &f);
    if (run->end
        && fact_find(run->end, run->end_size, FACT_TAG_EXIT_CODE, &f) > 0)
        p->ended = fact_int(&f, &status);
    p->status = (int)status;
    if (e)
        journal_past_free(p);
    return e;
}

/* Is it the run that is meant? */
static bool
journal_past_fits(const JournalSearch *s, const JournalPast *p)
{
    size_t n = strlen(p->id), want = s->run ? strlen(s->run) : 0;
    if (s->script && (!p->script || strcmp(s->script, p->script) != 0))
        return false;
    return want <= n
        && memcmp(p->id + n - want, s->run ? s->run : "", want) == 0;
}

/* Runs come the oldest first: a later one replaces an earlier. */
static int
journal_past_see(void *ctx, const StoredRun *run)
{
    JournalSearch *s = ctx;
    JournalPast p;
    if (!run->run)
        return 0;
    int e = journal_past_read(run, s->file, &p);
    if (e == ORUN_ENOMEM)
        return e;
    if (e || !journal_past_fits(s, &p)) {
        if (e == 0)
            journal_past_free(&p);
        return 0;
    }
    bool good = !p.ended || p.status != 0;
    JournalPast *to = good ? &s->better : &s->found;
    journal_past_free(to);
    *to = p;
    s->any = s->any || !good;
    s->good = s->good || good;
    return 0;
}

static int
journal_past_look(const char *file, JournalSearch *s, Buf *why)
{
    Store *store;
    int e = store_open(file, STORE_READ | STORE_EXISTS, &store, why);
    if (e)
        return e;
    s->file = file;
    e = store_runs(store, journal_past_see, s, why);
    store_close(store);
    return e;
}

/* In a folder: the newest file that has what is sought; one that ended well
 * only if no other does. */
static int
journal_past_look_all(const char *folder, JournalSearch *s)
{
    char **files = journal_folder_list(folder);
    int e = files ? 0 : ORUN_ENOMEM;
    for (char **f = files; e == 0 && *f && !s->good; f++) {
        JournalPast kept = s->found;
        bool any = s->any;
        s->found = (JournalPast){ .file = NULL };
        int looked = journal_past_look(*f, s, NULL);
        if (looked == ORUN_ENOMEM)
            e = looked;
        if (any) { /* of a newer file */
            journal_past_free(&s->found);
            s->found = kept;
        }
    }
    task_strings_free(files);
    return e;
}

static int
journal_past_none(const char *path, const JournalSearch *s, Buf *why)
{
    buf_printf(why, "%s: no run ", path);
    if (s->run && *s->run)
        buf_printf(why, "'%s' ", s->run);
    if (s->script)
        buf_printf(why, "of %s ", s->script);
    buf_puts(why, "is kept there (orun runs lists those that are)");
    return ORUN_ENOENT;
}

int
journal_past_find(const char *path, const char *run, const char *script,
                  JournalPast *out, Buf *why)
{
    JournalSearch s = { .run = run, .script = script };
    size_t n = strlen(path);
    int e = n && path[n - 1] == '/' ? journal_past_look_all(path, &s)
                                    : journal_past_look(path, &s, why);
    if (e == 0 && !s.any && !s.good)
        e = journal_past_none(path, &s, why);
    if (e == 0)
        *out = s.good ? s.better : s.found;
    if (e || !s.good)
        journal_past_free(&s.better);
    if (e || s.good)
        journal_past_free(&s.found);
    return e;
}
