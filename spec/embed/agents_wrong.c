/* agents_wrong.c — agents in C that are used wrongly, and in a fork. */
#include "agents.h"
#include <math.h>
#include <pthread.h>
#include <sys/wait.h>

static void
agents_end(orun_call *c, void *ud)
{
    (void)ud;
    atomic_fetch_add(&started, 1);
    CHECK(orun_call_text(c, "x", 1) == ORUN_OK);
}

static void
agents_refused(orun *o, const orun_agent *type, const char *word)
{
    CHECK(orun_add_agent(o, type) == ORUN_EINVAL);
    if (!strstr(orun_errmsg(NULL), word))
        fprintf(stderr, "%s\n", orun_errmsg(NULL));
    CHECK(strstr(orun_errmsg(NULL), word));
}

static void
agents_wrong_types(void)
{
    static const struct {
        const char *options, *word;
    } cases[] = {
        { "{\"retyr\": 1}", "did you mean 'retry'" },
        { "{\"retry\": -1}", "retry" },
        { "{\"name\": \"x\"}", "field name" },
        { "{\"limit\": 3}", "field slots" },
        { "{\"timeout\": 3}", "field timeout" },
        { "{\"command\": [\"x\"]}", "not for an agent in C" },
        { "{\"slots\": \"http\"}", "not for an agent in C" },
        { "{\"isolation\": \"process\"}", "isolation" },
        { "{\"env\": {\"A\": \"b\"}}", "env" },
        { "[1]", "the field [1]" },
        { "3", "expected a JSON object" },
        { "null", "expected a JSON object" },
        { "{", "not JSON" },
        { "", "not JSON" },
    };
    orun *o = check_new();
    orun_agent type = { .size = 0 }, good = { .size = sizeof good };
    good.name = "x";
    good.start = agents_end;
    agents_refused(o, NULL, "type is NULL");
    CHECK(orun_add_agent(NULL, &good) == ORUN_EINVAL);
    agents_refused(o, &type, "size");
    type = good, type.size--;
    agents_refused(o, &type, "size");
    type = good, type.name = NULL;
    agents_refused(o, &type, "name is missing");
    type = good, type.name = "a\nb";
    agents_refused(o, &type, "name = ");
    type = good, type.name = "-x";
    agents_refused(o, &type, "name = ");
    type = good, type.start = NULL;
    agents_refused(o, &type, "start is NULL");
    type = good, type.slots = (size_t)-1;
    agents_refused(o, &type, "slots");
    type = good, type.grace = -1;
    agents_refused(o, &type, "grace");
    type = good, type.timeout = (double)NAN;
    agents_refused(o, &type, "timeout");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        type = good, type.options = cases[i].options;
        agents_refused(o, &type, cases[i].word);
    }
    check_fine(o, "assert(not pcall(Task, {subagent_type = 'x'}))");
    CHECK(orun_free(o) == ORUN_OK);
    CHECK(orun_add_agent(o, &good) == ORUN_EINVAL);
}

/* In `start`: what is wrong with an open call, and after its end. */
static void
agents_misuses(orun_call *c, void *ud)
{
    static const char *const reports[] = { "{\"cost\": -1}", "{\"x\": 1}", "[",
                                           "2", "{\"usage\": {\"a\": 1}}" };
    atomic_fetch_add(&started, 1);
    CHECK(orun_free(ud) == ORUN_ESTATE && *orun_errmsg(NULL));
    CHECK(check_run(ud, "x = 1") == ORUN_ESTATE);
    CHECK(orun_call_stopped(c) == 0);
    CHECK(orun_call_write(c, NULL, 3) == ORUN_EINVAL);
    CHECK(orun_call_write(c, NULL, 0) == ORUN_OK);
    CHECK(orun_call_report(c, NULL) == ORUN_EINVAL);
    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
        CHECK(orun_call_report(c, reports[i]) == ORUN_EINVAL);
        CHECK(strstr(orun_errmsg(NULL), "orun_call_report: "));
    }
    switch (c->input[0]) {
    case '1': CHECK(orun_call_text(c, NULL, 1) == ORUN_EINVAL); break;
    case '2': CHECK(orun_call_json(c, NULL) == ORUN_EINVAL); break;
    case '3': CHECK(orun_call_fail(c, "htp", "x") == ORUN_EINVAL); break;
    default: CHECK(orun_call_fail(c, NULL, NULL) == ORUN_OK);
    }
    CHECK(orun_call_stopped(c) == 1);
    CHECK(orun_call_text(c, "x", 1) == ORUN_ESTATE);
    CHECK(strstr(orun_errmsg(NULL), "orun_call_text: the call has been ended"));
    CHECK(orun_call_fail(c, NULL, "x") == ORUN_ESTATE);
    CHECK(orun_call_write(c, "x", 1) == ORUN_ESTATE);
    CHECK(orun_call_report(c, "{}") == ORUN_ESTATE);
}

static void
agents_wrong_calls(void)
{
    orun_call *wild[] = { NULL, (orun_call *)(void *)&kept_count };
    orun *o = check_new();
    orun_agent type = { sizeof type, .name = "wrong" };
    type.start = agents_misuses;
    type.release = agents_release;
    type.ud = o;
    CHECK(orun_add_agent(o, &type) == ORUN_OK);
    check_fine(o,
               "for i = 1, 4 do"
               "  local r = Task{subagent_type = 'wrong', input = i}"
               "  assert(r.error_kind == 'lua' and #r.error > 0)"
               "  if i < 3 then assert(r.error:find('NULL')) end"
               "  if i == 3 then assert(r.error == 'x') end"
               " end");
    for (size_t i = 0; i < 2; i++) {
        CHECK(orun_call_text(wild[i], "x", 1) == ORUN_EINVAL);
        CHECK(orun_call_json(wild[i], "1") == ORUN_EINVAL);
        CHECK(orun_call_fail(wild[i], NULL, "x") == ORUN_EINVAL);
        CHECK(orun_call_write(wild[i], "x", 1) == ORUN_EINVAL);
        CHECK(orun_call_report(wild[i], "{}") == ORUN_EINVAL);
        CHECK(orun_call_stopped(wild[i]) == ORUN_EINVAL);
    }
    agents_free(o);
}

/* In a fork every call is refused, and the parent's goes on. */
static void *
agents_forks_while(void *arg)
{
    int status;
    orun *o = arg;
    orun_agent type = { sizeof type, .name = "x", .start = agents_end };
    orun_call *c = agents_kept(0);
    pid_t child = fork();
    if (child == 0)
        _exit(orun_call_text(c, "x", 1) == ORUN_EFORKED
                      && orun_call_write(c, "x", 1) == ORUN_EFORKED
                      && orun_call_report(c, "{}") == ORUN_EFORKED
                      && orun_call_stopped(c) == ORUN_EFORKED
                      && orun_add_agent(o, &type) == ORUN_EFORKED
                  ? 42
                  : 1);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    CHECK(orun_call_text(c, "fine", 4) == ORUN_OK);
    return NULL;
}

static void
agents_forked(void)
{
    pthread_t thread;
    orun *o = check_new();
    agents_add(o, "keep", agents_keep, NULL);
    CHECK(pthread_create(&thread, NULL, agents_forks_while, o) == 0);
    check_fine(o, "assert(Task{subagent_type = 'keep'}.output == 'fine')");
    pthread_join(thread, NULL);
    agents_free(o);
}

static const CheckCase cases[] = {
    { "types", agents_wrong_types },
    { "calls", agents_wrong_calls },
    { "forked", agents_forked },
};

CHECK_MAIN(cases)
