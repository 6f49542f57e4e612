/* store_sqlite.c — a store in a file, by SQLite.
 *
 * One connection, in WAL mode with synchronous=FULL: a commit is appended to
 * the journal beside the file and synced before it returns; a kill or a power
 * cut loses nothing of it. Now and then SQLite moves the journal into the file.
 *
 * What is read is compared with the sum of each fact before anybody sees it.
 */
#include "base/err.h"
#include "base/mem.h"
#include "store/store_database.h"
#include "store/store_file.h"
#include "store/store_kind.h"
#include "store/store_schema.h"
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

enum { STORE_SQLITE_PIECE = 1 << 20, STORE_SQLITE_SUM = 8 };

/* Each statement is prepared when it is first used. */
#define STORE_SQLITE_STATEMENTS(X) \
    X(BEGIN, "BEGIN IMMEDIATE") \
    X(COMMIT, "COMMIT") \
    X(EPOCH, "SELECT epoch FROM run WHERE id = ? AND name = ?") \
    X(PUT, "INSERT INTO fact VALUES(?, ?, ?, ?, ?, ?)") \
    X(FIRST, "UPDATE run SET first = ?, last = NULL WHERE id = ?") \
    X(LAST, "UPDATE run SET last = ? WHERE id = ?") \
    X(FIND_BLOB, "SELECT id FROM blob WHERE sha = ?") \
    X(PUT_BLOB, "INSERT INTO blob(sha, size) VALUES(?, ?)") \
    X(PUT_PIECE, "INSERT INTO piece VALUES(?, ?, ?)") \
    X(FIND_RUN, "SELECT id, epoch FROM run WHERE name = ?") \
    X(PUT_RUN, "INSERT INTO run(name, epoch, begun) VALUES(?, 0, ?)") \
    X(SET_EPOCH, "UPDATE run SET epoch = ? WHERE id = ?") \
    X(TOP, "SELECT max(id) FROM fact WHERE id BETWEEN ? AND ?") \
    X(LOAD, \
      "SELECT f.id, f.kind, f.key, f.sum, f.body, f.blob, b.sha, b.size" \
      " FROM fact f LEFT JOIN blob b ON b.id = f.blob" \
      " WHERE f.id BETWEEN ? AND ? ORDER BY f.id") \
    X(ONE, \
      "SELECT f.id, f.kind, f.key, f.sum, f.body, f.blob, b.sha, b.size" \
      " FROM fact f LEFT JOIN blob b ON b.id = f.blob WHERE f.id = ?") \
    X(PIECES, "SELECT n, bytes FROM piece WHERE blob = ? ORDER BY n") \
    X(RUNS, "SELECT id, name, epoch, begun, first, last FROM run ORDER BY id") \
    X(BYTES, \
      "SELECT sum(coalesce(length(f.body), b.size)) FROM fact f" \
      " LEFT JOIN blob b ON b.id = f.blob WHERE f.id BETWEEN ? AND ?") \
    X(CUT, "DELETE FROM fact WHERE id BETWEEN ? AND ?") \
    X(CUT_RUN, "DELETE FROM run WHERE id = ?") \
    X(CUT_PIECES, \
      "DELETE FROM piece WHERE blob IN (SELECT id FROM blob b WHERE NOT" \
      " EXISTS (SELECT 1 FROM fact f WHERE f.blob = b.id))") \
    X(CUT_BLOBS, \
      "DELETE FROM blob WHERE NOT EXISTS" \
      " (SELECT 1 FROM fact f WHERE f.blob = blob.id)")

typedef enum SqliteWhich {
#define X(name, sql) STORE_SQLITE_##name,
    STORE_SQLITE_STATEMENTS(X)
#undef X
        STORE_SQLITE_COUNT
} SqliteWhich;

static const char *const store_sqlite_text[] = {
#define X(name, sql) sql,
    STORE_SQLITE_STATEMENTS(X)
#undef X
};

typedef struct Sqlite {
    StoreFile file;
    sqlite3 *db;
    sqlite3_stmt *stmts[STORE_SQLITE_COUNT];
} Sqlite;

/* A fact as a row has it, its sum compared. */
typedef struct SqliteRow {
    StoredFact fact;
    int64_t blob;              /* its body's, or 0 */
    const unsigned char *hash; /* and what that is */
} SqliteRow;

