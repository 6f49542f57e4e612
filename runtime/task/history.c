/* history.c — a table of names, and means that follow what changes. */
#include "task/history.h"
#include "base/mem.h"
#include <math.h>

enum {
    HISTORY_AT_LEAST = 8, /* a task weighs an eighth or more … */
    HISTORY_STEPS = 64,   /* … so that many of one run are as good as all */
};

/* Tasks are steady when they are as near to their mean as this part of it, or
 * these seconds. */
static const double HISTORY_STEADY = 0.5, HISTORY_SHORT = 0.1;

void
history_free(History *h)
{
    for (uint32_t i = 0; i < h->n; i++)
        mem_free(h->entries[i].name);
    mem_free(h->entries);
    mem_free(h->slots);
    *h = (History){ 0 };
}

/* The place of a name in a table that has room: its own, or a free one. */
static uint32_t *
history_slot(const History *h, const char *name, size_t n)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)name[i]) * 1099511628211u;
    for (uint32_t i = (uint32_t)(hash ^ hash >> 32);; i++) {
        uint32_t *slot = &h->slots[i & (h->slot_count - 1)];
        if (*slot == 0)
            return slot;
        const char *other = h->entries[*slot - 1].name;
        if (strncmp(other, name, n) == 0 && other[n] == '\0')
            return slot;
    }
}

HistoryEntry *
history_find(const History *h, const char *name, size_t n)
{
    uint32_t *slot = h->slot_count ? history_slot(h, name, n) : NULL;
    return slot && *slot ? &h->entries[*slot - 1] : NULL;
}

/* Room for one more entry; false when memory is out. */
static bool
history_grow(History *h)
{
    if (h->n < h->cap)
        return true;
    uint32_t cap = h->cap ? h->cap * 2 : 32, count = cap * 2;
    uint32_t *slots = mem_zalloc(count, sizeof *slots), *old = h->slots;
    HistoryEntry *entries = slots
        ? mem_realloc(h->entries, cap * sizeof *entries)
        : NULL;
    if (!entries) {
        mem_free(slots);
        return false;
    }
    h->entries = entries;
    h->cap = cap;
    h->slots = slots;
    h->slot_count = count;
    mem_free(old);
    for (uint32_t i = 0; i < h->n; i++)
        *history_slot(h, entries[i].name, strlen(entries[i].name)) = i + 1;
    return true;
}

HistoryEntry *
history_entry(History *h, const char *name, size_t n)
{
    HistoryEntry *known = history_find(h, name, n);
    if (known || n == 0 || n >= HISTORY_NAME || h->n == HISTORY_MOST
        || !history_grow(h))
        return known;
    HistoryEntry *e = &h->entries[h->n];
    *e = (HistoryEntry){ .name = mem_dup(name, n), .gave = '-' };
    if (!e->name)
        return NULL;
    *history_slot(h, name, n) = ++h->n;
    return e;
}

void
history_note(HistoryEntry *e, const HistoryTask *task)
{
    double off = e->n ? fabs(task->seconds - e->seconds) : 0;
    e->n++;
    e->seconds += (task->seconds - e->seconds) / e->n;
    e->idle += (task->idle - e->idle) / e->n;
    e->spread += (off - e->spread) / e->n;
    if (task->usd >= 0) {
        e->paid++;
        e->usd += (task->usd - e->usd) / e->paid;
    }
    e->gave = task->gave;
}

bool
history_steady(const HistoryEntry *e)
{
    return e->spread <= fmax(e->seconds * HISTORY_STEADY, HISTORY_SHORT);
}

/* What the mean of `more` tasks weighs beside that of `n` before them. */
static double
history_weight(uint32_t n, uint32_t more)
{
    double left = 1;
    for (uint32_t i = 1; i <= more && i <= HISTORY_STEPS; i++) {
        uint64_t of = (uint64_t)n + i;
        left *= 1
            - 1.0 / (double)(of < HISTORY_AT_LEAST ? of : HISTORY_AT_LEAST);
    }
    return 1 - left;
}

static uint32_t
history_sum(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

void
history_fold(HistoryEntry *e, const HistoryEntry *more)
{
    if (more->n)
        e->gave = more->gave;
    double weight = history_weight(e->n, more->n);
    double off = e->n ? fabs(more->seconds - e->seconds) : 0;
    e->spread += (fmax(off, more->spread) - e->spread) * weight;
    e->seconds += (more->seconds - e->seconds) * weight;
    e->idle += (more->idle - e->idle) * weight;
    e->usd += (more->usd - e->usd) * history_weight(e->paid, more->paid);
    e->n = history_sum(e->n, more->n);
    e->paid = history_sum(e->paid, more->paid);
    if (more->seen > e->seen)
        e->seen = more->seen;
}

double
history_mean(const History *h)
{
    double sum = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < h->n; i++)
        if (strchr("al", h->entries[i].name[0])) {
            sum += h->entries[i].seconds;
            n++;
        }
    return n ? sum / n : 0;
}
