/* agents.c — agent types in C: their tasks, ends and stops. */
#include "agents.h"
#include <pthread.h>

static atomic_int stopped;

static void
agents_stop(orun_call *c, void *ud)
{
    (void)c, (void)ud;
    atomic_fetch_add(&stopped, 1);
}

/* ---- ways to do a task ---- */

/* Its prompt and its input, at once. */
static void
agents_echo(orun_call *c, void *ud)
{
    char text[256];
    (void)ud;
    atomic_fetch_add(&started, 1);
    CHECK(c->data == NULL && c->cwd && c->cwd[0] == '/' && c->id > 0);
    c->data = malloc(8); /* release frees it */
    int n = snprintf(text, sizeof text, "%.*s|%s|%s|%d", (int)c->prompt_size,
                     c->prompt, c->input ? c->input : "-",
                     c->model ? c->model : "-", (int)c->attempt);
    CHECK(orun_call_text(c, text, (size_t)n) == ORUN_OK);
}

/* Its input is the result. */
static void
agents_json(orun_call *c, void *ud)
{
    (void)ud;
    atomic_fetch_add(&started, 1);
    CHECK(orun_call_json(c, c->input ? c->input : "{") == ORUN_OK);
}

/* It fails; its input is the kind, as JSON. */
static void
agents_fail(orun_call *c, void *ud)
{
    char kind[32] = "";
    (void)ud;
    atomic_fetch_add(&started, 1);
    if (c->input)
        snprintf(kind, sizeof kind, "%.*s", (int)strlen(c->input) - 2,
                 c->input + 1);
    CHECK(orun_call_write(c, "half", 4) == ORUN_OK);
    CHECK(orun_call_fail(c, *kind ? kind : NULL, "no luck") == ORUN_OK);
}

/* The work of one: pieces of text and reports, and the end. */
static void *
agents_work(void *arg)
{
    orun_call *c = arg;
    for (int i = 0; i < 3; i++) {
        CHECK(!orun_call_stopped(c));
        CHECK(orun_call_write(c, "tick ", 5) == ORUN_OK);
        CHECK(orun_call_report(c,
                               "{\"activity\": \"ticking\", \"cost\": 0.5,"
                               " \"usage\": {\"input_tokens\": 7}}")
              == ORUN_OK);
    }
    CHECK(orun_call_text(c, "end", 3) == ORUN_OK);
    return NULL;
}

static void
agents_begin(orun_call *c, void *(*work)(void *))
{
    pthread_t thread;
    atomic_fetch_add(&started, 1);
    CHECK(pthread_create(&thread, NULL, work, c) == 0);
    pthread_detach(thread);
}

static void
agents_later(orun_call *c, void *ud)
{
    (void)ud;
    agents_begin(c, agents_work);
}

/* A thread that asks whether it is to end. */
static void *
agents_asks(void *arg)
{
    orun_call *c = arg;
    while (!orun_call_stopped(c))
        usleep(200);
    CHECK(orun_call_fail(c, "cancelled", "as asked") == ORUN_OK);
    return NULL;
}

static void
agents_patient(orun_call *c, void *ud)
{
    (void)ud;
    agents_begin(c, agents_asks);
}

/* The same in `start` itself. */
static void
agents_blocks(orun_call *c, void *ud)
{
    (void)ud;
    atomic_fetch_add(&started, 1);
    agents_asks(c);
}

static orun *
agents_new(void)
{
    orun *o = check_new();
    agents_add(o, "echo", agents_echo, NULL);
    agents_add(o, "json", agents_json, NULL);
    agents_add(o, "fail", agents_fail, NULL);
    agents_add(o, "keep", agents_keep, NULL);
    agents_add(o, "later", agents_later, NULL);
    agents_add(o, "patient", agents_patient, NULL);
    agents_add(o, "blocks", agents_blocks, NULL);
    return o;
}

/* ---- tasks ---- */

