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

struct orun_call; /* orun.h */

typedef void AgentCalled(struct orun_call *c, void *ud);

/* How C code of the program that orun is part of does a task (orun_agent). */
typedef struct AgentHost {
    AgentCalled *start, *stop, *release; /* the last two may be NULL */
    void *ud;
    /* By which the three are called, for whom: calls f(c, ud). Any thread, also
     * when the runtime has been freed. */
    void (*call)(void *owner, AgentCalled *f, struct orun_call *c, void *ud);
    void *owner;
    double grace; /* seconds that `stop` has */
} AgentHost;

typedef struct AgentType {
    List link;  /* in the scheduler's list, newest first */
    List alike; /* in its ring of names with this hash, newest first */
    char *name;
    char *description; /* NULL: none */
    TaskKind kind;     /* TASK_LUA or TASK_PROCESS */
    SlotKind slot;
    bool typed;            /* its function sees to task.schema itself */
    struct Value *code;    /* TASK_LUA: the function; NULL: it is `host` */
    AgentHost *host;       /* TASK_LUA: C code in the place of a function */
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

/* The C code that does the task; NULL: none does. */
static inline const AgentHost *
agent_host(const Task *t)
{
    const AgentType *a = task_agent(t);
    return a && !t->opt->stubbed ? a->host : NULL;
}

/* Is its output a text that comes piece by piece while it runs? */
static inline bool
agent_prints(const Task *t)
{
    return agent_by_program(t) || agent_host(t);
}

/* Free a type and all it owns. NULL is fine. */
void agent_free(AgentType *a);

#endif
