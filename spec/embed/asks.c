/* asks.c — a host that asks for the list, and is told what happens. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

/* The reply has that text. */
static void
asks_for(orun *o, const char *call, const char *args, const char *text)
{
    char *reply;
    int e = orun_ask(o, call, args, &reply);
    if (e || !strstr(reply, text))
        fprintf(stderr, "%d: %s\n", e, e ? orun_errmsg(o) : reply);
    CHECK(e == ORUN_OK && strstr(reply, text));
    orun_free_text(reply);
}

static void
asks_refused(orun *o, int code, const char *call, const char *args,
             const char *text)
{
    char *reply = (char *)&code;
    int e = orun_ask(o, call, args, &reply);
    if (e != code || !strstr(orun_errmsg(o), text))
        fprintf(stderr, "%d: %s\n", e, orun_errmsg(o));
    CHECK(e == code && !reply && strstr(orun_errmsg(o), text));
}

/* The list, limits, agents and the config, without Lua. */
static void
asks_list(void)
{
    orun *o = check_new();
    asks_for(o, "TaskCreate", "{\"subject\": \"one\"}", "\"id\":\"t1\"");
    asks_for(o, "TaskCreate", "{\"subject\": \"two\", \"blockedBy\": [\"t1\"]}",
             "\"t2\"");
    asks_for(o, "TaskList", "{\"status\": \"pending\"}", "\"subject\":\"two\"");
    asks_for(o, "TaskClaim", "{\"owner\": \"me\"}", "\"subject\":\"one\"");
    asks_for(o, "TaskClaim", NULL, "{\"task\":null}");
    asks_for(o, "TaskUpdate",
             "{\"task_id\": \"t1\", \"status\": \"completed\","
             " \"output\": \"x\"}",
             "\"success\":true");
    CHECK(orun_wait(o, 1, -1) == ORUN_OK);
    check_fine(o, "assert(TaskGet('t1').status == 'completed')");
    asks_for(o, "TaskGet", "{\"task_id\": \"t2\"}", "\"status\":\"pending\"");
    asks_for(o, "Limit", "{\"name\": \"api\", \"slots\": 2}", "\"slots\":2");
    asks_for(o, "Limit", "{\"name\": \"api\"}", "\"slots\":2");
    asks_for(o, "Config", "{\"processes\": 3}", "\"processes\":3");
    asks_for(o, "Config", NULL, "\"workers\":2");
    asks_for(o, "Agent",
             "{\"name\": \"up\", \"command\": [\"tr\", \"a-z\", \"A-Z\"]}",
             "\"up\"");
    asks_for(o, "Task", "{\"subagent_type\": \"up\", \"prompt\": \"word\"}",
             "\"output\":\"WORD\"");
    asks_for(o, "RunTasks", "{}", "\"tasks\"");
    CHECK(orun_free(o) == ORUN_OK);
}

static void
asks_wrong(void)
{
    char *reply = (char *)&reply;
    orun *o = check_new();
    CHECK(orun_ask(NULL, "TaskList", NULL, &reply) == ORUN_EINVAL && !reply);
    CHECK(orun_ask(o, "TaskList", NULL, NULL) == ORUN_EINVAL);
    asks_refused(o, ORUN_EINVAL, NULL, NULL, "call is NULL");
    asks_refused(o, ORUN_EINVAL, "Tasklist", NULL, "there is no call");
    asks_refused(o, ORUN_EINVAL, "", NULL, "there is no call");
    asks_refused(o, ORUN_EINVAL, "TaskList", "{\"status\": 5}", "status");
    asks_refused(o, ORUN_EINVAL, "TaskList", "{", "TaskList: args");
    asks_refused(o, ORUN_EINVAL, "TaskList", "", "TaskList: args");
    asks_refused(o, ORUN_EINVAL, "TaskList", "[1]", "must be an object");
    asks_refused(o, ORUN_EINVAL, "TaskList", "null", "must be an object");
    asks_refused(o, ORUN_EINVAL, "TaskList", "{}, \"call\": \"RunStop\"",
                 "args");
    asks_refused(o, ORUN_EFAILED, "TaskStop", "{\"task_id\": \"t9\"}", "t9");
    asks_refused(o, ORUN_EFAILED, "Config", "{\"worker\": 1}",
                 "did you mean 'workers'?");
    asks_refused(o, ORUN_EFAILED, "Limit", "{}", "limit");
    orun_free_text(NULL);
    CHECK(orun_free(o) == ORUN_OK);
    CHECK(orun_ask(o, "TaskList", NULL, &reply) == ORUN_EINVAL);
}