static void
agents_ends(void)
{
    orun *o = agents_new();
    check_fine(o,
               "local r = Task{subagent_type = 'echo', prompt = 'hi',"
               " input = {a = 1}, model = 'm'}"
               " assert(r.ok and r.output == 'hi|{\"a\":1}|m|1', r.output)"
               " assert(Task{subagent_type = 'echo'}.output == '|-|-|1')"
               " local inner = Task{input = 'x', run = function(x)"
               "   return Task{subagent_type = 'echo', input = x}.output end}"
               " assert(inner.output == '|\"x\"|-|1', inner.output)"
               " local first = Task{run = function() return {n = 3} end,"
               "   run_in_background = true}"
               " local r = Task{subagent_type = 'json', input = {from = first}}"
               " assert(r.output.from.n == 3)");
    check_fine(o,
               "local r = Task{subagent_type = 'json'}"
               " assert(r.error_kind == 'schema' and r.error:find('not JSON'))"
               " local r = Task{subagent_type = 'json', input = {b = 1},"
               "   schema = {type = 'object', required = {'a'}}}"
               " assert(r.error_kind == 'schema', r.error)"
               " assert(Task{subagent_type = 'echo',"
               "   schema = {type = 'object'}}.error_kind == 'schema')"
               " assert(Task{subagent_type = 'json', input = {a = 2},"
               "   schema = {type = 'object', required = {'a'}}}.output.a == 2)"
               " local r = Task{subagent_type = 'echo', input = {f = print}}"
               " assert(r.error_kind == 'lua' and r.error:find('.f: ', 1, 1),"
               "   r.error)");
    check_fine(o,
               "local r = Task{subagent_type = 'fail'}"
               " assert(r.status == 'failed' and r.error_kind == 'lua')"
               " assert(r.error == 'no luck' and r.output == 'half')"
               " local r = Task{subagent_type = 'fail', input = 'http',"
               "   retry = {max = 2, on = {'http'}, backoff = 0.001}}"
               " assert(r.error_kind == 'http' and r.attempts == 3)"
               " local r = Task{subagent_type = 'fail', input = 'cancelled'}"
               " assert(r.status == 'cancelled', r.status)");
    agents_free(o);
}

/* Text comes piece by piece, work is told of, another thread ends it. */
static void
agents_streams(void)
{
    orun *o = agents_new();
    check_fine(o,
               "local r = Task{subagent_type = 'later'}"
               " assert(r.output == 'tick tick tick end', r.output)"
               " assert(r.usage.input_tokens == 7 and r.cost == 0.5)"
               " local r = Task{subagent_type = 'later', max_output = 5}"
               " assert(r.truncated and io.open(r.output_file):read('a')"
               "   == 'tick tick tick end', r.output)"
               " local r = Task{subagent_type = 'echo', max_output = 2,"
               "   prompt = 'abcdef'}"
               " assert(r.truncated and r.output:find('^ab\\n'), r.output)"
               " local r = Task{subagent_type = 'later', retry = {max = 1,"
               "   on = {'budget'}}, schema = {type = 'object'}}"
               " assert(r.error_kind == 'schema' and r.attempts == 1)");
    agents_free(o);
}

static atomic_int acks;

static void
agents_ack(orun_call *c, void *ud)
{
    (void)ud;
    atomic_fetch_add(&started, 1);
    atomic_fetch_add(&acks, 1);
    CHECK(orun_call_text(c, NULL, 0) == ORUN_OK);
}

/* Writes more only when what it wrote was read. */
static void *
agents_told(void *arg)
{
    (void)arg;
    orun_call *c = agents_kept(0);
    CHECK(orun_call_write(c, "one", 3) == ORUN_OK);
    agents_wait(&acks, 1);
    CHECK(orun_call_write(c, "two", 3) == ORUN_OK);
    agents_wait(&acks, 2);
    CHECK(orun_call_json(c, "[1, 2]") == ORUN_OK);
    return NULL;
}

