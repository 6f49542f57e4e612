/* rank.c — durations expected and noted, and the sweep that ranks tasks. */
#include "sched/rank.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "sched/report.h"
#include "sched/slots.h"
#include "value/value.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

enum {
    RANK_STEPS = 64,       /* of the sweep, that one task pays for */
    RANK_DESCRIBED = 1000, /* names of a run, before no description is added */
};

static const float rank_longest = 1e8f, rank_highest = 1e11f; /* seconds */

/* The line of a Task call and the agent type, and what is known of them. */
typedef struct RankPlace {
    const AgentType *agent;
    const char *file; /* NULL: none yet, or of no file */
    int line;
    float own;                  /* what its tasks are expected to take */
    uint32_t of_line, of_agent; /* 1 + an index in `fresh`; 0: not noted */
} RankPlace;

typedef struct Ranks {
    /* Never changes. */
    char *path, *cwd;

    _Atomic(const char *) given, script; /* what runs, as it was named and in
                                          * full; NULL: no file */

    uv_mutex_t loading;
    atomic_bool loaded; /* written with `loading`; what is below is seen then */
    bool damaged;       /* the file was */
    History known;      /* by earlier runs */
    float mean;

    /* Guarded by the board's lock: */
    History fresh;   /* what this run has measured */
    RankPlace place; /* the last that was asked for */
    uint32_t at;     /* the task that the sweep looks at next; 0: none is on */
    uint32_t lowest; /* not final, of those this sweep saw … */
    uint32_t floor;  /* … and of those the last one did */
    bool stale;      /* another sweep is due */
} Ranks;

/* ---- its file ---- */

int
rank_open(Sched *s, const char *path, const char *cwd)
{
    Ranks *r = mem_zalloc(1, sizeof *r);
    if (!r)
        return ORUN_ENOMEM;
    r->cwd = mem_dup(cwd, strlen(cwd));
    r->path = path ? mem_dup(path, strlen(path)) : NULL;
    r->floor = 1;
    uv_mutex_init(&r->loading);
    if (!r->cwd || (path && !r->path)) {
        rank_close(r);
        return ORUN_ENOMEM;
    }
    s->ranks = r;
    return 0;
}

void
rank_close(Ranks *r)
{
    if (!r)
        return;
    history_free(&r->known);
    history_free(&r->fresh);
    uv_mutex_destroy(&r->loading);
    mem_free(r->path);
    mem_free(r->cwd);
    mem_free(r);
}

void
rank_load(Sched *s)
{
    Ranks *r = s->ranks;
    if (atomic_load_explicit(&r->loaded, memory_order_acquire))
        return;
    uv_mutex_lock(&r->loading);
    if (!r->loaded) {
        int e = r->path ? history_load(&r->known, r->path) : 0;
        r->damaged = e == ORUN_EPROTO;
        r->mean = fminf((float)history_mean(&r->known), rank_longest);
        sched_lock(s);
        s->ranked = r->known.n > 0;
        board_unlock(&s->board);
        atomic_store_explicit(&r->loaded, true, memory_order_release);
    }
    uv_mutex_unlock(&r->loading);
}

int
rank_save(Sched *s, Buf *note)
{
    Ranks *r = s->ranks;
    if (!r || !r->path || r->fresh.n == 0 || s->plan)
        return 0;
    int e = history_merge(&r->fresh, r->path, (int64_t)time(NULL));
    int why = errno;
    history_free(&r->fresh);
    r->place = (RankPlace){ 0 };
    if (e)
        buf_printf(note, "the history of runs is not kept: %s: %s", r->path,
                   e == ORUN_ESYS         ? strerror(why)
                       : e == ORUN_ESTATE ? "another version of orun wrote it"
                                          : err_text(e));
    else if (r->damaged)
        buf_printf(note,
                   "the history of earlier runs was damaged and begins "
                   "anew: %s",
                   r->path);
    return e == 0 && r->damaged ? ORUN_EINVAL : e;
}

/* ---- names ---- */

/* The parts of a name; the last, which others made, without what is secret. Its
 * length, 0 when it is too long. */
static size_t
rank_name(char kind, const char *script, const char *of, const char *text,
          char name[HISTORY_NAME])
{
    Buf all = { 0 };
    buf_printf(&all, "%c%s", kind, script ? script : "");
    if (of)
        buf_printf(&all, "\n%s\n", of);
    else if (script)
        buf_puts(&all, "\n");
    secret_mask(text, strlen(text), 0, strlen(text), &all);
    size_t n = buf_failed(&all) || all.n >= HISTORY_NAME ? 0 : all.n;
    memcpy(name, buf_cstr(&all), n);
    buf_free(&all);
    return n;
}

static const char *
rank_script_path(const Ranks *r)
{
    const char *path = atomic_load(&r->script);
    return path ? path : "";
}

