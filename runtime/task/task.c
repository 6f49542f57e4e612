/* task.c — states and their legal moves, and what a task frees. */
#include "task/task.h"
#include "base/err.h"
#include "base/mem.h"
#include "task/fresh.h"
#include "task/output.h"
#include "task/task_report.h"
#include "task/writes.h"
#include "value/value.h"
#include <assert.h>

static const char *const task_state_names[] = {
#define X(name, text) text,
    TASK_STATES(X)
#undef X
};

static const char *const task_fault_names[] = {
#define X(name, text) text,
    TASK_FAULTS(X)
#undef X
};

static const char *const task_whys[] = {
#define X(name, text) text,
    TASK_WHYS(X)
#undef X
};

#define TO(state) (1u << TASK_##state)
static const unsigned task_moves[TASK_STATE_COUNT] = {
    [TASK_WAITING] = TO(READY) | TO(CANCELLED),
    [TASK_READY] = TO(RUNNING) | TO(WAITING) | TO(FAILED) | TO(CANCELLED),
    [TASK_RUNNING] = TO(READY) | TO(COMPLETED) | TO(FAILED) | TO(CANCELLED),
};
#undef TO

const char *
task_state_name(TaskState s)
{
    return task_state_names[s];
}

const char *
task_fault_name(TaskFault f)
{
    return f == FAULT_NONE ? NULL : task_fault_names[f];
}

const char *
task_why(TaskWhy why)
{
    return task_whys[why];
}

int
task_fault_find(const char *name)
{
    for (int i = 1; i < FAULT_COUNT; i++)
        if (strcmp(task_fault_names[i], name) == 0)
            return i;
    return -1;
}

static const char *const task_permission_names[] = {
#define X(name, text) text,
    TASK_PERMISSIONS(X)
#undef X
};

const char *
task_permission_name(uint8_t permission)
{
    return permission ? task_permission_names[permission] : NULL;
}

int
task_permission_find(const char *name)
{
    for (int i = 1; i < PERMISSION_COUNT; i++)
        if (strcmp(task_permission_names[i], name) == 0)
            return i;
    return -1;
}

uint8_t
task_permission(const Task *t)
{
    for (; t; t = t->parent)
        if (t->opt && t->opt->permissions)
            return t->opt->permissions;
    return PERMISSION_NONE;
}

bool
task_may_move(TaskState from, TaskState to)
{
    return task_moves[from] >> to & 1;
}

void
task_move(Task *t, TaskState to)
{
    assert(task_may_move(t->state, to));
    t->state = (uint8_t)to;
}

void
task_strings_free(char **strings)
{
    for (char **s = strings; s && *s; s++)
        mem_free(*s);
    mem_free(strings);
}

void
task_options_free(TaskOptions *opt)
{
    if (!opt)
        return;
    writes_free(opt->writes);
    fresh_free(opt->fresh);
    value_drop(opt->prompt);
    value_drop(opt->metadata);
    value_drop(opt->schema);
    task_strings_free(opt->argv);
    mem_free(opt->model);
    task_strings_free(opt->env);
    mem_free(opt->cwd);
    value_drop(opt->tree);
    mem_free(opt->base);
    if (opt->replaced) {
        value_drop(opt->replaced->code);
        value_drop(opt->replaced->schema);
        mem_free(opt->replaced->base);
    }
    mem_free(opt->replaced);
    mem_free(opt->owner);
    mem_free(opt->key);
    mem_free(opt->phase);
    if (opt->after)
        task_clear(opt->after);
    mem_free(opt->after);
    mem_free(opt);
}

void
captured_free(Captured *c)
{
    if (!c)
        return;
    output_drop(c->out);
    output_drop(c->err);
    mem_free(c);
}

void
outcome_clear(Outcome *o)
{
    value_drop(o->output);
    value_drop(o->error_value);
    mem_free(o->error);
    captured_free(o->captured);
    *o = (Outcome){ .code = -1 };
}

const char *
task_error(const Task *t)
{
    const Outcome *o = &t->outcome;
    if (!task_final(t))
        return NULL;
    if (t->kind != TASK_ITEM && t->state == TASK_COMPLETED)
        return NULL;
    if (o->error || t->kind == TASK_ITEM)
        return o->error;
    return o->fault == FAULT_MEMORY ? err_text(ORUN_ENOMEM)
                                    : "no memory was left to say why";
}

const char *
task_skipped(const Task *t)
{
    bool may = task_final(t) && t->state == TASK_COMPLETED;
    return may && t->kind != TASK_ITEM ? t->outcome.error : NULL;
}

size_t
task_weight(const Task *t)
{
    size_t n = sizeof *t + value_held(t->input) + value_held(task_prompt(t));
    if (t->own_code)
        n += value_held(t->code);
    if (t->description)
        n += strlen(t->description);
    if (t->opt)
        n += sizeof *t->opt + value_held(t->opt->metadata)
            + value_held(t->opt->schema);
    return n;
}

size_t
outcome_weight(const Outcome *o)
{
    return value_held(o->output) + value_held(o->error_value)
        + (o->error ? strlen(o->error) : 0)
        + (o->captured
               ? output_held(o->captured->out) + output_held(o->captured->err)
               : 0);
}

bool
task_barred(const Task *t, const Writes *held)
{
    const Task *owner = held->owner;
    if (task_above(owner, t) || (task_above(t, owner) && !owner->stopping))
        return false;
    return writes_overlap(held, t->opt->writes);
}

static void
task_edges_free(TaskEdges *e)
{
    if (!e)
        return;
    if (e->key) {
        mem_free(e->key->item);
        mem_free(e->key->parts);
    }
    mem_free(e->key);
    mem_free(e->blockers);
    mem_free(e->dependents);
    mem_free(e);
}

void
task_clear(Task *t)
{
    value_drop(t->code);
    value_drop(t->input);
    task_options_free(t->opt);
    task_edges_free(t->edges);
    if (task_final(t))
        outcome_clear(&t->outcome);
    else
        mem_free(t->timer);
    mem_free(t->description);
    task_report_free(t->report);
}