static void
agents_reads(void)
{
    pthread_t thread;
    orun *o = agents_new();
    agents_add(o, "ack", agents_ack, NULL);
    CHECK(pthread_create(&thread, NULL, agents_told, NULL) == 0);
    check_fine(o,
               "local h = Task{subagent_type = 'keep', prompt = 'x',"
               " run_in_background = true}"
               " local reader = orun.output(h)"
               " assert(reader:read() == 'one')"
               " assert(TaskOutput{task_id = h, block = false}.output == 'one')"
               " assert(Task{subagent_type = 'ack'}.output == '')"
               " assert(reader:read() == 'two')"
               " Task{subagent_type = 'ack'}"
               " local r = TaskOutput(h)"
               " assert(r.output[2] == 2 and not r.truncated)"
               " assert(reader:read() == nil)");
    pthread_join(thread, NULL);
    agents_free(o);
}

/* ---- stops ---- */

/* `stop` that ends the call. */
static void
agents_stop_ends(orun_call *c, void *ud)
{
    agents_stop(c, ud);
    CHECK(orun_call_stopped(c) == 1);
    CHECK(orun_call_text(c, "stopped", 7) == ORUN_OK);
    CHECK(orun_call_stopped(c) == 1); /* it is there until `release` */
}

static void
agents_nothing(orun_call *c, void *ud)
{
    (void)c, (void)ud;
    atomic_fetch_add(&started, 1);
}

static void
agents_stops(void)
{
    orun *o = agents_new();
    orun_agent type = { sizeof type, .name = "told", .start = agents_nothing };
    type.stop = agents_stop_ends;
    type.release = agents_release;
    type.timeout = 0.01;
    type.grace = 60;
    CHECK(orun_add_agent(o, &type) == ORUN_OK);
    check_fine(o,
               "local r = Task{subagent_type = 'told'}"
               " assert(r.error_kind == 'timeout' and r.output == 'stopped')"
               " for _, name in ipairs{'patient', 'blocks'} do"
               "  local r = Task{subagent_type = name, timeout = 0.01}"
               "  assert(r.error_kind == 'timeout', r.error)"
               "  local h = Task{subagent_type = name,"
               "    run_in_background = true}"
               "  while TaskGet(h).status ~= 'in_progress' do"
               "    orun.sleep('1ms') end"
               "  TaskStop(h)"
               "  assert(TaskOutput(h).status == 'cancelled')"
               " end");
    CHECK(stopped == 1);
    agents_free(o);
}

/* A time-out, a `stop` and an end by another thread all come at once. */
static void *
agents_races(void *arg)
{
    orun_call *c = arg;
    usleep((useconds_t)(c->id % 7) * 200);
    int e = orun_call_text(c, "done", 4);
    CHECK(e == ORUN_OK || e == ORUN_ESHUTDOWN);
    return NULL;
}

static void
agents_race(orun_call *c, void *ud)
{
    (void)ud;
    agents_begin(c, agents_races);
}

static void
agents_stop_while_ending(void)
{
    orun *o = agents_new();
    orun_agent type = { sizeof type, .name = "race", .start = agents_race };
    type.stop = agents_stop;
    type.release = agents_release;
    type.slots = 20;
    type.grace = 0.0003;
    CHECK(orun_add_agent(o, &type) == ORUN_OK);
    check_fine(o,
               "local all = {}"
               " for i = 1, 300 do all[i] = Task{subagent_type = 'race',"
               "   timeout = 0.001, run_in_background = true} end"
               " for i = 1, 300 do local r = TaskOutput(all[i])"
               "  assert(r.ok and r.output == 'done' or"
               "    r.error_kind == 'timeout', r.error) end");
    CHECK(orun_free(o) == ORUN_OK);
    agents_wait(&released, started); /* those given up end a little later */
    CHECK(stopped <= 300 && released == started);
}

