/* store.c — a damaged file of a store: refused, or what it was.
 *
 * The bytes are changes to a good file, four each: where (three) and to what. A
 * change whose place is beyond the end cuts the file there instead.
 */
#include "store/store.h"
#include "fuzz.h"
#include <fcntl.h>
#include <unistd.h>

enum { STORE_FACTS = 40 };

static char store_folder[64], store_path[80];
static uint8_t *store_bytes;
static size_t store_n;

static void
store_kept(Fact *f, int error)
{
    FUZZ_MUST(error == 0);
    buf_free(&f->body);
    free(f);
}

/* What fact number `seq` holds. */
static void
store_fill(uint64_t seq, Buf *body)
{
    size_t size = seq == 7 ? STORE_INLINE + 1 : (size_t)seq * 31 % 400;
    for (size_t i = 0; i < size; i++)
        buf_putc(body, (char)(seq * 7 + i));
}

static void
store_gone(void)
{
    unlink(store_path);
    rmdir(store_folder);
}

/* The good file, once. */
static void
store_make(void)
{
    Store *s;
    char id[STORE_RUN_ID] = "";
    uint64_t epoch;
    const char *top = getenv("TMPDIR");
    snprintf(store_folder, sizeof store_folder, "%.40s/fuzz-XXXXXX",
             top && strlen(top) <= 40 ? top : "/tmp");
    FUZZ_MUST(mkdtemp(store_folder));
    snprintf(store_path, sizeof store_path, "%s/store", store_folder);
    atexit(store_gone);
    FUZZ_MUST(store_open(store_path, 0, &s, NULL) == 0);
    FUZZ_MUST(store_begin(s, NULL, id, &epoch, NULL) == 0);
    for (uint64_t i = 1; i <= STORE_FACTS; i++) {
        Fact *f = calloc(1, sizeof *f);
        FUZZ_MUST(f);
        f->kind = i == 1 ? FACT_RUN : FACT_OUTCOME;
        f->kept = store_kept;
        store_fill(i, &f->body);
        store_append(s, f);
    }
    FUZZ_MUST(store_close(s) == 0);
    FILE *file = fopen(store_path, "rb");
    FUZZ_MUST(file && fseek(file, 0, SEEK_END) == 0);
    store_n = (size_t)ftell(file);
    store_bytes = malloc(store_n);
    rewind(file);
    FUZZ_MUST(store_bytes && fread(store_bytes, 1, store_n, file) == store_n);
    fclose(file);
}

static void
store_damage(FuzzBytes b)
{
    uint8_t *copy = malloc(store_n);
    size_t n = store_n;
    FUZZ_MUST(copy);
    memcpy(copy, store_bytes, n);
    while (b.n >= 4) {
        uint8_t p[4];
        fuzz_fill(&b, p, sizeof p);
        size_t at = (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
        if (at < n)
            copy[at] = p[3];
        else if (at % (store_n + 1) < n)
            n = at % (store_n + 1);
    }
    int fd = open(store_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_MUST(fd >= 0 && write(fd, copy, n) == (ssize_t)n);
    close(fd);
    free(copy);
}

static int
store_each(void *ctx, const StoredFact *f)
{
    Store *s = ctx;
    Buf body = { 0 }, expected = { 0 }, why = { 0 };
    int error = store_body(s, f, &body, &why);
    FUZZ_MUST(error ? why.n > 0 : true);
    store_fill(f->seq, &expected);
    FUZZ_MUST(error || (body.n == expected.n && body.n == f->size));
    FUZZ_MUST(error || !body.n || memcmp(body.p, expected.p, body.n) == 0);
    buf_free(&body);
    buf_free(&expected);
    buf_free(&why);
    return 0;
}

static int
store_each_run(void *ctx, const StoredRun *run)
{
    char *ids = ctx;
    memcpy(ids, run->id, sizeof run->id);
    return 0;
}

FUZZ(data, n)
{
    Store *s;
    Buf why = { 0 };
    char id[STORE_RUN_ID] = "";
    if (!store_bytes)
        store_make();
    store_damage((FuzzBytes){ data, n });
    if (store_open(store_path, STORE_EXISTS, &s, &why) == 0) {
        int error = store_runs(s, store_each_run, id, &why);
        FUZZ_MUST(error ? why.n > 0 : true);
        if (id[0])
            error = store_load(s, id, store_each, s, &why);
        FUZZ_MUST(error ? why.n > 0 : true);
        (void)store_close(s);
    } else {
        FUZZ_MUST(why.n > 0);
    }
    buf_free(&why);
    return 0;
}
