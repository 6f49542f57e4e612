/* screen.h — a full-screen program on a terminal.
 *
 * It uses the alternate screen, so the user's own text is not lost, reads keys
 * one by one, and learns what happens to the terminal: the size has changed,
 * the program should end. Signals are read like keys (signalfd), so they
 * interrupt nothing. Ctrl-Z stops the program as a shell expects, and the
 * screen is restored meanwhile. It is restored however the program ends, except
 * by SIGKILL. One a process, used by one thread.
 */
#ifndef ORUN_SCREEN_H
#define ORUN_SCREEN_H

#include "base/base.h"
#include <poll.h>
#include <signal.h>
#include <termios.h>

typedef struct Screen {
    bool open;
    int signals;           /* a signalfd */
    sigset_t before;       /* the mask that it replaced */
    struct termios cooked; /* as the terminal was */
} Screen;

typedef enum ScreenNews {
    SCREEN_TIME,  /* the time is up */
    SCREEN_KEYS,  /* there are keys */
    SCREEN_OTHER, /* one of the other descriptors can be read */
    SCREEN_FRESH, /* draw everything again: the size changed, or another
                   * program had the screen */
    SCREEN_END,   /* a signal asks it to end, or the terminal has gone */
} ScreenNews;

/* Set up the terminal of standard input and output. Returns 0, or an errno with
 * nothing changed (ENOTTY: it is not a terminal). */
int screen_open(Screen *s) NODISCARD;

/* Restore it; does nothing if the screen is not open. */
void screen_close(Screen *s);

/* Wait for news, at most `ms` (-1: forever). all[0] is used for the keys and
 * all[1] for the signals; the other n - 2 are the caller's. *signo is the
 * signal of SCREEN_END, SIGHUP if the terminal has gone. */
ScreenNews screen_wait(Screen *s, struct pollfd *all, nfds_t n, int ms,
                       int *signo);

/* Read the bytes of the keys that were pressed. Returns how many, or 0 if the
 * terminal has gone. After a single ESC it waits for the rest of a sequence. */
size_t screen_keys(Screen *s, char *to, size_t n);

/* Write all of it; false: the terminal has gone. */
bool screen_write(const char *text, size_t n);

#endif