/* Nobody ends it: given up after its grace, and ended when nobody hears. */
static void
agents_never(void)
{
    orun *o = agents_new();
    orun_agent type = { sizeof type, .name = "slow", .start = agents_keep };
    type.release = agents_release;
    type.stop = agents_stop;
    type.grace = 0.01;
    CHECK(orun_add_agent(o, &type) == ORUN_OK);
    check_fine(o,
               "local r = Task{subagent_type = 'slow', timeout = 0.01,"
               " retry = {max = 1, on = {'timeout'}, backoff = 0.001}}"
               " assert(r.error_kind == 'timeout' and r.attempts == 2)"
               " assert(not r.error:find('stuck'))");
    CHECK(stopped == 2 && started == 2 && released == 0);
    orun_call *one = agents_kept(0), *two = agents_kept(1);
    CHECK(orun_call_stopped(one) == 1);
    CHECK(orun_call_write(one, "x", 1) == ORUN_ESHUTDOWN);
    CHECK(orun_call_report(one, "{}") == ORUN_ESHUTDOWN);
    CHECK(strstr(orun_errmsg(NULL), "given up"));
    CHECK(orun_call_text(one, "x", 1) == ORUN_ESHUTDOWN && released == 1);
    CHECK(orun_call_text(one, "x", 1) == ORUN_EINVAL && released == 1);
    CHECK(strstr(orun_errmsg(NULL), "no call"));
    check_fine(o,
               "Task{subagent_type = 'slow', run_in_background = true}"
               " Task{subagent_type = 'echo'} os.exit(0)");
    CHECK(orun_free(o) == ORUN_OK);
    CHECK(orun_call_stopped(two) == 1 && two->attempt == 2);
    CHECK(orun_call_fail(two, NULL, "late") == ORUN_ESHUTDOWN);
    while (released < started)
        CHECK(orun_call_json(agents_kept(2), "1") == ORUN_ESHUTDOWN);
}

static int gate[2];

/* It blocks, whatever it is told, until the gate is open. */
static void
agents_hang(orun_call *c, void *ud)
{
    char byte;
    (void)ud;
    atomic_fetch_add(&started, 1);
    CHECK(read(gate[0], &byte, 1) == 0);
    CHECK(orun_call_text(c, "x", 1) == ORUN_ESHUTDOWN);
}

static void
agents_stuck(void)
{
    orun *o = check_new();
    CHECK(pipe(gate) == 0);
    orun_agent type = { sizeof type, .name = "hang", .start = agents_hang };
    type.release = agents_release;
    type.grace = 0.01;
    CHECK(orun_add_agent(o, &type) == ORUN_OK);
    check_fine(o,
               "local r = Task{subagent_type = 'hang', timeout = 0.01,"
               " description = 'deaf'}"
               " assert(r.error_kind == 'timeout'"
               "  and r.error:find('given up'), r.error)"
               " assert(Task{run = function() return 1 end}.output == 1)");
    CHECK(strstr(orun_stuck(o), "deaf"));
    CHECK(orun_free(o) == ORUN_OK);
    close(gate[1]);
    agents_wait(&released, 1);
}

/* Its `stop` blocks in the same way. */
static void
agents_stop_hangs(orun_call *c, void *ud)
{
    char byte;
    (void)c, (void)ud;
    CHECK(read(gate[0], &byte, 1) == 0);
    atomic_fetch_add(&stopped, 1);
}

static void
agents_stop_stuck(void)
{
    orun *o = check_new();
    CHECK(pipe(gate) == 0);
    orun_agent type = { sizeof type, .name = "keep", .start = agents_keep };
    type.stop = agents_stop_hangs;
    type.release = agents_release;
    type.grace = 0.01;
    CHECK(orun_add_agent(o, &type) == ORUN_OK);
    check_fine(o,
               "local r = Task{subagent_type = 'keep', timeout = 0.01,"
               " description = 'deaf'}"
               " assert(r.error_kind == 'timeout', r.error)"
               " assert(Task{run = function() return 1 end}.output == 1)");
    CHECK(strstr(orun_stuck(o), "deaf"));
    CHECK(orun_free(o) == ORUN_OK);
    CHECK(orun_call_text(agents_kept(0), "x", 1) == ORUN_ESHUTDOWN);
    CHECK(stopped == 0 && released == 0);
    close(gate[1]);
    agents_wait(&released, 1);
    CHECK(stopped == 1);
}

/* Interrupted twice, nothing has a grace: `stop` is called all the same. */
static void *
agents_interrupts(void *o)
{
    agents_wait(&started, 1);
    orun_interrupt(o);
    orun_interrupt(o);
    return NULL;
}

