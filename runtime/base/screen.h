/* screen.h — the whole of a terminal, taken and given back.
 *
 * A program that takes the screen has the alternate one, on which nothing of
 * the user's is lost, gets keys one by one, and is told what happens to it: the
 * size has changed, it is to end. Signals are read like keys (signalfd), so
 * nothing happens in the middle of anything; Ctrl-Z stops it as a shell expects
 * it, with the screen given back meanwhile. Whatever ends the program but
 * SIGKILL, the screen is given back. One a process, of one thread.
 */
#ifndef ORUN_SCREEN_H
#define ORUN_SCREEN_H

#include "base/base.h"
#include <poll.h>
#include <signal.h>
#include <termios.h>

typedef struct Screen {
    bool open;
    int signals;            /* a signalfd */
    sigset_t before;        /* what was blocked */
    struct termios cooked;  /* as the terminal was */
} Screen;

typedef enum ScreenNews {
    SCREEN_TIME,  /* the time is up */
    SCREEN_KEYS,  /* there are keys */
    SCREEN_OTHER, /* one of the other descriptors can be read */
    SCREEN_FRESH, /* draw all anew: its size, or who had it, changed */
    SCREEN_END,   /* a signal asks for the end, or the terminal has gone */
} ScreenNews;

/* Take the terminal of standard input and output. 0, or an errno (ENOTTY:
 * there is none), and nothing is taken. */
int screen_open(Screen *s) NODISCARD;

/* Give it back; a screen that is not open is fine. */
void screen_close(Screen *s);

/* Wait until there is something, `ms` at most (-1: for ever). all[1] is for
 * the signals, all[0] for the keys; the other n - 2 are the caller's. *signo:
 * which signal asks for the end; SIGHUP: the terminal has gone. */
ScreenNews screen_wait(Screen *s, struct pollfd *all, nfds_t n, int ms,
                       int *signo);

/* The keys that there are, as their bytes: how many; 0: the terminal has gone.
 * After an ESC alone it is seen whether more belongs to it. */
size_t screen_keys(Screen *s, char *to, size_t n);

/* Write all of it; false: the terminal has gone. */
bool screen_write(const char *text, size_t n);

#endif
