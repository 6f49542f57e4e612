/* keeper_start.c — reading a request to start a program. */
#include "keeper/keeper_start.h"
#include "base/mem.h"
#include "keeper/keeper_wire.h"
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* Point `to` at `n` strings at *at, before `end`; false when they are not
 * there. */
static bool
keeper_start_strings(char **to, size_t n, char **at, const char *end)
{
    for (size_t i = 0; i < n; i++) {
        if (*at >= end)
            return false;
        to[i] = *at;
        *at += strlen(*at) + 1;
    }
    to[n] = NULL;
    return true;
}

/* Fill in argv, env (with ORUN_KEEPER) and cwd from the strings of the body. */
static bool
keeper_start_parse(Start *s, const WireSpawn *w, char *text, size_t size)
{
    char **argv = s->strings, **env = argv + w->argc + 1, **kept = env + 1;
    char *at = text, *cwd[2] = { NULL };
    const char *end = text + size;
    if (w->argc == 0 || size == 0 || text[size - 1] != '\0'
        || !keeper_start_strings(cwd, w->has_cwd, &at, end)
        || !keeper_start_strings(argv, w->argc, &at, end)
        || !keeper_start_strings(env + 1, w->envc, &at, end))
        return false;
    env[0] = s->mark;
    for (char **v = kept; *v; v++)
        if (strncmp(*v, "ORUN_KEEPER=", 12) != 0)
            *kept++ = *v;
    *kept = NULL;
    s->exec.argv = argv;
    s->exec.env = env;
    s->exec.cwd = cwd[0];
    snprintf(s->mark, sizeof s->mark, "ORUN_KEEPER=%d:t%llu", getpid(),
             (unsigned long long)w->task);
    return true;
}

Start *
keeper_start_new(uint64_t id, const char *body, size_t size)
{
    WireSpawn w;
    errno = EPROTO;
    if (size < sizeof w)
        return NULL;
    memcpy(&w, body, sizeof w);
    body += sizeof w;
    size -= sizeof w;
    if (w.argc > size || w.envc > size || w.has_cwd > 1)
        return NULL;
    size_t pointers = ((size_t)w.argc + w.envc + 3) * sizeof(char *);
    Start *s = mem_alloc(sizeof *s + pointers + size);
    if (!s)
        return errno = ENOMEM, NULL;
    *s = (Start){ .id = id, .task = w.task, .lingers = w.lingers != 0 };
    char *text = (char *)s->strings + pointers;
    memcpy(text, body, size);
    if (keeper_start_parse(s, &w, text, size))
        return s;
    mem_free(s);
    return errno = EPROTO, NULL;
}
