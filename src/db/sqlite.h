/*
 * sqlite: a thin, safe face of SQLite, and the only place that sees its header.
 *
 * A handle belongs to one thread. Statements are prepared once for each handle and kept: the same
 * `sql` pointer (a literal, or a text that lives as long as the handle) gives the same statement,
 * reset and with nothing bound. A query that is being stepped must be finished (query_end) before
 * the same text is asked for again.
 *
 *   struct query *query = sqlite_query(db, "SELECT text FROM archive WHERE id=?1", err);
 *   if (query == NULL) {
 *       return false;
 *   }
 *   query_bind_int(query, 1, id);
 *   bool row = false;
 *   bool ok = query_step(query, &row, err);
 *   ... if (row) use query_text(query, 0), a view that is good until the next step or end ...
 *   query_end(query);
 *
 * Failures name the file and what SQLite says, and are graded by what helps: busy, full and
 * unreachable are ERR_RETRY; a broken constraint or a value too large is ERR_REJECT; a file that
 * is not a database, is corrupt or may not be written is ERR_CONFIG; a failing disk is ERR_STORE.
 */
#ifndef SLUICE_DB_SQLITE_H
#define SLUICE_DB_SQLITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct sqlite;
struct query;

struct sqlite_options {
    bool readonly;
    bool create; /* Make the file when it is missing, mode 0600. */
    bool uri;    /* The path is a file: URI. */
    /* To read without a trace: a file in WAL mode that nobody has open is read as immutable, so
       that no log or index appears beside it. See sqlite_is_immutable(). */
    bool still;
    const char *vfs; /* NULL for the system's files; tests name a faulty one. */
    int busy_ms;     /* How long to wait for another writer; 0 for 5 seconds. */
    int cache_kib;   /* Page cache; 0 for 2 MiB. */
};

enum { SQLITE_QUERIES_MAX = 160, SQLITE_BUSY_MS = 5000, SQLITE_CACHE_KIB = 2048 };

bool sqlite_open(struct sqlite **out, struct str path, const struct sqlite_options *options,
                 struct err *err);
/* Was the file at rest, and is it read as if it stayed so? */
bool sqlite_is_immutable(const struct sqlite *db);
/* Is it still? False once somebody has begun to work on the file. */
bool sqlite_is_at_rest(const struct sqlite *db);

void sqlite_close(struct sqlite *db); /* Rolls back what was not committed. NULL is fine. */

/* Run one or more statements that return nothing. */
bool sqlite_exec(struct sqlite *db, const char *sql, struct err *err);

/* BEGIN IMMEDIATE, COMMIT, ROLLBACK. Rolling back never fails; where it lacks the memory, the
   handle does nothing else until it could. */
bool sqlite_begin(struct sqlite *db, struct err *err);
bool sqlite_commit(struct sqlite *db, struct err *err);
void sqlite_rollback(struct sqlite *db);
bool sqlite_in_transaction(const struct sqlite *db);

/* A point within a transaction to go back to; one at a time. */
bool sqlite_point_begin(struct sqlite *db, struct err *err);
bool sqlite_point_keep(struct sqlite *db, struct err *err);
void sqlite_point_undo(struct sqlite *db);

/* Copy the write-ahead log back once it has so many pages. A disk that fails at that fails the
   commit that set it off, although the commit stands. Instead of PRAGMA wal_autocheckpoint. */
void sqlite_checkpoint_at(struct sqlite *db, int pages);

struct query *sqlite_query(struct sqlite *db, const char *sql, struct err *err);

void query_bind_int(struct query *query, int index, int64_t value);
void query_bind_double(struct query *query, int index, double value);
void query_bind_text(struct query *query, int index, struct str value); /* Absent is NULL. */
void query_bind_blob(struct query *query, int index, struct str value); /* Absent is NULL. */
void query_bind_null(struct query *query, int index);

/* The next row, if there is one. After the last row or a failure the query has ended itself. */
bool query_step(struct query *query, bool *row, struct err *err);
void query_end(struct query *query);

/* Bind nothing more, run to the end, return no rows. */
bool query_run(struct query *query, struct err *err);

enum query_type { QUERY_NULL = 0, QUERY_INT, QUERY_DOUBLE, QUERY_TEXT, QUERY_BLOB };

int query_columns(const struct query *query);
enum query_type query_type(const struct query *query, int column);
int64_t query_int(const struct query *query, int column);
double query_double(const struct query *query, int column);
struct str query_text(const struct query *query, int column); /* Absent for NULL. */
struct str query_blob(const struct query *query, int column);
const char *query_column_name(const struct query *query, int column);

/* Rows that the last INSERT, UPDATE or DELETE changed. */
int64_t sqlite_changes(const struct sqlite *db);

/* Number that changes whenever another connection has committed to the file. */
bool sqlite_data_version(struct sqlite *db, int64_t *version, struct err *err);

/* One integer: for counts and pragmas. NULL reads as 0, no row as `fallback`. */
bool sqlite_int(struct sqlite *db, const char *sql, int64_t fallback, int64_t *out,
                struct err *err);

/* Give cached pages back to the system: for a handle that goes to sleep. */
void sqlite_shrink(struct sqlite *db);

/* The calling thread is about to end: give back what is kept for it, of whatever handle. */
void sqlite_leave_thread(void);

/* Give the kept statements up as well; no query of the handle may be in use or held. */
void sqlite_forget_queries(struct sqlite *db);

/* The extended code of the last failure, for tests and for those who grade more finely. */
int sqlite_code(const struct sqlite *db);

/* Is the last failure a busy file, a full disk, a failing disk? */
bool sqlite_failed_busy(const struct sqlite *db);
bool sqlite_failed_full(const struct sqlite *db);
bool sqlite_failed_disk(const struct sqlite *db);

/* Version and source of the library, for `version --verbose`. */
const char *sqlite_version(void);

/* Once, before any thread: memory through base/mem, no shared cache, no statistics. */
bool sqlite_setup(struct err *err);

/* Told from time to time how many pages of a copy are done; NULL is fine. */
struct sqlite_watch {
    void (*copied)(void *context, int64_t done, int64_t total);
    void *context;
};

/*
 * A consistent copy of a live file, which is on the disk at the end. A writer of another process
 * makes the copy begin anew each time, unless `from` has a read transaction open: then the copy is
 * what that transaction sees, however much is written meanwhile.
 */
bool sqlite_backup(struct sqlite *from, struct str to_path, const struct sqlite_watch *watch,
                   struct err *err);

#endif
