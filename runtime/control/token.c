/* token.c — tokens: keys drawn, tokens written and checked. */
#include "control/token.h"
#include "base/err.h"
#include "base/secret.h"
#include <stdio.h>
#include <sys/random.h>

/* ---- the sum ---- */

static inline uint64_t
token_turn(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static void
token_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = token_turn(v[1], 13) ^ v[0];
    v[3] = token_turn(v[3], 16) ^ v[2];
    v[0] = token_turn(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = token_turn(v[1], 17) ^ v[2];
    v[3] = token_turn(v[3], 21) ^ v[0];
    v[2] = token_turn(v[2], 32);
}

/* SipHash-2-4 of the two numbers. */
static uint64_t
token_sum(const uint64_t key[2], uint64_t task, uint64_t attempt)
{
    const uint64_t words[] = { task, attempt, (uint64_t)16 << 56 };
    uint64_t v[4] = {
        key[0] ^ 0x736f6d6570736575,
        key[1] ^ 0x646f72616e646f6d,
        key[0] ^ 0x6c7967656e657261,
        key[1] ^ 0x7465646279746573,
    };
    for (size_t i = 0; i < countof(words); i++) {
        v[3] ^= words[i];
        token_round(v);
        token_round(v);
        v[0] ^= words[i];
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        token_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- tokens ---- */

int
token_draw(TokenKeys *k)
{
    unsigned char drawn[16];
    if (getrandom(drawn, sizeof drawn, 0) != sizeof drawn
        || getrandom(k->key, sizeof k->key, 0) != sizeof k->key)
        return ORUN_ESYS;
    for (size_t i = 0; i < sizeof drawn; i++)
        snprintf(k->secret + 2 * i, 3, "%02x", drawn[i]);
    return secret_add_family(TOKEN_VARIABLE, k->secret);
}

size_t
token_put(const TokenKeys *k, uint64_t task, uint32_t attempt,
          char out[TOKEN_SIZE])
{
    int n = snprintf(out, TOKEN_SIZE, "%s.%llu.%u.%016llx%016llx", k->secret,
                     (unsigned long long)task, attempt,
                     (unsigned long long)token_sum(k->key, task, attempt),
                     (unsigned long long)token_sum(k->key + 2, task, attempt));
    return (size_t)n;
}

/* Compare in constant time. */
static bool
token_same(const char *a, const char *b, size_t n)
{
    unsigned char all = 0;
    for (size_t i = 0; i < n; i++)
        all |= (unsigned char)(a[i] ^ b[i]);
    return all == 0;
}

bool
token_read(const TokenKeys *k, const char *token, size_t n, uint64_t *task,
           uint32_t *attempt)
{
    char text[TOKEN_SIZE], right[TOKEN_SIZE];
    unsigned long long number;
    if (n >= sizeof text)
        return false;
    memcpy(text, token, n);
    text[n] = '\0';
    if (sscanf(text, "%*32[0-9a-f].%10llu.%10u.", &number, attempt) != 2)
        return false;
    *task = number;
    return token_put(k, number, *attempt, right) == n
        && token_same(text, right, n);
}
