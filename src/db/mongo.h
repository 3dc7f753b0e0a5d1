/*
 * mongo: a thin, safe face of mongo-c-driver.
 *
 * A `struct mongo` is one client of one worker. Opening reads the URI and touches no network; the
 * first use finds the servers (mongodb+srv:// asks the DNS), connects and logs in with
 * SCRAM-SHA-256 or -1, and later uses keep the connections. Every call takes an absolute deadline
 * on the monotonic clock; finding a server and connecting take 5 seconds at most each. It ends
 * within a fraction of a second, with ERR_STOP, when the owner is asked to stop. That holds for the
 * DNS as well.
 *
 * Everything is a command: a document written with db/document.h, answered by a document that comes
 * back as JSON text.
 *
 *     document_begin(&doc, &buf);
 *     document_str(&doc, STR("update"), STR("drops"));
 *     document_array(&doc, STR("updates"));
 *         …
 *     mongo_write(db, bytes, deadline, arena, &reply, err)
 *
 * mongo_write() is for insert, update, delete and findAndModify: the driver gives each a number
 * (retryable writes), so that one which is sent again after a broken connection happens once; a
 * command with an item for several documents has none, and is not sent again.
 * Writes wait for the majority unless the URI says otherwise (w=0 is refused). A reply may say ok
 * and still hold errors of single items: mongo_item_error() walks them and grades each, so that one
 * bad document does not stop the others.
 *
 * mongo_query() reads a collection document by document.
 *
 * Keys of data never become operators: db/document.h sees to it. Names of databases and collections
 * are checked by mongo_name_check(), which this version of the driver does not do itself.
 *
 * Errors are graded: ERR_RETRY for what may pass, ERR_LOGIN for a refused password, ERR_CONFIG for
 * a wrong certificate or a missing right, ERR_REJECT for documents that can never be taken
 * (duplicate key, failed validation, too large). They name indexes and never values.
 *
 * A host alone (`mongo`, `mongo:27017`) is a URI, too. The host `auto` is `mongo` in a container
 * and `localhost` elsewhere.
 *
 * Where TLS or a user is missing (S33 of the security rules): refused on the way to a public host
 * unless `allow_insecure`; on a private one there is a note. Client certificates, compression,
 * Kerberos and cloud logins are not built, nor are passwords with letters outside ASCII.
 */
#ifndef SLUICE_DB_MONGO_H
#define SLUICE_DB_MONGO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "text/json.h"

struct mongo;

enum {
    MONGO_NO_COLLECTION = 26, /* Codes of the server that callers ask for. */
    MONGO_DUPLICATE = 11000,

    MONGO_URI_MAX = 4096,
    MONGO_CONNECT_MS = 5000,
    MONGO_NAME_MAX = 120,
    MONGO_NOTE_MAX = 256,
};

struct mongo_options {
    struct str uri;      /* "mongodb://…" or "mongodb+srv://…", as providers hand it out. */
    struct str password; /* When it is kept apart from the URI. */
    struct str root;     /* File of authorities; absent: what the URI says, else the machine's. */
    struct str database; /* Absent: the URI's. */
    struct str application; /* Absent: "sluice". */
    bool allow_insecure;
    int64_t connect_ms; /* To find a server and to connect; 0: MONGO_CONNECT_MS. */
    struct clock *clock;
    bool (*stopping)(void *context); /* Asked while waiting; may be NULL. */
    void *stopping_context;
};

/* Checks everything that can be checked without connecting; copies what it needs. */
bool mongo_open(struct mongo **out, const struct mongo_options *options, struct err *err);
void mongo_close(struct mongo *db); /* NULL is fine. */

/* Give the connections back; the next use makes new ones. */
void mongo_disconnect(struct mongo *db);

/*
 * Is it reachable, and may we work there? Runs a command that needs the login (a ping does not), so
 * a wrong password or a missing right shows here.
 */
bool mongo_ready(struct mongo *db, int64_t deadline_ms, struct err *err);

/* "host:port/database": where it goes, without user and password. */
struct str mongo_where(const struct mongo *db);
struct str mongo_database(const struct mongo *db);

/* What a person should know about this connection; empty for nothing. */
struct str mongo_note(const struct mongo *db);

/* ---- Commands ---- */

/* A command that reads, or that changes the shape of things (createIndexes). */
bool mongo_command(struct mongo *db, struct str command, int64_t deadline_ms, struct arena *arena,
                   const struct json_value **reply, struct err *err);

/* insert, update, delete, findAndModify. The ids of new documents ("upserted") are left out of the
   reply: they are many, and nobody asks for them. */
bool mongo_write(struct mongo *db, struct str command, int64_t deadline_ms, struct arena *arena,
                 const struct json_value **reply, struct err *err);

/*
 * The same with the list that the command is about (`name`: "updates", "deletes", "documents")
 * apart from it: documents one behind the other, which go on the wire from where they lie. None of
 * them may be for several documents (multi, or limit 0).
 */
bool mongo_write_list(struct mongo *db, struct str command, const char *name, struct str documents,
                      int64_t deadline_ms, struct arena *arena, const struct json_value **reply,
                      struct err *err);

/*
 * The next item of a reply that failed: its place in the batch, and why. False after the last.
 * Start with `*at` at 0.
 */
bool mongo_item_error(const struct mongo *db, const struct json_value *reply, size_t *at,
                      size_t *item, struct err *err);

/* The server's code of the error that mongo_item_error() has just handed out. */
int mongo_item_code(const struct json_value *reply, size_t at);

/* ---- Reading ---- */

/* `filter` and `options` (sort, projection, batchSize; may be absent) are documents. One at a time.
 */
bool mongo_query(struct mongo *db, struct str collection, struct str filter, struct str options,
                 int64_t deadline_ms, struct err *err);

/* `*json` is absent after the last one; else relaxed extended JSON in `arena`. */
bool mongo_next(struct mongo *db, struct arena *arena, struct str *json, struct err *err);
/* The same as it is (BSON), which loses nothing and can be written by document_raw(). */
bool mongo_next_bytes(struct mongo *db, struct arena *arena, struct str *document, struct err *err);
void mongo_end(struct mongo *db);

/* ---- Helpers ---- */

/* May it be the name of a collection (or, with `database`, of a database)? */
bool mongo_name_check(struct str name, bool database, struct err *err);

/* The server's code of the last failure; 0 when it was none of the server's. */
int mongo_code(const struct mongo *db);

/* The grade of a server's code. */
enum err_kind mongo_kind_of(int code);

#endif
