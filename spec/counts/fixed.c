/* fixed.c — the seed of all hashes is the same in each run: put before a
 * program by LD_PRELOAD, it makes "random" bytes that are always 7.
 */
#include <string.h>
#include <sys/types.h>

ssize_t getrandom(void *to, size_t n, unsigned flags);

ssize_t
getrandom(void *to, size_t n, unsigned flags)
{
    (void)flags;
    memset(to, 7, n);
    return (ssize_t)n;
}