/* ---- statements ---- */

/* Bind an integer each to a statement, from the first on; NULL on an error,
 * which the connection has. */
static sqlite3_stmt *
store_sqlite_ask(Sqlite *s, SqliteWhich which, int n, const int64_t *values)
{
    sqlite3_stmt **stmt = &s->stmts[which];
    if (!*stmt
        && sqlite3_prepare_v3(s->db, store_sqlite_text[which], -1,
                              SQLITE_PREPARE_PERSISTENT, stmt, NULL)
            != SQLITE_OK)
        return NULL;
    sqlite3_reset(*stmt);
    for (int i = 0; i < n; i++)
        if (sqlite3_bind_int64(*stmt, i + 1, values[i]) != SQLITE_OK)
            return NULL;
    return *stmt;
}

/* The error that the connection has, in words. */
static int
store_sqlite_error(Sqlite *s, Buf *why)
{
    int error = store_database_error(s->db, sqlite3_extended_errcode(s->db),
                                     s->file.path, why);
    return error ? error : ORUN_EPROTO;
}

/* Run a statement that gives no rows. */
static int
store_sqlite_do(Sqlite *s, sqlite3_stmt *stmt, Buf *why)
{
    int result = stmt ? sqlite3_step(stmt) : SQLITE_ERROR;
    int error = result == SQLITE_DONE ? 0 : store_sqlite_error(s, why);
    if (stmt)
        sqlite3_reset(stmt);
    return error;
}

/* The same, by its number and integers. */
static int
store_sqlite_run(Sqlite *s, SqliteWhich which, int n, const int64_t *values,
                 Buf *why)
{
    return store_sqlite_do(s, store_sqlite_ask(s, which, n, values), why);
}

/* 1 when there is a row, 0 when there is none (the statement is reset then), or
 * an error. */
static int
store_sqlite_row(Sqlite *s, sqlite3_stmt *stmt, Buf *why)
{
    int result = stmt ? sqlite3_step(stmt) : SQLITE_ERROR;
    if (result == SQLITE_ROW)
        return 1;
    int error = result == SQLITE_DONE ? 0 : store_sqlite_error(s, why);
    if (stmt)
        sqlite3_reset(stmt);
    return error;
}

static int
store_sqlite_damaged(Sqlite *s, const char *what, uint64_t seq, Buf *why)
{
    char text[80];
    snprintf(text, sizeof text, "%s of fact %llu", what,
             (unsigned long long)seq);
    return store_database_damaged(s->file.path, text, why);
}

/* End a transaction: with what it did, or with nothing. */
static int
store_sqlite_end(Sqlite *s, int error, Buf *why)
{
    if (!error)
        error = store_sqlite_run(s, STORE_SQLITE_COMMIT, 0, NULL, why);
    if (error && !sqlite3_get_autocommit(s->db))
        (void)store_database_run(s->db, "ROLLBACK");
    return error ? error : store_file_same(&s->file, why);
}

static int64_t
store_sqlite_id(int64_t row, uint64_t seq)
{
    return (int64_t)((uint64_t)row << 32 | seq);
}

/* The ids of all facts of a run. */
#define STORE_SQLITE_RANGE(row) \
    (const int64_t[]) \
    { \
        store_sqlite_id(row, 0), store_sqlite_id(row, UINT32_MAX) \
    }

/* ---- opening and closing ---- */

static void
store_sqlite_free(Sqlite *s, bool keep)
{
    for (int i = 0; i < STORE_SQLITE_COUNT; i++)
        sqlite3_finalize(s->stmts[i]);
    store_database_close(s->db, keep);
    store_file_close(&s->file);
    mem_free(s);
}

static int
store_sqlite_connect(Sqlite *s, Buf *why)
{
    const char *path = s->file.path;
    bool read = s->file.flags & STORE_READ;
    int error = store_database_open(path, read, &s->db, why);
    if (!error)
        error = store_schema_check(s->db, path, read, why);
    if (error || read)
        return error;
    int result = store_database_run(s->db,
                                    "PRAGMA journal_mode=WAL;"
                                    "PRAGMA synchronous=FULL;"
                                    "PRAGMA journal_size_limit=8388608");
    error = store_database_error(s->db, result, path, why);
    store_file_sign(&s->file);
    return error;
}

