/* buf.c — a growing string of bytes. */
#include "base/buf.h"
#include "base/mem.h"
#include <math.h>
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

/* Three figures at most, and no zeros at the end of a fraction. */
static void
buf_three(Buf *b, double x)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%.*f",
                     x < 9.995       ? 2
                         : x < 99.95 ? 1
                                     : 0,
                     x);
    if (n < 0 || n >= (int)sizeof text)
        return;
    if (strchr(text, '.')) {
        while (text[n - 1] == '0')
            n--;
        n -= text[n - 1] == '.';
    }
    buf_put(b, text, (size_t)n);
}

void
buf_bytes(Buf *b, size_t n)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
    double x = (double)n;
    int unit = -1;
    for (; x >= 1024 * 0.9995 && unit + 1 < (int)countof(units); unit++)
        x /= 1024;
    if (unit < 0) {
        buf_printf(b, "%zu byte%s", n, n == 1 ? "" : "s");
        return;
    }
    buf_three(b, x);
    buf_printf(b, " %s", units[unit]);
}

void
buf_seconds(Buf *b, double s)
{
    double whole = floor(s + 0.5), minutes = floor(whole / 60);
    if (!(s >= 0.0000005)) {
        buf_puts(b, "0 s");
    } else if (s < 0.0009995) {
        buf_printf(b, "%.0f µs", s * 1e6);
    } else if (s < 0.9995) {
        buf_printf(b, "%.0f ms", s * 1e3);
    } else if (s < 59.95) {
        buf_three(b, s);
        buf_puts(b, " s");
    } else if (minutes < 60) {
        buf_printf(b, "%.0f m %02.0f s", minutes, fmod(whole, 60));
    } else {
        buf_printf(b, "%.0f h %02.0f m", floor(minutes / 60),
                   fmod(minutes, 60));
    }
}
