/* history.c — a file of durations: refused, or the same when it is written. */
#include "task/history.h"
#include "base/buf.h"
#include "fuzz.h"

/* Parse the bytes; false when they are refused. */
static bool
history_take(History *h, const void *data, size_t n)
{
    char *text = malloc(n + 1);
    FUZZ_MUST(text);
    if (n)
        memcpy(text, data, n);
    bool taken = history_parse(h, text, n) == 0;
    free(text);
    return taken;
}

FUZZ(data, n)
{
    History first = { 0 }, again = { 0 };
    Buf one = { 0 }, other = { 0 };
    if (history_take(&first, data, n)) {
        uint32_t count = first.n;
        for (uint32_t i = 0; i < count; i++) {
            const char *name = first.entries[i].name;
            FUZZ_MUST(history_find(&first, name, strlen(name))
                      == &first.entries[i]);
        }
        FUZZ_MUST(count <= HISTORY_MOST && history_mean(&first) >= 0);
        history_print(&first, &one);
        FUZZ_MUST(history_take(&again, one.p, one.n) && again.n == count);
        history_print(&again, &other);
        FUZZ_MUST(one.n == other.n && memcmp(one.p, other.p, one.n) == 0);
    }
    history_free(&first);
    history_free(&again);
    buf_free(&one);
    buf_free(&other);
    return 0;
}