static int
store_sqlite_open(const char *path, unsigned flags, void **out, Buf *why)
{
    Sqlite *s = mem_zalloc(1, sizeof *s);
    if (!s)
        return ORUN_ENOMEM;
    int error = store_file_open(&s->file, path, flags, store_schema_make, why);
    if (error) {
        mem_free(s);
        return error;
    }
    error = store_sqlite_connect(s, why);
    if (error)
        store_sqlite_free(s, true);
    else
        *out = s;
    return error;
}

/* Is the journal at the file's path its own, and empty? */
static bool
store_sqlite_tidy(Sqlite *s)
{
    struct stat st;
    Buf why = { 0 };
    bool own = store_file_same(&s->file, &why) == 0
        && stat(s->file.journal, &st) == 0 && st.st_size == 0;
    buf_free(&why);
    return own;
}

/* Who only looked changes nothing, but takes away the files that SQLite has
 * made for that. */
static void
store_sqlite_close(void *file, bool dead)
{
    Sqlite *s = file;
    bool read = s->file.flags & STORE_READ;
    store_sqlite_free(s, dead || (read && !store_sqlite_tidy(s)));
}

/* ---- runs ---- */

static int
store_sqlite_find_run(Sqlite *s, const char *run, int64_t *row, uint64_t *epoch,
                      Buf *why)
{
    sqlite3_stmt *stmt = store_sqlite_ask(s, STORE_SQLITE_FIND_RUN, 0, NULL);
    if (stmt)
        sqlite3_bind_text(stmt, 1, run, -1, SQLITE_STATIC);
    int found = store_sqlite_row(s, stmt, why);
    if (found <= 0) {
        if (found == 0)
            buf_printf(why, "there is no run \"%s\" in %s", run, s->file.path);
        return found ? found : ORUN_ENOENT;
    }
    *row = sqlite3_column_int64(stmt, 0);
    *epoch = (uint64_t)sqlite3_column_int64(stmt, 1);
    sqlite3_reset(stmt);
    if (*row >= 1 && *row <= INT32_MAX)
        return 0;
    return store_database_damaged(s->file.path, "the number of a run", why);
}

/* The seq of the last fact of a run: how many it has. */
static int
store_sqlite_top(Sqlite *s, int64_t row, uint64_t *seq, Buf *why)
{
    sqlite3_stmt *stmt = store_sqlite_ask(s, STORE_SQLITE_TOP, 2,
                                          STORE_SQLITE_RANGE(row));
    int found = store_sqlite_row(s, stmt, why);
    if (found > 0) {
        *seq = (uint64_t)sqlite3_column_int64(stmt, 0) & UINT32_MAX;
        sqlite3_reset(stmt);
    }
    return found < 0 ? found : 0;
}

static int
store_sqlite_add_run(Sqlite *s, const char *id, Buf *why)
{
    struct timespec now;
    sqlite3_stmt *stmt = store_sqlite_ask(s, STORE_SQLITE_PUT_RUN, 0, NULL);
    clock_gettime(CLOCK_REALTIME, &now);
    if (stmt) {
        sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
        sqlite3_bind_double(stmt, 2,
                            (double)now.tv_sec + (double)now.tv_nsec / 1e9);
    }
    return store_sqlite_do(s, stmt, why);
}

static int
store_sqlite_begin(void *file, bool fresh, StoreRun *run, Buf *why)
{
    Sqlite *s = file;
    int error = store_sqlite_run(s, STORE_SQLITE_BEGIN, 0, NULL, why);
    if (!error && fresh)
        error = store_sqlite_add_run(s, run->id, why);
    if (!error)
        error = store_sqlite_find_run(s, run->id, &run->row, &run->epoch, why);
    run->epoch++;
    if (!error)
        error = store_sqlite_run(
            s, STORE_SQLITE_SET_EPOCH, 2,
            (const int64_t[]){ (int64_t)run->epoch, run->row }, why);
    if (!error)
        error = store_sqlite_top(s, run->row, &run->facts, why);
    return store_sqlite_end(s, error, why);
}

/* ---- writing ---- */

