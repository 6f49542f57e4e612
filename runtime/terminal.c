/* terminal.c — its size, widths, keys one by one. */
#include "terminal.h"
#include "show.h"
#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

/* The widths of characters are the system's, whatever locale the process is
 * in. Where it has no such locale, each takes one column. */
static locale_t terminal_locale;
static pthread_once_t terminal_once = PTHREAD_ONCE_INIT;

static void
terminal_find_locale(void)
{
    terminal_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* The locale that the thread had, to be put back. */
static locale_t
terminal_enter(void)
{
    pthread_once(&terminal_once, terminal_find_locale);
    return terminal_locale ? uselocale(terminal_locale) : (locale_t)0;
}

static void
terminal_leave(locale_t had)
{
    if (had)
        uselocale(had);
}

/* Between enter and leave: the columns of one character. */
static size_t
terminal_columns(uint32_t c)
{
    if (c < 0x80 || !terminal_locale)
        return 1;
    int width = wcwidth((wchar_t)c);
    return width < 0 ? 1 : (size_t)width;
}

bool
terminal_is(int fd)
{
    return isatty(fd) == 1;
}

bool
terminal_size(int fd, int *columns, int *rows)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || !size.ws_col || !size.ws_row)
        return false;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return true;
}

/* The bytes of the text that have room in so many columns; *used: of these. */
static size_t
terminal_prefix(const char *text, size_t n, size_t columns, size_t *used)
{
    size_t at = 0, size;
    uint32_t c;
    *used = 0;
    for (; at < n; at += size) {
        size = show_decode((const unsigned char *)text + at, n - at, &c);
        size_t width = terminal_columns(c);
        if (width > columns - *used)
            break;
        *used += width;
    }
    return at;
}

size_t
terminal_width(const char *text, size_t n)
{
    size_t used;
    locale_t had = terminal_enter();
    terminal_prefix(text, n, SIZE_MAX, &used);
    terminal_leave(had);
    return used;
}

size_t
terminal_fit(Buf *out, const char *text, size_t n, size_t columns)
{
    size_t used;
    locale_t had = terminal_enter();
    size_t fits = terminal_prefix(text, n, columns, &used);
    if (fits < n && columns > 0)
        fits = terminal_prefix(text, n, columns - 1, &used);
    terminal_leave(had);
    buf_put(out, text, fits);
    if (fits == n || columns == 0)
        return used;
    buf_puts(out, "…");
    return used + 1;
}

size_t
terminal_break(const char *text, size_t n, size_t columns)
{
    size_t used;
    uint32_t c;
    locale_t had = terminal_enter();
    size_t fits = terminal_prefix(text, n, columns, &used);
    terminal_leave(had);
    return fits == 0 && n > 0
        ? show_decode((const unsigned char *)text, n, &c) : fits;
}

int
terminal_raw(int fd, const struct termios *modes)
{
    struct termios raw = *modes;
    cfmakeraw(&raw);
    raw.c_oflag = modes->c_oflag; /* a message of others has its lines */
    return tcsetattr(fd, TCSADRAIN, &raw) == 0 ? 0 : errno;
}
