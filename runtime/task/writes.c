/* writes.c — plain paths, and which of them overlap. */
#include "task/writes.h"
#include "base/buf.h"
#include "base/mem.h"
#include <limits.h>

/* Append the parts of `path` to `out`, with "." dropped and ".." going up. */
static void
writes_plain(Buf *out, const char *path)
{
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.') {
            while (out->n && out->p[out->n - 1] != '/')
                out->n--;
            if (out->n)
                out->n--;
        } else if (n && !(n == 1 && path[0] == '.')) {
            buf_putc(out, '/');
            buf_put(out, path, n);
        }
        path += n + (path[n] == '/');
    }
}

/* Resolve the longest part of `plain` that exists; keep the rest. */
static char *
writes_resolve(const char *plain)
{
    char head[PATH_MAX], real[PATH_MAX];
    size_t n = strlen(plain);
    if (n >= sizeof head)
        return mem_dup(plain, n);
    memcpy(head, plain, n + 1);
    for (size_t cut = n; cut > 0; cut--) {
        if (cut < n && plain[cut] != '/')
            continue;
        head[cut] = '\0';
        if (!realpath(head, real))
            continue;
        Buf out = { 0 };
        buf_puts(&out, real);
        buf_puts(&out, plain + cut);
        return buf_take(&out);
    }
    return mem_dup(plain, n);
}

char *
writes_path(const char *cwd, const char *path)
{
    Buf plain = { 0 };
    if (path[0] != '/')
        writes_plain(&plain, cwd);
    writes_plain(&plain, path);
    if (plain.n == 0)
        buf_putc(&plain, '/');
    char *resolved = buf_failed(&plain) ? NULL
                                        : writes_resolve(buf_cstr(&plain));
    buf_free(&plain);
    return resolved;
}

bool
writes_inside(const char *inner, const char *outer)
{
    size_t n = strlen(outer);
    if (n == 1)
        return true;
    return strncmp(inner, outer, n) == 0 && (!inner[n] || inner[n] == '/');
}

bool
writes_overlap(const Writes *a, const Writes *b)
{
    for (size_t i = 0; i < a->n; i++)
        for (size_t j = 0; j < b->n; j++)
            if (writes_inside(a->paths[i], b->paths[j])
                || writes_inside(b->paths[j], a->paths[i]))
                return true;
    return false;
}

void
writes_free(Writes *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->n; i++)
        mem_free(w->paths[i]);
    mem_free(w->paths);
    mem_free(w);
}