/* The first bytes of the hash of all that a fact is; of a large body its own
 * hash stands for it. */
static void
store_sqlite_sum(int64_t id, uint8_t kind, const void *key, const void *body,
                 size_t n, unsigned char sum[STORE_SQLITE_SUM])
{
    unsigned char head[9], whole[DIGEST_SIZE];
    Digest d;
    for (int i = 0; i < 8; i++)
        head[i] = (unsigned char)((uint64_t)id >> 8 * i);
    head[8] = kind;
    digest_begin(&d);
    digest_add(&d, head, sizeof head);
    digest_add(&d, key, KEY_SIZE);
    digest_add(&d, body, n);
    digest_end(&d, whole);
    memcpy(sum, whole, STORE_SQLITE_SUM);
}

static int
store_sqlite_put_pieces(Sqlite *s, int64_t blob, const Buf *body, Buf *why)
{
    int error = 0;
    int64_t n = 0;
    for (size_t at = 0; !error && at < body->n; at += STORE_SQLITE_PIECE) {
        size_t size = body->n - at;
        sqlite3_stmt *stmt = store_sqlite_ask(s, STORE_SQLITE_PUT_PIECE, 2,
                                              (const int64_t[]){ blob, n++ });
        if (size > STORE_SQLITE_PIECE)
            size = STORE_SQLITE_PIECE;
        if (stmt)
            sqlite3_bind_blob64(stmt, 3, body->p + at, size, SQLITE_STATIC);
        error = store_sqlite_do(s, stmt, why);
    }
    return error;
}

/* Have a large body in the file once: *blob is where. */
static int
store_sqlite_put_blob(Sqlite *s, const Buf *body, const unsigned char *hash,
                      int64_t *blob, Buf *why)
{
    sqlite3_stmt *stmt = store_sqlite_ask(s, STORE_SQLITE_FIND_BLOB, 0, NULL);
    if (stmt)
        sqlite3_bind_blob(stmt, 1, hash, DIGEST_SIZE, SQLITE_STATIC);
    int found = store_sqlite_row(s, stmt, why);
    if (found > 0) {
        *blob = sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
    }
    if (found != 0)
        return found < 0 ? found : 0;
    stmt = store_sqlite_ask(s, STORE_SQLITE_PUT_BLOB, 0, NULL);
    if (stmt) {
        sqlite3_bind_blob(stmt, 1, hash, DIGEST_SIZE, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 2, (int64_t)body->n);
    }
    int error = store_sqlite_do(s, stmt, why);
    *blob = sqlite3_last_insert_rowid(s->db);
    return error ? error : store_sqlite_put_pieces(s, *blob, body, why);
}

static int
store_sqlite_put(Sqlite *s, int64_t row, int64_t id, const Fact *f, Buf *why)
{
    unsigned char hash[DIGEST_SIZE], sum[STORE_SQLITE_SUM];
    bool large = f->body.n > STORE_INLINE;
    const void *body = f->body.n ? f->body.p : "";
    int64_t blob = 0;
    int error = 0;
    if (large) {
        digest_of(body, f->body.n, hash);
        error = store_sqlite_put_blob(s, &f->body, hash, &blob, why);
    }
    if (error)
        return error;
    store_sqlite_sum(id, f->kind, f->key, large ? hash : body,
                     large ? sizeof hash : f->body.n, sum);
    sqlite3_stmt *stmt = store_sqlite_ask(s, STORE_SQLITE_PUT, 2,
                                          (const int64_t[]){ id, f->kind });
    if (stmt) {
        sqlite3_bind_blob(stmt, 3, f->key, KEY_SIZE, SQLITE_STATIC);
        sqlite3_bind_blob(stmt, 4, sum, sizeof sum, SQLITE_STATIC);
        if (large) {
            sqlite3_bind_null(stmt, 5);
            sqlite3_bind_int64(stmt, 6, blob);
        } else {
            sqlite3_bind_blob64(stmt, 5, body, f->body.n, SQLITE_STATIC);
            sqlite3_bind_null(stmt, 6);
        }
    }
    error = store_sqlite_do(s, stmt, why);
    if (!error && (f->kind == FACT_RUN || f->kind == FACT_END))
        error = store_sqlite_run(
            s, f->kind == FACT_RUN ? STORE_SQLITE_FIRST : STORE_SQLITE_LAST, 2,
            (const int64_t[]){ id, row }, why);
    return error;
}

