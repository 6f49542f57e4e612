/* lib_channel.c — connected, read, waited for. */
#include "api/lib_channel.h"
#include "api/lib_class.h"
#include "base/err.h"
#include "control/control.h"
#include "value/line_reader.h"
#include "value/rpc_id.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHANNEL_TYPE "orun.channel"

enum {
    CHANNEL_READ = 64 << 10,
    CHANNEL_MOST = 1000, /* to be waited for at once */
};

typedef struct Channel {
    int fd;     /* -1: closed */
    bool owned; /* to be closed with it */
    bool ended; /* nothing more will come */
    bool late;  /* a line was too long, and the end of it is waited for */
    LineReader in;
    RpcId id; /* of that line, where it is looked for */
} Channel;

static Channel *
channel_self(lua_State *L, int idx)
{
    return luaL_checkudata(L, idx, CHANNEL_TYPE);
}

static int
channel_close(lua_State *L)
{
    Channel *c = channel_self(L, 1);
    if (c->fd >= 0 && c->owned)
        close(c->fd);
    c->fd = -1;
    line_reader_free(&c->in);
    return 0;
}

/* nil, why */
static int
channel_push_wrong(lua_State *L, const char *why)
{
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

/* ---- reading ---- */

/* Is something there to be read? Standard input may be shared with others, so
 * it stays as it is: not O_NONBLOCK. */
static bool
channel_ready(const Channel *c)
{
    struct pollfd p = { .fd = c->fd, .events = POLLIN };
    return poll(&p, 1, 0) > 0;
}

/* Take what is there. Raises when memory is out. */
static void
channel_read(lua_State *L, Channel *c)
{
    char *room = buf_room(&c->in.in, CHANNEL_READ);
    if (!room)
        luaL_error(L, "%s", err_text(ORUN_ENOMEM));
    ssize_t n = read(c->fd, room, CHANNEL_READ);
    if (n > 0)
        c->in.in.n += (size_t)n;
    else if (n == 0 || (errno != EINTR && errno != EAGAIN))
        c->ended = true;
}

static void
channel_dropped(void *ud, const char *p, size_t n)
{
    Channel *c = ud;
    rpc_id_feed(&c->id, p, n);
}

/* nil, "too_big" and, where it is looked for, the text of the message's id */
static int
channel_push_too_big(lua_State *L, Channel *c)
{
    size_t n;
    const char *id = rpc_id_text(&c->id, &n);
    channel_push_wrong(L, "too_big");
    lua_pushlstring(L, id ? id : "", id ? n : 0);
    c->id = (RpcId){ 0 };
    c->late = false;
    return 3;
}

/* line() -> a line; nil, "more" | "end" | "too_big", the id's text */
static int
channel_line(lua_State *L)
{
    Channel *c = channel_self(L, 1);
    const char *p;
    size_t n;
    for (;;) {
        if (c->late && (!line_reader_dropping(&c->in) || c->ended))
            return channel_push_too_big(L, c);
        int got = line_reader_next(&c->in, &p, &n);
        c->late = c->late || got < 0;
        if (got < 0)
            continue;
        if (got > 0) {
            lua_pushlstring(L, p, n);
            line_reader_consume(&c->in);
            return 1;
        }
        if (c->fd < 0 || c->ended)
            return channel_push_wrong(L, "end");
        if (!channel_ready(c))
            return channel_push_wrong(L, "more");
        channel_read(L, c);
    }
}

/* id(line) -> the text of the id of the message that it is, "" for none */
static int
channel_id(lua_State *L)
{
    size_t n;
    RpcId id = { 0 };
    channel_self(L, 1);
    const char *s = luaL_checklstring(L, 2, &n);
    rpc_id_feed(&id, s, n);
    s = rpc_id_text(&id, &n);
    lua_pushlstring(L, s ? s : "", s ? n : 0);
    return 1;
}

/* ---- sending ---- */

/* All of it; 0 or an errno. */
static int
channel_put(int fd, const char *p, size_t n, bool socket)
{
    while (n > 0) {
        ssize_t done = socket ? send(fd, p, n, MSG_NOSIGNAL) : write(fd, p, n);
        if (done < 0 && errno == EAGAIN) {
            poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
            continue;
        }
        if (done < 0 && errno != EINTR)
            return errno;
        if (done > 0) {
            p += done;
            n -= (size_t)done;
        }
    }
    return 0;
}

static int
channel_push_sent(lua_State *L, int e)
{
    if (e)
        return channel_push_wrong(L, strerror(e));
    lua_pushboolean(L, 1);
    return 1;
}

/* send(text) -> true; nil, why */
static int
channel_send(lua_State *L)
{
    size_t n;
    const Channel *c = channel_self(L, 1);
    const char *s = luaL_checklstring(L, 2, &n);
    return channel_push_sent(
        L, c->fd < 0 ? EBADF : channel_put(c->fd, s, n, true));
}

int
lib_channel_write(lua_State *L)
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n);
    return channel_push_sent(L, channel_put(STDOUT_FILENO, s, n, false));
}

