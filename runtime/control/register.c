/* register.c — a run's entry in the registry: written, and removed. */
#include "control/register.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sanitize.h"
#include "control/control.h"
#include "control/run_registry.h"
#include <errno.h>
#include <time.h>
#include <unistd.h>

typedef struct Registration {
    EnginePart part;
    Engine *engine;
    LoopMsg msg;
    struct timespec began;
    RunRegistryEntry entry; /* of the io thread */
} Registration;

/* Append "KEY VALUE" as one line, whatever characters the value has. */
static void
register_put(Buf *out, const char *key, const char *value)
{
    buf_printf(out, "%s ", key);
    sanitize_cut(out, value, strlen(value), RUN_REGISTRY_TEXT / 4);
    buf_putc(out, '\n');
}

static void
register_put_text(Buf *out, const Registration *a, const Control *c)
{
    char token[TOKEN_SIZE];
    token_put(control_tokens(c), 0, 0, token);
    buf_printf(out, "pid %ld\nbegan %lld.%06ld\n", (long)getpid(),
               (long long)a->began.tv_sec, a->began.tv_nsec / 1000);
    register_put(out, "cwd", a->engine->cwd);
    register_put(out, "script", a->engine->script ? a->engine->script : "");
    buf_printf(out, "token %s\nsocket %s\n", token, control_path(c));
}

static const char *
register_runtime_dir(const Engine *h)
{
    static const char name[] = "XDG_RUNTIME_DIR=";
    for (char **each = h->env; *each; each++)
        if (strncmp(*each, name, sizeof name - 1) == 0)
            return *each + sizeof name - 1;
    return NULL;
}

static void
register_posted(LoopMsg *msg)
{
    role_is_io();
    Registration *a = container_of(msg, Registration, msg);
    Control *c;
    Buf text = { 0 };
    int e = control_open(a->engine, &c);
    if (e == 0) {
        register_put_text(&text, a, c);
        e = buf_failed(&text)
            ? ORUN_ENOMEM
            : run_registry_put(register_runtime_dir(a->engine), a->engine->name,
                               text.p, text.n, &a->entry);
    }
    if (e)
        LOG(PROC, "the run cannot be found by others: %s",
            e == ORUN_ESYS ? strerror(errno) : err_text(e));
    buf_free(&text);
}

/* The run is ending: remove its entry. */
static void
register_leave(EnginePart *part)
{
    role_is_io();
    run_registry_remove(&container_of(part, Registration, part)->entry);
}

static void
register_free(EnginePart *part)
{
    mem_free(container_of(part, Registration, part));
}

void
register_run(Engine *h)
{
    if (atomic_load_explicit(&h->registered, memory_order_relaxed)
        || atomic_exchange(&h->registered, true))
        return;
    Loop *loop = engine_loop(h);
    Registration *a = loop ? mem_alloc(sizeof *a) : NULL;
    if (!a)
        return;
    *a = (Registration){
        .part = { .leave = register_leave, .free = register_free },
        .engine = h,
        .msg.run = register_posted,
        .entry = RUN_REGISTRY_NONE,
    };
    clock_gettime(CLOCK_REALTIME, &a->began);
    h->parts[PART_REGISTER] = &a->part;
    loop_post(loop, &a->msg);
}
