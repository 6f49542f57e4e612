/* hash.c — hashes of a Value and of a dump from outside: refused, or the same
 * for what it decodes to.
 */
#include "fuzz.h"
#include "value/code_hash.h"
#include "value/value.h"
#include "value/value_hash.h"

static int
hash_decode(lua_State *L)
{
    value_decode(L, lua_touserdata(L, 1), NULL);
    return 1;
}

/* The Value again, by way of a state; NULL when it has no meaning there. */
static Value *
hash_again(const Value *v)
{
    lua_State *L = fuzz_state();
    Value *again = NULL;
    lua_pushcfunction(L, hash_decode);
    lua_pushlightuserdata(L, (void *)(uintptr_t)v);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK)
        return NULL;
    FUZZ_MUST(value_encode(L, 1, "v", NULL, &again, NULL) == 0);
    return again;
}

static int
hash_part(void *ctx, const char *name, size_t n,
          const unsigned char hash[DIGEST_SIZE])
{
    static volatile unsigned char sum; /* so that each byte is read */
    (void)ctx;
    (void)sum;
    for (size_t i = 0; name && i < n; i++)
        sum ^= (unsigned char)name[i];
    sum ^= hash[0];
    return 0;
}

static int
hash_text(void *ctx, const char *s, size_t n)
{
    static const unsigned char none[DIGEST_SIZE] = { 0 };
    (void)ctx;
    return hash_part(NULL, s, n, none);
}

FUZZ(data, n)
{
    unsigned char first[DIGEST_SIZE], second[DIGEST_SIZE];
    const ValueHashOps ops = { .part = hash_part };
    size_t length;
    int plain = code_hash(data, n, first);
    FUZZ_MUST(plain <= 0);
    int required = code_hash_required(data, n, hash_text, NULL);
    FUZZ_MUST(required == 0 || plain);
    const char *name = code_hash_upvalue(data, n, 0, &length);
    FUZZ_MUST(!name
              || (name >= (const char *)data
                  && length <= (size_t)((const char *)data + n - name)));
    Value *v = value_import(data, n, false), *again = NULL;
    FUZZ_MUST(v);
    int error = value_hash(v, &ops, first);
    again = hash_again(v);
    FUZZ_MUST(!again || error == 0);
    if (again) {
        FUZZ_MUST(value_hash(again, NULL, second) == 0);
        FUZZ_MUST(memcmp(first, second, sizeof first) == 0);
    }
    value_drop(again);
    value_drop(v);
    return 0;
}
