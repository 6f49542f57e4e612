/* agent.c — an agent in C that answers later, and a fan-out over it.
 *
 * Build it where orun was built, and run it:
 *
 *     $ cc -o agent -iquote runtime examples/embed/agent.c build/liborun.a \
 *         $(pkg-config --cflags --libs lua5.4 libuv) -lm -pthread
 *     $ ./agent
 *
 * Each review is done by a thread of this program, two at a time. It looks
 * whether it is to stop, tells what it does, and ends the call, once.
 */
#include "orun.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void *
work(void *call)
{
    orun_call *c = call;
    char text[80];
    int n = snprintf(text, sizeof text, "%.*s: fine", (int)c->prompt_size,
                     c->prompt);
    orun_call_report(c, "{\"activity\": \"reading\", \"cost\": 0.25}");
    if (orun_call_stopped(c))
        orun_call_fail(c, "cancelled", "stopped");
    else if (strstr(text, "c.c"))
        orun_call_fail(c, "http", "the service is down");
    else
        orun_call_text(c, text, (size_t)n);
    return NULL;
}

static void
start(orun_call *c, void *ud) /* on a thread of orun */
{
    pthread_t thread;
    (void)ud;
    if (pthread_create(&thread, NULL, work, c))
        orun_call_fail(c, "spawn", "no thread could be started");
    else
        pthread_detach(thread);
}

static const char review[] =
    "local all = {}\n"
    "for i, file in ipairs{'a.c', 'b.c', 'c.c', 'd.c'} do\n"
    "  all[i] = {subagent_type = 'reviewer', prompt = file}\n"
    "end\n"
    "for _, r in ipairs(orun.fan_out(all)) do\n"
    "  print(r.output or r.error, r.cost)\n"
    "end\n";

int
main(void)
{
    orun_agent reviewer = { sizeof reviewer, .name = "reviewer", .start = start,
                            .slots = 2, .timeout = 60 };
    orun *o;
    if (orun_new(NULL, &o) || orun_add_agent(o, &reviewer)
        || orun_run_string(o, "=review", review, strlen(review)))
        return fprintf(stderr, "%s\n", orun_errmsg(NULL)), 1;
    return orun_free(o);
}

/*
 * --> a.c: fine	0.25
 * --> b.c: fine	0.25
 * --> the service is down	0.25
 * --> d.c: fine	0.25
 */
