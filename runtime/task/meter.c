/* meter.c — measuring, and saying when the next may begin. */
#include "task/meter.h"
#include "base/err.h"
#include "base/mem.h"
#include <math.h>

static void
meter_drop_gauges(Meter *m)
{
    for (int i = 0; i < METER_RATES; i++) {
        mem_free(m->gauge[i].times);
        mem_free(m->gauge[i].used);
        m->gauge[i].times = m->gauge[i].used = NULL;
        m->gauge[i].count = 0;
        m->gauge[i].next = 0;
    }
}

void
meter_free(Meter *m)
{
    if (!m)
        return;
    meter_drop_gauges(m);
    mem_free(m);
}

static int
meter_add_gauges(Meter *m, const MeterSpec *spec)
{
    for (int i = 0; i < spec->rates; i++) {
        const MeterRate *r = &spec->rate[i];
        size_t n = r->tokens ? METER_KEPT : (size_t)r->n;
        double *times = mem_zalloc(n, sizeof *times);
        if (!times)
            return ORUN_ENOMEM;
        *(r->tokens ? &m->gauge[i].used : &m->gauge[i].times) = times;
    }
    return 0;
}

int
meter_set(Meter **m, const MeterSpec *spec)
{
    Meter *new = mem_zalloc(1, sizeof *new), *old = *m;
    if (!new || meter_add_gauges(new, spec)) {
        meter_free(new);
        return ORUN_ENOMEM;
    }
    if (!old) {
        new->spec = *spec;
        new->window = INFINITY;
        *m = new;
        return 0;
    }
    meter_drop_gauges(old); /* it stays where it is: its timer may be armed */
    memcpy(old->gauge, new->gauge, sizeof old->gauge);
    old->spec = *spec;
    mem_free(new);
    return 0;
}

/* The number of the part of the period that `now` is in. */
static int64_t
meter_part(const MeterRate *r, double now)
{
    return (int64_t)floor(now / (r->period / METER_BUCKETS));
}

/* The end of the time in which tokens are too many; 0: they are not. */
static double
meter_tokens_open(const Meter *m, int i, double now)
{
    const MeterRate *r = &m->spec.rate[i];
    int64_t newest = meter_part(r, now), oldest = newest - METER_BUCKETS;
    double sum = 0;
    for (int64_t p = newest; p >= oldest && p >= 0; p--) {
        bool known = p <= m->gauge[i].part && p > m->gauge[i].part - METER_KEPT;
        sum += known ? m->gauge[i].used[p % METER_KEPT] : 0;
        if (sum >= r->n) /* part p has to go out of sight first */
            return (double)(p + METER_KEPT) * r->period / METER_BUCKETS;
    }
    return 0;
}

static double
meter_starts_open(const Meter *m, int i)
{
    uint64_t n = (uint64_t)m->spec.rate[i].n, count = m->gauge[i].count;
    double next = m->gauge[i].next;
    if (count < n)
        return next;
    return fmax(next, m->gauge[i].times[count % n] + m->spec.rate[i].period);
}

double
meter_opens(const Meter *m, double now)
{
    double at = m->until;
    for (int i = 0; i < m->spec.rates; i++)
        at = fmax(at,
                  m->spec.rate[i].tokens ? meter_tokens_open(m, i, now)
                                         : meter_starts_open(m, i));
    return at > now ? at : 0;
}

void
meter_begin(Meter *m, double now, bool new)
{
    m->spent.tasks += new;
    for (int i = 0; i < m->spec.rates; i++) {
        const MeterRate *r = &m->spec.rate[i];
        if (r->tokens)
            continue;
        m->gauge[i].times[m->gauge[i].count++ % (uint64_t)r->n] = now;
        if (!r->burst)
            m->gauge[i].next = fmax(m->gauge[i].next, now - METER_LATE)
                + r->period / r->n;
    }
}

static void
meter_spend_rate(Meter *m, int i, double now, double tokens)
{
    int64_t part = meter_part(&m->spec.rate[i], now);
    int64_t gone = part - m->gauge[i].part;
    for (int64_t p = 1; p <= gone && p <= METER_KEPT; p++)
        m->gauge[i].used[(m->gauge[i].part + p) % METER_KEPT] = 0;
    if (gone > 0)
        m->gauge[i].part = part;
    m->gauge[i].used[part % METER_KEPT] += tokens;
}

void
meter_spend(Meter *m, double now, double tokens, double usd)
{
    m->spent.usd += usd;
    m->spent.tokens += (uint64_t)tokens;
    for (int i = 0; i < m->spec.rates; i++)
        if (m->spec.rate[i].tokens)
            meter_spend_rate(m, i, now, tokens);
}

/* Are these dollars as many as those, or more? Ten times 0.1, added up, is a
 * little less than 1. */
static bool
meter_reaches(double usd, double limit)
{
    return limit > 0 && usd >= limit * (1 - 1e-9);
}

/* Is what was spent at `part` times the budget, or beyond? */
static bool
meter_beyond(const Meter *m, double part)
{
    const MeterBudget *b = &m->spec.budget, *s = &m->spent;
    return meter_reaches(s->usd, b->usd * part)
        || (b->tokens && (double)s->tokens >= (double)b->tokens * part);
}

bool
meter_broke(const Meter *m, bool new)
{
    uint64_t tasks = m->spec.budget.tasks;
    return meter_beyond(m, 1) || (new && tasks && m->spent.tasks >= tasks);
}

bool
meter_far_broke(const Meter *m)
{
    return meter_beyond(m, 1.1);
}

void
meter_put_spent(const Meter *m, Buf *to)
{
    const MeterBudget *b = &m->spec.budget, *s = &m->spent;
    if (meter_reaches(s->usd, b->usd))
        buf_printf(to, "usd %.4g of %g", s->usd, b->usd);
    else if (b->tokens && s->tokens >= b->tokens)
        buf_printf(to, "tokens %llu of %llu", (unsigned long long)s->tokens,
                   (unsigned long long)b->tokens);
    else
        buf_printf(to, "tasks %llu of %llu", (unsigned long long)s->tasks,
                   (unsigned long long)b->tasks);
}

void
meter_throttle(Meter *m, double now, double after, int used, double jitter)
{
    double doubled = ldexp(METER_BACKOFF, m->strikes < 30 ? m->strikes : 30);
    double wait = isnan(after) ? fmin(doubled, METER_BACKOFF_CAP) * jitter
                               : after + 0.2 * (1 - jitter);
    if (now >= m->calm) {
        m->strikes++;
        m->window = fmax(1, floor(used / 2.0));
        m->calm = now + fmax(wait, METER_BACKOFF);
    }
    m->until = fmax(m->until, now + wait);
}

void
meter_go_well(Meter *m)
{
    m->strikes = 0;
    if (m->window < INFINITY)
        m->window += 1 / m->window;
}
