/* rank.c — durations expected and noted, and the sweep that ranks tasks. */
#include "rank.h"
#include "err.h"
#include "mem.h"
#include "report.h"
#include "secret.h"
#include "slots.h"
#include "value.h"
#include <math.h>
#include <stdio.h>
#include <time.h>

enum { RANK_STEPS = 64 }; /* of the sweep, that one task pays for */

static const float rank_longest = 1e8f, rank_highest = 1e11f; /* seconds */

/* An agent type, or the line of a Task call, and what is known of it. */
typedef struct RankPlace {
    const void *of; /* the type, or the file's name; NULL: none yet */
    int line;
    float own;      /* what its tasks are expected to take */
    uint32_t fresh; /* 1 + its entry's index in `fresh`; 0: not looked up */
} RankPlace;

typedef struct Ranks {
    /* Never changes. */
    char *path, *cwd;

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

bool
rank_save(Sched *s, Buf *note)
{
    Ranks *r = s->ranks;
    if (!r || !r->path || r->fresh.n == 0 || s->plan)
        return false;
    int e = history_merge(&r->fresh, r->path, (int64_t)time(NULL));
    history_free(&r->fresh);
    r->place = (RankPlace){ 0 };
    if (e == 0 && r->damaged)
        buf_printf(note, "the history of earlier runs was damaged and begins "
                   "anew: %s", r->path);
    return e == 0 && r->damaged;
}

/* ---- names ---- */

/* The name of a key; its length, 0 when there is none. */
static size_t
rank_name_key(const char *key, char name[HISTORY_NAME])
{
    Buf text = { 0 };
    if (!key)
        return 0;
    buf_putc(&text, 'k');
    secret_mask(key, strlen(key), 0, strlen(key), &text);
    size_t n = buf_failed(&text) || text.n >= HISTORY_NAME ? 0 : text.n;
    memcpy(name, buf_cstr(&text), n);
    buf_free(&text);
    return n;
}

/* The name of its agent type, or of the line it comes from; 0 for a line of no
 * file: of the command line, of a bundled module. */
static size_t
rank_name_place(const Ranks *r, const Task *t, char name[HISTORY_NAME])
{
    const AgentType *agent = task_agent(t);
    bool below = t->file && t->file[0] != '/';
    int n = 0;
    if (agent)
        n = snprintf(name, HISTORY_NAME, "a%s", agent->name);
    else if (t->file && t->file[0] != '(' && t->file[0] != '[')
        n = snprintf(name, HISTORY_NAME, "l%s%s%s:%d", below ? r->cwd : "",
                     below ? "/" : "", t->file, t->line);
    return n > 0 && n < HISTORY_NAME ? (size_t)n : 0;
}

static const char *
rank_key(const Task *t)
{
    return t->opt ? t->opt->key : NULL;
}

static float
rank_told(const HistoryEntry *e, float other)
{
    return e ? fminf((float)e->seconds, rank_longest) : other;
}

/* What is known of where t comes from. */
static RankPlace *
rank_place(Ranks *r, const Task *t)
{
    RankPlace *p = &r->place;
    const AgentType *agent = task_agent(t);
    const void *of = agent ? (const void *)agent : t->file;
    if (of && p->of == of && p->line == t->line)
        return p;
    char name[HISTORY_NAME];
    size_t n = rank_name_place(r, t, name);
    *p = (RankPlace){ .of = of, .line = t->line };
    p->own = rank_told(history_find(&r->known, name, n), r->mean);
    return p;
}

/* ---- expecting and noting ---- */

static float
rank_expect(Ranks *r, const Task *t)
{
    char name[HISTORY_NAME];
    size_t n = rank_name_key(rank_key(t), name);
    const HistoryEntry *e = n ? history_find(&r->known, name, n) : NULL;
    return e ? rank_told(e, 0) : rank_place(r, t)->own;
}

const HistoryEntry *
rank_known(Sched *s, const Task *t, const char **of)
{
    const Ranks *r = s->ranks;
    char name[HISTORY_NAME];
    if (!r || !atomic_load_explicit(&r->loaded, memory_order_acquire))
        return NULL;
    size_t n = rank_name_key(rank_key(t), name);
    const HistoryEntry *e = n ? history_find(&r->known, name, n) : NULL;
    *of = "key";
    if (e)
        return e;
    n = rank_name_place(r, t, name);
    *of = task_agent(t) ? "agent" : "line";
    return n ? history_find(&r->known, name, n) : NULL;
}

const HistoryEntry *
rank_known_agent(Sched *s, const char *key, const char *agent)
{
    char name[HISTORY_NAME];
    if (!s->ranks)
        return NULL;
    rank_load(s);
    size_t n = rank_name_key(key, name);
    const HistoryEntry *e = n
        ? history_find(&s->ranks->known, name, n) : NULL;
    snprintf(name, sizeof name, "a%s", agent);
    return e ? e : history_find(&s->ranks->known, name, strlen(name));
}

static char
rank_gave(const Task *t)
{
    static const char kinds[] = "stnb"; /* as value_type_name begins */
    const char *type = t->outcome.output
        ? value_type_name(t->outcome.output) : "";
    return *type && strchr(kinds, *type) && strcmp(type, "nil") != 0 ? *type
        : '-';
}

/* The entry of where t comes from, among those of this run; or NULL. */
static HistoryEntry *
rank_fresh(Ranks *r, const Task *t)
{
    RankPlace *p = rank_place(r, t);
    if (p->of && p->fresh)
        return &r->fresh.entries[p->fresh - 1];
    char name[HISTORY_NAME];
    size_t n = rank_name_place(r, t, name);
    HistoryEntry *e = n ? history_entry(&r->fresh, name, n) : NULL;
    p->fresh = e ? (uint32_t)(e - r->fresh.entries) + 1 : 0;
    return e;
}

void
rank_note(Sched *s, const Task *t)
{
    Ranks *r = s->ranks;
    char name[HISTORY_NAME];
    const TaskReport *told = t->report;
    double usd = told && told->costed ? told->cost_before + told->cost : -1;
    char gave = rank_gave(t);
    HistoryEntry *e = rank_fresh(r, t);
    if (e)
        history_note(e, t->took, usd, gave);
    size_t n = rank_name_key(rank_key(t), name);
    e = n ? history_entry(&r->fresh, name, n) : NULL;
    if (e)
        history_note(e, t->took, usd, gave);
}

/* ---- ranks ---- */

/* b goes before what has this rank. True when that is news. */
static bool
rank_raise(Sched *s, Task *b, float rank)
{
    float own = fminf(b->own + rank, rank_highest);
    bool queues = b->state == TASK_READY && b->kind != TASK_ITEM
        && !b->has_kind && !list_empty(&b->job.link);
    if (task_final(b) || own <= b->rank)
        return false;
    if (queues)
        slots_rerank(s, b, own);
    else
        b->rank = own;
    return true;
}

/* t hands its rank on to its blockers; gives how many there are. */
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
rank_settled(const Sched *s)
{
    const Ranks *r = s->ranks;
    return !s->ranked || (r->at < r->floor && !r->stale);
}
