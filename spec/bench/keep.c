/* keep.c — what a store of facts costs, beside SQLite and the disk alone.
 *
 *     keep store CLIENTS N PATH  N facts by that many threads, each of which
 *                                waits until its fact is kept
 *     keep raw CLIENTS N PATH    N rows by one thread of SQLite alone, so many
 *                                in a transaction
 *     keep sync N PATH           the disk: a page written and synced, N times
 *     keep reopen N PATH         N outcomes are written; then the store is
 *                                opened and all of them are loaded
 *
 * Both databases are in WAL mode with synchronous=FULL, and a fact is 256
 * bytes. `reopen` prints seconds and the bytes of the file, the others
 * nanoseconds for each of the N. The file at PATH is removed first.
 */
#include "store/store.h"
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { KEEP_SIZE = 256, KEEP_THREADS = 256, KEEP_PAGE = 4096 };

typedef struct KeepClient {
    Fact fact;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool kept;
    Store *store;
    long count;
} KeepClient;

static double
keep_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
keep_must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "keep: %s\n", what);
    exit(2);
}

static Store *
keep_open(const char *path, char id[STORE_RUN_ID])
{
    Store *s;
    uint64_t epoch;
    Buf why = { 0 };
    int error = store_open(path, 0, &s, &why);
    keep_must(error == 0, buf_cstr(&why));
    if (!id[0])
        keep_must(store_begin(s, NULL, id, &epoch, NULL) == 0, "no run");
    return s;
}

static void
keep_kept(Fact *f, int error)
{
    KeepClient *c = (KeepClient *)(void *)f;
    keep_must(error == 0, "a fact was not kept");
    pthread_mutex_lock(&c->lock);
    c->kept = true;
    pthread_cond_signal(&c->told);
    pthread_mutex_unlock(&c->lock);
}

static void *
keep_client(void *arg)
{
    KeepClient *c = arg;
    for (long i = 0; i < c->count; i++) {
        memcpy(c->fact.key, &i, sizeof i);
        store_append(c->store, &c->fact);
        pthread_mutex_lock(&c->lock);
        while (!c->kept)
            pthread_cond_wait(&c->told, &c->lock);
        c->kept = false;
        pthread_mutex_unlock(&c->lock);
    }
    return NULL;
}

static void
keep_store(int clients, long n, const char *path)
{
    static KeepClient all[KEEP_THREADS];
    static char body[KEEP_SIZE] = "body";
    char id[STORE_RUN_ID] = "";
    Store *s = keep_open(path, id);
    double began = keep_now();
    for (int i = 0; i < clients; i++) {
        KeepClient *c = &all[i];
        pthread_mutex_init(&c->lock, NULL);
        pthread_cond_init(&c->told, NULL);
        c->store = s;
        c->count = n / clients;
        c->fact.kind = FACT_OUTCOME;
        c->fact.kept = keep_kept;
        buf_put(&c->fact.body, body, sizeof body);
        keep_must(pthread_create(&c->thread, NULL, keep_client, c) == 0,
                  "no thread");
    }
    for (int i = 0; i < clients; i++)
        pthread_join(all[i].thread, NULL);
    printf("%.0f\n", (keep_now() - began) / (double)(n / clients * clients));
    keep_must(store_close(s) == 0, "not closed");
}

static void
keep_raw(int clients, long n, const char *path)
{
    static char body[KEEP_SIZE] = "body";
    sqlite3 *db;
    sqlite3_stmt *put;
    keep_must(sqlite3_open(path, &db) == SQLITE_OK, "no database");
    sqlite3_exec(db,
                 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                 "CREATE TABLE fact(id INTEGER PRIMARY KEY, body BLOB)",
                 NULL, NULL, NULL);
    sqlite3_prepare_v2(db, "INSERT INTO fact(body) VALUES(?)", -1, &put, NULL);
    double began = keep_now();
    long done = 0;
    while (done < n) {
        sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        for (int i = 0; i < clients; i++, done++) {
            sqlite3_bind_blob(put, 1, body, sizeof body, SQLITE_STATIC);
            keep_must(sqlite3_step(put) == SQLITE_DONE, "no row");
            sqlite3_reset(put);
        }
        keep_must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK,
                  "no commit");
    }
    printf("%.0f\n", (keep_now() - began) / (double)done);
    sqlite3_finalize(put);
    sqlite3_close(db);
}

/* Over the same pages again and again, as a journal does. */
static void
keep_sync(long n, const char *path)
{
    enum { PAGES = 64 };
    static char page[KEEP_PAGE] = "page";
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    keep_must(fd >= 0, "no file");
    for (int i = 0; i < PAGES; i++)
        keep_must(write(fd, page, sizeof page) == KEEP_PAGE, "no room");
    keep_must(fsync(fd) == 0, "no sync");
    double began = keep_now();
    for (long i = 0; i < n; i++) {
        off_t at = i % PAGES * KEEP_PAGE;
        keep_must(pwrite(fd, page, sizeof page, at) == KEEP_PAGE, "no write");
        keep_must(fdatasync(fd) == 0, "no sync");
    }
    printf("%.0f\n", (keep_now() - began) / (double)n);
    close(fd);
}

static void
keep_freed(Fact *f, int error)
{
    keep_must(error == 0, "a fact was not kept");
    buf_free(&f->body);
    free(f);
}

static int
keep_each(void *ctx, const StoredFact *f)
{
    keep_must(f->size == KEEP_SIZE, "another size");
    ++*(long *)ctx;
    return 0;
}

static void
keep_reopen(long n, const char *path)
{
    char body[KEEP_SIZE] = "body", id[STORE_RUN_ID] = "";
    struct stat st;
    Store *s = keep_open(path, id);
    for (long i = 0; i < n; i++) {
        Fact *f = calloc(1, sizeof *f);
        keep_must(f, "no memory");
        memcpy(f->key, &i, sizeof i);
        f->kind = FACT_OUTCOME;
        f->kept = keep_freed;
        buf_put(&f->body, body, sizeof body);
        store_append(s, f);
        if (i % 1000 == 0)
            store_flush(s);
    }
    keep_must(store_close(s) == 0 && stat(path, &st) == 0, "not closed");
    long loaded = 0;
    double began = keep_now();
    s = keep_open(path, id);
    keep_must(store_load(s, id, keep_each, &loaded, NULL) == 0, "not loaded");
    printf("%.6f %lld\n", (keep_now() - began) / 1e9, (long long)st.st_size);
    keep_must(loaded == n && store_close(s) == 0, "facts are missing");
}

int
main(int argc, char **argv)
{
    const char *path = argv[argc - 1];
    long n = argc > 3 ? atol(argv[argc - 2]) : 0;
    int clients = argc > 4 ? atoi(argv[2]) : 1;
    keep_must(n > 0 && clients > 0 && clients <= KEEP_THREADS, "see keep.c");
    unlink(path);
    if (strcmp(argv[1], "store") == 0)
        keep_store(clients, n, path);
    else if (strcmp(argv[1], "raw") == 0)
        keep_raw(clients, n, path);
    else if (strcmp(argv[1], "sync") == 0)
        keep_sync(n, path);
    else if (strcmp(argv[1], "reopen") == 0)
        keep_reopen(n, path);
    unlink(path);
    return 0;
}
