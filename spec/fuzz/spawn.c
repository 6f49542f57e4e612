/* spawn.c — what the supervisor reads from its socket: messages, and requests
 * to start a program.
 */
#include "base/mem.h"
#include "fuzz.h"
#include "supervisor/process_tree.h"
#include "supervisor/spawn.h"
#include "supervisor/supervisor_protocol.h"

/* Each of the strings lies in the block, and ends there. */
static size_t
spawn_strings(char *const *strings, const char *from, const char *end)
{
    size_t n = 0;
    for (; strings[n]; n++) {
        FUZZ_MUST(strings[n] >= from && strings[n] < end);
        FUZZ_MUST(memchr(strings[n], '\0', (size_t)(end - strings[n])));
    }
    return n;
}

static void
spawn_read(const ProtocolHead *head, const char *body)
{
    ProtocolSpawn w;
    Spawn *s = spawn_new(head->id, body, head->size);
    if (!s)
        return;
    memcpy(&w, body, sizeof w);
    size_t pointers = ((size_t)w.argc + w.envc + 3) * sizeof(char *);
    const char *from = (const char *)s->strings + pointers;
    const char *end = from + head->size - sizeof w;
    FUZZ_MUST(spawn_strings(s->argv, from, end) == w.argc);
    FUZZ_MUST(s->env[0] == s->mark);
    FUZZ_MUST(spawn_strings(s->env + 1, from, end) <= w.envc);
    FUZZ_MUST((s->cwd != NULL) == (w.has_cwd == 1));
    FUZZ_MUST(strncmp(s->mark, PROCESS_TREE_MARK, sizeof PROCESS_TREE_MARK - 1)
              == 0);
    FUZZ_MUST(s->id == head->id && s->task == w.task);
    mem_free(s);
}

/* A first byte of 0: the rest is a stream; else it is one message's body. */
FUZZ(data, n)
{
    FuzzBytes bytes = { data, n };
    ProtocolHead head = { PROTOCOL_MAGIC, PROTOCOL_SPAWN, 0, 7 };
    if (fuzz_byte(&bytes)) {
        head.size = bytes.n;
        spawn_read(&head, (const char *)bytes.p);
        return 0;
    }
    while (protocol_head((const char *)bytes.p, bytes.n, &head) == 1) {
        FUZZ_MUST(head.magic == PROTOCOL_MAGIC);
        FUZZ_MUST(head.size <= bytes.n - sizeof head);
        spawn_read(&head, (const char *)bytes.p + sizeof head);
        bytes.p += sizeof head + head.size;
        bytes.n -= sizeof head + (size_t)head.size;
    }
    return 0;
}
