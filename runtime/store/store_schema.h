/* store_schema.h — the tables of a store in SQLite, and their versions.
 *
 *      run     a row a run: how often it was begun, and where its last RUN and
 *              END facts are
 *      fact    a row a fact; its id is the row of its run (32 bits) and its seq
 *              (32 bits), so that a run is one range, in order
 *      blob    a body beyond STORE_INLINE, once, by its SHA-256
 *      piece   its bytes, 1 MiB in a row
 *
 * `sum` of a fact is the first 8 bytes of the SHA-256 of all that it is, so a
 * flipped bit is seen. The version (user_version) is raised when a table
 * changes; an older file is brought up to date in one transaction, after a copy
 * of it was made.
 */
#ifndef ORUN_STORE_SCHEMA_H
#define ORUN_STORE_SCHEMA_H

#include "base/base.h"
#include "base/buf.h"
#include <sqlite3.h>

/* Write a new store to the empty file at `path`. */
int store_schema_make(const char *path, Buf *why) NODISCARD;

/* See that the database has these tables and nothing else, and is not damaged
 * as far as can be seen quickly; bring an older one up to date, unless it is
 * only `read`. */
int store_schema_check(sqlite3 *db, const char *path, bool read,
                       Buf *why) NODISCARD;

#ifdef ORUN_TEST
/* A statement that the next version has (one CREATE), or NULL: there is none.
 */
extern const char *store_schema_next;
#endif

#endif
