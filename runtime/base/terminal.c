/* terminal.c — its size, the width of text, its foot, line and reader. */
#include "base/terminal.h"
#include "base/buf.h"
#include "base/fork.h"
#include "base/thread.h"
#include <limits.h>
#include <locale.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

/* Seconds between two drawings that writers cause. */
#define TERMINAL_CALM 0.05

typedef struct TerminalFoot {
    Buf text;     /* the lines that it should have */
    Buf shown;    /* those that are drawn now */
    bool midline; /* the last line that was written is incomplete */
    int holds;
    int columns;  /* of the terminal, when it was drawn */
    double drawn; /* when, on the monotonic clock */
} TerminalFoot;

/* Bit fd: it leads to the terminal of the foot, or of the line; 0: none. */
static atomic_uint terminal_mask;
static uv_mutex_t terminal_lock = THREAD_MUTEX_INIT;
/* Guarded by it: */
static TerminalFoot terminal_foot;
static const TerminalLine *terminal_line; /* NULL: none is typed */
static unsigned terminal_foot_bits, terminal_line_bits; /* of the mask */

bool
terminal_size(int fd, TerminalSize *size)
{
    struct winsize w;
    if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &w) != 0)
        return false;
    size->rows = w.ws_row ? w.ws_row : 24;
    size->columns = w.ws_col ? w.ws_col : 80;
    return true;
}

/* ---- the width of text ---- */

static locale_t terminal_utf8;