static void
agents_hurried(void)
{
    pthread_t thread;
    orun *o = check_new();
    orun_agent type = { sizeof type, .name = "keep", .start = agents_keep };
    type.stop = agents_stop;
    type.release = agents_release;
    type.grace = 600;
    CHECK(orun_add_agent(o, &type) == ORUN_OK);
    CHECK(pthread_create(&thread, NULL, agents_interrupts, o) == 0);
    CHECK(check_run(o, "Task{subagent_type = 'keep'}") == ORUN_ESTOPPED);
    pthread_join(thread, NULL);
    CHECK(orun_free(o) == ORUN_OK);
    CHECK(stopped == 1 && released == 0);
    CHECK(orun_call_fail(agents_kept(0), NULL, NULL) == ORUN_ESHUTDOWN);
    CHECK(released == 1);
}

/* ---- many ---- */

static atomic_int now, most;

static void
agents_counted(orun_call *c, void *ud)
{
    int n = atomic_fetch_add(&now, 1) + 1;
    int before = atomic_load(&most);
    while (n > before && !atomic_compare_exchange_weak(&most, &before, n))
        continue;
    agents_keep(c, ud);
}

/* Ends `*arg` calls, one after the other. */
static void *
agents_ender(void *arg)
{
    for (int i = 0; i < *(int *)arg; i++) {
        orun_call *c = agents_kept(i);
        atomic_fetch_sub(&now, 1);
        CHECK(orun_call_json(c, c->input) == ORUN_OK);
    }
    return NULL;
}

/* More tasks than slots: the end of one starts another. */
static void
agents_many(void)
{
    int n = 1000;
    pthread_t thread;
    orun *o = check_new();
    orun_agent type = { sizeof type, .name = "two", .start = agents_counted };
    type.release = agents_release;
    type.slots = 2;
    CHECK(orun_add_agent(o, &type) == ORUN_OK);
    CHECK(pthread_create(&thread, NULL, agents_ender, &n) == 0);
    check_fine(o,
               "local all, sum = {}, 0"
               " for i = 1, 1000 do all[i] = Task{subagent_type = 'two',"
               "   input = i, run_in_background = true} end"
               " for i = 1, 1000 do sum = sum + TaskOutput(all[i]).output end"
               " assert(sum == 500500)"
               " assert(orun.limit('two').slots == 2)");
    pthread_join(thread, NULL);
    CHECK(most <= 2);
    agents_free(o);
}

/* A call to which several threads append. */
static void *
agents_appends(void *arg)
{
    char piece[101] = "";
    memset(piece, 'a' + atomic_fetch_add(&acks, 1), 100);
    for (int i = 0; i < 200; i++) {
        CHECK(orun_call_write(arg, piece, 100) == ORUN_OK);
        CHECK(orun_call_report(arg, "{\"activity\": \"x\"}") == ORUN_OK);
    }
    return NULL;
}

static void *
agents_crowd(void *arg)
{
    pthread_t threads[4];
    orun_call *c = agents_kept(0);
    (void)arg;
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, agents_appends, c) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK(orun_call_text(c, NULL, 0) == ORUN_OK);
    return NULL;
}

static void
agents_shared(void)
{
    pthread_t thread;
    orun *o = agents_new();
    CHECK(pthread_create(&thread, NULL, agents_crowd, NULL) == 0);
    check_fine(o,
               "local r = Task{subagent_type = 'keep', max_output = '1MiB'}"
               " assert(#r.output == 80000)"
               " for piece in r.output:gmatch(('.'):rep(100)) do"
               "  assert(piece == piece:sub(1, 1):rep(100)) end");
    pthread_join(thread, NULL);
    agents_free(o);
}

/* Calls end while the runtime is freed. */
static void *
agents_ends_all(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++) {
        int e = orun_call_text(agents_kept(i), "x", 1);
        CHECK(e == ORUN_OK || e == ORUN_ESHUTDOWN);
    }
    return NULL;
}

