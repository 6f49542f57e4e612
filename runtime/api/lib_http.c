/* lib_http.c — orun.http: send a request, wait, get the answer.
 *
 * The Request is in a box on the stack while its caller waits. What is sent is
 * checked here byte by byte: nothing a caller passes can begin a line of its
 * own.
 */
#include "api/lib_arg.h"
#include "api/lib_orun.h"
#include "api/lib_response.h"
#include "base/err.h"
#include "value/field.h"
#include <lauxlib.h>
#include <stdio.h>
#include <strings.h>

/* clang-format off */
#define LIB_HTTP_FIELDS(X) \
    X(body) X(connect_timeout) X(headers) X(idle_timeout) X(max_body) \
    X(method) X(repeatable) X(stream) X(timeout) X(url)
/* clang-format on */

enum {
#define X(name) H_##name,
    LIB_HTTP_FIELDS(X)
#undef X
        H_COUNT
};

static const char *const lib_http_fields[] = {
#define X(name) #name,
    LIB_HTTP_FIELDS(X)
#undef X
};

enum {
    LIB_HTTP_URL = 8 << 10,   /* bytes of a URL, at most */
    LIB_HTTP_LINE = 64 << 10, /* of a header's value */
    LIB_HTTP_LINES = 200,     /* headers of a request */
    LIB_HTTP_BODY = 32 << 20, /* bytes of an answer, when not said */
};

/* Seconds, when not said. A language model may think for minutes. */
#define LIB_HTTP_TIMEOUT 600
#define LIB_HTTP_CONNECT 30
#define LIB_HTTP_IDLE 300

/* ---- the URL ---- */

static bool
lib_http_begins(const char *s, const char *with)
{
    return strncasecmp(s, with, strlen(with)) == 0;
}

/* Where there could be a password, the URL is not shown. */
static const char *
lib_http_url(lua_State *L)
{
    size_t n;
    if (!arg_given(L, ARG(H_url)))
        luaL_error(L,
                   "http: url is missing: a string such as "
                   "\"https://example.org/\"");
    const char *s = arg_string(L, "http", "url", ARG(H_url), LIB_HTTP_URL, &n);
    if (!lib_http_begins(s, "http://") && !lib_http_begins(s, "https://"))
        arg_error(L, "http", "url", ARG(H_url),
                  "it must begin with http:// or https://");
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] >= 127) {
            char as[8];
            snprintf(as, sizeof as, "%%%02X", (unsigned char)s[i]);
            luaL_error(L,
                       "http: url: byte %I of %I may not be in one; write "
                       "it as %s",
                       (LUAI_UACINT)(i + 1), (LUAI_UACINT)n, as);
        }
    const char *host = strchr(s, ':') + 3;
    size_t length = strcspn(host, "/?#");
    if (memchr(host, '@', length))
        luaL_error(L,
                   "http: url holds a name or password before '@', where "
                   "messages would show it; send them in headers = "
                   "{authorization = ...}");
    if (length == 0)
        arg_error(L, "http", "url", ARG(H_url), "it names no host");
    return s;
}

/* ---- the method ---- */

/* The one given, else GET, or POST when there is a body. */
static const char *
lib_http_method(lua_State *L, bool body)
{
    static const char *const known[] = {
        "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT",
    };
    const char *s = arg_text(L, "http", "method", ARG(H_method), 16);
    if (!s)
        return body ? "POST" : "GET";
    for (size_t i = 0; i < countof(known); i++)
        if (strcmp(s, known[i]) == 0)
            return known[i];
    arg_error(L, "http", "method", ARG(H_method),
              "expected DELETE, GET, HEAD, "
              "OPTIONS, PATCH, POST or PUT");
    return NULL;
}

static bool
lib_http_repeatable(lua_State *L, const char *method)
{
    bool other = strcmp(method, "POST") != 0 && strcmp(method, "PATCH") != 0;
    return arg_bool(L, "http", "repeatable", ARG(H_repeatable), other);
}

/* ---- headers ---- */

static bool
lib_http_is_token(const char *s, size_t n)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && (!c || !strchr(others, c)))
            return false;
    }
    return n > 0 && n <= 256;
}

/* The name at idx: a token, and not one that says how long the request is. */
static const char *
lib_http_header_name(lua_State *L, int idx)
{
    static const char *const ours[] = {
        "content-length",
        "transfer-encoding",
        "expect",
    };
    size_t n = 0;
    const char *s = lua_type(L, idx) == LUA_TSTRING ? lua_tolstring(L, idx, &n)
                                                    : "";
    if (!lib_http_is_token(s, n))
        arg_error(L, "http", "headers: the name", idx,
                  "a name has letters, "
                  "digits and '-'");
    for (size_t i = 0; i < countof(ours); i++)
        if (strcasecmp(s, ours[i]) == 0)
            arg_error(L, "http", "headers: the name", idx,
                      "orun sets it itself; leave it out");
    return s;
}