static void *
asks_waiter(void *o)
{
    asks_refused(o, ORUN_ESHUTDOWN, "Task",
                 "{\"subagent_type\": \"slow\", \"prompt\": \"x\"}", "");
    return NULL;
}

/* A call that waits ends with the runtime. */
static void
asks_freed(void)
{
    orun *o = check_new();
    pthread_t thread;
    char *reply;
    bool begun = false;
    asks_for(o, "Agent",
             "{\"name\": \"slow\", \"command\": [\"sleep\", \"1000\"]}",
             "slow");
    pthread_create(&thread, NULL, asks_waiter, o);
    while (!begun) {
        CHECK(orun_ask(o, "RunTasks", "{\"states\": [\"running\"]}", &reply)
              == ORUN_OK);
        begun = strstr(reply, "\"t1\"") != NULL;
        orun_free_text(reply);
        usleep(2000);
    }
    CHECK(orun_free(o) == ORUN_OK);
    pthread_join(thread, NULL);
}

/* ---- events ---- */

static char asks_lines[100000];

static void
asks_event(orun *o, const char *line, size_t n, void *ud)
{
    size_t at = strlen(asks_lines);
    CHECK(ud == asks_lines && strlen(line) == n && !strchr(line, '\n'));
    CHECK(at + n + 2 < sizeof asks_lines);
    snprintf(asks_lines + at, sizeof asks_lines - at, "%s\n", line);
    CHECK(orun_dispatch(o) == ORUN_ESTATE);
}

/* What a task does is told, and no more once the host has enough. */
static void
asks_events(void)
{
    static const char *const views[] = { "events=/dev/null", NULL };
    orun *o = check_new();
    uint64_t id;
    orun_task t = { sizeof t, .lua = "return 1", .description = "counted" };
    CHECK(orun_on_event(NULL, asks_event, NULL) == ORUN_EINVAL);
    CHECK(orun_on_event(o, asks_event, asks_lines) == ORUN_OK);
    CHECK(orun_on_event(o, asks_event, asks_lines) == ORUN_OK);
    CHECK(orun_watch(o, views) == ORUN_OK);
    CHECK(orun_start(o, &t, &id) == ORUN_OK);
    struct pollfd p = { .fd = orun_fd(o), .events = POLLIN };
    while (!strstr(asks_lines, "\"event\":\"ended\"")) {
        CHECK(poll(&p, 1, -1) == 1);
        if (orun_dispatch(o) == 0)
            CHECK(orun_next(o, 0, &id) == ORUN_OK);
    }
    CHECK(strncmp(asks_lines, "{", 1) == 0);
    CHECK(strstr(asks_lines, "\"description\":\"counted\""));
    CHECK(strstr(asks_lines, "\"event\":\"started\""));
    check_fine(o, "Task{run = function() return 2 end, description = 'last'}");
    CHECK(orun_unwatch(o) == ORUN_OK); /* has all of it ready */
    while (orun_dispatch(o) > 0)
        continue;
    CHECK(strstr(asks_lines, "\"last\""));
    CHECK(strstr(asks_lines, "\"event\":\"run_ended\""));
    CHECK(orun_on_event(o, NULL, NULL) == ORUN_OK);
    CHECK(orun_free(o) == ORUN_OK);
}

/* Too late is said; a host that never dispatches keeps a bounded queue. */
static void
asks_late(void)
{
    static const char *const views[] = { "events=/dev/null", NULL };
    orun *o = check_new();
    CHECK(orun_on_event(o, NULL, NULL) == ORUN_OK);
    check_fine(o, "Task{run = function() end}");
    CHECK(orun_on_event(o, asks_event, NULL) == ORUN_ESTATE);
    CHECK(strstr(orun_errmsg(o), "before the first script and task"));
    CHECK(orun_free(o) == ORUN_OK);
    o = check_new();
    CHECK(orun_watch(o, views) == ORUN_OK);
    CHECK(orun_on_event(o, asks_event, NULL) == ORUN_ESTATE);
    CHECK(orun_free(o) == ORUN_OK);
    o = check_new();
    CHECK(orun_on_event(o, asks_event, asks_lines) == ORUN_OK);
    check_fine(o, "for i = 1, 50 do Task{run = function() return 1 end} end");
    CHECK(orun_free(o) == ORUN_OK);
    CHECK(*asks_lines == '\0');
}

static const CheckCase cases[] = {
    { "list", asks_list },     { "wrong", asks_wrong }, { "freed", asks_freed },
    { "events", asks_events }, { "late", asks_late },
};

CHECK_MAIN(cases)
