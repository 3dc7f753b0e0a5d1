#include "db/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "db/heap.h"
#include "db/sqlite_functions.h"
#include "db/sqlite_log.h"

enum {
    PATH_MAX_BYTES = 4096,
    BACKUP_PAGES = 1024,
    BACKUP_TRIES_MAX = 200,
    BACKUP_PAUSE_MS = 25,
    WAL_MARK = 18
};

struct query {
    struct sqlite *owner;
    const char *sql;
    sqlite3_stmt *statement;
};

struct sqlite {
    sqlite3 *handle;
    char path[PATH_MAX_BYTES];
    int failed_code; /* Extended; of the last failure. */
    int checkpoint_pages;
    bool immutable;
    bool torn;  /* A value could not be read for lack of memory: nothing that follows may count. */
    bool stuck; /* Rolling back failed for lack of memory: it comes before all else. */
    size_t query_count;
    struct query queries[SQLITE_QUERIES_MAX];
};

/* Once a sync has failed in this process, none is tried again: not even when files are closed. */
static atomic_bool sync_failed;

/* What the system's files call an I/O error, though the disk is sound. */
static bool lacks_room(int code)
{
    return code == SQLITE_IOERR_NOMEM || code == SQLITE_IOERR_SHMSIZE;
}

static enum err_kind kind_of(int code)
{
    if (lacks_room(code)) {
        return ERR_RETRY;
    }
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
    case SQLITE_SCHEMA:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
        return ERR_RETRY;
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
        return ERR_REJECT;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_ERROR:
        return ERR_CONFIG;
    default:
        return ERR_STORE;
    }
}

/* What a person can do about it; empty when the message says enough. */
static const char *advice_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "; another program is writing to it";
    case SQLITE_FULL:
        return "; free some space on its disk";
    case SQLITE_CANTOPEN:
        return "; is the path right, and may this user read it and write in its folder?";
    case SQLITE_CORRUPT:
        return "; restore it from a backup";
    case SQLITE_NOTADB:
        return "; is it the right file, and is it whole?";
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return "; may this user write to it and to its folder?";
    default:
        return "";
    }
}

static bool fail(struct sqlite *db, struct err *err)
{
    int code = sqlite3_extended_errcode(db->handle);
    db->failed_code = code;
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) {
        atomic_store(&sync_failed, true);
    }
    return err_set(err, kind_of(code), "%s: %s%s", db->path, sqlite3_errmsg(db->handle),
                   advice_of(code));
}

static bool configure(struct sqlite *db, const struct sqlite_options *options, struct err *err)
{
    int cache_kib = options->cache_kib > 0 ? options->cache_kib : SQLITE_CACHE_KIB;
    char pragma[64];
    (void)snprintf(pragma, sizeof pragma, "PRAGMA cache_size=-%d", cache_kib);
    (void)sqlite3_extended_result_codes(db->handle, 1);
    (void)sqlite3_busy_timeout(db->handle,
                               options->busy_ms > 0 ? options->busy_ms : SQLITE_BUSY_MS);
    return sqlite_exec(db, pragma, err) && sqlite_exec(db, "PRAGMA temp_store=MEMORY", err) &&
           sqlite_exec(db, "PRAGMA trusted_schema=OFF", err);
}

/*
 * SQLite's own hook forgets what a checkpoint said, a failed sync too. This one lets the commit
 * fail, although it stands: a process that must stop stops. A busy or full file waits for later.
 */
