/* child.c — the process of an isolated task: from START to END.
 *
 * The main thread runs the task; a second one reads (parent_link.h). There is
 * no scheduler, worker or io thread. The process always ends by _exit, because
 * exit handlers of C modules could hang or crash after the task is done.
 */
#include "child/child.h"
#include "base/err.h"
#include "base/fork.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/version.h"
#include "child/lib_remote.h"
#include "child/parent_link.h"
#include "runner/isolate.h"
#include "value/value.h"
#include "vm/park.h"
#include "vm/task_entry.h"
#include "vm/vm_seed.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CHILD_USAGE = 2,
    CHILD_SOCKET = 64, /* the lowest number of the socket's descriptor */
};

/* A sanitizer's own memory is beyond any limit. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { CHILD_LIMITED = 0 };
#else
enum { CHILD_LIMITED = 1 };
#endif

/* The contents of START. */
typedef struct Child {
    Task task;       /* of it: id, attempt, description, code, input, prompt */
    TaskOptions opt; /* of the task: the requested memory limit */
    char *place[3];  /* TaskPlace */
    size_t limit;    /* the effective memory limit */
    char *path, *cpath;
    char *names;
    size_t names_size;
} Child;

/* Move the socket away from descriptor 0, which becomes /dev/null, so that
 * neither the task's code nor its children find it. -1: no socket. */
static int
child_socket(void)
{
    struct stat st;
    if (fstat(0, &st) != 0 || !S_ISSOCK(st.st_mode))
        return -1;
    int fd = fcntl(0, F_DUPFD_CLOEXEC, CHILD_SOCKET);
    if (fd < 0)
        fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0 || null < 0 || dup2(null, 0) < 0)
        return -1;
    close(null);
    return fd;
}

static void
child_greet(ParentLink *u)
{
    Buf b = { 0 };
    frame_begin(&b, FRAME_HELLO);
    frame_put_text(&b, ORUN_VERSION);
    frame_put_text(&b, build_id);
    if (frame_end(&b))
        _exit(FRAME_BROKEN);
    parent_link_send(u, &b);
}

static bool
child_get_copy(Frame *f, char **to, size_t *size)
{
    const char *p;
    size_t n;
    if (!frame_get(f, &p, &n))
        return false;
    *to = n ? mem_dup(p, n) : NULL;
    if (size)
        *size = n;
    return n == 0 || *to;
}

static bool
child_get_value(Frame *f, Value **to)
{
    const char *p;
    size_t n;
    if (!frame_get(f, &p, &n))
        return false;
    *to = n ? value_import(p, n, true) : NULL;
    return n == 0 || *to;
}

static bool
child_same_build(Frame *f)
{
    const char *version, *build;
    return frame_get_text(f, &version) && frame_get_text(f, &build) && version
        && build && strcmp(version, ORUN_VERSION) == 0
        && strcmp(build, build_id) == 0;
}

/* The counterpart of run_isolated_frame. */
static bool
child_read_start(Frame *f, Child *c)
{
    uint64_t seed, id, attempt, limit, asked, keeps;
    if (!child_same_build(f) || !frame_get_number(f, &seed)
        || !frame_get_number(f, &id) || !frame_get_number(f, &attempt)
        || !frame_get_number(f, &limit) || !frame_get_number(f, &asked)
        || !frame_get_number(f, &keeps)
        || !child_get_copy(f, &c->task.description, NULL)
        || !child_get_copy(f, &c->place[0], NULL)
        || !child_get_copy(f, &c->place[1], NULL)
        || !child_get_copy(f, &c->place[2], NULL)
        || !child_get_copy(f, &c->path, NULL)
        || !child_get_copy(f, &c->cpath, NULL)
        || !child_get_copy(f, &c->names, &c->names_size)
        || !child_get_value(f, &c->task.code)
        || !child_get_value(f, &c->task.input)
        || !child_get_value(f, &c->opt.prompt))
        return false;
    vm_seed_set((uint32_t)seed);
    lib_remote_keeps = keeps != 0;
    c->task.id = id;
    c->task.attempt = (uint32_t)attempt;
    c->limit = (size_t)limit;
    c->opt.memory_limit = (size_t)asked;
    c->task.opt = &c->opt;
    return c->task.code != NULL;
}

/* Limit the memory that C code can allocate. */
static void
child_limit(const Child *c)
{
    struct rlimit r;
    rlim_t most = isolate_memory(c->limit);
    if (!CHILD_LIMITED || c->limit == 0 || getrlimit(RLIMIT_DATA, &r) != 0)
        return;
    if (r.rlim_cur == RLIM_INFINITY || r.rlim_cur > most)
        r.rlim_cur = most;
    setrlimit(RLIMIT_DATA, &r);
}

static int
child_returned(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 1;
}

/* The body of the coroutine; argument 1 is the Child. */
static int
child_body(lua_State *L)
{
    const Child *c = lua_touserdata(L, 1);
    TaskPlace place = { c->place[0], c->place[1], c->place[2] };
    lua_settop(L, 0);
    lib_remote_learn(L, c->names, c->names_size);
    task_entry_push(L, &c->task, c->task.attempt, &place, &lib_remote_decoding,
                    &lib_remote_decoding);
    lua_callk(L, 2, 1, 0, child_returned);
    return child_returned(L, LUA_OK, 0);
}

static void
child_call(Child *c, Vm *vm, Outcome *o)
{
    int n;
    lua_pushcfunction(vm->co, child_body);
    lua_pushlightuserdata(vm->co, c);
    int status = stop_resume(&vm->stop, vm->co, 1, &n);
    if (fork_count)
        park_end_fork(vm, status);
    if (status == LUA_YIELD)
        status = task_entry_yielded(vm);
    task_entry_outcome(vm, &c->task, status, o);
}

static void
child_run(Child *c, ParentLink *u, Outcome *o)
{
    VmConfig config = {
        .open = lib_remote_open, .ud = u, .path = c->path, .cpath = c->cpath
    };
    VmPool *vms = NULL;
    Vm *vm = vmpool_new(&config, &vms) == 0 ? vm_take(vms) : NULL;
    if (!vm) {
        *o = (Outcome){ .state = TASK_FAILED,
                        .fault = FAULT_MEMORY,
                        .code = -1,
                        .error = "out of memory" };
        return;
    }
    vm->owner = u;
    vm->limit = c->limit;
    parent_link_serve(u, &vm->stop);
    child_call(c, vm, o);
    parent_link_serve(u, NULL);
    vm_give(vms, vm); /* flush files before the outcome is sent */
}

int
child_main(void)
{
    ParentLink *u;
    Child c = { 0 };
    Outcome o = { .code = -1 };
    int fd = child_socket();
    if (fd < 0) {
        fprintf(stderr, "orun: %s is internal: only orun itself may pass it\n",
                ISOLATE_ARGUMENT);
        return CHILD_USAGE;
    }
    log_init();
    fork_ends(NULL);
    prctl(PR_SET_NAME, "orun-task");
    if (parent_link_new(fd, &u) != 0)
        _exit(FRAME_REFUSED);
    child_greet(u);
    Frame start = parent_link_wait(u, FRAME_START);
    if (!child_read_start(&start, &c))
        _exit(FRAME_BROKEN);
    child_limit(&c);
    child_run(&c, u, &o);
    fflush(NULL);
    parent_link_end(u, &o);
}
