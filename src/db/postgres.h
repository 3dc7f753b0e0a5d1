/*
 * postgres: a thin, safe face of libpq.
 *
 * A `struct postgres` is one connection of one worker. It is opened from a URI without touching the
 * network; the first use connects, and a use after the connection was lost connects again. Every
 * call that may wait takes an absolute deadline on the monotonic clock. When it comes, the running
 * statement is cancelled on the server, so that nothing goes on behind our back; when even that
 * gets no answer, the connection is closed. The same happens when the owner is asked to stop.
 *
 *     struct postgres_options options = {.uri = uri, .clock = clock};
 *     struct postgres *db;
 *     postgres_open(&db, &options, err)
 *
 *     struct str values[] = {STR("DR10000001"), STR("7")};
 *     postgres_exec(db, "UPDATE drops SET n = $2 WHERE name = $1", values, 2, deadline, &rows, err)
 *
 *     postgres_query(db, "SELECT name, n FROM drops", NULL, 0, deadline, err)
 *     while (postgres_next(db, &row, err) && row)
 *         … postgres_text(db, 0) …              views, good until the next call
 *
 * Values are only ever bound, never written into a statement. They travel as text (`$1::int[]` and
 * the like say what they are); an absent view is NULL; text with a NUL byte is refused. Large
 * results are read as they come, some rows at a time, so a million rows need no more memory than a
 * few.
 *
 * Statements are not prepared unless `prepare` asks for it, because a pooler in transaction mode
 * (PgBouncer, Neon's "-pooler" hosts) hands each transaction another connection. For such hosts it
 * is off whatever is asked; the same holds for everything else that lives in a session: use
 * SET LOCAL, and no LISTEN, no temporary tables, no advisory session locks.
 *
 * Errors say what, where and what to do, and are graded by SQLSTATE: ERR_RETRY for what may pass
 * (connection lost, deadlock, shutting down, no room), ERR_LOGIN for a refused password, ERR_CONFIG
 * for what a person must mend (no such table, no right, wrong certificate), ERR_REJECT for data
 * that can never be taken (wrong type, violated constraint). They name columns and constraints and
 * never values, which may be personal. After a failed COMMIT the outcome is unknown: ask the
 * ledger.
 *
 * Where TLS or a password is missing (S33 of the security rules): refused on the way to a public
 * host unless `allow_insecure`; on a private one there is a note, postgres_note(). Without sslmode
 * in the URI a public host gets verify-full against the machine's authorities, this machine and
 * private networks "prefer". Client certificates, Kerberos, ~/.pgpass, service files and PG…
 * variables are not used: what is not in the configuration does not count.
 */
#ifndef SLUICE_DB_POSTGRES_H
#define SLUICE_DB_POSTGRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

struct postgres;

enum {
    POSTGRES_URI_MAX = 4096,
    POSTGRES_VALUES_MAX = 1024, /* Bound to one statement. */
    POSTGRES_VALUE_BYTES_MAX = 256 * 1024 * 1024,
    POSTGRES_PREPARED_MAX = 64,
    POSTGRES_NOTE_MAX = 256,
    POSTGRES_STATE_SIZE = 6, /* "23505" and its NUL. */
};

struct postgres_options {
    struct str uri;      /* "postgresql://…" or "host=… user=…", as providers hand it out. */
    struct str password; /* When it is kept apart from the URI. */
    struct str root;     /* File of authorities; absent: what the URI says, else the machine's. */
    struct str application; /* Shown by the server's list of sessions; absent: "sluice". */
    bool allow_insecure;
    bool prepare;
    struct clock *clock;
    bool (*stopping)(void *context); /* Asked while waiting; may be NULL. */
    void *stopping_context;
};

/* Checks everything that can be checked without connecting; copies what it needs. */
bool postgres_open(struct postgres **out, const struct postgres_options *options, struct err *err);
void postgres_close(struct postgres *db); /* NULL is fine. */

/* Connects unless it is connected. Each call below does it by itself, outside a transaction. */
bool postgres_connect(struct postgres *db, int64_t deadline_ms, struct err *err);

/* Give the connection back; the next use makes a new one. */
void postgres_disconnect(struct postgres *db);
bool postgres_connected(const struct postgres *db);

/* "host:port/database": where it goes, without user and password. */
struct str postgres_where(const struct postgres *db);

/* What a person should know about this connection ("not encrypted"); empty for nothing. */
struct str postgres_note(const struct postgres *db);