static size_t
rank_name_key(const Ranks *r, const char *key, char name[HISTORY_NAME])
{
    return key ? rank_name('k', rank_script_path(r), NULL, key, name) : 0;
}

/* What a key was called by a version that knew no script. */
static size_t
rank_name_old(const char *key, char name[HISTORY_NAME])
{
    return key ? rank_name('o', NULL, NULL, key, name) : 0;
}

static size_t
rank_name_description(const Ranks *r, const Task *t, char name[HISTORY_NAME])
{
    const AgentType *agent = task_agent(t);
    const char *script = rank_script_path(r);
    return t->description && *script
        ? rank_name('d', script, agent ? agent->name : "", t->description, name)
        : 0;
}

static size_t
rank_name_agent(const char *agent, char name[HISTORY_NAME])
{
    int n = snprintf(name, HISTORY_NAME, "a%s", agent);
    return n > 0 && n < HISTORY_NAME ? (size_t)n : 0;
}

/* The name of the line it comes from; 0 for one of no file: of the command
 * line, of a bundled module. A module that the script requires may start other
 * work for another script, so its lines are named after both. */
static size_t
rank_name_line(const Ranks *r, const Task *t, char name[HISTORY_NAME])
{
    const char *file = t->file, *script = rank_script_path(r);
    const char *given = atomic_load(&r->given);
    if (!file || file[0] == '(' || file[0] == '[')
        return 0;
    bool own = given && strcmp(given, file) == 0, full = file[0] == '/';
    int n;
    if (*script && own)
        n = snprintf(name, HISTORY_NAME, "l%s:%d", script, t->line);
    else
        n = snprintf(name, HISTORY_NAME, "l%s%s%s%s%s:%d", script,
                     *script ? "\n" : "", full ? "" : r->cwd, full ? "" : "/",
                     file, t->line);
    return n > 0 && n < HISTORY_NAME ? (size_t)n : 0;
}

void
rank_script(Sched *s, const char *given, const char *path)
{
    Ranks *r = s->ranks;
    if (!r)
        return;
    sched_lock(s);
    atomic_store(&r->given, given);
    atomic_store(&r->script, path);
    r->place = (RankPlace){ 0 };
    board_unlock(&s->board);
}

static const char *
rank_key(const Task *t)
{
    return t->opt ? t->opt->key : NULL;
}

static const HistoryEntry *
rank_find(const Ranks *r, const char *name, size_t n)
{
    return n ? history_find(&r->known, name, n) : NULL;
}

/* What is known of that very work: of its key, else of what it is called. */
static const HistoryEntry *
rank_same(const Ranks *r, const Task *t, const char **of)
{
    char name[HISTORY_NAME];
    const char *key = rank_key(t);
    const HistoryEntry *e = NULL;
    *of = "key";
    if (key && !(e = rank_find(r, name, rank_name_key(r, key, name))))
        e = rank_find(r, name, rank_name_old(key, name));
    if (e || !t->description)
        return e;
    *of = "description";
    return rank_find(r, name, rank_name_description(r, t, name));
}

static float
rank_told(const HistoryEntry *e, float other)
{
    return e ? fminf((float)e->seconds, rank_longest) : other;
}

/* What is known of where t comes from: of its line, else of its agent type. */
static RankPlace *
rank_place(Ranks *r, const Task *t)
{
    RankPlace *p = &r->place;
    const AgentType *agent = task_agent(t);
    if (t->file && p->file == t->file && p->line == t->line
        && p->agent == agent)
        return p;
    char name[HISTORY_NAME];
    *p = (RankPlace){ .agent = agent, .file = t->file, .line = t->line };
    const HistoryEntry *e = rank_find(r, name, rank_name_line(r, t, name));
    if (!e && agent)
        e = rank_find(r, name, rank_name_agent(agent->name, name));
    p->own = rank_told(e, r->mean);
    return p;
}

/* ---- expecting and noting ---- */

/* For the order of tasks only, which a guess can do no harm. */
static float
rank_expect(Ranks *r, const Task *t)
{
    const char *of;
    const HistoryEntry *e = rank_same(r, t, &of);
    return e ? rank_told(e, 0) : rank_place(r, t)->own;
}

const HistoryEntry *
rank_known(Sched *s, const Task *t, const char **of)
{
    const Ranks *r = s->ranks;
    char name[HISTORY_NAME];
    if (!r || !atomic_load_explicit(&r->loaded, memory_order_acquire))
        return NULL;
    const HistoryEntry *e = rank_same(r, t, of);
    if (!e) {
        *of = "line";
        e = rank_find(r, name, rank_name_line(r, t, name));
    }
    return e && history_steady(e) ? e : NULL;
}

