/* host.c — which tasks the host has started, and what it is to be told. */
#include "embed/host.h"
#include "base/err.h"
#include "base/mem.h"
#include "runner/run_lua.h"
#include "runner/run_process.h"
#include "task/output.h"
#include "thread/epoch.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    HOST_PLACES = 64,     /* of the hash table, at first */
    HOST_LINES = 8 << 20, /* bytes of events that wait for the host */
};

/* Seconds that are waited at a time, as far as a condition can count. */
#define HOST_LONGEST 1e6

void
host_init(Host *h, orun *o, Sched *s, ApiGuard *guard)
{
    *h = (Host){ .o = o, .sched = s, .guard = guard, .fd = -1 };
    list_init(&h->due);
    list_init(&h->ended);
    list_init(&h->waits);
    list_init(&h->guests);
    list_init(&h->lines);
    uv_cond_init(&h->next);
}

void
host_destroy(Host *h)
{
    for (size_t i = 0; i < h->places; i++)
        for (HostTask *t = h->tasks[i], *next; t; t = next) {
            next = t->same;
            mem_free(t);
        }
    for (List *node; (node = list_shift(&h->lines)) != NULL;)
        mem_free(container_of(node, HostLine, link));
    mem_free(h->tasks);
    uv_cond_destroy(&h->next);
    if (h->fd >= 0)
        close(h->fd);
}

void
host_close(Host *h)
{
    sched_lock(h->sched);
    h->closing = true;
    list_each(node, &h->waits) {
        HostWait *w = container_of(node, HostWait, link);
        wait_fire(&w->wait, WAIT_STOPPED);
    }
    list_each(node, &h->guests) {
        HostGuest *g = container_of(node, HostGuest, link);
        stop_tell(&g->run.vm->stop, "the runtime is being freed");
        wait_fire(&g->run.wait, WAIT_STOPPED);
    }
    uv_cond_broadcast(&h->next);
    sched_unlock(h->sched);
}

/* ---- the notes ---- */

/* Make room for one note more. False: there is none at all. */
static bool
host_grow(Host *h)
{
    if (h->count < h->places)
        return true;
    size_t places = h->places ? h->places * 2 : HOST_PLACES;
    HostTask **tasks = mem_zalloc(places, sizeof *tasks);
    if (!tasks)
        return h->places > 0;
    for (size_t i = 0; i < h->places; i++)
        for (HostTask *t = h->tasks[i], *next; t; t = next) {
            next = t->same;
            t->same = tasks[t->id % places];
            tasks[t->id % places] = t;
        }
    mem_free(h->tasks);
    h->tasks = tasks;
    h->places = places;
    return true;
}

/* The link that leads to the note of that id, or to the end of its chain. */
static HostTask **
host_find(Host *h, uint64_t id)
{
    HostTask **at = &h->tasks[id % h->places];
    while (*at && (*at)->id != id)
        at = &(*at)->same;
    return at;
}

/* Free the note, unless there is still something to tell. */
static void
host_release(Host *h, HostTask *t)
{
    if (!t->told || t->calling || !list_empty(&t->due))
        return;
    HostTask **at = host_find(h, t->id);
    *at = t->same;
    h->count--;
    list_del(&t->growth.link);
    mem_free(t);
}

/* ---- what is to be told ---- */

/* The descriptor is readable while there is something. */
static void
host_light(Host *h)
{
    uint64_t one = 1;
    bool lit = !list_empty(&h->due) || !list_empty(&h->ended)
        || !list_empty(&h->lines);
    if (h->fd < 0 || lit == h->lit)
        return;
    h->lit = lit;
    if (lit)
        (void)!write(h->fd, &one, sizeof one);
    else
        (void)!read(h->fd, &one, sizeof one);
}

static void
host_due(Host *h, HostTask *t)
{
    if (list_empty(&t->due))
        list_push(&h->due, &t->due);
    host_light(h);
}

static void
host_ended(Wait *w)
{
    HostTask *t = container_of(w, HostTask, end);
    Host *h = t->host;
    t->is_final = true;
    if (t->done) {
        host_due(h, t);
        return;
    }
    list_push(&h->ended, &t->ended);
    host_light(h);
    uv_cond_signal(&h->next);
}

static void
host_grew(Wait *w)
{
    HostTask *t = container_of(w, HostTask, growth);
    t->grew = true;
    host_due(t->host, t);
}

/* Of what it prints so far, from `have` on, is there news? Asks to be told. */
static bool
host_watch(Output *o, bool anew)
{
    return o && output_watch(o, anew ? 0 : output_size(o));
}

