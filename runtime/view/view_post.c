/* view_post.c — one POST, by libcurl's easy interface. */
#include "view/view_post.h"
#include "base/version.h"
#include "http/libcurl.h"
#include <lauxlib.h>

enum { VIEW_POST_ANSWER = 1024 };

typedef struct ViewPost {
    const Libcurl *curl;
    CURL *easy;
    struct curl_slist *headers;
    char why[CURL_ERROR_SIZE];
    size_t got;
} ViewPost;

/* The answer is ignored, and aborted if it is long. */
static size_t
view_post_body(char *p, size_t size, size_t n, void *ud)
{
    ViewPost *post = ud;
    (void)p;
    post->got += size * n;
    return post->got > VIEW_POST_ANSWER ? 0 : size * n;
}

/* The strings at idx; false: out of memory. */
static bool
view_post_headers(lua_State *L, ViewPost *post, int idx)
{
    lua_Integer n = luaL_len(L, idx);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, idx, i);
        struct curl_slist *more = post->curl->slist_append(post->headers,
                                                           lua_tostring(L, -1));
        lua_pop(L, 1);
        if (!more)
            return false;
        post->headers = more;
    }
    return true;
}

static CURLcode
view_post_send(ViewPost *post, const char *url, const char *body, size_t size,
               double seconds, long *status)
{
    const Libcurl *c = post->curl;
    CURL *easy = post->easy;
    int e = 0;
#define SET(option, value) \
    e |= (int)c->easy_setopt(easy, CURLOPT_##option, value)
    SET(URL, url);
    SET(PROTOCOLS_STR, "http,https");
    SET(POSTFIELDS, body);
    SET(POSTFIELDSIZE_LARGE, (curl_off_t)size);
    SET(HTTPHEADER, post->headers);
    SET(USERAGENT, "orun/" ORUN_VERSION);
    SET(ERRORBUFFER, post->why);
    SET(WRITEFUNCTION, view_post_body);
    SET(WRITEDATA, post);
    SET(TIMEOUT_MS, (long)(seconds * 1000));
    SET(NOSIGNAL, 1L);
    SET(QUICK_EXIT, 1L);
#undef SET
    if (e)
        return CURLE_OUT_OF_MEMORY;
    CURLcode code = c->easy_perform(easy);
    if (code == CURLE_WRITE_ERROR && post->got > VIEW_POST_ANSWER)
        code = CURLE_OK;
    return code ? code : c->easy_getinfo(easy, CURLINFO_RESPONSE_CODE, status);
}

int
view_post(lua_State *L)
{
    const char *url = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    size_t size;
    const char *body = luaL_checklstring(L, 3, &size), *why;
    double seconds = luaL_checknumber(L, 4);
    ViewPost post = { .curl = libcurl_get(&why) };
    long status = 0;
    if (!post.curl) {
        lua_pushnil(L);
        lua_pushstring(L, why);
        return 2;
    }
    luaL_checkstack(L, 4, NULL);
    post.easy = post.curl->easy_init();
    CURLcode code = CURLE_OUT_OF_MEMORY;
    if (post.easy && view_post_headers(L, &post, 2))
        code = view_post_send(&post, url, body, size, seconds, &status);
    post.curl->slist_free_all(post.headers);
    if (post.easy)
        post.curl->easy_cleanup(post.easy);
    if (code == CURLE_OK) {
        lua_pushinteger(L, status);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, post.why[0] ? post.why : post.curl->easy_strerror(code));
    return 2;
}
