/* terminal.h — a terminal, and the lines at its foot.
 *
 * A foot is a few lines below all else that is on the terminal, drawn anew as
 * often as somebody likes. Whoever writes to standard output or error does it
 * between terminal_enter and terminal_leave, so that the foot is taken away
 * before and stands below what was written afterwards; where no foot is open
 * that costs one load. While the last line that was written has no end yet, a
 * prompt for instance, the foot is not shown. Nothing of the terminal's modes
 * is changed, so there is nothing that a killed process could leave behind but
 * the lines themselves.
 */
#ifndef ORUN_TERMINAL_H
#define ORUN_TERMINAL_H

#include "base/base.h"

typedef struct TerminalSize {
    int rows, columns;
} TerminalSize;

/* The size of the terminal `fd` is, 24 x 80 for one that does not know; false:
 * it is none. Any thread. */
bool terminal_size(int fd, TerminalSize *size);

/* Columns that UTF-8 text takes; colours take none. Any thread. */
int terminal_width(const char *s, size_t n);

/* How many bytes of the text, in whole characters, take at most so many
 * columns; *width is what they take. Any thread. */
size_t terminal_fit(const char *s, size_t n, int columns, int *width);

/* Open the foot on the terminal that standard error is; false: it is none, or
 * there is a foot already. Of the process. */
bool terminal_foot_open(void);

/* Show these lines, each ended by a newline and at most a row wide, in place of
 * those that stand there. Less than a whole terminal of them. After
 * terminal_foot_open; any thread. */
void terminal_foot_show(const char *text, size_t n);

/* Take the foot away for good. Nothing when none is open. */
void terminal_foot_close(void);

/* Take the foot away until this is called with false, as often: others have the
 * terminal. Any thread. */
void terminal_foot_hold(bool on);

/* Before and after writing to `fd`; `last` is the last character written, 0 for
 * none. Between the two no other thread is there, if a foot is open: nothing
 * may raise, and no other of this file is called. */
void terminal_enter(int fd);
void terminal_leave(int fd, char last);

/* Is a foot open where fd leads? What stdio keeps back has to be flushed
 * then. */
bool terminal_footed(int fd);

/* Set what happens when a write to standard output or error finds that its
 * reader has gone (EPIPE). By default, as in a program that embeds orun,
 * nothing happens. `gone` is called each time, by any thread, with no lock
 * held. Call this before there are threads. */
void terminal_on_reader_gone(void (*gone)(void));

/* Such a write failed: call it. */
void terminal_reader_gone(void);

#endif
