/* line_editor.c — reading a line, and hiding it while others write.
 *
 * The thread that reads holds the terminal's lock while libedit works, and
 * gives it up while it waits for a key. Then another thread may take the line
 * away, write, and have libedit draw it again: it has the lock, and libedit
 * does nothing else. libedit takes characters as the locale says, which is that
 * of the thread, here UTF-8.
 */
#include "base/line_editor.h"
#include "base/libedit.h"
#include "base/mem.h"
#include "base/terminal.h"
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define LINE_EDITOR_LEAKS(on) ((on) ? __lsan_disable() : __lsan_enable())
#else
#define LINE_EDITOR_LEAKS(on) ((void)0)
#endif

enum { LINE_EDITOR_KEPT = 1000 }; /* lines that can be recalled */

struct LineEditor {
    const Libedit *lib; /* NULL: lines are not edited */
    LineEditorUse use;
    int bell; /* an eventfd, for line_editor_interrupt */
    locale_t utf8;
    LibeditEditor *editor;
    LibeditHistory *history;
    FILE *in, *out, *err; /* of its own: others lock stdio's */
    TerminalLine on_terminal;

    /* Of the thread that reads; of others, while it waits: */
    const char *prompt;
    int columns;         /* that libedit knows of */
    LineEditorNews news; /* why no more keys come */
};

/* Write to the terminal. */
static void
line_editor_put(const char *s, size_t n)
{
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, s, n);
        if (done < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (done <= 0)
            return;
        s += done;
        n -= (size_t)done;
    }
}

static int
line_editor_columns(void)
{
    TerminalSize size;
    return terminal_size(STDOUT_FILENO, &size) ? size.columns : 80;
}

/* The row, from 0, in which `n` bytes of text end that follow the prompt. When
 * its size changes, a terminal moves what it shows to rows of the new size. */
static int
line_editor_row(const LineEditor *e, const char *text, size_t n)
{
    int columns = line_editor_columns();
    int width = terminal_width(e->prompt, strlen(e->prompt))
        + terminal_width(text, n);
    return width / (columns > 0 ? columns : 80);
}

/* ---- the line, while others write ---- */

/* Go to the line's first row and clear it and all below. */
static void
line_editor_hide(void *ud)
{
    LineEditor *e = ud;
    Buf out = { 0 };
    if (!e->lib) {
        line_editor_put("\n", 1); /* what is typed cannot be known */
        return;
    }
    locale_t before = uselocale(e->utf8);
    const LibeditLine *line = e->lib->line(e->editor);
    int row = line_editor_row(e, line->text,
                              (size_t)(line->cursor - line->text));
    uselocale(before);
    buf_puts(&out, "\r");
    if (row > 0)
        buf_printf(&out, "\x1b[%dA", row);
    buf_puts(&out, "\x1b[J");
    line_editor_put(buf_cstr(&out), out.n);
    buf_free(&out);
}

static void
line_editor_show(void *ud)
{
    LineEditor *e = ud;
    if (!e->lib) {
        line_editor_put(e->prompt, strlen(e->prompt));
        return;
    }
    locale_t before = uselocale(e->utf8);
    int columns = line_editor_columns();
    if (columns != e->columns)
        e->lib->resize(e->editor);
    e->columns = columns;
    e->lib->set(e->editor, LIBEDIT_REFRESH);
    uselocale(before);
}

/* Another program has the terminal, or has had it. */
static void
line_editor_release(void *ud, bool on)
{
    LineEditor *e = ud;
    if (on)
        line_editor_hide(e);
    if (e->lib)
        e->lib->set(e->editor, LIBEDIT_PREPARE, on ? 0 : 1);
    if (!on)
        line_editor_show(e);
}

/* ---- keys ---- */

/* Wait for a byte of standard input; false: e->news says what has come
 * instead. */
static bool
line_editor_byte(LineEditor *e, char *to)
{
    for (;;) {
        struct pollfd all[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
                                 { .fd = e->bell, .events = POLLIN } };
        terminal_line_wait();
        bool goes_on = e->use.wait(e->use.ud, all, 2);
        terminal_line_go_on();
        if (!goes_on || all[1].revents) {
            e->news = goes_on ? LINE_EDITOR_INTERRUPTED : LINE_EDITOR_STOPPED;
            return false;
        }
        if (!all[0].revents)
            continue;
        ssize_t n = read(STDIN_FILENO, to, 1);
        if (n == 1)
            return true;
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        e->news = LINE_EDITOR_END;
        return false;
    }
}

