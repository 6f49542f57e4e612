/* store_schema.c — the tables of a store in SQLite, and their versions.
 */
#include "store/store_schema.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/store_database.h"
#include "store/store_file.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
    STORE_SCHEMA_VERSION = 1,
    STORE_SCHEMA_CHECKED = 32 << 20 /* a larger file is not read at once */
};

/* As SQLite keeps them, letter by letter. */
static const char *const store_schema_all[] = {
    "CREATE TABLE run(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " epoch INTEGER NOT NULL, begun REAL NOT NULL, first INTEGER,"
    " last INTEGER)",
    "CREATE TABLE fact(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
    " key BLOB NOT NULL, sum BLOB NOT NULL, body BLOB, blob INTEGER)",
    "CREATE TABLE blob(id INTEGER PRIMARY KEY, sha BLOB NOT NULL UNIQUE,"
    " size INTEGER NOT NULL)",
    "CREATE TABLE piece(blob INTEGER NOT NULL, n INTEGER NOT NULL,"
    " bytes BLOB NOT NULL, PRIMARY KEY(blob, n))",
    "CREATE INDEX fact_blob ON fact(blob) WHERE blob IS NOT NULL",
};

#ifdef ORUN_TEST
const char *store_schema_next;
#else
static const char *const store_schema_next = NULL;
#endif

static int
store_schema_version(void)
{
    return STORE_SCHEMA_VERSION + (store_schema_next != NULL);
}

static int
store_schema_tables(sqlite3 *db)
{
    char pragmas[200];
    snprintf(pragmas, sizeof pragmas,
             "PRAGMA application_id=%d; PRAGMA user_version=%d",
             STORE_FILE_MARK, store_schema_version());
    int result = store_database_run(db, "BEGIN");
    for (size_t i = 0; result == SQLITE_OK && i < countof(store_schema_all);
         i++)
        result = store_database_run(db, store_schema_all[i]);
    if (result == SQLITE_OK && store_schema_next)
        result = store_database_run(db, store_schema_next);
    if (result == SQLITE_OK)
        result = store_database_run(db, pragmas);
    return result == SQLITE_OK ? store_database_run(db, "COMMIT") : result;
}

int
store_schema_make(const char *path, Buf *why)
{
    sqlite3 *db;
    int error = store_database_open(path, false, &db, why);
    if (error)
        return error;
    /* Whoever makes the file syncs it, before it has its name. */
    int result = store_database_run(db,
                                    "PRAGMA synchronous=OFF;"
                                    "PRAGMA page_size=4096;"
                                    "PRAGMA auto_vacuum=INCREMENTAL;"
                                    "PRAGMA journal_mode=MEMORY");
    if (result == SQLITE_OK)
        result = store_schema_tables(db);
    if (result == SQLITE_OK)
        result = store_database_run(db, "PRAGMA journal_mode=WAL");
    error = store_database_error(db, result, path, why);
    store_database_close(db, false);
    return error;
}

/* ---- what is there ---- */

/* Is this statement of the schema one of ours? -1 when it is not. */
static int
store_schema_find(const char *sql, int version)
{
    for (size_t i = 0; i < countof(store_schema_all); i++)
        if (strcmp(sql, store_schema_all[i]) == 0)
            return (int)i;
    bool newer = store_schema_next && version > STORE_SCHEMA_VERSION;
    const char *next = newer ? store_schema_next : "";
    return strcmp(sql, next) == 0 ? (int)countof(store_schema_all) : -1;
}

/* Compare all of the schema; *same tells. */
static int
store_schema_compare(sqlite3 *db, int version, bool *same)
{
    sqlite3_stmt *stmt;
    unsigned seen = 0;
    unsigned all = (1u << (countof(store_schema_all)
                           + (version > STORE_SCHEMA_VERSION)))
        - 1;
    *same = true;
    int result = sqlite3_prepare_v2(
        db, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL", -1, &stmt,
        NULL);
    if (result != SQLITE_OK)
        return result;
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *sql = (const char *)sqlite3_column_text(stmt, 0);
        int i = sql ? store_schema_find(sql, version) : -1;
        if (i < 0 || (seen & 1u << i))
            *same = false;
        else
            seen |= 1u << i;
    }
    *same &= seen == all;
    int end = sqlite3_finalize(stmt);
    return result == SQLITE_DONE ? SQLITE_OK : end;
}

static int
store_schema_other(const char *path, Buf *why)
{
    buf_printf(why,
               "%s has tables that are not those of orun and was left as it is;"
               " name another file",
               path);
    return ORUN_EPROTO;
}