/* Version of the server once connected, such as 150018; 0 before. */
int postgres_version(const struct postgres *db);

/* "TLSv1.2 ECDHE-…" or absent for a connection in the clear. */
struct str postgres_tls(struct postgres *db, struct arena *arena);

/* ---- Statements ---- */

/* One statement with its values; `*rows` (may be NULL) gets the number of rows it changed. */
bool postgres_exec(struct postgres *db, const char *sql, const struct str *values, size_t count,
                   int64_t deadline_ms, int64_t *rows, struct err *err);

/* The same with values in the binary form of their types, which are borrowed and not copied. */
bool postgres_exec_binary(struct postgres *db, const char *sql, const struct str *values,
                          size_t count, int64_t deadline_ms, int64_t *rows, struct err *err);

/* One or more statements without values, such as a migration; all of them or none. */
bool postgres_script(struct postgres *db, const char *sql, int64_t deadline_ms, struct err *err);

bool postgres_begin(struct postgres *db, int64_t deadline_ms, struct err *err);
bool postgres_commit(struct postgres *db, int64_t deadline_ms, struct err *err);
void postgres_rollback(struct postgres *db, int64_t deadline_ms);
bool postgres_in_transaction(const struct postgres *db);

/* ---- Rows ---- */

/* Ask; the deadline holds for reading all rows. One query at a time. */
bool postgres_query(struct postgres *db, const char *sql, const struct str *values, size_t count,
                    int64_t deadline_ms, struct err *err);

/* `*row` is false after the last one; the query is over then, and after a failure. */
bool postgres_next(struct postgres *db, bool *row, struct err *err);

/* Stop early: the rest is cancelled. Nothing happens when the query is over. */
void postgres_end(struct postgres *db);

/* Of the row at hand. Absent for NULL. */
int postgres_columns(const struct postgres *db);
struct str postgres_column_name(const struct postgres *db, int column);
uint32_t postgres_column_type(const struct postgres *db, int column); /* OID of pg_type. */
struct str postgres_text(const struct postgres *db, int column);

/* The first column of the first row, copied; absent when there is no row or it is NULL. */
bool postgres_one(struct postgres *db, const char *sql, const struct str *values, size_t count,
                  int64_t deadline_ms, struct arena *arena, struct str *out, struct err *err);

/* ---- COPY … FROM STDIN ---- */

bool postgres_copy_begin(struct postgres *db, const char *sql, int64_t deadline_ms,
                         struct err *err);
bool postgres_copy_put(struct postgres *db, struct str bytes, struct err *err);

/* Without `keep` the server is told to forget all of it. */
bool postgres_copy_end(struct postgres *db, bool keep, int64_t *rows, struct err *err);

/* One field in COPY's text format: escaped, "\N" for absent. Tabs and line ends are the caller's.
 */
void postgres_copy_field(struct buf *buf, struct str value);

/* ---- Helpers ---- */

/* An array's text for `$1::text[]`: "{", then each item (absent: NULL), then "}". */
void postgres_array_item(struct buf *buf, bool first, struct str item);

/* The same in binary: the head of an array of so many items of a type (its OID in pg_type) … */
void postgres_binary_array(struct buf *buf, uint32_t type, size_t count);
/* … and each item: its length and its bytes (absent: NULL). */
void postgres_binary_item(struct buf *buf, struct str item);
/* A number of 1 to 8 bytes, without a length. */
void postgres_binary_int(struct buf *buf, int64_t number, size_t bytes);

/* OIDs that never change. */
enum {
    POSTGRES_BOOL = 16,
    POSTGRES_BYTEA = 17,
    POSTGRES_INT8 = 20,
    POSTGRES_INT2 = 21,
    POSTGRES_INT4 = 23,
    POSTGRES_TEXT = 25,
    POSTGRES_FLOAT8 = 701,
    POSTGRES_VARCHAR = 1043,
    POSTGRES_DATE = 1082,
    POSTGRES_TIMESTAMPTZ = 1184,
    POSTGRES_JSONB = 3802,
};

/* SQLSTATE of the last failure, "" when it was none of the server's. */
const char *postgres_state(const struct postgres *db);

/* Constraint or column that the last failure was about; absent when the server named none. */
struct str postgres_failed_constraint(const struct postgres *db);
struct str postgres_failed_column(const struct postgres *db);

/* "17.11 of libpq" for `version`. */
const char *postgres_library(void);

#endif