/* Is the run still ours? */
static int
store_sqlite_own(Sqlite *s, const StoreRun *run, Buf *why)
{
    sqlite3_stmt *stmt = store_sqlite_ask(s, STORE_SQLITE_EPOCH, 1, &run->row);
    if (stmt)
        sqlite3_bind_text(stmt, 2, run->id, -1, SQLITE_STATIC);
    int found = store_sqlite_row(s, stmt, why);
    if (found < 0)
        return found;
    bool own = found && (uint64_t)sqlite3_column_int64(stmt, 0) == run->epoch;
    sqlite3_reset(stmt);
    if (own)
        return 0;
    buf_printf(why, "run %s was %s by another process", run->id,
               found ? "taken over" : "removed");
    return ORUN_ESTATE;
}

static int
store_sqlite_commit(void *file, StoreRun *run, const List *facts, Buf *why)
{
    Sqlite *s = file;
    uint64_t seq = run->facts;
    int error = store_sqlite_run(s, STORE_SQLITE_BEGIN, 0, NULL, why);
    if (!error)
        error = store_sqlite_own(s, run, why);
    list_each(node, facts) {
        if (error)
            break;
        if (++seq > UINT32_MAX) {
            buf_printf(why, "run %s has too many facts", run->id);
            error = ORUN_ETOOBIG;
            break;
        }
        error = store_sqlite_put(s, run->row, store_sqlite_id(run->row, seq),
                                 container_of(node, Fact, link), why);
    }
    error = store_sqlite_end(s, error, why);
    if (!error)
        run->facts = seq;
    return error;
}

/* ---- reading ---- */

/* Take a row of LOAD or ONE apart, trusting nothing of it. */
static int
store_sqlite_read(Sqlite *s, sqlite3_stmt *stmt, SqliteRow *row, Buf *why)
{
    int64_t id = sqlite3_column_int64(stmt, 0);
    int64_t kind = sqlite3_column_int64(stmt, 1);
    const void *key = sqlite3_column_blob(stmt, 2);
    const void *sum = sqlite3_column_blob(stmt, 3);
    const void *body = sqlite3_column_blob(stmt, 4);
    size_t size = (size_t)sqlite3_column_bytes(stmt, 4);
    bool inside = sqlite3_column_type(stmt, 4) == SQLITE_BLOB;
    unsigned char expected[STORE_SQLITE_SUM];
    uint64_t seq = (uint64_t)id & UINT32_MAX;
    *row = (SqliteRow){ .fact = { .seq = seq, .place = id } };
    if (!store_kind_name((uint8_t)kind) || kind > UINT8_MAX || kind < 0
        || sqlite3_column_bytes(stmt, 2) != KEY_SIZE
        || sqlite3_column_bytes(stmt, 3) != STORE_SQLITE_SUM || !key || !sum)
        return store_sqlite_damaged(s, "the head", seq, why);
    row->fact.kind = (uint8_t)kind;
    memcpy(row->fact.key, key, KEY_SIZE);
    if (!inside) {
        row->blob = sqlite3_column_int64(stmt, 5);
        row->hash = sqlite3_column_blob(stmt, 6);
        if (!row->hash || sqlite3_column_bytes(stmt, 6) != DIGEST_SIZE
            || sqlite3_column_int64(stmt, 7) < 0)
            return store_sqlite_damaged(s, "the body", seq, why);
    }
    store_sqlite_sum(id, row->fact.kind, key, inside ? body : row->hash,
                     inside ? size : DIGEST_SIZE, expected);
    if (memcmp(expected, sum, sizeof expected) != 0)
        return store_sqlite_damaged(s, "the sum", seq, why);
    row->fact.size = inside ? size : (size_t)sqlite3_column_int64(stmt, 7);
    row->fact.body = inside ? (size ? body : "") : NULL;
    return 0;
}