/* The terminal may have another size than libedit knows of. */
static void
line_editor_resize(LineEditor *e)
{
    if (line_editor_columns() == e->columns)
        return;
    line_editor_hide(e);
    line_editor_show(e);
}

/* As libedit has it: 1, with the next character; 0: there is none. */
static int
line_editor_char(LibeditEditor *editor, wchar_t *to)
{
    LineEditor *e;
    const Libedit *lib = libedit_get(&(const char *){ NULL });
    mbstate_t state = { 0 };
    lib->get(editor, LIBEDIT_CLIENT, &e);
    for (char c; line_editor_byte(e, &c);) {
        line_editor_resize(e);
        size_t size = mbrtowc(to, &c, 1, &state);
        if (size == 0)
            *to = L'\0';
        if (size <= 1)
            return 1;
        if (size == (size_t)-1)
            state = (mbstate_t){ 0 }; /* no character: the byte is dropped */
    }
    return 0;
}

/* The key that completes. */
static unsigned char
line_editor_complete(LibeditEditor *editor, int key)
{
    LineEditor *e;
    Buf line = { 0 }, more = { 0 }, choice = { 0 };
    const Libedit *lib = libedit_get(&(const char *){ NULL });
    (void)key;
    lib->get(editor, LIBEDIT_CLIENT, &e);
    const LibeditLine *now = lib->line(editor);
    buf_put(&line, now->text, (size_t)(now->cursor - now->text));
    terminal_line_wait();
    if (!buf_failed(&line))
        e->use.complete(e->use.ud, buf_cstr(&line), line.n, &more, &choice);
    terminal_line_go_on();
    if (choice.n && !buf_failed(&choice)) {
        line_editor_hide(e);
        line_editor_put(choice.p, choice.n);
        lib->set(editor, LIBEDIT_REFRESH);
    }
    bool longer = more.n && lib->insertstr(editor, buf_cstr(&more)) == 0;
    bool shown = choice.n > 0;
    buf_free(&line);
    buf_free(&more);
    buf_free(&choice);
    return longer ? LIBEDIT_CHANGED : shown ? LIBEDIT_DONE : LIBEDIT_BEEP;
}

static char *
line_editor_prompt(LibeditEditor *editor)
{
    LineEditor *e;
    libedit_get(&(const char *){ NULL })->get(editor, LIBEDIT_CLIENT, &e);
    return (char *)e->prompt;
}

/* ---- reading ---- */

/* The cursor goes below the line, which ends here. */
static void
line_editor_leave(LineEditor *e)
{
    const LibeditLine *line = e->lib->line(e->editor);
    int here = line_editor_row(e, line->text,
                               (size_t)(line->cursor - line->text));
    int last = line_editor_row(e, line->text, (size_t)(line->end - line->text));
    Buf out = { 0 };
    if (last > here)
        buf_printf(&out, "\x1b[%dB", last - here);
    buf_puts(&out, line->cursor == line->end ? "^C\r\n" : "\r\n");
    line_editor_put(buf_cstr(&out), out.n);
    buf_free(&out);
}

static LineEditorNews
line_editor_edit(LineEditor *e, Buf *line)
{
    int n = 0;
    const char *text = e->lib->gets(e->editor, &n);
    if (e->news == LINE_EDITOR_INTERRUPTED)
        line_editor_leave(e);
    if (e->news != LINE_EDITOR_TEXT)
        return e->news;
    if (!text || n <= 0)
        return LINE_EDITOR_END; /* Ctrl-D */
    buf_put(line, text, (size_t)n - (text[n - 1] == '\n'));
    return LINE_EDITOR_TEXT;
}

/* The terminal edits lines itself, a little. */
static LineEditorNews
line_editor_take(LineEditor *e, Buf *line)
{
    size_t from = line->n;
    line_editor_put(e->prompt, strlen(e->prompt));
    for (char c; line_editor_byte(e, &c); buf_putc(line, c))
        if (c == '\n')
            return LINE_EDITOR_TEXT;
    if (e->news == LINE_EDITOR_INTERRUPTED)
        line_editor_put("\n", 1);
    return e->news == LINE_EDITOR_END && line->n > from ? LINE_EDITOR_TEXT
                                                        : e->news;
}