/* ---- making, waiting ---- */

static Channel *
channel_push(lua_State *L, size_t most)
{
    static const luaL_Reg methods[] = {
        { "line", channel_line },
        { "send", channel_send },
        { "id", channel_id },
        { "close", channel_close },
        { "__gc", channel_close },
        { "__close", channel_close },
        { NULL, NULL },
    };
    Channel *c = lua_newuserdatauv(L, sizeof *c, 0);
    *c = (Channel){ .fd = -1, .in.most = most };
    lib_class_set(L, CHANNEL_TYPE, methods);
    return c;
}

/* 0, or ORUN_ENOMEM, ORUN_ESYS with errno. */
static int
channel_connect(Channel *c, const char *path)
{
    struct sockaddr_un a;
    int dir, e = control_address(path, &a, &dir);
    if (e)
        return e;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    c->owned = true;
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof a) != 0)
        e = ORUN_ESYS;
    int saved = errno;
    if (dir >= 0)
        close(dir);
    errno = saved;
    return e;
}

int
lib_channel(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    if (*path != '/')
        return channel_push_wrong(L, "it is not an absolute path");
    Channel *c = channel_push(L, CONTROL_REPLY);
    int e = channel_connect(c, path), why = errno;
    if (e == 0)
        return 1;
    channel_push_wrong(L, e == ORUN_ESYS ? strerror(why) : err_text(e));
    if (e == ORUN_ENOMEM || why == EMFILE || why == ENFILE)
        lua_pushliteral(L, "busy");
    else
        lua_pushnil(L);
    return 3;
}

int
lib_channel_input(lua_State *L)
{
    Channel *c = channel_push(L, CONTROL_LINE);
    c->fd = STDIN_FILENO;
    c->in.dropped = channel_dropped;
    c->in.ud = c;
    return 1;
}

nfds_t
lib_channel_gather(lua_State *L, int idx, struct pollfd *all, nfds_t most)
{
    nfds_t count = 0;
    luaL_checktype(L, idx, LUA_TTABLE);
    for (int i = 1; lua_rawgeti(L, idx, i) != LUA_TNIL; i++) {
        const Channel *c = channel_self(L, -1);
        if (count == most)
            luaL_error(L, "more than %d channels", (int)most);
        if (c->fd >= 0 && !c->ended)
            all[count++] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
        lua_pop(L, 1);
    }
    return count;
}

int
lib_channel_await(lua_State *L)
{
    struct pollfd all[CHANNEL_MOST];
    nfds_t count = lib_channel_gather(L, 1, all, CHANNEL_MOST);
    double seconds = luaL_optnumber(L, 2, INFINITY);
    int ms = seconds < 1e6 ? (int)ceil(fmax(seconds, 0) * 1000) : -1;
    if (count > 0 || ms >= 0)
        poll(all, count, ms);
    return 0;
}
