/* driver.c — runs a fuzz target without libFuzzer, the same way everywhere.
 *
 *     build/fuzz/NAME RUNS FILE…
 *
 * Tries each file, then RUNS inputs made of them: a few bytes changed, cut out,
 * put in, or two files joined. The random numbers are always the same ones. On
 * a crash the input is printed, in hex: `xxd -r -p` makes a file of it.
 */
#include "fuzz.h"
#include <signal.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { DRIVER_FILES = 4096, DRIVER_MAX = 4096 };

typedef struct DriverInput {
    uint8_t *p;
    size_t n;
} DriverInput;

static DriverInput driver_inputs[DRIVER_FILES];
static size_t driver_count;
static uint64_t driver_random = 0x9e3779b97f4a7c15u;

/* What is being tried, for the report. */
static const uint8_t *driver_data;
static size_t driver_n;

static uint32_t
driver_next(uint32_t below)
{
    driver_random ^= driver_random << 13;
    driver_random ^= driver_random >> 7;
    driver_random ^= driver_random << 17;
    return below ? (uint32_t)(driver_random >> 16) % below : 0;
}

static void
driver_write(const char *s, size_t n)
{
    while (n > 0) {
        ssize_t done = write(2, s, n);
        if (done <= 0)
            return;
        s += done;
        n -= (size_t)done;
    }
}

static void
driver_tell(void)
{
    static const char digits[] = "0123456789abcdef";
    driver_write("the input: ", 11);
    for (size_t i = 0; i < driver_n; i++) {
        char pair[2] = { digits[driver_data[i] >> 4],
                         digits[driver_data[i] & 15] };
        driver_write(pair, 2);
    }
    driver_write("\n", 1);
}

static void
driver_died(int signo)
{
    signal(signo, SIG_DFL);
    driver_tell();
    raise(signo);
}

/* There with the address and undefined-behaviour sanitizers only. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*f)(void));

/* In a block of just its size, so that a read beyond it is seen. */
static void
driver_try(const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    FUZZ_MUST(copy);
    if (n)
        memcpy(copy, p, n);
    driver_data = copy;
    driver_n = n;
    LLVMFuzzerTestOneInput(copy, n);
    driver_n = 0;
    free(copy);
}

static void
driver_load(const char *path)
{
    FILE *f = fopen(path, "rb");
    DriverInput *in = &driver_inputs[driver_count];
    if (!f || driver_count == DRIVER_FILES) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    in->p = malloc(DRIVER_MAX);
    FUZZ_MUST(in->p);
    in->n = fread(in->p, 1, DRIVER_MAX, f);
    fclose(f);
    driver_count++;
}

/* Change `in` a little; it has room for DRIVER_MAX bytes. */
static void
driver_change(DriverInput *in)
{
    static const uint8_t telling[] = { 0, 1, 0x7f, 0x80, 0xff, 0x40, '"', '/' };
    uint32_t n = (uint32_t)in->n, at = driver_next(n + 1);
    uint32_t size = 1 + driver_next(8);
    switch (driver_next(5)) {
    case 0:
        if (at < n)
            in->p[at] ^= (uint8_t)(1u << driver_next(8));
        break;
    case 1:
        if (at < n)
            in->p[at] = telling[driver_next(sizeof telling)];
        break;
    case 2:
        if (at + size <= n) {
            memmove(in->p + at, in->p + at + size, n - at - size);
            in->n -= size;
        }
        break;
    case 3:
        if (n + size <= DRIVER_MAX) {
            memmove(in->p + at + size, in->p + at, n - at);
            for (uint32_t i = 0; i < size; i++)
                in->p[at + i] = (uint8_t)driver_next(256);
            in->n += size;
        }
        break;
    default: {
        const DriverInput *other =
            &driver_inputs[driver_next((uint32_t)driver_count)];
        uint32_t from = driver_next((uint32_t)other->n + 1);
        size_t length = other->n - from;
        length = length > DRIVER_MAX - at ? DRIVER_MAX - at : length;
        memcpy(in->p + at, other->p + from, length);
        in->n = at + length;
    }
    }
}

int
main(int argc, char **argv)
{
    static const int fatal[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGALRM };
    static uint8_t room[DRIVER_MAX];
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(driver_tell);
    else
        for (size_t i = 0; i < countof(fatal); i++)
            signal(fatal[i], driver_died);
    if (argc < 3)
        return 2;
    for (int i = 2; i < argc; i++)
        driver_load(argv[i]);
    for (size_t i = 0; i < driver_count; i++)
        driver_try(driver_inputs[i].p, driver_inputs[i].n);
    for (long run = atol(argv[1]); run > 0; run--) {
        const DriverInput *from =
            &driver_inputs[driver_next((uint32_t)driver_count)];
        DriverInput in = { room, from->n };
        memcpy(room, from->p, from->n);
        for (uint32_t i = 0, n = 1 + driver_next(4); i < n; i++)
            driver_change(&in);
        driver_try(in.p, in.n);
    }
    printf("%zu files\n", driver_count);
    return 0;
}
