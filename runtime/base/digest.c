/* digest.c — SHA-256, over libmd.
 */
#include "base/digest.h"

MUST_BE(DIGEST_SIZE == SHA256_DIGEST_LENGTH);

void
digest_begin(Digest *d)
{
    SHA256Init(&d->state);
}

void
digest_add(Digest *d, const void *p, size_t n)
{
    if (n)
        SHA256Update(&d->state, p, n);
}

void
digest_end(Digest *d, unsigned char out[DIGEST_SIZE])
{
    SHA256Final(out, &d->state);
}

void
digest_of(const void *p, size_t n, unsigned char out[DIGEST_SIZE])
{
    Digest d;
    digest_begin(&d);
    digest_add(&d, p, n);
    digest_end(&d, out);
}

void
digest_hex(const unsigned char *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}
