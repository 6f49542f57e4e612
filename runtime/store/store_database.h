/* store_database.h — one connection to SQLite, and its errors in words.
 *
 * Nothing global of SQLite is configured, because the process may have other
 * users of its own SQLite; ours is private to liborun.a (PRIVATE in the
 * Makefile). A path is a path: names like "file:x?mode=ro" mean a file.
 */
#ifndef ORUN_STORE_DATABASE_H
#define ORUN_STORE_DATABASE_H

#include "base/base.h"
#include "base/buf.h"
#include <sqlite3.h>

/* Open the file at the absolute `path`, which must be there, so that nothing in
 * it can do anything: no triggers, views, functions or extensions, and no
 * memory map, which would crash when the file is cut. The connection is for
 * one thread at a time. */
int store_database_open(const char *path, bool read, sqlite3 **out,
                        Buf *why) NODISCARD;

/* Close it. `keep` leaves the files as they are: no checkpoint. */
void store_database_close(sqlite3 *db, bool keep);

/* The code and sentence (see store.h) for a result of SQLite: SQLITE_OK, _ROW
 * and _DONE are 0. */
int store_database_error(sqlite3 *db, int result, const char *path, Buf *why);

/* Say that the file is damaged, and where: ORUN_EPROTO. */
int store_database_damaged(const char *path, const char *what, Buf *why);

/* Run statements without results: what SQLite returns. */
int store_database_run(sqlite3 *db, const char *sql);

/* A number from the first row of a statement, or SQLite's error. */
int store_database_number(sqlite3 *db, const char *sql, int64_t *out);

#endif
