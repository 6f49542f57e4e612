/* agent.h — agent types: named ways to do a task.
 *
 * A type says how a prompt and an input become a result: a Lua function or a
 * program. Types are made once and stay to the end of the run, so a pointer to
 * one stays good; defining a name again hides the older type from then on.
 */
#ifndef ORUN_AGENT_H
#define ORUN_AGENT_H

#include "base/base.h"
#include "base/list.h"
#include "task/task.h"

typedef struct AgentType {
    List link;  /* in the scheduler's list, newest first */
    List alike; /* in its ring of names with this hash, newest first */
    char *name;
    char *description; /* NULL: none */
    TaskKind kind;     /* TASK_LUA or TASK_PROCESS */
    SlotKind slot;
    bool typed;            /* its function sees to task.schema itself */
    struct Value *code;    /* TASK_LUA: the function */
    char **argv;           /* TASK_PROCESS: NULL-terminated */
    struct Limit *limit;   /* its own slots; NULL: none */
    struct Limit *account; /* what all types share that use the same key; or
                            * NULL; the scheduler's */
    _Atomic long max_rss;  /* KiB that a program of its tasks has taken */
    TaskOptions opt;       /* what its tasks have unless they say otherwise */
    int priority;
} AgentType;

/* A program of one of its tasks has taken that much memory, KiB. Any thread;
 * NULL is fine. */
void agent_took(const AgentType *a, long kib);

/* The command line of a task that is a program, its own or its type's; NULL of
 * others. */
static inline char *const *
agent_argv(const Task *t)
{
    const AgentType *a = task_agent(t);
    if (t->opt && t->opt->argv)
        return t->opt->argv;
    return a && a->kind == TASK_PROCESS ? a->argv : NULL;
}

/* Is the task done by a program, whatever runs that? */
static inline bool
agent_by_program(const Task *t)
{
    return agent_argv(t) && !t->opt->stubbed;
}

/* Free a type and all it owns. NULL is fine. */
void agent_free(AgentType *a);

#endif
