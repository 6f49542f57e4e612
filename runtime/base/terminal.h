/* terminal.h — a terminal, the lines at its foot, and one that is typed.
 *
 * The foot is a few lines below everything else on the terminal, and is redrawn
 * whenever its lines change. Writes to standard output and error are enclosed
 * in terminal_enter and terminal_leave: the foot is removed before, and drawn
 * below the new text afterwards. Without a foot that costs one load. While the
 * last line that was written is incomplete, a prompt for instance, the foot is
 * hidden. The terminal's modes are not changed, so a killed process leaves
 * nothing behind but the lines themselves.
 */
#ifndef ORUN_TERMINAL_H
#define ORUN_TERMINAL_H

#include "base/base.h"

typedef struct TerminalSize {
    int rows, columns;
} TerminalSize;

/* The size of the terminal `fd`, 24 x 80 if it does not know; false if it is
 * not a terminal. Any thread. */
bool terminal_size(int fd, TerminalSize *size);

/* How many columns UTF-8 text takes; colours take none. Any thread. */
int terminal_width(const char *s, size_t n);

/* How many bytes of the text, in whole characters, fit in so many columns;
 * *width is how many columns they take. Any thread. */
size_t terminal_fit(const char *s, size_t n, int columns, int *width);

/* Open the foot on the terminal of standard error; false if it is not a
 * terminal, or there is a foot already. One a process. */
bool terminal_foot_open(void);

/* Replace the foot's lines. Each ends with a newline and is at most a row wide;
 * there are fewer than the terminal has rows. After terminal_foot_open; any
 * thread. */
void terminal_foot_show(const char *text, size_t n);

/* Remove the foot; does nothing if none is open. */
void terminal_foot_close(void);

/* Hide the foot, because another program has the terminal, until this has been
 * called with false as often as with true. Any thread. */
void terminal_foot_hold(bool on);

/* A line that somebody types at the foot of the terminal, in the place of the
 * foot. What others write stands above it. The functions are called with
 * the lock of this file held, by any thread, while its own thread waits. */
typedef struct TerminalLine {
    void (*hide)(void *ud);             /* others are about to write */
    void (*show)(void *ud);             /* … and have written whole lines */
    void (*release)(void *ud, bool on); /* the terminal is another program's */
    void *ud;
} TerminalLine;

/* Such a line begins, on the terminal of standard output: its thread holds the
 * lock from here to terminal_line_end, but between terminal_line_wait and
 * terminal_line_go_on. One a process. */
void terminal_line_begin(const TerminalLine *line);
void terminal_line_wait(void);
void terminal_line_go_on(void);
void terminal_line_end(void);

/* Call these before and after writing to `fd`; `last` is the last character
 * written, 0 if there is none. While a foot or line is open, one thread at a
 * time is between the two: there, raise no error and call nothing else of this
 * file. */
void terminal_enter(int fd);
void terminal_leave(int fd, char last);

/* Is a foot or a line open where fd leads? Then stdio has to be flushed. */
bool terminal_footed(int fd);

/* Set what happens when a write to standard output or error finds that its
 * reader has gone (EPIPE). By default, as in a program that embeds orun,
 * nothing happens. `gone` is called each time, by any thread, with no lock
 * held. Call this before there are threads. */
void terminal_on_reader_gone(void (*gone)(void));

/* Such a write failed: call it. */
void terminal_reader_gone(void);

#endif