/* Have the next that t prints told; all that it has, if `anew`. */
static void
host_watch_growth(Host *h, HostTask *t, bool anew)
{
    uint32_t nth;
    Task *task = board_find(&h->sched->board, t->id);
    Output *o[2] = { NULL, NULL };
    for (int err = 0; err < 2 && !task_final(task); err++) {
        o[err] = run_process_live(task, err);
        if (!o[err])
            o[err] = run_lua_live(task, err, &nth);
    }
    bool news = host_watch(o[1], anew);
    WaitFor what = { .kind = WAIT_FOR_OUTPUT,
                     .task = task,
                     .output = o[0],
                     .have = o[0] && !anew ? output_size(o[0]) : 0,
                     .deadline = INFINITY };
    if (news || wait_begin(&h->sched->board, &t->growth, NULL, &what) == 0)
        host_grew(&t->growth);
    output_drop(o[0]);
    output_drop(o[1]);
}

int
host_ready(Host *h)
{
    sched_lock(h->sched);
    bool room = host_grow(h);
    sched_unlock(h->sched);
    return room ? 0 : ORUN_ENOMEM;
}

void
host_add(Host *h, HostTask *note, Task *t)
{
    WaitFor end = { .kind = WAIT_FOR_TASK, .task = t, .deadline = INFINITY };
    note->host = h;
    note->id = t->id;
    note->end = (Wait){ .wake = host_ended };
    note->growth = (Wait){ .wake = host_grew };
    list_init(&note->growth.link);
    list_init(&note->due);
    list_init(&note->ended);
    sched_lock(h->sched);
    (void)host_grow(h); /* without memory the chains get longer */
    *host_find(h, note->id) = note;
    h->count++;
    h->expected += note->done == NULL;
    if (note->more)
        host_watch_growth(h, note, true);
    if (wait_begin(&h->sched->board, &note->end, NULL, &end) == 0)
        host_ended(&note->end);
    sched_unlock(h->sched);
}

void
host_told(Host *h, uint64_t id)
{
    HostTask *t = h->places ? *host_find(h, id) : NULL;
    if (!t || t->done || t->told)
        return;
    t->told = true;
    list_del(&t->ended);
    if (--h->expected == 0)
        uv_cond_broadcast(&h->next);
    host_release(h, t);
    host_light(h);
}

/* ---- waiting ---- */

/* A deadline on the clock of conditions; 0: none. */
static uint64_t
host_deadline(double timeout)
{
    if (timeout < 0 || timeout > HOST_LONGEST)
        return 0;
    return uv_hrtime() + (uint64_t)(timeout * 1e9) + 1;
}

/* Wait on the board's lock. False: the deadline is over. */
static bool
host_sleep(Host *h, uv_cond_t *go, uint64_t deadline)
{
    uv_mutex_t *lock = &h->sched->board.lock;
    uint64_t now = deadline ? uv_hrtime() : 0;
    if (deadline && now >= deadline)
        return false;
    if (deadline)
        (void)uv_cond_timedwait(go, lock, deadline - now);
    else
        uv_cond_wait(go, lock);
    return true;
}

static void
host_woken(Wait *w)
{
    uv_cond_signal(&container_of(w, HostWait, wait)->go);
}

/* Wait until w has ended. With the lock held, which is released meanwhile. */
static int
host_pend(Host *h, HostWait *w, uint64_t deadline)
{
    int depth = epoch_pause();
    list_push(&h->waits, &w->link);
    while (w->wait.outcome == WAIT_PENDING && host_sleep(h, &w->go, deadline))
        continue;
    list_del(&w->link);
    list_del(&w->wait.link);
    int outcome = w->wait.outcome;
    epoch_resume(depth);
    if (outcome == WAIT_PENDING)
        return ORUN_ETIMEOUT;
    return outcome == WAIT_STOPPED ? ORUN_ESHUTDOWN : 0;
}

int
host_wait(Host *h, Task *t, double timeout)
{
    uint64_t id = t->id, deadline = host_deadline(timeout);
    HostWait w = { .wait = { .wake = host_woken } };
    WaitFor what = { .kind = WAIT_FOR_TASK, .task = t, .deadline = INFINITY };
    if (uv_cond_init(&w.go))
        return ORUN_ENOMEM;
    sched_lock(h->sched);
    int e = h->closing ? ORUN_ESHUTDOWN : 0;
    if (e == 0 && wait_begin(&h->sched->board, &w.wait, NULL, &what) == 1)
        e = host_pend(h, &w, deadline);
    if (e == 0)
        host_told(h, id);
    sched_unlock(h->sched);
    uv_cond_destroy(&w.go);
    return e;
}

int
host_next(Host *h, double timeout, uint64_t *id)
{
    uint64_t deadline = host_deadline(timeout);
    int e = 0;
    sched_lock(h->sched);
    while (e == 0 && list_empty(&h->ended)) {
        if (h->closing)
            e = ORUN_ESHUTDOWN;
        else if (h->expected == 0)
            e = ORUN_ENOENT;
        else if (!host_sleep(h, &h->next, deadline))
            e = ORUN_ETIMEOUT;
    }
    if (e == 0) {
        *id = container_of(h->ended.next, HostTask, ended)->id;
        host_told(h, *id);
    }
    sched_unlock(h->sched);
    return e;
}