static void
terminal_make_utf8(void)
{
    terminal_utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* The length of the colour that the text begins with, or 0. */
static size_t
terminal_colour(const char *s, size_t n)
{
    size_t i = 2;
    if (n < 3 || s[0] != '\x1b' || s[1] != '[')
        return 0;
    while (i < n && (s[i] == ';' || (s[i] >= '0' && s[i] <= '9')))
        i++;
    return i < n && s[i] == 'm' ? i + 1 : 0;
}

/* The length of the first character, and its columns. */
static size_t
terminal_char(const char *s, size_t n, int *width)
{
    wchar_t c;
    mbstate_t state = { 0 };
    size_t size = terminal_colour(s, n);
    *width = 0;
    if (size)
        return size;
    *width = 1;
    size = mbrtowc(&c, s, n, &state);
    if (size == 0 || size > n)
        return 1;
    int w = wcwidth(c);
    *width = w < 0 ? 1 : w;
    return size;
}

size_t
terminal_fit(const char *s, size_t n, int columns, int *width)
{
    static uv_once_t once = UV_ONCE_INIT;
    uv_once(&once, terminal_make_utf8);
    locale_t before = terminal_utf8 ? uselocale(terminal_utf8) : (locale_t)0;
    size_t at = 0;
    *width = 0;
    while (at < n) {
        int w;
        size_t size = terminal_char(s + at, n - at, &w);
        if (*width + w > columns)
            break;
        *width += w;
        at += size;
    }
    if (before)
        uselocale(before);
    return at;
}

int
terminal_width(const char *s, size_t n)
{
    int width;
    terminal_fit(s, n, INT_MAX, &width);
    return width;
}

/* ---- the foot ---- */

static double
terminal_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
terminal_put(const char *s, size_t n)
{
    while (n > 0) {
        ssize_t written = write(STDERR_FILENO, s, n);
        if (written <= 0)
            return;
        s += written;
        n -= (size_t)written;
    }
}

/* How many rows the lines take; they may be wider than the terminal now. */
static int
terminal_rows(const Buf *text, int columns)
{
    int rows = 0;
    for (size_t at = 0; at < text->n;) {
        const char *end = memchr(text->p + at, '\n', text->n - at);
        size_t n = end ? (size_t)(end - text->p) - at : text->n - at;
        int width = terminal_width(text->p + at, n);
        rows += width > columns ? (width + columns - 1) / columns : 1;
        at += n + 1;
    }
    return rows;
}

/* Does the terminal belong to this process now? */
static bool
terminal_ours(void)
{
    return tcgetpgrp(STDERR_FILENO) == getpgrp();
}

/* Clear from the beginning of a row to the end of the screen, row by row: from
 * the first row that would be the whole screen, and a terminal such as tmux
 * keeps a screen that is cleared at once in its history. */
#define TERMINAL_CLEAR "\x1b[K\x1b[C\x1b[J\r"

/* Go to where the foot begins. */
static void
terminal_put_up(Buf *out, int columns)
{
    TerminalFoot *f = &terminal_foot;
    if (f->shown.n)
        buf_printf(out, "\r\x1b[%dA", terminal_rows(&f->shown, columns));
}

static void
terminal_erase(void)
{
    TerminalSize size;
    Buf out = { 0 };
    if (!terminal_foot.shown.n || !terminal_size(STDERR_FILENO, &size))
        return;
    terminal_put_up(&out, size.columns);
    buf_puts(&out, TERMINAL_CLEAR);
    if (terminal_ours() && !buf_failed(&out))
        terminal_put(out.p, out.n);
    buf_clear(&terminal_foot.shown);
    buf_free(&out);
}

/* Each line is cleared from its end, and the screen from the last line on, so
 * that nothing flickers. */
static void
terminal_draw(void)
{
    TerminalFoot *f = &terminal_foot;
    TerminalSize size;
    Buf out = { 0 };
    bool stands = f->shown.n == f->text.n
        && (f->text.n == 0 || memcmp(f->shown.p, f->text.p, f->text.n) == 0);
    if (stands || terminal_line || f->midline || f->holds || !terminal_ours()
        || !terminal_size(STDERR_FILENO, &size))
        return;
    buf_puts(&out, "\x1b[?2026h"); /* what follows is shown at once */
    terminal_put_up(&out, size.columns);
    if (size.columns != f->columns) /* rows may be known as one wrapped line */
        buf_puts(&out, TERMINAL_CLEAR);
    f->columns = size.columns;
    for (size_t at = 0; at < f->text.n; at++) {
        if (f->text.p[at] == '\n')
            buf_puts(&out, "\x1b[K");
        buf_putc(&out, f->text.p[at]);
    }
    buf_puts(&out, TERMINAL_CLEAR "\x1b[?2026l");
    buf_clear(&f->shown);
    buf_put(&f->shown, f->text.p, f->text.n);
    if (!buf_failed(&out) && !buf_failed(&f->shown))
        terminal_put(out.p, out.n);
    f->drawn = terminal_now();
    buf_free(&out);
}

/* Bits of the descriptors 1 and 2 that lead to the terminal of 2. */
static unsigned
terminal_find(void)
{
    struct stat err, out;
    if (!isatty(STDERR_FILENO) || fstat(STDERR_FILENO, &err) != 0)
        return 0;
    bool same = isatty(STDOUT_FILENO) && fstat(STDOUT_FILENO, &out) == 0
        && out.st_rdev == err.st_rdev;
    return 1u << STDERR_FILENO | (same ? 1u << STDOUT_FILENO : 0);
}

bool
terminal_foot_open(void)
{
    unsigned mask = terminal_find();
    if (!mask)
        return false;
    fork_guard(FORK_TERMINAL, &terminal_lock);
    uv_mutex_lock(&terminal_lock);
    bool open = terminal_foot_bits != 0;
    if (!open) {
        terminal_foot = (TerminalFoot){ .holds = terminal_foot.holds };
        terminal_foot_bits = mask;
        terminal_mask = terminal_foot_bits | terminal_line_bits;
    }
    uv_mutex_unlock(&terminal_lock);
    return !open;
}

void
terminal_foot_show(const char *text, size_t n)
{
    TerminalFoot *f = &terminal_foot;
    uv_mutex_lock(&terminal_lock);
    buf_clear(&f->text);
    buf_put(&f->text, text, n);
    if (!buf_failed(&f->text))
        terminal_draw();
    uv_mutex_unlock(&terminal_lock);
}

void
terminal_foot_close(void)
{
    if (!terminal_mask)
        return;
    uv_mutex_lock(&terminal_lock);
    terminal_foot_bits = 0;
    terminal_mask = terminal_line_bits;
    terminal_erase();
    buf_free(&terminal_foot.text);
    buf_free(&terminal_foot.shown);
    uv_mutex_unlock(&terminal_lock);
}

void
terminal_foot_hold(bool on)
{
    uv_mutex_lock(&terminal_lock);
    bool first = terminal_foot.holds == (on ? 0 : 1);
    terminal_foot.holds += on ? 1 : -1;
    if (on)
        terminal_erase();
    if (first && terminal_line)
        terminal_line->release(terminal_line->ud, on);
    uv_mutex_unlock(&terminal_lock);
}

/* ---- the line ---- */

/* Bits of the descriptors 1 and 2 that lead to the terminal of 1. */
static unsigned
terminal_line_find(void)
{
    struct stat err, out;
    bool same = fstat(STDOUT_FILENO, &out) == 0 && isatty(STDERR_FILENO)
        && fstat(STDERR_FILENO, &err) == 0 && out.st_rdev == err.st_rdev;
    return 1u << STDOUT_FILENO | (same ? 1u << STDERR_FILENO : 0);
}

void
terminal_line_begin(const TerminalLine *line)
{
    fork_guard(FORK_TERMINAL, &terminal_lock);
    uv_mutex_lock(&terminal_lock);
    terminal_erase();
    if (terminal_foot.midline)
        (void)!write(STDOUT_FILENO, "\n", 1);
    terminal_foot.midline = false;
    terminal_line = line;
    terminal_line_bits = terminal_line_find();
    terminal_mask = terminal_foot_bits | terminal_line_bits;
}

void
terminal_line_wait(void)
{
    uv_mutex_unlock(&terminal_lock);
}

void
terminal_line_go_on(void)
{
    uv_mutex_lock(&terminal_lock);
}

void
terminal_line_end(void)
{
    terminal_line = NULL;
    terminal_line_bits = 0;
    terminal_mask = terminal_foot_bits;
    uv_mutex_unlock(&terminal_lock);
}

bool
terminal_footed(int fd)
{
    return fd >= 0 && fd <= STDERR_FILENO
        && atomic_load_explicit(&terminal_mask, memory_order_relaxed) >> fd & 1;
}

/* A thread that is between terminal_enter and terminal_leave. */
static _Thread_local bool terminal_entered;

void
terminal_enter(int fd)
{
    if (!terminal_footed(fd))
        return;
    uv_mutex_lock(&terminal_lock);
    terminal_entered = true;
    if (terminal_line && !terminal_foot.holds)
        terminal_line->hide(terminal_line->ud);
    terminal_erase();
}

/* The line that is typed stands below whole lines. */
static void
terminal_show_line(void)
{
    if (terminal_foot.midline)
        (void)!write(STDOUT_FILENO, "\n", 1);
    terminal_foot.midline = false;
    if (!terminal_foot.holds)
        terminal_line->show(terminal_line->ud);
}

void
terminal_leave(int fd, char last)
{
    (void)fd;
    if (!terminal_entered)
        return;
    if (last)
        terminal_foot.midline = last != '\n';
    if (terminal_line)
        terminal_show_line();
    else if (terminal_now() - terminal_foot.drawn >= TERMINAL_CALM)
        terminal_draw();
    terminal_entered = false;
    uv_mutex_unlock(&terminal_lock);
}

/* ---- its reader ---- */

static void (*terminal_when_gone)(void);

void
terminal_on_reader_gone(void (*gone)(void))
{
    terminal_when_gone = gone;
}

void
terminal_reader_gone(void)
{
    if (terminal_when_gone)
        terminal_when_gone();
}
