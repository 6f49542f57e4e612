/* terminal.h — what one must know of a terminal to write on it. Layer 0
 * (ground).
 *
 * Whether there is one, how large it is now, and how much of it a text takes.
 * Nothing is kept of a terminal: a size is asked for each time it is needed,
 * for the user may change it.
 */
#ifndef ORUN_TERMINAL_H
#define ORUN_TERMINAL_H

#include "base.h"
#include "buf.h"
#include <termios.h>

/* Is the descriptor a terminal? Any thread. */
bool terminal_is(int fd);

/* How many columns and rows the terminal has; false: it is none, or does not
 * know. Any thread. */
bool terminal_size(int fd, int *columns, int *rows);

/* How many columns the text takes, which is safe to show (show.h): two for a
 * wide character, none for one that is put upon the one before. Any thread. */
size_t terminal_width(const char *text, size_t n);

/* Append so much of the text, which is safe to show, as has room in so many
 * columns: all of it, or what has room with "…" for the rest. How many columns
 * that takes. Any thread. */
size_t terminal_fit(Buf *out, const char *text, size_t n, size_t columns);

/* How many of the first bytes of the text, which is safe to show, have room in
 * so many columns, one character at least: where a line of it ends. 0: there is
 * no text. Any thread. */
size_t terminal_break(const char *text, size_t n, size_t columns);

/* Of a terminal with these modes: keys come one by one, unseen, Ctrl-C among
 * them. It has them again by tcsetattr. 0, or an errno. Any thread. */
int terminal_raw(int fd, const struct termios *modes) NODISCARD;

#endif
