/* journal_tree.c — worktrees of tasks, as facts; and are their branches there?
 */
#include "journal/journal_tree.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sanitize.h"
#include "base/secret.h"
#include "journal/journal_drawn.h"
#include "journal/journal_job.h"
#include "store/fact.h"
#include "vm/handle.h"
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JOURNAL_TREE_TITLE = 60 }; /* bytes of one that are told */

/* The key under which the worktree of a task is kept. */
static void
journal_tree_key(const unsigned char own[TASK_KEY_SIZE],
                 unsigned char key[TASK_KEY_SIZE])
{
    static const unsigned char content[TASK_KEY_SIZE] = { 'w' };
    journal_job_mix(own, content, 0, key);
}

void
journal_tree_note(Durable *d, Task *t, const DurableTree *tree)
{
    Journal *j = container_of(d, Journal, seam);
    const TaskKey *own = task_key(t);
    bool known = own && own->known && !j->broken;
    Fact *f = known ? mem_zalloc(1, sizeof *f) : NULL;
    if (!f)
        return;
    f->kind = FACT_DREW;
    journal_tree_key(own->key, f->key);
    fact_put_text(&f->body, FACT_TAG_DREW, "worktree");
    fact_put_text(&f->body, FACT_TAG_PATH, tree->path);
    fact_put_text(&f->body, FACT_TAG_BRANCH, tree->branch);
    fact_put_text(&f->body, FACT_TAG_REPOSITORY, tree->repository);
    bool secret = secret_in(f->body.p, f->body.n, NULL, 0);
    journal_drawn_append(j, f, !buf_failed(&f->body) && !secret);
}

/* ---- of an earlier try ---- */

/* Append a text of the fact. */
static void
journal_tree_text(const Buf *body, FactTag tag, Buf *to)
{
    FactField field;
    if (fact_find(body->p, body->n, tag, &field) == 1)
        buf_put(to, field.p, field.n);
}

bool
journal_tree_before(Durable *d, const TaskKey *own, bool resume, Buf *path,
                    Buf *branch)
{
    Journal *j = container_of(d, Journal, seam);
    unsigned char key[TASK_KEY_SIZE];
    Buf body = { 0 };
    if (!j->config.resume || !own->known)
        return false;
    journal_tree_key(own->key, key);
    uv_mutex_lock(&j->lock);
    const ResumeEntry *e = resume_table_look(j->table, key, FACT_DREW);
    bool due = e && (resume || !e->ended);
    uv_mutex_unlock(&j->lock);
    if (due && journal_drawn_body(j, key, &body)) {
        journal_tree_text(&body, FACT_TAG_PATH, path);
        journal_tree_text(&body, FACT_TAG_BRANCH, branch);
    }
    buf_free(&body);
    return path->n && branch->n && !buf_failed(path) && !buf_failed(branch);
}

void
journal_tree_ended(Journal *j, const unsigned char own[TASK_KEY_SIZE])
{
    unsigned char key[TASK_KEY_SIZE];
    if (!j->trees)
        return;
    journal_tree_key(own, key);
    ResumeEntry *e = resume_table_look(j->table, key, FACT_DREW);
    if (e)
        e->ended = true;
}

/* ---- refs of git ---- */

/* Is the ref in the file of those that are packed? */
static bool
journal_tree_packed(const char *repository, const char *ref)
{
    Buf path = { 0 };
    char *line = NULL;
    size_t room = 0;
    bool found = false;
    ssize_t n;
    buf_printf(&path, "%s/packed-refs", repository);
    FILE *file = fopen(buf_cstr(&path), "re");
    buf_free(&path);
    while (file && !found && (n = getline(&line, &room, file)) > 0) {
        line[n - (line[n - 1] == '\n')] = 0;
        const char *name = strchr(line, ' ');
        found = name && strcmp(name + 1, ref) == 0;
    }
    free(line);
    if (file)
        (void)fclose(file);
    return found;
}

static bool
journal_tree_ref(const char *repository, const char *ref)
{
    Buf path = { 0 };
    struct stat st;
    buf_printf(&path, "%s/%s", repository, ref);
    bool there = stat(buf_cstr(&path), &st) == 0 || errno != ENOENT;
    buf_free(&path);
    return there || journal_tree_packed(repository, ref);
}

/* The branch orun/RUN/t3-its-title is gone, and refs/orun/RUN/t3 is not. */
static bool
journal_tree_gone(const char *repository, const char *branch)
{
    Buf ref = { 0 }, base = { 0 };
    const char *id = strncmp(branch, "orun/", 5) == 0 ? strchr(branch + 5, '/')
                                                      : NULL;
    if (!id)
        return false;
    int n = (int)(id - branch + 1 + (ptrdiff_t)strcspn(id + 1, ".-"));
    buf_printf(&ref, "refs/heads/%s", branch);
    buf_printf(&base, "refs/%.*s", n, branch);
    bool gone = !journal_tree_ref(repository, buf_cstr(&ref))
        && journal_tree_ref(repository, buf_cstr(&base));
    gone = gone && !buf_failed(&ref) && !buf_failed(&base);
    buf_free(&ref);
    buf_free(&base);
    return gone;
}

static void
journal_tree_tell(const Task *t, const char *branch)
{
    Buf text = { 0 };
    char id[HANDLE_ID_SIZE];
    handle_name(t->id, id);
    const char *title = t->description ? t->description : id;
    buf_puts(&text, "orun: ");
    sanitize_cut(&text, title, strlen(title), JOURNAL_TREE_TITLE);
    buf_puts(&text, " runs again: what it did was on branch ");
    sanitize_cut(&text, branch, strlen(branch), SIZE_MAX);
    buf_puts(&text, ", which somebody has removed\n");
    log_tell(LOG_WARNING, buf_cstr(&text), text.n);
    buf_free(&text);
}

bool
journal_tree_there(Journal *j, const unsigned char own[TASK_KEY_SIZE],
                   const Task *t)
{
    unsigned char key[TASK_KEY_SIZE];
    Buf body = { 0 }, branch = { 0 }, repository = { 0 };
    bool gone = false;
    journal_tree_key(own, key);
    if (journal_drawn_body(j, key, &body)) {
        journal_tree_text(&body, FACT_TAG_BRANCH, &branch);
        journal_tree_text(&body, FACT_TAG_REPOSITORY, &repository);
        gone = repository.n
            && journal_tree_gone(buf_cstr(&repository), buf_cstr(&branch));
    }
    if (gone)
        journal_tree_tell(t, buf_cstr(&branch));
    buf_free(&body);
    buf_free(&branch);
    buf_free(&repository);
    return !gone;
}
