/* event.c — keeping events until they are taken. */
#include "task/event.h"
#include "base/err.h"
#include "base/mem.h"
#include "task/board.h"
#include <string.h>

/* Nanoseconds that a reader is waited for; the specs, on machines that are
 * slow, wait until it comes. */
#ifdef ORUN_TEST
enum { EVENT_PATIENCE_MS = 60 * 1000 };
#else
enum { EVENT_PATIENCE_MS = 100 };
#endif
#define EVENT_PATIENCE (EVENT_PATIENCE_MS * UINT64_C(1000000))

struct Events {
    /* Guarded by the board's lock: */
    EventChunk *first, *last; /* NULL: nothing has gathered */
    size_t kept;              /* events in them, chunks counted as full */
    size_t lost;
    size_t ended[TASK_STATE_COUNT];
    bool brief;            /* only what is notable is kept */
    bool stopped;          /* no more are kept */
    unsigned kinds;        /* that are shown as they come; event_show */
    uint64_t all;          /* events kept, since event_open: … */
    uint64_t marked;       /* … up to the last one to be shown … */
    uint64_t taken, shown; /* … up to these, by the reader */
    bool late;             /* the reader was waited for in vain */
    uv_cond_t change;      /* of shown, or stopped */
    char **names;          /* NULL-terminated */
    size_t name_count;
};

static const char *const event_kinds[] = {
#define X(name, word) word,
    EVENT_KINDS(X)
#undef X
};

const char *
event_kind_name(EventKind kind)
{
    return event_kinds[kind];
}

int
event_open(Board *b)
{
    Events *all = mem_zalloc(1, sizeof *all);
    if (!all)
        return ORUN_ENOMEM;
    if (uv_cond_init(&all->change) != 0) {
        mem_free(all);
        return ORUN_ENOMEM;
    }
    b->events = all;
    return 0;
}

void
event_free(EventChunk *chunk)
{
    for (EventText *next, *t = chunk->texts; t; t = next) {
        next = t->next;
        mem_free(t);
    }
    mem_free(chunk);
}

/* Free what has gathered. */
static void
event_drop(Events *all)
{
    for (EventChunk *next; all->first; all->first = next) {
        next = all->first->next;
        event_free(all->first);
    }
    all->last = NULL;
    all->kept = 0;
}

void
event_stop(Board *b)
{
    board_lock(b);
    event_drop(b->events);
    b->events->stopped = true;
    uv_cond_broadcast(&b->events->change);
    board_unlock(b);
}

void
event_show(Board *b, unsigned kinds)
{
    board_lock(b);
    b->events->kinds |= kinds;
    board_unlock(b);
}

void
event_shown(Board *b)
{
    board_lock(b);
    Events *all = b->events;
    all->shown = all->taken;
    all->late = false;
    uv_cond_broadcast(&all->change);
    board_unlock(b);
}

/* Is there something to wait for, up to the event `to`? */
static bool
event_behind(const Events *all, uint64_t to)
{
    return all->shown < to && !all->stopped && !all->late;
}

void
event_catch_up(Board *b, void (*hurry)(void *ud), void *ud)
{
    Events *all = b->events;
    uint64_t until = uv_hrtime() + EVENT_PATIENCE;
    board_lock(b);
    uint64_t to = all->marked;
    bool behind = event_behind(all, to);
    board_unlock(b);
    if (!behind)
        return;
    hurry(ud);
    board_lock(b);
    for (uint64_t now = 0; event_behind(all, to);)
        if ((now = uv_hrtime()) < until)
            uv_cond_timedwait(&all->change, &b->lock, until - now);
        else
            all->late = true;
    board_unlock(b);
}

void
event_be_brief(Board *b)
{
    board_lock(b);
    b->events->brief = true;
    board_unlock(b);
}

bool
event_notable(const Event *e)
{
    switch (e->kind) {
    case EVENT_ADDED:
    case EVENT_READY:
    case EVENT_QUEUED:
    case EVENT_READ:
    case EVENT_USED:
    case EVENT_REMOVED: return false;
    case EVENT_ENDED: return e->what != TASK_COMPLETED;
    default: return true;
    }
}