static void
agents_all(orun_call *c, void *ud)
{
    (void)ud;
    agents_wait(&started, 200);
    CHECK(orun_call_text(c, NULL, 0) == ORUN_OK);
}

static void
agents_freed(void)
{
    pthread_t thread;
    orun *o = check_new();
    orun_agent type = { sizeof type, .name = "keep", .start = agents_keep };
    type.release = agents_release;
    type.stop = agents_stop;
    type.grace = 0.001;
    CHECK(orun_add_agent(o, &type) == ORUN_OK);
    type = (orun_agent){ sizeof type, .name = "all", .start = agents_all };
    CHECK(orun_add_agent(o, &type) == ORUN_OK);
    CHECK(pthread_create(&thread, NULL, agents_ends_all, NULL) == 0);
    check_fine(o,
               "for i = 1, 200 do Task{subagent_type = 'keep',"
               "  run_in_background = true} end"
               " Task{subagent_type = 'all'} os.exit(0)");
    CHECK(orun_free(o) == ORUN_OK);
    pthread_join(thread, NULL);
    agents_wait(&released, 200);
    CHECK(started == 200);
}

/* ---- tasks that C starts ---- */

/* It does its task by another, of the same runtime. */
static void
agents_nests(orun_call *c, void *ud)
{
    const orun_result *r;
    uint64_t id;
    orun_task t = { .size = sizeof t, .agent = "echo", .prompt = "inner" };
    atomic_fetch_add(&started, 1);
    CHECK(orun_start(ud, &t, &id) == ORUN_OK);
    CHECK(orun_wait(ud, id, -1) == ORUN_OK);
    CHECK(orun_take(ud, id, &r) == ORUN_OK);
    CHECK(orun_call_text(c, r->output, r->output_size) == ORUN_OK);
    orun_drop(r);
}

static uint64_t
agents_start(orun *o, const char *agent, const char *input)
{
    uint64_t id;
    orun_task t = { .size = sizeof t, .agent = agent, .input = input };
    CHECK(orun_start(o, &t, &id) == ORUN_OK);
    return id;
}

/* Wait for it, and check its result. */
static void
agents_is(orun *o, uint64_t id, int state, const char *output)
{
    const orun_result *r;
    CHECK(orun_wait(o, id, -1) == ORUN_OK);
    CHECK(orun_take(o, id, &r) == ORUN_OK);
    CHECK(r->state == state);
    CHECK(output ? strcmp(r->output, output) == 0 : !r->output);
    orun_drop(r);
}

static void
agents_hosted(void)
{
    char text[16];
    size_t got;
    int end;
    orun *o = agents_new();
    orun_agent type = { sizeof type, .name = "nests", .start = agents_nests };
    type.release = agents_release;
    type.ud = o;
    CHECK(orun_add_agent(o, &type) == ORUN_OK);
    uint64_t first = agents_start(o, "keep", NULL);
    orun_call *c = agents_kept(0);
    CHECK(check_run(o, "error('no task of the host is its')") != ORUN_OK);
    CHECK(c->id == first && orun_call_write(c, "half", 4) == ORUN_OK);
    CHECK(orun_read(o, first, 1, 0, text, sizeof text, &got, &end) == ORUN_OK);
    CHECK(got == 4 && !end && memcmp(text, "half", 4) == 0);
    CHECK(orun_call_text(c, "way", 3) == ORUN_OK);
    agents_is(o, first, ORUN_COMPLETED, "halfway");
    agents_is(o, agents_start(o, "nests", NULL), ORUN_COMPLETED, "inner|-|-|1");
    agents_is(o, agents_start(o, "fail", "\"http\""), ORUN_FAILED, "half");
    uint64_t asks = agents_start(o, "patient", NULL);
    CHECK(orun_stop(o, asks) == ORUN_OK);
    agents_is(o, asks, ORUN_CANCELLED, NULL);
    for (int i = 0; i < 1000; i++)
        agents_start(o, "json", "{\"a\": 1}");
    for (int i = 0; i < 1000; i++) {
        const orun_result *r;
        CHECK(orun_next(o, -1, &first) == ORUN_OK);
        CHECK(orun_take(o, first, &r) == ORUN_OK);
        CHECK(strcmp(r->json, "{\"a\":1}") == 0);
        orun_drop(r);
        CHECK(orun_forget(o, first) == ORUN_OK);
    }
    CHECK(orun_next(o, -1, &first) == ORUN_ENOENT);
    agents_free(o);
}

