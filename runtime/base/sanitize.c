/* sanitize.c — escaping what must not reach a terminal. */
#include "base/sanitize.h"
#include "base/secret.h"
#include "base/terminal.h"
#include <errno.h>
#include <unistd.h>

typedef struct SanitizeRange {
    uint32_t first, last;
    bool joins; /* has no width and is needed by some scripts and by emoji */
} SanitizeRange;

/* Beyond ASCII: control, direction, separator and invisible characters. */
static const SanitizeRange sanitize_unsafe[] = {
    { 0x80, 0x9f, false },      /* C1 controls */
    { 0xad, 0xad, true },       /* soft hyphen */
    { 0x61c, 0x61c, false },    /* Arabic letter mark */
    { 0x115f, 0x1160, true },   /* Hangul fillers */
    { 0x17b4, 0x17b5, true },   /* Khmer inherent vowels */
    { 0x180e, 0x180e, true },   /* Mongolian vowel separator */
    { 0x200b, 0x200d, true },   /* zero-width space, non-joiner, joiner */
    { 0x200e, 0x200f, false },  /* left-to-right, right-to-left mark */
    { 0x2028, 0x2029, false },  /* line, paragraph separator */
    { 0x202a, 0x202e, false },  /* embeddings and overrides of direction */
    { 0x2060, 0x2064, true },   /* word joiner, invisible operators */
    { 0x2066, 0x2069, false },  /* isolates of direction */
    { 0x206a, 0x206f, false },  /* deprecated format characters */
    { 0x3164, 0x3164, true },   /* Hangul filler */
    { 0xfeff, 0xfeff, true },   /* zero-width no-break space, byte order mark */
    { 0xffa0, 0xffa0, true },   /* halfwidth Hangul filler */
    { 0xfff9, 0xfffb, false },  /* interlinear annotation */
    { 0x1bca0, 0x1bca3, true }, /* shorthand format controls */
    { 0xe0000, 0xe007f, true }, /* tags */
    { 0xe0100, 0xe01ef, true }, /* variation selectors nobody sees */
};

/* The character at s and its bytes, 1 to 4; *c is UINT32_MAX when the byte at s
 * begins none: overlong, cut off, a surrogate, beyond Unicode. */
static size_t
sanitize_decode(const unsigned char *s, size_t n, uint32_t *c)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t size = *s < 0x80 ? 1
        : *s < 0xc0         ? 0
        : *s < 0xe0         ? 2
        : *s < 0xf0         ? 3
        : *s < 0xf8         ? 4
                            : 0;
    *c = UINT32_MAX;
    if (size == 1)
        *c = *s;
    if (size < 2 || size > n)
        return 1;
    uint32_t value = *s & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 1;
        value = value << 6 | (s[i] & 0x3fu);
    }
    if (value < least[size] || value > 0x10ffff
        || (value >= 0xd800 && value <= 0xdfff))
        return 1;
    *c = value;
    return size;
}

static bool
sanitize_is_unsafe(uint32_t c, SanitizeMode mode)
{
    size_t lo = 0, hi = countof(sanitize_unsafe);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (c > sanitize_unsafe[mid].last)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < countof(sanitize_unsafe) && c >= sanitize_unsafe[lo].first
        && !(mode == SANITIZE_PRINT && sanitize_unsafe[lo].joins);
}

/* The length of the colour, "\033[1;31m", that the text begins with, or 0. */
static size_t
sanitize_colour(const char *s, size_t n)
{
    size_t i = 2;
    if (n < 3 || s[0] != '\033' || s[1] != '[')
        return 0;
    while (i < n && i < 32
           && ((s[i] >= '0' && s[i] <= '9') || s[i] == ';' || s[i] == ':'))
        i++;
    return i < n && s[i] == 'm' ? i + 1 : 0;
}

/* How many of the first bytes stay as they are; 0: *size bytes, which are the
 * character *c (UINT32_MAX: a byte that is not UTF-8), must be escaped. */
static size_t
sanitize_stays(const char *s, size_t n, SanitizeMode mode, uint32_t *c,
               size_t *size)
{
    *size = sanitize_decode((const unsigned char *)s, n, c);
    if (mode == SANITIZE_DATA)
        return *size;
    if (*c == '\n' || *c == '\t')
        return mode != SANITIZE_LINE;
    if (*c == '\r' && n > 1 && s[1] == '\n')
        return mode != SANITIZE_LINE;
    if (*c == '\033' && mode == SANITIZE_PRINT)
        return sanitize_colour(s, n);
    if (*c < 32 || *c == 127 || *c == UINT32_MAX)
        return 0;
    return *c >= 0x80 && sanitize_is_unsafe(*c, mode) ? 0 : *size;
}

bool
sanitize_is_safe(const char *text, size_t n, SanitizeMode mode)
{
    uint32_t c;
    size_t size;
    for (size_t m; n > 0; text += m, n -= m) {
        m = sanitize_stays(text, n, mode, &c, &size);
        if (m == 0 || (mode == SANITIZE_PRINT && c == '\033'))
            return false;
    }
    return true;
}

void
sanitize_escape(Buf *out, const char *text, size_t n, SanitizeMode mode)
{
    uint32_t c;
    size_t size;
    bool coloured = false;
    while (n > 0) {
        size_t m = sanitize_stays(text, n, mode, &c, &size);
        if (m > 0)
            buf_put(out, text, size = m);
        else if (c < 0x80 || c == UINT32_MAX)
            buf_printf(out, "\\x%02x", (unsigned char)*text);
        else
            buf_printf(out, "<U+%04X>", (unsigned)c);
        if (m > 0 && c == '\033')
            coloured = m > 3 && !(m == 4 && text[2] == '0');
        text += size;
        n -= size;
    }
    if (coloured)
        buf_puts(out, "\033[0m");
}

void
sanitize_put(Buf *out, const char *text, size_t n, SanitizeMode mode)
{
    Buf masked = { 0 };
    secret_mask(text, n, 0, n, &masked);
    sanitize_escape(out, masked.p, masked.n, mode);
    out->failed |= buf_failed(&masked);
    buf_free(&masked);
}

void
sanitize_head(Buf *out, const char *text, size_t n, size_t max,
              SanitizeMode mode)
{
    size_t to = n < max ? n : max;
    while (to < n && to > 0 && max - to < 3
           && ((unsigned char)text[to] & 0xc0) == 0x80)
        to--;
    size_t longest = secret_longest();
    size_t seen = n - to > longest ? to + longest : n;
    Buf masked = { 0 };
    secret_mask(text, seen, 0, to, &masked);
    sanitize_escape(out, masked.p, masked.n, mode);
    out->failed |= buf_failed(&masked);
    buf_free(&masked);
    if (to < n)
        buf_puts(out, "...");
}

void
sanitize_cut(Buf *out, const char *text, size_t n, size_t max)
{
    sanitize_head(out, text, n, max, SANITIZE_LINE);
}

void
sanitize_write(int fd, const char *text, size_t n)
{
    Buf safe = { 0 };
    sanitize_put(&safe, text, n, SANITIZE_TEXT);
    terminal_enter(fd);
    ssize_t written = write(fd, safe.p, buf_failed(&safe) ? 0 : safe.n);
    bool gone = written < 0 && errno == EPIPE;
    terminal_leave(fd, safe.n ? safe.p[safe.n - 1] : '\0');
    buf_free(&safe);
    if (gone)
        terminal_reader_gone();
}