size_t
event_count_tasks(Board *b, size_t *ended)
{
    board_lock(b);
    memcpy(ended, b->events->ended, sizeof b->events->ended);
    size_t all = b->count - 1;
    board_unlock(b);
    return all;
}

void
event_close(Board *b)
{
    Events *all = b->events;
    if (!all)
        return;
    event_drop(all);
    uv_cond_destroy(&all->change);
    task_strings_free(all->names);
    mem_free(all);
    b->events = NULL;
}

/* A chunk with room for one more, or NULL. */
static EventChunk *
event_room(Events *all)
{
    EventChunk *last = all->last;
    if (last && last->n < EVENT_CHUNK)
        return last;
    if (all->kept >= EVENT_MOST)
        return NULL;
    EventChunk *more = mem_alloc(sizeof *more);
    if (!more)
        return NULL;
    more->next = NULL;
    more->texts = NULL;
    more->n = 0;
    if (last)
        last->next = more;
    else
        all->first = more;
    all->last = more;
    all->kept += EVENT_CHUNK;
    return more;
}

/* It is kept, and may be one to be shown as it comes. */
static void
event_count(Events *all, const Event *e)
{
    unsigned bit = 1u << e->kind;
    if (e->kind == EVENT_ENDED && e->what == TASK_FAILED)
        bit |= EVENT_FAILURES;
    all->all++;
    if (all->kinds & bit)
        all->marked = all->all;
}

/* Count it; the chunk that it is to be kept in, NULL when it is not. */
static EventChunk *
event_place(Board *b, const Event *e)
{
    Events *all = b->events;
    if (!all)
        return NULL;
    if (e->kind == EVENT_ENDED)
        all->ended[e->what]++;
    if (all->stopped || (all->brief && !event_notable(e)))
        return NULL;
    EventChunk *chunk = event_room(all);
    if (chunk)
        event_count(all, e);
    else
        all->lost++;
    return chunk;
}

void
event_add(Board *b, Event e)
{
    EventChunk *chunk = event_place(b, &e);
    if (!chunk)
        return;
    e.at = board_now(b);
    chunk->at[chunk->n++] = e;
}

/* A copy that goes with the chunk; NULL when memory is out. */
static const char *
event_copy(EventChunk *chunk, const char *text)
{
    size_t n = strlen(text);
    if (n > EVENT_TEXT)
        for (n = EVENT_TEXT; n > 0 && (text[n] & 0xc0) == 0x80;)
            n--;
    EventText *copy = mem_alloc(sizeof *copy + n + 1);
    if (!copy)
        return NULL;
    memcpy(copy->text, text, n);
    copy->text[n] = '\0';
    copy->next = chunk->texts;
    chunk->texts = copy;
    return copy->text;
}

void
event_add_text(Board *b, Event e, const char *text)
{
    EventChunk *chunk = event_place(b, &e);
    if (!chunk)
        return;
    e.at = board_now(b);
    e.text = text ? event_copy(chunk, text) : NULL;
    chunk->at[chunk->n++] = e;
}

/* The newest names are asked for most: the search begins with them. */
void
event_used(Board *b, uint32_t task, uint64_t nanoseconds)
{
    if (nanoseconds == 0)
        return;
    board_lock(b);
    event_add(b, (Event){ .kind = EVENT_USED, .task = task, .n = nanoseconds });
    board_unlock(b);
}

const char *
event_name(Board *b, const char *s)
{
    Events *all = b->events;
    for (size_t i = all ? all->name_count : 0; i-- > 0;)
        if (strcmp(all->names[i], s) == 0)
            return all->names[i];
    char **names = all
        ? mem_realloc(all->names, (all->name_count + 2) * sizeof *names)
        : NULL;
    if (!names)
        return NULL;
    all->names = names;
    names[all->name_count] = mem_dup(s, strlen(s));
    if (!names[all->name_count])
        return NULL;
    names[++all->name_count] = NULL;
    return names[all->name_count - 1];
}

EventChunk *
event_take(Board *b, size_t *lost)
{
    Events *all = b->events;
    board_lock(b);
    EventChunk *first = all->first;
    all->first = all->last = NULL;
    all->kept = 0;
    *lost = all->lost;
    all->taken = all->all;
    board_unlock(b);
    return first;
}
