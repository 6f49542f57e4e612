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

int
main(void)
{
    static const char *const files[] = { "a.c", "b.c", "c.c", "d.c" };
    orun_agent reviewer = { sizeof reviewer, .name = "reviewer", .start = start,
                            .slots = 2, .timeout = 60 };
    uint64_t ids[4];
    orun *o;
    if (orun_new(NULL, &o) || orun_add_agent(o, &reviewer))
        return fprintf(stderr, "%s\n", orun_errmsg(NULL)), 1;
    for (size_t i = 0; i < 4; i++) {
        orun_task t = { sizeof t, .agent = "reviewer", .prompt = files[i] };
        if (orun_start(o, &t, &ids[i]))
            return fprintf(stderr, "%s\n", orun_errmsg(o)), 1;
    }
    for (size_t i = 0; i < 4; i++) {
        const orun_result *r;
        if (orun_wait(o, ids[i], -1) || orun_take(o, ids[i], &r))
            return fprintf(stderr, "%s\n", orun_errmsg(o)), 1;
        printf("%s, %.2f dollars\n", r->output ? r->output : r->error, r->cost);
        orun_drop(r);
    }
    return orun_free(o);
}

/*
 * --> a.c: fine, 0.25 dollars
 * --> b.c: fine, 0.25 dollars
 * --> the service is down, 0.25 dollars
 * --> d.c: fine, 0.25 dollars
 */