const HistoryEntry *
rank_known_agent(Sched *s, const char *key, const char *agent)
{
    char name[HISTORY_NAME];
    if (!s->ranks)
        return NULL;
    rank_load(s);
    const Ranks *r = s->ranks;
    const HistoryEntry *e = rank_find(r, name, rank_name_key(r, key, name));
    if (!e)
        e = rank_find(r, name, rank_name_old(key, name));
    return e ? e : rank_find(r, name, rank_name_agent(agent, name));
}

static char
rank_gave(const Task *t)
{
    static const char kinds[] = "stnb"; /* as value_type_name begins */
    const char *type = t->outcome.output ? value_type_name(t->outcome.output)
                                         : "";
    return *type && strchr(kinds, *type) && strcmp(type, "nil") != 0 ? *type
                                                                     : '-';
}

/* One more task of this name. */
static uint32_t
rank_note_name(Ranks *r, const char *name, size_t n, const HistoryTask *task)
{
    HistoryEntry *e = n ? history_entry(&r->fresh, name, n) : NULL;
    if (!e)
        return 0;
    history_note(e, task);
    return (uint32_t)(e - r->fresh.entries) + 1;
}

/* One more of the place it comes from, whose names are looked up once. */
static void
rank_note_place(Ranks *r, const Task *t, const HistoryTask *task)
{
    RankPlace *p = rank_place(r, t);
    char name[HISTORY_NAME];
    if (p->of_line)
        history_note(&r->fresh.entries[p->of_line - 1], task);
    else
        p->of_line = rank_note_name(r, name, rank_name_line(r, t, name), task);
    if (p->of_agent)
        history_note(&r->fresh.entries[p->of_agent - 1], task);
    else if (p->agent)
        p->of_agent = rank_note_name(
            r, name, rank_name_agent(p->agent->name, name), task);
}

/* One more of what it is called. A run of very many descriptions leaves room
 * for others. */
static void
rank_note_description(Ranks *r, const Task *t, const HistoryTask *task)
{
    char name[HISTORY_NAME];
    size_t n = rank_name_description(r, t, name);
    bool room = r->fresh.n < RANK_DESCRIBED;
    if (n && (room || history_find(&r->fresh, name, n)))
        rank_note_name(r, name, n, task);
}

void
rank_note(Sched *s, const Task *t)
{
    Ranks *r = s->ranks;
    char name[HISTORY_NAME];
    const TaskReport *told = t->report;
    HistoryTask task = {
        .seconds = t->took - t->took * t->outcome.queued / UINT8_MAX,
        .idle = t->took * t->outcome.idle / UINT8_MAX,
        .usd = told && told->costed ? told->cost_before + told->cost : -1,
        .gave = rank_gave(t),
    };
    rank_note_place(r, t, &task);
    rank_note_name(r, name, rank_name_key(r, rank_key(t), name), &task);
    if (t->description)
        rank_note_description(r, t, &task);
}

/* ---- ranks ---- */

/* b goes before what has this rank. True if its rank has changed. */
static bool
rank_raise(Sched *s, Task *b, float rank)
{
    float own = fminf(b->own + rank, rank_highest);
    bool queues = b->state == TASK_READY && b->kind != TASK_ITEM && !b->has_kind
        && !list_empty(&b->job.link);
    if (task_final(b) || own <= b->rank)
        return false;
    if (queues)
        slots_rerank(s, b, own);
    else
        b->rank = own;
    return true;
}

/* t hands its rank on to its blockers; returns how many there are. */
static uint32_t
rank_hand_on(Sched *s, Task *t)
{
    uint32_t n = t->edges && t->unmet ? t->edges->blocker_count : 0;
    for (uint32_t i = 0; i < n; i++) {
        Task *b = t->edges->blockers[i];
        if (rank_raise(s, b, t->rank) && b->id > t->id)
            s->ranks->stale = true; /* this sweep has passed it */
    }
    return n;
}

void
rank_sweep(Sched *s)
{
    Ranks *r = s->ranks;
    for (int64_t steps = RANK_STEPS; steps > 0 && s->ranked; steps--) {
        if (r->at < r->floor && !r->stale)
            return;
        if (r->at < r->floor) {
            r->stale = false;
            r->at = r->lowest = (uint32_t)s->board.count - 1;
        }
        Task *t = board_find(&s->board, r->at);
        if (t && !task_final(t)) {
            r->lowest = r->at;
            steps -= rank_hand_on(s, t);
        }
        if (--r->at < r->floor)
            r->floor = r->lowest;
    }
}

void
rank_added(Sched *s, Task *t)
{
    if (!s->ranked)
        return;
    t->own = t->rank = t->kind == TASK_ITEM ? 0 : rank_expect(s->ranks, t);
    if (t->unmet)
        rank_linked(s);
}

void
rank_linked(Sched *s)
{
    if (!s->ranked)
        return;
    s->ranks->stale = true;
    rank_sweep(s);
}

bool
rank_swept(const Sched *s)
{
    const Ranks *r = s->ranks;
    return !s->ranked || (r->at < r->floor && !r->stale);
}
