/* store_database.c — one connection to SQLite, and its errors in words.
 */
#include "store/store_database.h"
#include "base/err.h"
#include "store/store.h"
#include <errno.h>
#include <stdio.h>

enum {
    STORE_DATABASE_LENGTH = 2 << 20, /* of a row: nothing of ours is as large */
    STORE_DATABASE_WAIT = 5000       /* ms, for another program's lock */
};

static void
store_database_harden(sqlite3 *db)
{
    static const struct {
        int what, on;
    } all[] = {
        { SQLITE_DBCONFIG_DEFENSIVE, 1 },
        { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
        { SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
        { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
        { SQLITE_DBCONFIG_ENABLE_FKEY, 0 },
        { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
        { SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0 },
        { SQLITE_DBCONFIG_DQS_DML, 0 },
        { SQLITE_DBCONFIG_DQS_DDL, 0 },
    };
    for (size_t i = 0; i < countof(all); i++)
        sqlite3_db_config(db, all[i].what, all[i].on, (int *)NULL);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, STORE_DATABASE_LENGTH);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 1);
    sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, STORE_DATABASE_WAIT);
}

int
store_database_open(const char *path, bool read, sqlite3 **out, Buf *why)
{
    /* Neither SQLITE_OPEN_URI nor a name that begins with "file:". */
    sqlite3 *db = NULL;
    int result = sqlite3_open_v2(path, &db,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX
                                     | SQLITE_OPEN_PRIVATECACHE
                                     | SQLITE_OPEN_NOFOLLOW,
                                 "unix");
    if (result == SQLITE_OK) {
        store_database_harden(db);
        result = store_database_run(db,
                                    "PRAGMA mmap_size=0;"
                                    "PRAGMA cell_size_check=ON;"
                                    "PRAGMA temp_store=MEMORY");
    }
    if (result == SQLITE_OK && read)
        result = store_database_run(db, "PRAGMA query_only=ON");
    if (result == SQLITE_OK) {
        *out = db;
        return 0;
    }
    int error = store_database_error(db, result, path, why);
    store_database_close(db, true);
    return error;
}

void
store_database_close(sqlite3 *db, bool keep)
{
    if (db && keep)
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
    sqlite3_close(db);
}

int
store_database_damaged(const char *path, const char *what, Buf *why)
{
    buf_printf(why,
               "%s is damaged (%s) and was left as it is; restore a copy, name"
               " another file, or see what \"sqlite3 %s .recover\" can save",
               path, what, path);
    return ORUN_EPROTO;
}

static int
store_database_system(sqlite3 *db, int result, const char *path, Buf *why)
{
    int number = db ? sqlite3_system_errno(db) : 0;
    bool full = (result & 0xff) == SQLITE_FULL || number == ENOSPC
        || number == EDQUOT;
    buf_printf(why, "%s: ", path);
    if (full) {
        buf_puts(why,
                 "the disk is full; make room, then go on: all that was"
                 " kept before is there");
        return ORUN_ESYS;
    }
    buf_puts(why, sqlite3_errstr(result & 0xff));
    if (number)
        buf_printf(why, " (%s)", strerror(number));
    switch (result & 0xff) {
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        buf_puts(why,
                 "; this user must be able to write the file and its"
                 " folder: name another file");
        break;
    default:
        buf_puts(why,
                 "; look at the disk, then go on: all that was kept"
                 " before is there");
    }
    return ORUN_ESYS;
}

int
store_database_error(sqlite3 *db, int result, const char *path, Buf *why)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return 0;
    case SQLITE_NOMEM: return ORUN_ENOMEM;
    case SQLITE_FULL:
    case SQLITE_IOERR:
        if (result == SQLITE_IOERR_NOMEM)
            return ORUN_ENOMEM;
        return store_database_system(db, result, path, why);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_NOLFS:
    case SQLITE_CANTOPEN: return store_database_system(db, result, path, why);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        buf_printf(why,
                   "%s is locked by another program; end that, or name another"
                   " file",
                   path);
        return ORUN_ESTATE;
    default:
        return store_database_damaged(
            path, db ? sqlite3_errmsg(db) : sqlite3_errstr(result), why);
    }
}

int
store_database_run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int
store_database_number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *stmt;
    int result = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (result != SQLITE_OK)
        return result;
    result = sqlite3_step(stmt);
    if (result == SQLITE_ROW)
        *out = sqlite3_column_int64(stmt, 0);
    int end = sqlite3_finalize(stmt);
    return result == SQLITE_ROW ? SQLITE_OK : end ? end : SQLITE_CORRUPT;
}