/* ---- events ---- */

/* All lines are gone. With the lock held. */
static void
host_drop_lines(Host *h)
{
    for (List *node; (node = list_shift(&h->lines)) != NULL;)
        mem_free(container_of(node, HostLine, link));
    h->line_bytes = 0;
}

void
host_tell_lines(Host *h,
                void (*event)(orun *o, const char *line, size_t n, void *ud),
                void *ud)
{
    sched_lock(h->sched);
    h->event = event;
    h->event_ud = ud;
    if (!event)
        host_drop_lines(h);
    host_light(h);
    sched_unlock(h->sched);
}

/* Queue the line, if there is room. With the lock held; takes the line. */
static void
host_push_line(Host *h, HostLine *line)
{
    bool room = line && h->line_bytes + line->n <= HOST_LINES;
    if (!room || !h->event) {
        h->lost += h->event != NULL;
        mem_free(line);
        return;
    }
    h->line_bytes += line->n;
    list_push(&h->lines, &line->link);
    host_light(h);
}

static HostLine *
host_make_line(const char *text, size_t n)
{
    HostLine *line = mem_alloc(sizeof *line + n + 1);
    if (!line)
        return NULL;
    line->n = n;
    memcpy(line->text, text, n);
    line->text[n] = '\0';
    return line;
}

void
host_put_line(Host *h, const char *text, size_t n)
{
    HostLine *line = host_make_line(text, n);
    sched_lock(h->sched);
    size_t lost = h->line_bytes < HOST_LINES / 2 ? h->lost : 0;
    if (lost) {
        char words[64];
        int size = snprintf(words, sizeof words,
                            "{\"event\":\"lost\",\"lines\":%zu}", lost);
        h->lost = 0;
        host_push_line(h, host_make_line(words, (size_t)size));
    }
    host_push_line(h, line);
    sched_unlock(h->sched);
}

/* Call the host with the lines that are there now. With the lock held, which is
 * released meanwhile; returns how many. */
static int
host_call_lines(Host *h)
{
    List lines;
    int calls = 0;
    list_init(&lines);
    for (List *node; (node = list_shift(&h->lines)) != NULL;)
        list_push(&lines, node);
    h->line_bytes = 0;
    host_light(h);
    for (List *node; (node = list_shift(&lines)) != NULL;) {
        HostLine *line = container_of(node, HostLine, link);
        void (*event)(orun *, const char *, size_t, void *) = h->event;
        void *ud = h->event_ud;
        bool tells = event && !h->closing;
        sched_unlock(h->sched);
        if (tells)
            event(h->o, line->text, line->n, ud);
        calls += tells;
        mem_free(line);
        sched_lock(h->sched);
    }
    return calls;
}

/* ---- the host's loop ---- */

int
host_fd(Host *h)
{
    int e = 0;
    sched_lock(h->sched);
    if (h->fd < 0) {
        h->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        e = h->fd < 0 ? errno : 0;
        host_light(h);
    }
    int fd = h->fd;
    sched_unlock(h->sched);
    errno = e ? e : errno;
    return fd;
}

/* Call what t has to tell. With the lock held, which is released meanwhile;
 * returns how many functions were called. */
static int
host_call(Host *h, HostTask *t)
{
    bool more = t->grew && t->more, done = t->is_final && t->done;
    int calls = more + done;
    t->grew = false;
    t->calling = true;
    if (more && !t->is_final)
        host_watch_growth(h, t, false);
    sched_unlock(h->sched);
    if (more)
        t->more(h->o, t->id, t->ud);
    if (done && !api_guard_is_shut(h->guard))
        t->done(h->o, t->id, t->ud);
    sched_lock(h->sched);
    t->calling = false;
    t->told = t->told || done;
    host_release(h, t);
    return calls;
}

/* Call what was due at the start. With the lock held. */
static int
host_dispatch_due(Host *h)
{
    int calls = 0;
    size_t n = 0;
    list_each(node, &h->due)
        n++;
    while (n-- > 0 && !h->closing) {
        List *node = list_shift(&h->due);
        if (!node)
            break;
        host_light(h);
        calls += host_call(h, container_of(node, HostTask, due));
    }
    return calls;
}

int
host_dispatch(Host *h)
{
    ApiVisit visit;
    if (api_guard_is_visit(h->guard))
        return ORUN_ESTATE;
    sched_lock(h->sched);
    bool busy = h->dispatching;
    h->dispatching = true;
    sched_unlock(h->sched);
    if (busy)
        return ORUN_ETHREAD;
    api_guard_visit(h->guard, &visit);
    sched_lock(h->sched);
    int calls = host_call_lines(h) + host_dispatch_due(h);
    h->dispatching = false;
    sched_unlock(h->sched);
    api_guard_return(h->guard, &visit);
    return calls;
}