/* ---- types ---- */

static void
agents_named(orun_call *c, void *ud)
{
    atomic_fetch_add(&started, 1);
    CHECK(orun_call_text(c, ud, strlen(ud)) == ORUN_OK);
}

/* A name used again hides the older type; agents are added by any thread, while
 * a script runs. */
static void
agents_again(orun_call *c, void *ud)
{
    orun_agent type = { sizeof type, .name = "named", .start = agents_named };
    type.release = agents_release;
    static char fresh[] = "new";
    type.ud = fresh;
    atomic_fetch_add(&started, 1);
    CHECK(orun_add_agent(ud, &type) == ORUN_OK);
    CHECK(orun_call_text(c, "", 0) == ORUN_OK);
}

static void
agents_hides(void)
{
    static char old[] = "old";
    orun *o = agents_new();
    orun_agent type = { sizeof type, .name = "named", .start = agents_named };
    type.release = agents_release;
    type.ud = old;
    CHECK(orun_add_agent(o, &type) == ORUN_OK);
    type.name = "again";
    type.start = agents_again;
    type.ud = o;
    type.options = "{\"retry\": {\"max\": 3, \"on\": [\"http\"]},"
                   " \"priority\": 3, \"permissions\": \"read\"}";
    CHECK(orun_add_agent(o, &type) == ORUN_OK);
    check_fine(o,
               "assert(Task{subagent_type = 'named'}.output == 'old')"
               " Task{subagent_type = 'again'}"
               " assert(Task{subagent_type = 'named'}.output == 'new')"
               " orun.agent{name = 'named', run = function() return 1 end}"
               " assert(Task{subagent_type = 'named', prompt = 'x'}.output"
               "   == 1)"
               " orun.agent{name = 'again', command = {'cat'}}"
               " assert(Task{subagent_type = 'again', prompt = 'x'}.output"
               "   == 'x')");
    agents_free(o);
}

/* A plan starts none, and a run that is kept starts none twice. */
static void
agents_planned(void)
{
    orun_config c = ORUN_CONFIG_INIT;
    orun *o;
    c.plan = 1;
    CHECK(orun_new(&c, &o) == ORUN_OK);
    agents_add(o, "echo", agents_echo, NULL);
    check_fine(o, "assert(Task{subagent_type = 'echo', prompt = 'x'}.ok)");
    agents_free(o);
    CHECK(started == 0);
    remove("agents.db");
    c.plan = 0;
    c.store = "agents.db";
    for (int round = 0; round < 3; round++) {
        c.resume = round ? "" : NULL;
        CHECK(orun_new(&c, &o) == ORUN_OK);
        agents_add(o, round < 2 ? "echo" : "other", agents_echo, NULL);
        check_fine(o,
                   round < 2
                       ? "r = Task{subagent_type = 'echo', prompt = 'x'}"
                         " assert(r.output == 'x|-|-|1')"
                       : "r = Task{subagent_type = 'other', prompt = 'x'}"
                         " assert(r.output == 'x|-|-|1' and not r.cached)");
        agents_free(o);
        CHECK(started == (round < 2 ? 1 : 2));
    }
}

static const CheckCase cases[] = {
    { "ends", agents_ends },
    { "streams", agents_streams },
    { "reads", agents_reads },
    { "stops", agents_stops },
    { "stop-while-ending", agents_stop_while_ending },
    { "never", agents_never },
    { "stuck", agents_stuck },
    { "stop-stuck", agents_stop_stuck },
    { "hurried", agents_hurried },
    { "many", agents_many },
    { "shared", agents_shared },
    { "freed", agents_freed },
    { "hosted", agents_hosted },
    { "hides", agents_hides },
    { "planned", agents_planned },
};

CHECK_MAIN(cases)