static int after_commit(void *context, sqlite3 *handle, const char *name, int pages)
{
    struct sqlite *db = context;
    if (pages < db->checkpoint_pages) {
        return SQLITE_OK;
    }
    int rc = sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    bool disk = (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CORRUPT;
    return disk && !lacks_room(rc) ? rc : SQLITE_OK;
}

void sqlite_checkpoint_at(struct sqlite *db, int pages)
{
    db->checkpoint_pages = pages;
    (void)sqlite3_wal_hook(db->handle, after_commit, db);
}

/*
 * Make the file before SQLite does, so that nobody else can read it. Only a file that is not there:
 * closing a descriptor of an open database would drop the locks of this process.
 */
static void create_private(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* Is there a log beside the file? Only then has anybody a file in WAL mode open. */
static bool has_log(const char *path)
{
    char log[PATH_MAX_BYTES + sizeof "-wal"];
    (void)snprintf(log, sizeof log, "%s-wal", path);
    return access(log, F_OK) == 0;
}

/* Bytes 18 and 19 of a database say how it is written and read: 2 is WAL. */
static bool is_wal(const char *path)
{
    char head[WAL_MARK + 1] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is =
        fd >= 0 && pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head && head[WAL_MARK] == 2;
    if (fd >= 0) {
        (void)close(fd);
    }
    return is;
}

/* The path as a URI; what is more than a letter or digit is written in hexadecimal. */
static bool write_uri(const char *path, char out[PATH_MAX_BYTES])
{
    static const char digits[] = "0123456789ABCDEF";
    static const char tail[] = "?immutable=1";
    size_t len = (size_t)snprintf(out, PATH_MAX_BYTES, "file:");
    for (const char *at = path; *at != '\0'; at++) {
        char byte = *at;
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= '0' && byte <= '9') || strchr("/._-~", byte) != NULL;
        if (len + sizeof "%00" + sizeof tail > PATH_MAX_BYTES) {
            return false;
        }
        if (plain) {
            out[len++] = byte;
            continue;
        }
        out[len++] = '%';
        out[len++] = digits[(unsigned char)byte >> 4];
        out[len++] = digits[(unsigned char)byte & 15];
    }
    memcpy(out + len, tail, sizeof tail);
    return true;
}

bool sqlite_is_immutable(const struct sqlite *db)
{
    return db->immutable;
}

bool sqlite_is_at_rest(const struct sqlite *db)
{
    return !has_log(db->path);
}

bool sqlite_open(struct sqlite **out, struct str path, const struct sqlite_options *options,
                 struct err *err)
{
    char uri[PATH_MAX_BYTES];
    struct sqlite *db = mem_alloc(sizeof *db);
    if (db == NULL) {
        return err_set(err, ERR_RETRY, "sqlite: out of memory");
    }
    if (path.len == 0 || path.len >= sizeof db->path || str_find_byte(path, '\0', 0) != STR_NONE) {
        mem_free(db);
        return err_set(err, ERR_CONFIG, "the path of a database is empty or longer than %d bytes",
                       PATH_MAX_BYTES - 1);
    }
    memcpy(db->path, path.ptr, path.len);
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= options->readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    flags |= options->create && !options->readonly ? SQLITE_OPEN_CREATE : 0;
    flags |= options->uri ? SQLITE_OPEN_URI : 0;
    bool in_memory = strcmp(db->path, ":memory:") == 0;
    if (options->create && !options->readonly && !options->uri && options->vfs == NULL &&
        !in_memory) {
        create_private(db->path);
    }
    db->immutable =
        options->still && !has_log(db->path) && is_wal(db->path) && write_uri(db->path, uri);
    flags |= db->immutable ? SQLITE_OPEN_URI : 0;
    const char *vfs = options->readonly ? options->vfs : sqlite_log_vfs(options->vfs);
    bool ok = sqlite3_open_v2(db->immutable ? uri : db->path, &db->handle, flags, vfs) == SQLITE_OK;
    if (db->handle == NULL) {
        mem_free(db);
        return err_set(err, ERR_RETRY, "sqlite: out of memory");
    }
    ok = ok && sqlite_functions_add(db->handle) ? configure(db, options, err) : fail(db, err);
    if (!ok) {
        sqlite_close(db);
        return false;
    }
    *out = db;
    return true;
}

void sqlite_forget_queries(struct sqlite *db)
{
    for (size_t i = 0; i < db->query_count; i++) {
        (void)sqlite3_finalize(db->queries[i].statement);
    }
    db->query_count = 0;
}

void sqlite_close(struct sqlite *db)
{
    if (db == NULL) {
        return;
    }
    for (size_t i = 0; i < db->query_count; i++) {
        (void)sqlite3_finalize(db->queries[i].statement);
    }
    if (atomic_load(&sync_failed)) {
        (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    int rc = sqlite3_close(db->handle);
    must(rc == SQLITE_OK);
    mem_free(db);
    heap_trim();
}

/* What was to be undone must be undone before anybody looks at the file again. */
static bool unstuck(struct sqlite *db, struct err *err)
{
    if (db->stuck) {
        sqlite_rollback(db);
    }
    return !db->stuck || err_set(err, ERR_RETRY, "%s: out of memory while undoing", db->path);
}

bool sqlite_exec(struct sqlite *db, const char *sql, struct err *err)
{
    return unstuck(db, err) &&
           (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK || fail(db, err));
}

static bool run(struct sqlite *db, const char *sql, struct err *err)
{
    struct query *query = sqlite_query(db, sql, err);
    return query != NULL && query_run(query, err);
}

/* A change that may rest on a value that was not read must not be kept. */
static bool untorn(struct sqlite *db, struct err *err)
{
    if (!db->torn) {
        return true;
    }
    db->failed_code = SQLITE_NOMEM;
    return err_set(err, ERR_RETRY, "%s: out of memory while reading", db->path);
}

bool sqlite_begin(struct sqlite *db, struct err *err)
{
    static const char sql[] = "BEGIN IMMEDIATE";
    db->torn = false;
    return run(db, sql, err);
}

bool sqlite_commit(struct sqlite *db, struct err *err)
{
    static const char sql[] = "COMMIT";
    return untorn(db, err) && run(db, sql, err);
}

void sqlite_rollback(struct sqlite *db)
{
    for (size_t i = 0; i < db->query_count; i++) { /* A pending read would keep it open. */
        (void)sqlite3_reset(db->queries[i].statement);
    }
    if (sqlite_in_transaction(db)) {
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    }
    db->stuck = sqlite_in_transaction(db);
}

bool sqlite_point_begin(struct sqlite *db, struct err *err)
{
    static const char sql[] = "SAVEPOINT point";
    db->torn = false;
    return run(db, sql, err);
}

bool sqlite_point_keep(struct sqlite *db, struct err *err)
{
    static const char sql[] = "RELEASE point";
    return untorn(db, err) && run(db, sql, err);
}

void sqlite_point_undo(struct sqlite *db)
{
    for (size_t i = 0; i < db->query_count; i++) {
        (void)sqlite3_reset(db->queries[i].statement);
    }
    int rc = sqlite3_exec(db->handle, "ROLLBACK TO point; RELEASE point", NULL, NULL, NULL);
    db->stuck = rc != SQLITE_OK; /* Then all of the transaction goes. */
}

bool sqlite_in_transaction(const struct sqlite *db)
{
    return sqlite3_get_autocommit(db->handle) == 0;
}

struct query *sqlite_query(struct sqlite *db, const char *sql, struct err *err)
{
    if (!unstuck(db, err)) {
        return NULL;
    }
    for (size_t i = 0; i < db->query_count; i++) {
        struct query *query = &db->queries[i];
        if (query->sql == sql) {
            must(!sqlite3_stmt_busy(query->statement));     /* The caller forgot query_end(). */
            (void)sqlite3_clear_bindings(query->statement); /* They may point to what is gone. */
            return query;
        }
    }
    must(db->query_count < SQLITE_QUERIES_MAX);
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
        SQLITE_OK) {
        (void)fail(db, err);
        return NULL;
    }
    must(statement != NULL);
    struct query *query = &db->queries[db->query_count++];
    *query = (struct query){db, sql, statement};
    return query;
}

void query_bind_int(struct query *query, int index, int64_t value)
{
    int rc = sqlite3_bind_int64(query->statement, index, value);
    must(rc == SQLITE_OK);
}

void query_bind_double(struct query *query, int index, double value)
{
    int rc = sqlite3_bind_double(query->statement, index, value);
    must(rc == SQLITE_OK);
}

/* A text too long for SQLite stays unbound (NULL) and fails as such; limits lie far below. */
void query_bind_text(struct query *query, int index, struct str value)
{
    int rc = value.ptr == NULL ? sqlite3_bind_null(query->statement, index)
                               : sqlite3_bind_text64(query->statement, index, value.ptr, value.len,
                                                     SQLITE_STATIC, SQLITE_UTF8);
    must(rc == SQLITE_OK || rc == SQLITE_TOOBIG);
}

void query_bind_blob(struct query *query, int index, struct str value)
{
    int rc = value.ptr == NULL ? sqlite3_bind_null(query->statement, index)
                               : sqlite3_bind_blob64(query->statement, index, value.ptr, value.len,
                                                     SQLITE_STATIC);
    must(rc == SQLITE_OK || rc == SQLITE_TOOBIG);
}

void query_bind_null(struct query *query, int index)
{
    int rc = sqlite3_bind_null(query->statement, index);
    must(rc == SQLITE_OK);
}

bool query_step(struct query *query, bool *row, struct err *err)
{
    int rc = sqlite3_step(query->statement);
    *row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW) {
        return true;
    }
    bool ok = rc == SQLITE_DONE || fail(query->owner, err);
    (void)sqlite3_reset(query->statement);
    return ok;
}

void query_end(struct query *query)
{
    (void)sqlite3_reset(query->statement);
}

bool query_run(struct query *query, struct err *err)
{
    bool row = true;
    bool ok = true;
    while (ok && row) {
        ok = query_step(query, &row, err);
    }
    return ok;
}

int query_columns(const struct query *query)
{
    return sqlite3_column_count(query->statement);
}

enum query_type query_type(const struct query *query, int column)
{
    switch (sqlite3_column_type(query->statement, column)) {
    case SQLITE_INTEGER:
        return QUERY_INT;
    case SQLITE_FLOAT:
        return QUERY_DOUBLE;
    case SQLITE_TEXT:
        return QUERY_TEXT;
    case SQLITE_BLOB:
        return QUERY_BLOB;
    default:
        return QUERY_NULL;
    }
}

int64_t query_int(const struct query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

double query_double(const struct query *query, int column)
{
    return sqlite3_column_double(query->statement, column);
}

struct str query_text(const struct query *query, int column)
{
    const unsigned char *bytes = sqlite3_column_text(query->statement, column);
    if (bytes == NULL) {
        query->owner->torn |= sqlite3_column_type(query->statement, column) != SQLITE_NULL;
        return (struct str){0};
    }
    size_t len = (size_t)sqlite3_column_bytes(query->statement, column);
    return (struct str){(const char *)bytes, len};
}

struct str query_blob(const struct query *query, int column)
{
    if (sqlite3_column_type(query->statement, column) == SQLITE_NULL) {
        return (struct str){0};
    }
    const void *bytes = sqlite3_column_blob(query->statement, column);
    size_t len = (size_t)sqlite3_column_bytes(query->statement, column);
    query->owner->torn |= bytes == NULL && len > 0;
    return bytes != NULL ? (struct str){bytes, len} : STR("");
}

const char *query_column_name(const struct query *query, int column)
{
    return sqlite3_column_name(query->statement, column);
}

int64_t sqlite_changes(const struct sqlite *db)
{
    return sqlite3_changes64(db->handle);
}

bool sqlite_data_version(struct sqlite *db, int64_t *version, struct err *err)
{
    static const char sql[] = "PRAGMA data_version";
    return sqlite_int(db, sql, 0, version, err);
}

bool sqlite_int(struct sqlite *db, const char *sql, int64_t fallback, int64_t *out, struct err *err)
{
    struct query *query = sqlite_query(db, sql, err);
    bool row = false;
    if (query == NULL || !query_step(query, &row, err)) {
        return false;
    }
    *out = row ? query_int(query, 0) : fallback;
    query_end(query);
    return true;
}

void sqlite_shrink(struct sqlite *db)
{
    (void)sqlite3_db_release_memory(db->handle);
    heap_trim();
}

void sqlite_leave_thread(void)
{
    heap_trim();
}

int sqlite_code(const struct sqlite *db)
{
    return db->failed_code;
}

bool sqlite_failed_busy(const struct sqlite *db)
{
    int code = db->failed_code & 0xff;
    return code == SQLITE_BUSY || code == SQLITE_LOCKED;
}

bool sqlite_failed_full(const struct sqlite *db)
{
    return (db->failed_code & 0xff) == SQLITE_FULL;
}

bool sqlite_failed_disk(const struct sqlite *db)
{
    int code = db->failed_code & 0xff;
    bool disk = code == SQLITE_IOERR && !lacks_room(db->failed_code);
    return disk || code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

const char *sqlite_version(void)
{
    return sqlite3_libversion();
}

bool sqlite_setup(struct err *err)
{
    bool ok = heap_install() && sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK &&
              sqlite3_config(SQLITE_CONFIG_MULTITHREAD) == SQLITE_OK &&
              sqlite3_initialize() == SQLITE_OK;
    return ok || err_set(err, ERR_STORE, "sqlite: cannot be set up in this process");
}

static int copy_all(sqlite3_backup *copy, const struct sqlite_watch *watch)
{
    int rc = SQLITE_OK;
    for (int tries = 0; rc == SQLITE_OK || tries < BACKUP_TRIES_MAX; tries++) {
        rc = sqlite3_backup_step(copy, BACKUP_PAGES);
        if (watch != NULL) {
            int total = sqlite3_backup_pagecount(copy);
            watch->copied(watch->context, total - sqlite3_backup_remaining(copy), total);
        }
        if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED) {
            (void)sqlite3_sleep(BACKUP_PAUSE_MS);
        } else if (rc != SQLITE_OK) {
            break;
        }
    }
    return rc;
}

bool sqlite_backup(struct sqlite *from, struct str to_path, const struct sqlite_watch *watch,
                   struct err *err)
{
    struct sqlite *to = NULL;
    if (!sqlite_open(&to, to_path, &(struct sqlite_options){.create = true}, err)) {
        return false;
    }
    must(to != NULL);
    sqlite3_backup *copy = sqlite3_backup_init(to->handle, "main", from->handle, "main");
    if (copy == NULL) {
        bool ok = fail(to, err);
        sqlite_close(to);
        return ok;
    }
    int rc = copy_all(copy, watch);
    bool ok = sqlite3_backup_finish(copy) == SQLITE_OK && rc == SQLITE_DONE;
    ok = ok || fail(to, err);
    sqlite_close(to);
    return ok;
}
