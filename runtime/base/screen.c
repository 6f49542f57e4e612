/* screen.c — setting up a terminal, its keys and signals, and restoring it. */
#include "base/screen.h"
#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { SCREEN_ESC_MS = 40 }; /* the rest of a key arrives within */

/* The alternate screen, no line wrap, no cursor; and back. Before it goes back
 * the screen is cleared, because a terminal such as tmux would keep lines of a
 * screen that was resized. */
static const char screen_on[] = "\033[?1049h\033[?7l\033[?25l\033[2J";
static const char screen_off[] =
    "\033[0m\033[2J\033[H\033[?7h\033[?25h\033[?1049l";

static const int screen_signals[] = {
    SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,  SIGUSR1,
    SIGUSR2, SIGTSTP, SIGCONT, SIGWINCH,
};

static sigset_t
screen_set(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < countof(screen_signals); i++)
        sigaddset(&set, screen_signals[i]);
    return set;
}

bool
screen_write(const char *text, size_t n)
{
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, text, n);
        if (done < 0 && errno == EAGAIN) {
            struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };
            if (poll(&p, 1, -1) > 0 && p.revents & (POLLHUP | POLLERR))
                return false;
            continue;
        }
        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0) {
            text += done;
            n -= (size_t)done;
        }
    }
    return true;
}

/* Keys arrive one by one, without an echo, Ctrl-C too. */
static int
screen_raw(const struct termios *cooked)
{
    struct termios raw = *cooked;
    cfmakeraw(&raw);
    raw.c_oflag = cooked->c_oflag; /* a message of others has its lines */
    return tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0 ? 0 : errno;
}

/* Also where it was taken, and a shell has had the terminal since. */
static int
screen_take(Screen *s)
{
    int e = screen_raw(&s->cooked);
    if (e == 0)
        screen_write(screen_on, sizeof screen_on - 1);
    s->open = e == 0;
    return e;
}

static void
screen_give(Screen *s)
{
    if (!s->open)
        return;
    s->open = false;
    screen_write(screen_off, sizeof screen_off - 1);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &s->cooked);
}

int
screen_open(Screen *s)
{
    sigset_t set = screen_set();
    *s = (Screen){ .signals = -1 };
    if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &s->cooked) != 0)
        return ENOTTY;
    s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (s->signals < 0)
        return errno;
    sigprocmask(SIG_BLOCK, &set, &s->before);
    int e = screen_take(s);
    if (e)
        screen_close(s);
    return e;
}

void
screen_close(Screen *s)
{
    screen_give(s);
    if (s->signals < 0)
        return;
    close(s->signals);
    s->signals = -1;
    sigprocmask(SIG_SETMASK, &s->before, NULL);
}

/* Stop, as a program does on Ctrl-Z, until SIGCONT. */
static void
screen_stop(Screen *s)
{
    sigset_t stop;
    screen_give(s);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &stop, NULL);
    raise(SIGTSTP);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    screen_take(s);
}

/* What all pending signals mean together. */
static ScreenNews
screen_heed(Screen *s, int *signo)
{
    struct signalfd_siginfo info;
    ScreenNews news = SCREEN_TIME;
    while (read(s->signals, &info, sizeof info) == sizeof info) {
        *signo = (int)info.ssi_signo;
        if (*signo == SIGTSTP)
            screen_stop(s);
        else if (*signo == SIGCONT) /* it was SIGSTOP: nothing was restored */
            screen_take(s);
        else if (*signo != SIGWINCH)
            return SCREEN_END;
        news = SCREEN_FRESH;
    }
    return news;
}

ScreenNews
screen_wait(Screen *s, struct pollfd *all, nfds_t n, int ms, int *signo)
{
    all[0] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
    all[1] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
    int ready = poll(all, n, ms);
    if (ready <= 0)
        return SCREEN_TIME;
    if (all[1].revents)
        return screen_heed(s, signo);
    *signo = SIGHUP;
    if (all[0].revents & (POLLHUP | POLLERR | POLLNVAL))
        return SCREEN_END;
    return all[0].revents ? SCREEN_KEYS : SCREEN_OTHER;
}

size_t
screen_keys(Screen *s, char *to, size_t n)
{
    struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
    ssize_t got = read(STDIN_FILENO, to, n);
    if (got == 1 && *to == '\032') {
        screen_stop(s);
        raise(SIGWINCH); /* everything must be drawn again */
        return 1;
    }
    if (got == 1 && *to == '\033' && n > 1 && poll(&p, 1, SCREEN_ESC_MS) > 0) {
        ssize_t more = read(STDIN_FILENO, to + 1, n - 1);
        got += more > 0 ? more : 0;
    }
    return got > 0 ? (size_t)got : 0;
}