/* The value on top. It may be a key, so it is never shown. */
static const char *
lib_http_header_value(lua_State *L, const char *name)
{
    size_t n;
    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "http: headers[\"%s\"] is a %s; expected a string", name,
                   luaL_typename(L, -1));
    const char *s = lua_tolstring(L, -1, &n);
    if (n > LIB_HTTP_LINE)
        luaL_error(L,
                   "http: headers[\"%s\"] is %I bytes long, and at most %I "
                   "are allowed",
                   name, (LUAI_UACINT)n, (LUAI_UACINT)LIB_HTTP_LINE);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if ((c < ' ' && c != '\t') || c >= 127)
            luaL_error(L,
                       "http: headers[\"%s\"]: byte %I of %I is %s; only "
                       "printable ASCII is allowed",
                       name, (LUAI_UACINT)(i + 1), (LUAI_UACINT)n,
                       c == '\n' || c == '\r' ? "the end of a line"
                           : c >= 128         ? "not ASCII"
                                              : "a control character");
    }
    return s;
}

/* Push an array of pointers to "Name: value" strings, which a table below it
 * keeps. */
static const char **
lib_http_headers(lua_State *L)
{
    int t = ARG(H_headers);
    lua_Integer n = 0;
    arg_table(L, "http", "headers", t);
    lua_newtable(L);
    int kept = lua_gettop(L);
    if (arg_given(L, t))
        for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
            const char *name = lib_http_header_name(L, -2);
            const char *value = lib_http_header_value(L, name);
            if (++n > LIB_HTTP_LINES)
                luaL_error(L, "http: headers has more than %d entries",
                           LIB_HTTP_LINES);
            /* curl leaves out "Name:"; with "Name;" it sends the name alone. */
            lua_pushfstring(L, *value ? "%s: %s" : "%s;%s", name, value);
            lua_rawseti(L, kept, n);
        }
    const char **lines = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *lines,
                                           0);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, kept, i);
        lines[i - 1] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    lines[n] = NULL;
    return lines;
}

/* ---- the call ---- */

/* The box is on top, the URL in the frame; a stream has its head, all else its
 * end. */
static int
lib_http_waited(lua_State *L, int status, lua_KContext ctx)
{
    Request *r = *(Request **)lua_touserdata(L, -1);
    const char *url = lua_tostring(L, ARG(H_url));
    (void)status;
    (void)ctx;
    lib_response_ready(L, r);
    if (r->stream ? !request_headed(r) : r->error != NULL)
        return lib_response_push_error(L, r);
    lib_response_push_head(L, r, url);
    if (r->stream) {
        lua_setiuservalue(L, -2, 1);
        return 1;
    }
    lua_pushlstring(L, r->answer.p ? r->answer.p : "", r->answer.n);
    lua_setfield(L, -2, "body");
    field_set_number(L, "duration", r->duration);
    lib_response_clear(lua_touserdata(L, -2));
    return 1;
}

static double
lib_http_duration(lua_State *L, int field, double other)
{
    return arg_duration(L, "http", lib_http_fields[field], ARG(field), false,
                        other);
}

int
lib_http(lua_State *L)
{
    RequestSpec spec = { 0 };
    LuaRun *run = park_run(L);
    if (lua_gettop(L) == 1 && lua_type(L, 1) == LUA_TSTRING) {
        lua_createtable(L, 0, 1); /* http "url" */
        lua_insert(L, 1);
        lua_setfield(L, 1, "url");
    }
    arg_frame(L, "http", lib_http_fields, H_COUNT, false);
    spec.url = lib_http_url(L);
    spec.body = arg_string(L, "http", "body", ARG(H_body), SIZE_MAX,
                           &spec.body_len);
    spec.method = lib_http_method(L, spec.body != NULL);
    spec.repeatable = lib_http_repeatable(L, spec.method);
    spec.timeout = lib_http_duration(L, H_timeout, LIB_HTTP_TIMEOUT);
    spec.connect_timeout = lib_http_duration(L, H_connect_timeout,
                                             LIB_HTTP_CONNECT);
    spec.idle_timeout = lib_http_duration(L, H_idle_timeout, LIB_HTTP_IDLE);
    spec.max_body = arg_size(L, "http", "max_body", ARG(H_max_body));
    spec.max_body = spec.max_body ? spec.max_body : LIB_HTTP_BODY;
    spec.stream = arg_bool(L, "http", "stream", ARG(H_stream), false);
    spec.headers = lib_http_headers(L);
    park_check(L, "http");
    Request **box = lib_response_push(L);
    const char *why = "";
    int e = request_start(run->engine, &spec, box, &why);
    if (e)
        return luaL_error(L, "http: %s", e == ORUN_ESYS ? why : err_text(e));
    return lib_response_wait(L, *box, lib_http_waited);
}