static int
store_sqlite_load(void *file, const char *run,
                  int (*each)(void *ctx, const StoredFact *f), void *ctx,
                  Buf *why)
{
    Sqlite *s = file;
    SqliteRow row;
    int64_t number;
    uint64_t epoch, seq = 0;
    int error = store_sqlite_find_run(s, run, &number, &epoch, why);
    if (error)
        return error;
    sqlite3_stmt *stmt = store_sqlite_ask(s, STORE_SQLITE_LOAD, 2,
                                          STORE_SQLITE_RANGE(number));
    int more;
    while ((more = store_sqlite_row(s, stmt, why)) > 0) {
        error = store_sqlite_read(s, stmt, &row, why);
        if (!error && row.fact.seq != ++seq)
            error = store_sqlite_damaged(s, "what was before", row.fact.seq,
                                         why);
        if (!error)
            error = each(ctx, &row.fact);
        if (error) {
            sqlite3_reset(stmt);
            return error;
        }
    }
    return more;
}

/* The pieces of a large body, one after another, must be what it was. */
static int
store_sqlite_pieces(Sqlite *s, const SqliteRow *row, const void *hash, Buf *out,
                    Buf *why)
{
    unsigned char found[DIGEST_SIZE];
    size_t before = out->n;
    int64_t n = 0;
    int more;
    sqlite3_stmt *stmt = store_sqlite_ask(s, STORE_SQLITE_PIECES, 1,
                                          &row->blob);
    while ((more = store_sqlite_row(s, stmt, why)) > 0) {
        size_t size = (size_t)sqlite3_column_bytes(stmt, 1);
        if (sqlite3_column_int64(stmt, 0) != n++
            || out->n - before + size > row->fact.size)
            break;
        buf_put(out, sqlite3_column_blob(stmt, 1), size);
    }
    if (stmt)
        sqlite3_reset(stmt);
    if (more < 0 || buf_failed(out))
        return more < 0 ? more : ORUN_ENOMEM;
    digest_of(out->n > before ? out->p + before : "", out->n - before, found);
    if (!more && out->n - before == row->fact.size
        && memcmp(found, hash, DIGEST_SIZE) == 0)
        return 0;
    return store_sqlite_damaged(s, "the body", row->fact.seq, why);
}

static int
store_sqlite_body(void *file, const StoredFact *f, Buf *out, Buf *why)
{
    Sqlite *s = file;
    SqliteRow row;
    unsigned char hash[DIGEST_SIZE];
    sqlite3_stmt *stmt = store_sqlite_ask(s, STORE_SQLITE_ONE, 1, &f->place);
    int found = store_sqlite_row(s, stmt, why);
    if (found <= 0) {
        if (found == 0)
            buf_puts(why, "the run of this fact was removed");
        return found ? found : ORUN_ENOENT;
    }
    int error = store_sqlite_read(s, stmt, &row, why);
    if (!error && row.fact.body)
        buf_put(out, row.fact.body, row.fact.size);
    else if (!error)
        memcpy(hash, row.hash, sizeof hash);
    bool large = !error && !row.fact.body;
    sqlite3_reset(stmt);
    return large ? store_sqlite_pieces(s, &row, hash, out, why) : error;
}

/* The body of the RUN or END fact of a run, by its id (0: none), copied. */
static int
store_sqlite_head(Sqlite *s, int64_t id, Buf *copy, bool *found, Buf *why)
{
    SqliteRow row;
    *found = false;
    if (!id)
        return 0;
    sqlite3_stmt *stmt = store_sqlite_ask(s, STORE_SQLITE_ONE, 1, &id);
    int more = store_sqlite_row(s, stmt, why);
    if (more < 0)
        return more;
    if (more == 0)
        return store_database_damaged(s->file.path, "a fact of a run is lost",
                                      why);
    int error = store_sqlite_read(s, stmt, &row, why);
    if (!error && row.fact.body) {
        buf_put(copy, row.fact.body, row.fact.size);
        *found = true;
    }
    sqlite3_reset(stmt);
    return !error && buf_failed(copy) ? ORUN_ENOMEM : error;
}

