/* digest.h — SHA-256 of bytes that come in pieces.
 *
 * What the keys of tasks and the names of large bodies in a store are made of:
 * the same on every machine and in every version of orun. Nothing is allocated
 * and nothing can fail; a Digest belongs to one thread at a time. The
 * arithmetic is libmd's, whose functions stay private to liborun.a (PRIVATE in
 * the Makefile).
 */
#ifndef ORUN_DIGEST_H
#define ORUN_DIGEST_H

#include "base/base.h"
#include <sha2.h>

enum {
    DIGEST_SIZE = 32, /* bytes of a SHA-256 */
    DIGEST_HEX = 64,  /* characters of one in hex, without the NUL */
    KEY_SIZE = 16     /* a key is the first bytes of one */
};

typedef struct Digest {
    SHA2_CTX state;
} Digest;

/* Start; the bytes so far are none. */
void digest_begin(Digest *d);

/* Add `n` bytes; p may be NULL when n is 0. Where the pieces are cut makes no
 * difference. */
void digest_add(Digest *d, const void *p, size_t n);

/* Write the hash of all that was added; d must be begun again before it is
 * used for anything else. */
void digest_end(Digest *d, unsigned char out[DIGEST_SIZE]);

/* The three in one: the hash of `n` bytes at p. */
void digest_of(const void *p, size_t n, unsigned char out[DIGEST_SIZE]);

/* `n` bytes as 2 n lower-case digits and a NUL, for keys and whole hashes. */
void digest_hex(const unsigned char *bytes, size_t n, char *out);

#endif
