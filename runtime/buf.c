/* buf.c — a growing string of bytes. */
#include "buf.h"
#include "mem.h"
#include <stdio.h>

char *
buf_room(Buf *b, size_t n)
{
    if (b->failed)
        return NULL;
    if (n > SIZE_MAX / 2 - b->n - 1)
        return b->failed = true, NULL;
    size_t need = b->n + n + 1;
    if (need > b->cap) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap < need)
            cap *= 2;
        char *p = mem_realloc(b->p, cap);
        if (!p)
            return b->failed = true, NULL;
        b->p = p;
        b->cap = cap;
    }
    return b->p + b->n;
}

void
buf_put(Buf *b, const void *p, size_t n)
{
    char *to = buf_room(b, n);
    if (!to)
        return;
    if (n)
        memcpy(to, p, n);
    b->n += n;
}

void
buf_putc(Buf *b, char c)
{
    buf_put(b, &c, 1);
}

void
buf_puts(Buf *b, const char *s)
{
    buf_put(b, s, strlen(s));
}

void
buf_vprintf(Buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *to = n < 0 ? NULL : buf_room(b, (size_t)n);
    if (to) {
        vsnprintf(to, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void
buf_printf(Buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

const char *
buf_cstr(Buf *b)
{
    if (b->failed || !buf_room(b, 0))
        return "";
    b->p[b->n] = '\0';
    return b->p;
}

char *
buf_take(Buf *b)
{
    buf_cstr(b);
    char *p = b->failed ? NULL : b->p;
    if (!p)
        mem_free(b->p);
    *b = (Buf){ 0 };
    return p;
}

void
buf_clear(Buf *b)
{
    b->n = 0;
    b->failed = false;
}

void
buf_free(Buf *b)
{
    mem_free(b->p);
    *b = (Buf){ 0 };
}

void
buf_bytes(Buf *b, size_t n)
{
    static const char *const units[] = { "KiB", "MiB", "GiB" };
    size_t unit = 0;
    if (n < 1024) {
        buf_printf(b, "%zu byte%s", n, n == 1 ? "" : "s");
        return;
    }
    for (; unit < 2 && n >= (size_t)1 << (10 * (unit + 2)); unit++)
        continue;
    double x = (double)n / (double)((size_t)1 << (10 * (unit + 1)));
    buf_printf(b, "%.*f %s", x == (double)(size_t)x ? 0 : 1, x, units[unit]);
}