/* Read the whole of a small file for what does not fit together. */
static int
store_schema_sound(sqlite3 *db, const char *path, Buf *why)
{
    int64_t pages = 0, size = 1;
    sqlite3_stmt *stmt;
    int result = store_database_number(db, "PRAGMA page_count", &pages);
    if (result == SQLITE_OK)
        result = store_database_number(db, "PRAGMA page_size", &size);
    if (result == SQLITE_OK && pages > STORE_SCHEMA_CHECKED / size)
        return 0;
    if (result == SQLITE_OK)
        result = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt,
                                    NULL);
    if (result != SQLITE_OK)
        return store_database_error(db, result, path, why);
    result = sqlite3_step(stmt);
    const char *said = (const char *)sqlite3_column_text(stmt, 0);
    int error = 0;
    if (result != SQLITE_ROW)
        error = store_database_error(db, result, path, why);
    else if (!said || strcmp(said, "ok") != 0)
        error = store_database_damaged(path, said ? said : "no memory", why);
    sqlite3_finalize(stmt);
    return error;
}

/* ---- an older version ---- */

static int
store_schema_copy_pages(sqlite3 *db, const char *to, Buf *why)
{
    sqlite3 *other;
    int error = store_database_open(to, false, &other, why);
    if (error)
        return error;
    sqlite3_backup *b = sqlite3_backup_init(other, "main", db, "main");
    if (b) {
        sqlite3_backup_step(b, -1);
        sqlite3_backup_finish(b);
    }
    error = store_database_error(other, sqlite3_extended_errcode(other), to,
                                 why);
    store_database_close(other, false);
    return error;
}

/* Copy the store to PATH.version-N, which is there as a whole or not at all. */
static int
store_schema_copy(sqlite3 *db, const char *path, int version, Buf *why)
{
    Buf name = { 0 }, temp = { 0 };
    buf_printf(&name, "%s.version-%d", path, version);
    buf_printf(&temp, "%s.version-%d.new-XXXXXX", path, version);
    char *made = buf_take(&temp);
    int error = 0;
    int fd = made && !buf_failed(&name) ? mkostemp(made, O_CLOEXEC) : -1;
    if (!made || buf_failed(&name))
        error = ORUN_ENOMEM;
    else if (fd >= 0)
        error = store_schema_copy_pages(db, made, why);
    if (!error
        && (fd < 0 || fsync(fd) != 0 || rename(made, buf_cstr(&name)) != 0
            || store_file_sync_folder(path) != 0)) {
        buf_printf(why,
                   "%s is of an older version and cannot be copied to %s"
                   " before it is brought up to date: %m",
                   path, buf_cstr(&name));
        error = ORUN_ESYS;
    }
    if (fd >= 0)
        close(fd);
    if (error && made)
        unlink(made);
    mem_free(made);
    buf_free(&name);
    return error;
}

/* The step from one version to the next is what that one has more. */
static int
store_schema_update(sqlite3 *db, const char *path, int version, Buf *why)
{
    char pragma[60];
    int error = store_schema_copy(db, path, version, why);
    if (error)
        return error;
    snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d",
             store_schema_version());
    int result = store_database_run(db, "PRAGMA synchronous=FULL");
    if (result == SQLITE_OK)
        result = store_database_run(db, "BEGIN IMMEDIATE");
    if (result == SQLITE_OK && store_schema_next)
        result = store_database_run(db, store_schema_next);
    if (result == SQLITE_OK)
        result = store_database_run(db, pragma);
    if (result == SQLITE_OK)
        result = store_database_run(db, "COMMIT");
    return store_database_error(db, result, path, why);
}

static int
store_schema_newer(const char *path, int64_t version, Buf *why)
{
    buf_printf(why,
               "%s was made by a newer orun (version %lld of its tables; this"
               " one knows %d) and was left as it is; use that orun, or name"
               " another file",
               path, (long long)version, store_schema_version());
    return ORUN_ESTATE;
}

int
store_schema_check(sqlite3 *db, const char *path, bool read, Buf *why)
{
    int64_t mark = 0, version = 0;
    bool same = false;
    int result = store_database_number(db, "PRAGMA application_id", &mark);
    if (result == SQLITE_OK)
        result = store_database_number(db, "PRAGMA user_version", &version);
    if (result != SQLITE_OK)
        return store_database_error(db, result, path, why);
    if (version > store_schema_version())
        return store_schema_newer(path, version, why);
    if (mark != STORE_FILE_MARK || version < 1)
        return store_schema_other(path, why);
    result = store_schema_compare(db, (int)version, &same);
    if (result != SQLITE_OK)
        return store_database_error(db, result, path, why);
    if (!same)
        return store_schema_other(path, why);
    int error = store_schema_sound(db, path, why);
    if (!error && !read && version < store_schema_version())
        error = store_schema_update(db, path, (int)version, why);
    return error;
}
