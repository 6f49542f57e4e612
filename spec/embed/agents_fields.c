/* agents_fields.c — agents in C with what any task and type may have: budgets,
 * sessions, permissions, worktrees, files. */
#include "agents.h"

/* Each costs half a dollar. */
static void
agents_spend(orun_call *c, void *ud)
{
    (void)ud;
    atomic_fetch_add(&started, 1);
    CHECK(orun_call_report(c, "{\"cost\": 0.5, \"model\": \"m\"}") == ORUN_OK);
    CHECK(orun_call_text(c, "spent", 5) == ORUN_OK);
}

static void
agents_budget(void)
{
    orun *o = check_new();
    agents_add(o, "spend", agents_spend, "{\"budget\": {\"usd\": 1}}");
    check_fine(o,
               "for i = 1, 2 do"
               "  local r = Task{subagent_type = 'spend', prompt = 'x'}"
               "  assert(r.ok and r.cost == 0.5 and r.model == 'm', r.error)"
               " end"
               " local r = Task{subagent_type = 'spend', prompt = 'x'}"
               " assert(r.error_kind == 'budget', r.error_kind)"
               " assert(orun.limit('spend').spent.usd == 1)");
    CHECK(started == 2);
    agents_free(o);
}

/* Its first attempt begins a session, and the next continues it. */
static void
agents_session(orun_call *c, void *ud)
{
    (void)ud;
    atomic_fetch_add(&started, 1);
    if (c->attempt == 1) {
        CHECK(c->session_id == NULL);
        CHECK(orun_call_report(c, "{\"session_id\": \"s42\"}") == ORUN_OK);
        CHECK(orun_call_fail(c, "http", "lost") == ORUN_OK);
        return;
    }
    CHECK(c->session_id);
    CHECK(orun_call_text(c, c->session_id, strlen(c->session_id)) == ORUN_OK);
}

static void
agents_resume(void)
{
    orun *o = check_new();
    agents_add(o, "session", agents_session,
               "{\"retry\": {\"max\": 2, \"on\": [\"http\"],"
               " \"backoff\": 0.001, \"resume\": true}}");
    check_fine(o,
               "local r = Task{subagent_type = 'session', prompt = 'x'}"
               " assert(r.output == 's42' and r.attempts == 2, r.error)");
    agents_free(o);
}

/* What it is given, and where: it leaves a file there. */
static void
agents_place(orun_call *c, void *ud)
{
    char path[4096];
    (void)ud;
    atomic_fetch_add(&started, 1);
    snprintf(path, sizeof path, "%s/made", c->cwd);
    FILE *file = fopen(path, "w");
    CHECK(file && fputs("made", file) >= 0 && fclose(file) == 0);
    CHECK(strcmp(c->permissions, "read") == 0);
    CHECK(strcmp(c->schema, "{\"type\":\"string\"}") == 0);
    CHECK(orun_call_text(c, "\"done\"", 6) == ORUN_OK);
}

static void
agents_places(void)
{
    orun *o = check_new();
    agents_add(o, "place", agents_place, "{\"permissions\": \"edit\"}");
    check_fine(o,
               "local git = 'git -c user.name=x -c user.email=x@example.org '"
               " os.execute('git init -q tree && cd tree && ' .. git .."
               "   'commit -q --allow-empty -m first')"
               " local r = Task{subagent_type = 'place', cwd = 'tree',"
               "   isolation = 'worktree', permissions = 'read',"
               "   schema = {type = 'string'}}"
               " assert(r.output == 'done', r.error)"
               " assert(r.worktree.branch and not io.open('tree/made'))"
               " local text = orun.exec{command = {'git', 'show',"
               "   r.worktree.branch .. ':made'}, cwd = 'tree'}.output"
               " assert(text == 'made', text)"
               " local made = {subagent_type = 'place', writes = {'made'},"
               "   reads = {'tree'}, permissions = 'read',"
               "   schema = {type = 'string'}}"
               " assert(Task(made).ok and io.open('made'))"
               " assert(Task(made).fresh)");
    CHECK(started == 2);
    agents_free(o);
}

static const CheckCase cases[] = {
    { "budget", agents_budget },
    { "resume", agents_resume },
    { "places", agents_places },
};

CHECK_MAIN(cases)
