/* agent.c — what an agent type owns. */
#include "task/agent.h"
#include <limits.h>
#include "base/mem.h"
#include "task/limit.h"
#include "value/value.h"

void
agent_free(AgentType *a)
{
    if (!a)
        return;
    mem_free(a->name);
    mem_free(a->description);
    value_drop(a->code);
    mem_free(a->host);
    task_strings_free(a->argv);
    limit_free(a->limit);
    task_strings_free(a->opt.env);
    mem_free(a->opt.cwd);
    mem_free(a->opt.base);
    mem_free(a);
}

void
agent_took(const AgentType *a, long kib)
{
    AgentType *t = (AgentType *)(uintptr_t)a;
    long most = t ? t->max_rss : LONG_MAX;
    while (kib > most && !atomic_compare_exchange_weak(&t->max_rss, &most, kib))
        continue;
}
