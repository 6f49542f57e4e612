/* journal_content.c — the fields of a task and of its options, as parts. */
#include "journal/journal_content.h"
#include "task/agent.h"
#include "task/fresh.h"

void
journal_content_values(const Task *t,
                       const Value *values[JOURNAL_CONTENT_VALUES])
{
    const TaskOptions *o = t->opt;
    const AgentType *agent = task_agent(t);
    values[0] = o && o->replaced ? o->replaced->code : t->code;
    values[1] = t->input;
    values[2] = o ? o->prompt : NULL;
    values[3] = agent ? agent->code : NULL;
}

static void
journal_content_options(KeyParts *parts, const TaskOptions *o)
{
    parts->key = o->key;
    parts->agent = o->agent;
    parts->argv = o->argv;
    parts->schema = o->schema;
    parts->model = o->model;
    parts->cwd = o->cwd;
    parts->env = o->env;
    parts->worktree = o->worktree;
    parts->base = o->base;
    parts->max_output = o->max_output;
    parts->reads = o->fresh ? o->fresh->reads : NULL;
    parts->writes = o->writes;
    if (o->replaced) {
        parts->schema = o->replaced->schema;
        parts->worktree = o->replaced->worktree;
        parts->base = o->replaced->base;
    }
}

void
journal_content_parts(KeyParts *parts, const Task *t, const Engine *h)
{
    *parts = (KeyParts){ .permissions = task_permission(t), .root = h->cwd };
    if (t->opt)
        journal_content_options(parts, t->opt);
}

int
journal_content_item(const Task *t, const Value *metadata,
                     unsigned char content[DIGEST_SIZE])
{
    Digest d;
    unsigned char hash[DIGEST_SIZE];
    const char *text = t->description;
    digest_begin(&d);
    digest_add(&d, content, DIGEST_SIZE);
    digest_add(&d, text, text ? strlen(text) + 1 : 0);
    if (metadata) {
        int e = value_hash(metadata, NULL, hash);
        if (e)
            return e;
        digest_add(&d, hash, sizeof hash);
    }
    digest_end(&d, content);
    return 0;
}

void
journal_content_place(const Task *t, unsigned char out[TASK_KEY_SIZE])
{
    Digest d;
    unsigned char whole[DIGEST_SIZE];
    digest_begin(&d);
    digest_add(&d, t->file, t->file ? strlen(t->file) : 0);
    digest_add(&d, &t->line, sizeof t->line);
    digest_end(&d, whole);
    memcpy(out, whole, TASK_KEY_SIZE);
}

Value *
journal_content_hold(const Value *v)
{
    return v ? value_hold((Value *)v) : NULL;
}
