/* old.c — a host that was compiled with older headers, whose structs had fewer
 * fields. What lay behind them belongs to others: here it cannot be read. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* As the first header had it. */
typedef struct orun orun;
typedef struct orun_call orun_call;
typedef struct OldConfig {
    size_t size;
    int workers, processes;
} OldConfig;
typedef struct OldTask {
    size_t size;
    const char *agent;
    const char *const *argv;
    const char *lua;
} OldTask;
typedef struct OldResult {
    uint64_t id;
    int state, exit_code, signal, attempts;
    const char *error_kind, *error, *output;
    size_t output_size;
} OldResult;
typedef struct OldAgent {
    size_t size;
    const char *name, *description;
    void (*start)(orun_call *c, void *ud);
    void (*stop)(orun_call *c, void *ud);
    void (*release)(orun_call *c, void *ud);
    void *ud;
    size_t slots;
    double timeout, grace;
    const char *options;
} OldAgent;
int orun_new(const void *config, orun **out);
int orun_add_agent(orun *o, const void *type);
int orun_start(orun *o, const void *task, uint64_t *id);
int orun_wait(orun *o, uint64_t id, double timeout);
int orun_take(orun *o, uint64_t id, const OldResult **r);
void orun_drop(const OldResult *r);
int orun_call_text(orun_call *c, const void *text, size_t n);
const char *orun_errmsg(orun *o);
int orun_free(orun *o);

enum { OLD_COMPLETED = 2 };

#define CHECK(what) \
    do { \
        if (!(what)) { \
            fprintf(stderr, "%s:%d: not so: %s: %s\n", __FILE__, __LINE__, \
                    #what, orun_errmsg(NULL)); \
            _Exit(9); \
        } \
    } while (0)

/* The first n bytes of a struct, at the end of what can be read. */
static void *
old_struct(const void *from, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED && n <= page);
    CHECK(mprotect(at + page, page, PROT_NONE) == 0);
    memcpy(at + page - n, from, n);
    memcpy(at + page - n, &n, sizeof n); /* its size */
    return at + page - n;
}

static void
old_answer(orun_call *c, void *ud)
{
    CHECK(orun_call_text(c, ud, strlen(ud)) == 0);
}

/* It completes, and its output is this. */
static void
old_does(orun *o, const void *task, const char *output)
{
    const OldResult *r;
    uint64_t id;
    CHECK(orun_start(o, task, &id) == 0);
    CHECK(orun_wait(o, id, -1) == 0 && orun_take(o, id, &r) == 0);
    CHECK(r->id == id && r->state == OLD_COMPLETED && !r->error);
    CHECK(strcmp(r->output, output) == 0 && r->output_size == strlen(output));
    orun_drop(r);
}

int
main(void)
{
    static const char *const echo[] = { "echo", "x", NULL };
    static char answer[] = "yes";
    const OldConfig config = { .workers = 2, .processes = 3 };
    const OldAgent type = { .name = "in-c", .start = old_answer, .ud = answer };
    const OldTask agent = { .agent = "in-c" }, argv = { .argv = echo },
                  lua = { .lua = "local c = orun.config() "
                                 "return c.workers .. ' ' .. c.processes" };
    orun *o;
    CHECK(orun_new(old_struct(&config, sizeof config), &o) == 0);
    CHECK(orun_add_agent(o, old_struct(&type, sizeof type)) == 0);
    old_does(o, old_struct(&agent, offsetof(OldTask, argv)), "yes");
    old_does(o, old_struct(&argv, offsetof(OldTask, lua)), "x\n");
    old_does(o, old_struct(&lua, sizeof lua), "2 3");
    CHECK(orun_free(o) == 0);
    puts("kept");
    return 0;
}