/* Fill in what the row of a run does not have. */
static int
store_sqlite_tell(Sqlite *s, int64_t row, const int64_t at[2], Buf heads[2],
                  StoredRun *to, Buf *why)
{
    bool found[2] = { false, false };
    int error = store_sqlite_top(s, row, &to->facts, why);
    sqlite3_stmt *stmt = error
        ? NULL
        : store_sqlite_ask(s, STORE_SQLITE_BYTES, 2, STORE_SQLITE_RANGE(row));
    int more = error ? error : store_sqlite_row(s, stmt, why);
    if (more <= 0)
        return more;
    to->bytes = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    for (int i = 0; !error && i < 2; i++)
        error = store_sqlite_head(s, at[i], &heads[i], &found[i], why);
    if (found[0]) {
        to->run = buf_cstr(&heads[0]);
        to->run_size = heads[0].n;
    }
    if (found[1]) {
        to->end = buf_cstr(&heads[1]);
        to->end_size = heads[1].n;
    }
    return error;
}

static int
store_sqlite_runs(void *file, int (*each)(void *ctx, const StoredRun *run),
                  void *ctx, Buf *why)
{
    Sqlite *s = file;
    int more, error = 0;
    sqlite3_stmt *stmt = store_sqlite_ask(s, STORE_SQLITE_RUNS, 0, NULL);
    while (!error && (more = store_sqlite_row(s, stmt, why)) > 0) {
        StoredRun run = { .epoch = (uint64_t)sqlite3_column_int64(stmt, 2),
                          .begun = sqlite3_column_double(stmt, 3) };
        Buf heads[2] = { { 0 }, { 0 } };
        int64_t row = sqlite3_column_int64(stmt, 0);
        const char *name = (const char *)sqlite3_column_text(stmt, 1);
        if (!name || strlen(name) >= sizeof run.id || row < 1
            || row > INT32_MAX)
            error = store_database_damaged(s->file.path, "the list of runs",
                                           why);
        else
            memcpy(run.id, name, strlen(name) + 1);
        const int64_t at[] = { sqlite3_column_int64(stmt, 4),
                               sqlite3_column_int64(stmt, 5) };
        if (!error)
            error = store_sqlite_tell(s, row, at, heads, &run, why);
        if (!error)
            error = each(ctx, &run);
        buf_free(&heads[0]);
        buf_free(&heads[1]);
    }
    if (stmt && error)
        sqlite3_reset(stmt);
    return error ? error : more;
}

/* ---- forgetting ---- */

static int
store_sqlite_forget(void *file, const char *run, Buf *why)
{
    Sqlite *s = file;
    int64_t row = 0;
    uint64_t epoch;
    int error = store_sqlite_run(s, STORE_SQLITE_BEGIN, 0, NULL, why);
    if (!error)
        error = store_sqlite_find_run(s, run, &row, &epoch, why);
    if (!error)
        error = store_sqlite_run(s, STORE_SQLITE_CUT, 2,
                                 STORE_SQLITE_RANGE(row), why);
    if (!error)
        error = store_sqlite_run(s, STORE_SQLITE_CUT_RUN, 1, &row, why);
    if (!error)
        error = store_sqlite_run(s, STORE_SQLITE_CUT_PIECES, 0, NULL, why);
    if (!error)
        error = store_sqlite_run(s, STORE_SQLITE_CUT_BLOBS, 0, NULL, why);
    error = store_sqlite_end(s, error, why);
    if (!error) /* the run is gone already: what fails here is done later */
        (void)store_database_run(s->db,
                                 "PRAGMA incremental_vacuum;"
                                 "PRAGMA wal_checkpoint(TRUNCATE)");
    return error;
}

#ifdef ORUN_TEST
static int
store_sqlite_again(void *file, void **out, Buf *why)
{
    Sqlite *s = file, *other = mem_zalloc(1, sizeof *other);
    if (!other)
        return ORUN_ENOMEM;
    int error = store_file_again(&other->file, &s->file);
    if (!error)
        error = store_sqlite_connect(other, why);
    if (error)
        store_sqlite_free(other, true);
    else
        *out = other;
    return error;
}
#endif

const StoreKind store_sqlite = {
    .open = store_sqlite_open,
    .begin = store_sqlite_begin,
    .commit = store_sqlite_commit,
    .load = store_sqlite_load,
    .body = store_sqlite_body,
    .runs = store_sqlite_runs,
    .forget = store_sqlite_forget,
    .close = store_sqlite_close,
#ifdef ORUN_TEST
    .again = store_sqlite_again,
#endif
};