LineEditorNews
line_editor_read(LineEditor *e, const char *prompt, Buf *line)
{
    locale_t before = uselocale(e->utf8);
    e->prompt = prompt;
    e->news = LINE_EDITOR_TEXT;
    e->columns = line_editor_columns();
    terminal_line_begin(&e->on_terminal);
    LineEditorNews news = e->lib ? line_editor_edit(e, line)
                                 : line_editor_take(e, line);
    terminal_line_end();
    uselocale(before);
    return news;
}

bool
line_editor_late(LineEditor *e)
{
    eventfd_t rings;
    return eventfd_read(e->bell, &rings) == 0;
}

void
line_editor_remember(LineEditor *e, const char *line)
{
    LibeditEvent event;
    if (!e->lib)
        return;
    locale_t before = uselocale(e->utf8);
    e->lib->history(e->history, &event, LIBEDIT_HISTORY_ENTER, line);
    uselocale(before);
}

void
line_editor_interrupt(LineEditor *e)
{
    eventfd_write(e->bell, 1);
}

/* ---- opening ---- */

/* A stream of its own to what fd leads to. */
static FILE *
line_editor_stream(int fd, const char *mode)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    FILE *f = own < 0 ? NULL : fdopen(own, mode);
    if (!f && own >= 0)
        close(own);
    return f;
}

/* Keys and their meanings; what the user has in ~/.editrc comes last. */
static void
line_editor_set_up(LineEditor *e)
{
    LibeditEvent event;
    const Libedit *lib = e->lib;
    LibeditEditor *editor = e->editor;
    lib->set(editor, LIBEDIT_CLIENT, e);
    lib->set(editor, LIBEDIT_SIGNAL, 0);
    lib->set(editor, LIBEDIT_PROMPT, line_editor_prompt);
    lib->wset(editor, LIBEDIT_READER, line_editor_char);
    lib->set(editor, LIBEDIT_EDITOR, "emacs");
    lib->history(e->history, &event, LIBEDIT_HISTORY_SIZE, LINE_EDITOR_KEPT);
    lib->history(e->history, &event, LIBEDIT_HISTORY_UNIQUE, 1);
    lib->set(editor, LIBEDIT_HISTORY, lib->history, e->history);
    LINE_EDITOR_LEAKS(true); /* libedit never frees the two names */
    lib->set(editor, LIBEDIT_ADD_FUNCTION, "orun-complete", "Complete a name",
             line_editor_complete);
    LINE_EDITOR_LEAKS(false);
    lib->set(editor, LIBEDIT_BIND, "^I", "orun-complete", NULL);
    lib->set(editor, LIBEDIT_BIND, "^R", "em-inc-search-prev", NULL);
    lib->source(editor, NULL);
}

/* 0 or an errno; what was made is line_editor_close's to undo. */
static int
line_editor_begin(LineEditor *e)
{
    e->in = line_editor_stream(STDIN_FILENO, "r");
    e->out = line_editor_stream(STDOUT_FILENO, "w");
    e->err = line_editor_stream(STDOUT_FILENO, "w");
    if (!e->in || !e->out || !e->err)
        return errno;
    e->history = e->lib->history_init();
    e->editor = e->lib->init("orun", e->in, e->out, e->err);
    if (!e->history || !e->editor)
        return ENOMEM;
    line_editor_set_up(e);
    return 0;
}

int
line_editor_open(const LineEditorUse *use, LineEditor **out, const char **why)
{
    *why = NULL;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return ENOTTY;
    LineEditor *e = mem_zalloc(1, sizeof *e);
    if (!e)
        return ENOMEM;
    e->use = *use;
    e->on_terminal = (TerminalLine){ line_editor_hide, line_editor_show,
                                     line_editor_release, e };
    e->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int fails = e->bell < 0 ? errno : 0;
    e->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!e->utf8)
        fails = ENOMEM;
    locale_t before = e->utf8 ? uselocale(e->utf8) : (locale_t)0;
    if (!fails && (e->lib = libedit_get(why)) != NULL) {
        *why = NULL;
        fails = line_editor_begin(e);
    }
    if (before)
        uselocale(before);
    if (fails) {
        line_editor_close(e);
        return fails;
    }
    *out = e;
    return 0;
}

void
line_editor_close(LineEditor *e)
{
    if (!e)
        return;
    if (e->editor)
        e->lib->end(e->editor);
    if (e->history)
        e->lib->history_end(e->history);
    if (e->in)
        fclose(e->in);
    if (e->out)
        fclose(e->out);
    if (e->err)
        fclose(e->err);
    if (e->utf8)
        freelocale(e->utf8);
    if (e->bell >= 0)
        close(e->bell);
    mem_free(e);
}
