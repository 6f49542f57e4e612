/* keeper.c — what comes over the keeper's socket: frames, and requests to start
 * a program.
 */
#include "base/mem.h"
#include "fuzz.h"
#include "keeper/keeper_start.h"
#include "keeper/keeper_wire.h"

/* Each of the strings lies in the block, and ends there. */
static size_t
keeper_strings(char *const *strings, const char *from, const char *end)
{
    size_t n = 0;
    for (; strings[n]; n++) {
        FUZZ_MUST(strings[n] >= from && strings[n] < end);
        FUZZ_MUST(memchr(strings[n], '\0', (size_t)(end - strings[n])));
    }
    return n;
}

static void
keeper_start(const WireHead *head, const char *body)
{
    WireSpawn w;
    Start *s = keeper_start_new(head->id, body, head->size);
    if (!s)
        return;
    memcpy(&w, body, sizeof w);
    size_t pointers = ((size_t)w.argc + w.envc + 3) * sizeof(char *);
    const char *from = (const char *)s->strings + pointers;
    const char *end = from + head->size - sizeof w;
    FUZZ_MUST(keeper_strings(s->exec.argv, from, end) == w.argc);
    FUZZ_MUST(s->exec.env[0] == s->mark);
    FUZZ_MUST(keeper_strings(s->exec.env + 1, from, end) <= w.envc);
    FUZZ_MUST((s->exec.cwd != NULL) == (w.has_cwd == 1));
    FUZZ_MUST(strncmp(s->mark, "ORUN_KEEPER=", 12) == 0);
    FUZZ_MUST(s->id == head->id && s->task == w.task);
    mem_free(s);
}

/* A first byte of 0: the rest is a stream; else it is the body of one frame. */
FUZZ(data, n)
{
    FuzzBytes bytes = { data, n };
    WireHead head = { WIRE_MAGIC, WIRE_SPAWN, 0, 7 };
    if (fuzz_byte(&bytes)) {
        head.size = bytes.n;
        keeper_start(&head, (const char *)bytes.p);
        return 0;
    }
    while (wire_head((const char *)bytes.p, bytes.n, &head) == 1) {
        FUZZ_MUST(head.magic == WIRE_MAGIC);
        FUZZ_MUST(head.size <= bytes.n - sizeof head);
        keeper_start(&head, (const char *)bytes.p + sizeof head);
        bytes.p += sizeof head + head.size;
        bytes.n -= sizeof head + (size_t)head.size;
    }
    return 0;
}
