/* crashes.c — a C module that does what C code should not. */
#include <dirent.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A sanitizer takes these signals to report them: here they are to kill. */
static void
crash_plainly(int signo)
{
    signal(signo, SIG_DFL);
}

static int
crash_segv(lua_State *L)
{
    (void)L;
    crash_plainly(SIGSEGV);
    *(volatile char *)16 = 1;
    return 0;
}

static int
crash_abort(lua_State *L)
{
    (void)L;
    crash_plainly(SIGABRT);
    abort();
}

static int
crash_fpe(lua_State *L)
{
    (void)L;
    crash_plainly(SIGFPE);
    raise(SIGFPE);
    return 0;
}

/* Overruns the C stack. */
static int
crash_deep(volatile char *above)
{
    volatile char here[4096];
    here[0] = above ? above[0] : 1;
    return crash_deep(here) + here[0];
}

static int
crash_stack(lua_State *L)
{
    crash_plainly(SIGSEGV);
    lua_pushinteger(L, crash_deep(NULL));
    return 1;
}

/* Loops for ever, whatever anybody asks: it takes no signal it can refuse. */
static int
crash_loop(lua_State *L)
{
    sigset_t all;
    (void)L;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (volatile int i = 0;; i++)
        continue;
}

/* Takes memory without end, and uses it; what does not check dies of it. */
static int
crash_leak(lua_State *L)
{
    (void)L;
    crash_plainly(SIGSEGV);
    for (;;)
        memset(malloc(1 << 20), 1, 1 << 20);
}

static int
crash_exit(lua_State *L)
{
    _exit((int)luaL_checkinteger(L, 1));
}

/* The descriptor that orun listens to, -1 when there is none. */
static int
crash_socket(void)
{
    struct stat st;
    for (int fd = 3; fd < 1024; fd++)
        if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
            return fd;
    return -1;
}

/* say(bytes): among what the process tells its orun */
static int
crash_say(lua_State *L)
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n);
    int fd = crash_socket();
    if (send(fd, s, n, MSG_NOSIGNAL) != (ssize_t)n)
        return luaL_error(L, "not said");
    return 0;
}

/* Says the same without end. */
static int
crash_flood(lua_State *L)
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n);
    for (int fd = crash_socket();;)
        send(fd, s, n, MSG_NOSIGNAL);
}

/* Hangs up, and stays. */
static int
crash_hang_up(lua_State *L)
{
    (void)L;
    shutdown(crash_socket(), SHUT_WR);
    for (;;)
        pause();
}

/* pid() -> of the process */
static int
crash_pid(lua_State *L)
{
    lua_pushinteger(L, getpid());
    return 1;
}

/* descriptors() -> how many there are, without the one that looks */
static int
crash_descriptors(lua_State *L)
{
    int n = -1;
    DIR *dir = opendir("/proc/self/fd");
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;)
        n += e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    lua_pushinteger(L, n);
    return 1;
}

int
luaopen_crashes(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "segv", crash_segv },   { "abort", crash_abort },
        { "fpe", crash_fpe },     { "stack", crash_stack },
        { "loop", crash_loop },   { "leak", crash_leak },
        { "exit", crash_exit },   { "say", crash_say },
        { "flood", crash_flood }, { "hang_up", crash_hang_up },
        { "pid", crash_pid },     { "descriptors", crash_descriptors },
        { NULL, NULL },
    };
    luaL_newlib(L, functions);
    return 1;
}
