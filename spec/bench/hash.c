/* hash.c — what hashes of values cost, beside SHA-256 of the same bytes.
 *
 * Prints processor nanoseconds: of hashing 64 MB as a Value, and as they are;
 * of a small function with four captured values (one of them a function), and
 * of the bytes of its Value; of one that captures itself.
 */
#include "base/digest.h"
#include "value/value.h"
#include "value/value_hash.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { HASH_STRING = 64000000, HASH_SMALL = 20000 };

static const char hash_code[] =
    "local limit, list, name = 10, {1, 2, 3, x = 'y'}, 'reviewer'\n"
    "local function helper(x) return x + limit end\n"
    "local function f(input)\n"
    "  if input.n > limit then return helper(input.n) end\n"
    "  return list[1], name\n"
    "end\n"
    "local function r(n) return n == 0 and limit or r(n - 1) end\n"
    "return f, r\n";

static double
hash_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Nanoseconds of one of `times`. */
static double
hash_value(const Value *v, int times)
{
    unsigned char hash[DIGEST_SIZE];
    double began = hash_now();
    for (int i = 0; i < times; i++)
        if (value_hash(v, NULL, hash))
            abort();
    return (hash_now() - began) / times;
}

static double
hash_bytes(const Value *v, int times)
{
    size_t n;
    unsigned char hash[DIGEST_SIZE];
    const void *p = value_bytes(v, &n);
    double began = hash_now();
    for (int i = 0; i < times; i++)
        digest_of(p, n, hash);
    return (hash_now() - began) / times;
}

static Value *
hash_encoded(lua_State *L, int idx)
{
    Value *v = NULL;
    if (value_encode(L, idx, "v", NULL, &v, NULL))
        abort();
    return v;
}

int
main(void)
{
    lua_State *L = luaL_newstate();
    char *text = malloc(HASH_STRING);
    if (!L || !text)
        return 1;
    memset(text, 'x', HASH_STRING);
    Value *string = value_string(text, HASH_STRING);
    luaL_openlibs(L);
    if (!string || luaL_dostring(L, hash_code))
        return 1;
    Value *function = hash_encoded(L, -2), *recursive = hash_encoded(L, -1);
    printf("%.0f %.0f %.0f %.0f %.0f\n", hash_value(string, 1),
           hash_bytes(string, 1), hash_value(function, HASH_SMALL),
           hash_bytes(function, HASH_SMALL), hash_value(recursive, HASH_SMALL));
    value_drop(string);
    value_drop(function);
    value_drop(recursive);
    lua_close(L);
    free(text);
    return 0;
}
