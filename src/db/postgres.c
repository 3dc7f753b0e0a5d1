#include "db/postgres.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "db/postgres_inside.h"
#include "db/resolve.h"
#include "text/host.h"

enum {
    SLICE_MS = 200,     /* How often a wait looks whether it was asked to stop. */
    CANCEL_MS = 2000,   /* For cancelling, past the deadline. */
    ROWS_AT_ONCE = 256, /* Of a large result. */
    SCRATCH_MAX = 512 * 1024 * 1024,
};

struct postgres {
    struct postgres_target target;
    struct arena arena; /* Of the target. */
    struct clock *clock;
    bool (*stopping)(void *context);
    void *stopping_context;
    bool allow_insecure;
    bool prepare;

    PGconn *conn; /* NULL: not connected. */
    const char *prepared[POSTGRES_PREPARED_MAX];
    size_t prepared_count;
    struct arena scratch; /* The values of the statement at hand. */

    PGresult *rows; /* Those at hand, of a query. */
    int row;
    bool querying;
    bool copying;
    int64_t deadline_ms; /* Of the query or the copy. */

    char state[POSTGRES_STATE_SIZE];
    char constraint[POSTGRES_NAME_MAX];
    char column[POSTGRES_NAME_MAX];
};

/* ---- Waiting ---- */

static bool too_late(const struct postgres *db, struct err *err)
{
    return err_set(err, ERR_RETRY, "postgres %s: no answer in time", db->target.where);
}

/* Until the socket is ready for `events`, the deadline, or a request to stop. */
static bool await(const struct postgres *db, int fd, short events, int64_t deadline_ms,
                  struct err *err)
{
    for (;;) {
        if (db->stopping != NULL && db->stopping(db->stopping_context)) {
            return err_set(err, ERR_STOP, "postgres %s: asked to stop", db->target.where);
        }
        int64_t left_ms = deadline_ms - clock_mono_ms(db->clock);
        if (left_ms <= 0) {
            return too_late(db, err);
        }
        struct pollfd one = {.fd = fd, .events = events};
        int ready = poll(&one, 1, (int)(left_ms < SLICE_MS ? left_ms : SLICE_MS));
        if (ready > 0) {
            return true;
        }
        if (ready < 0 && errno != EINTR) {
            return err_set(err, ERR_RETRY, "postgres %s: poll: %s", db->target.where,
                           strerror(errno));
        }
    }
}

/* ---- Life ---- */

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context; /* "relation exists, skipping" and the like: for people at a prompt. */
    (void)result;
}

bool postgres_open(struct postgres **out, const struct postgres_options *options, struct err *err)
{
    struct postgres *db = mem_alloc(sizeof *db);
    if (db == NULL) {
        return err_set(err, ERR_RETRY, "postgres: out of memory");
    }
    arena_init(&db->arena, POSTGRES_MEMORY_MAX);
    arena_init(&db->scratch, SCRATCH_MAX);
    db->clock = options->clock != NULL ? options->clock : clock_system();
    db->stopping = options->stopping;
    db->stopping_context = options->stopping_context;
    db->allow_insecure = options->allow_insecure;
    if (!postgres_target_make(&db->target, options, &db->arena, err)) {
        postgres_close(db);
        return false;
    }
    db->prepare = options->prepare && !db->target.pooled;
    *out = db;
    return true;
}

void postgres_disconnect(struct postgres *db)
{
    PQclear(db->rows);
    PQfinish(db->conn);
    db->rows = NULL;
    db->conn = NULL;
    db->querying = false;
    db->copying = false;
    db->prepared_count = 0;
    arena_free(&db->scratch);
}

void postgres_close(struct postgres *db)
{
    if (db != NULL) {
        postgres_disconnect(db);
        arena_free(&db->arena);
        mem_free(db);
    }
}

static bool drive_connection(struct postgres *db, int64_t deadline_ms, struct err *err)
{
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;
    while (step == PGRES_POLLING_READING || step == PGRES_POLLING_WRITING) {
        short events = step == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (!await(db, PQsocket(db->conn), events, deadline_ms, err)) {
            return false;
        }
        step = PQconnectPoll(db->conn);
    }
    return step == PGRES_POLLING_OK || postgres_why_connection(db->target.where, db->conn, err);
}

/* Nobody asked for a password: whoever reaches the server may do as this user may. */
static bool judge_password(struct postgres *db, struct err *err)
{
    if (PQconnectionUsedPassword(db->conn) != 0) {
        return true;
    }
    if (db->target.public_way && !db->allow_insecure) {
        return err_set(err, ERR_CONFIG,
                       "postgres %s: the server asks for no password and stands in a public "
                       "network: anybody can write there; set a password (scram-sha-256 in "
                       "pg_hba.conf), or allow it by name (allow_insecure)",
                       db->target.where);
    }
    if (db->target.note[0] == '\0') {
        (void)snprintf(db->target.note, sizeof db->target.note,
                       "%s: the server asks for no password", db->target.where);
    }
    return true;
}

/* libpq would look a name up by itself, for as long as it takes. */
static bool wants_lookup(const struct postgres_target *target)
{
    struct str host = str_of(postgres_target_get(target, "host"));
    return host.len > 0 && host.len <= RESOLVE_HOST_MAX && host.ptr[0] != '/' &&
           host.ptr[0] != '@' && str_find_byte(host, ',', 0) == STR_NONE &&
           postgres_target_get(target, "hostaddr")[0] == '\0' && !host_is_address(host);
}

/* Begin to connect: to a name's addresses one after the other, each under that name. */
static bool start_connection(struct postgres *db, int64_t deadline_ms, struct err *err)
{
    char hosts[RESOLVE_ADDRESSES_MAX * (RESOLVE_HOST_MAX + 1) + 1] = "";
    char addresses[RESOLVE_ADDRESSES_MAX * (RESOLVE_ADDRESS_MAX + 1) + 1] = "";
    const char *keywords[POSTGRES_PARAMETERS_MAX + 3] = {0};
    const char *values[POSTGRES_PARAMETERS_MAX + 3] = {0};
    struct resolved found = {.count = 0};
    size_t count = db->target.count;
    size_t hosts_len = 0;
    size_t addresses_len = 0;
    memcpy(keywords, db->target.keywords, count * sizeof *keywords);
    memcpy(values, db->target.values, count * sizeof *values);
    if (wants_lookup(&db->target)) {
        const char *host = postgres_target_get(&db->target, "host");
        if (!resolve_host(host, db->clock, deadline_ms, db->stopping, db->stopping_context, &found,
                          err)) {
            return err_prefix(err, "postgres %s: ", db->target.where);
        }
        for (int i = 0; i < found.count; i++) {
            const char *comma = i > 0 ? "," : "";
            hosts_len +=
                (size_t)snprintf(hosts + hosts_len, sizeof hosts - hosts_len, "%s%s", comma, host);
            addresses_len +=
                (size_t)snprintf(addresses + addresses_len, sizeof addresses - addresses_len,
                                 "%s%s", comma, found.addresses[i]);
        }
        keywords[count] = "host"; /* The last one of a keyword counts. */
        values[count++] = hosts;
        keywords[count] = "hostaddr";
        values[count++] = addresses;
    }
    db->conn = PQconnectStartParams(keywords, values, 0);
    return db->conn != NULL || err_set(err, ERR_RETRY, "postgres: out of memory");
}

bool postgres_connect(struct postgres *db, int64_t deadline_ms, struct err *err)
{
    if (db->conn != NULL && PQstatus(db->conn) == CONNECTION_OK) {
        return true;
    }
    postgres_disconnect(db);
    if (!start_connection(db, deadline_ms, err)) {
        return false;
    }
    (void)PQsetNoticeReceiver(db->conn, ignore_notice, NULL);
    bool ok = PQstatus(db->conn) == CONNECTION_BAD
                  ? postgres_why_connection(db->target.where, db->conn, err)
                  : drive_connection(db, deadline_ms, err);
    ok = ok && judge_password(db, err);
    if (ok && PQsetnonblocking(db->conn, 1) != 0) {
        ok = postgres_why_connection(db->target.where, db->conn, err);
    }
    if (!ok) {
        postgres_disconnect(db);
    }
    return ok;
}

bool postgres_connected(const struct postgres *db)
{
    return db->conn != NULL && PQstatus(db->conn) == CONNECTION_OK;
}

struct str postgres_where(const struct postgres *db)
{
    return str_of(db->target.where);
}

struct str postgres_note(const struct postgres *db)
{
    return str_of(db->target.note);
}

int postgres_version(const struct postgres *db)
{
    return db->conn != NULL ? PQserverVersion(db->conn) : 0;
}

struct str postgres_tls(struct postgres *db, struct arena *arena)
{
    if (db->conn == NULL || PQsslInUse(db->conn) == 0) {
        return (struct str){0};
    }
    return arena_printf(arena, "%s %s", PQsslAttribute(db->conn, "protocol"),
                        PQsslAttribute(db->conn, "cipher"));
}

/* ---- Sending and cancelling ---- */

/* Tell the server to give up what it does for us. Best effort within a short time. */
static void cancel_there(struct postgres *db)
{
    struct err ignored = {0};
    bool (*stopping)(void *) = db->stopping;
    int64_t deadline_ms = clock_mono_ms(db->clock) + CANCEL_MS;
    PGcancelConn *cancel = PQcancelCreate(db->conn);
    db->stopping = NULL; /* It was asked already: that is why we are here. */
    bool ok = cancel != NULL && PQcancelStart(cancel) != 0;
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;
    while (ok && (step == PGRES_POLLING_READING || step == PGRES_POLLING_WRITING)) {
        short events = step == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        ok = await(db, PQcancelSocket(cancel), events, deadline_ms, &ignored);
        step = ok ? PQcancelPoll(cancel) : PGRES_POLLING_FAILED;
    }
    PQcancelFinish(cancel);
    db->stopping = stopping;
}

static bool flush(struct postgres *db, int64_t deadline_ms, struct err *err)
{
    for (;;) {
        int left = PQflush(db->conn);
        if (left == 0) {
            return true;
        }
        if (left < 0) {
            return postgres_why_result(db->target.where, db->conn, NULL, err);
        }
        /* Reading, too: a server whose own answers are stuck would not read ours. */
        if (!await(db, PQsocket(db->conn), POLLIN | POLLOUT, deadline_ms, err)) {
            return false;
        }
        if (PQconsumeInput(db->conn) == 0) {
            return postgres_why_result(db->target.where, db->conn, NULL, err);
        }
    }
}

/* The next result of the statement at hand; NULL in `*result` after the last. */
static bool take_result(struct postgres *db, int64_t deadline_ms, PGresult **result,
                        struct err *err)
{
    while (PQisBusy(db->conn) != 0) {
        if (!await(db, PQsocket(db->conn), POLLIN, deadline_ms, err)) {
            return false;
        }
        if (PQconsumeInput(db->conn) == 0) {
            return postgres_why_result(db->target.where, db->conn, NULL, err);
        }
    }
    *result = PQgetResult(db->conn);
    return true;
}

/* Read what is left of a statement and forget it. False: the connection is of no more use. */
static bool drain(struct postgres *db, int64_t deadline_ms)
{
    struct err ignored = {0};
    for (;;) {
        PGresult *result = NULL;
        if (!take_result(db, deadline_ms, &result, &ignored)) {
            return false;
        }
        if (result == NULL) {
            return true;
        }
        ExecStatusType status = PQresultStatus(result);
        PQclear(result);
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
            return false;
        }
    }
}

static void forget_rows(struct postgres *db)
{
    PQclear(db->rows);
    db->rows = NULL;
    db->querying = false;
    db->copying = false;
}

/* In the middle of a statement: it is over, there and here, or the connection is closed. */
static bool give_up(struct postgres *db)
{
    forget_rows(db);
    if (db->conn == NULL) {
        return false;
    }
    if (PQstatus(db->conn) == CONNECTION_OK && PQtransactionStatus(db->conn) == PQTRANS_ACTIVE) {
        bool (*stopping)(void *) = db->stopping;
        cancel_there(db);
        db->stopping = NULL;
        bool drained = drain(db, clock_mono_ms(db->clock) + CANCEL_MS);
        db->stopping = stopping;
        if (!drained) {
            postgres_disconnect(db);
        }
    } else if (PQstatus(db->conn) != CONNECTION_OK) {
        postgres_disconnect(db);
    }
    return false;
}

static void remember_failure(struct postgres *db, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    const char *column = PQresultErrorField(result, PG_DIAG_COLUMN_NAME);
    (void)snprintf(db->state, sizeof db->state, "%s", state != NULL ? state : "");
    (void)snprintf(db->constraint, sizeof db->constraint, "%s",
                   constraint != NULL ? constraint : "");
    (void)snprintf(db->column, sizeof db->column, "%s", column != NULL ? column : "");
}

/* The server refused a statement. */
static bool failed(struct postgres *db, const PGresult *result, struct err *err)
{
    remember_failure(db, result);
    (void)postgres_why_result(db->target.where, db->conn, result, err);
    forget_rows(db);
    /* The server has ended it already: nothing to cancel, only the end of the answer to read. */
    if (PQstatus(db->conn) != CONNECTION_OK || !drain(db, clock_mono_ms(db->clock) + CANCEL_MS)) {
        postgres_disconnect(db);
    }
    return false;
}

/* Ready for a statement: connected (never again within a transaction), and nothing else going on.
 */
static bool ready(struct postgres *db, int64_t deadline_ms, struct err *err)
{
    must(!db->querying && !db->copying); /* The caller forgot postgres_end() or …copy_end(). */
    db->state[0] = db->constraint[0] = db->column[0] = '\0';
    arena_reset(&db->scratch);
    return postgres_connect(db, deadline_ms, err);
}

/* libpq wants each text as a C string. */
static bool bind_texts(struct postgres *db, const struct str *values, size_t count,
                       const char *const **out, struct err *err)
{
    const char **texts = arena_array(&db->scratch, count + 1, sizeof *texts);
    must(count <= POSTGRES_VALUES_MAX);
    for (size_t i = 0; texts != NULL && i < count; i++) {
        if (values[i].ptr == NULL) {
            continue;
        }
        if (values[i].len > POSTGRES_VALUE_BYTES_MAX ||
            memchr(values[i].ptr, '\0', values[i].len) != NULL) {
            return err_set(err, ERR_REJECT, "postgres %s: value %zu %s", db->target.where, i + 1,
                           values[i].len > POSTGRES_VALUE_BYTES_MAX
                               ? "is too long"
                               : "holds a NUL byte, which PostgreSQL's text cannot");
        }
        texts[i] = arena_copy(&db->scratch, values[i]).ptr;
        if (texts[i] == NULL) {
            return err_set(err, ERR_RETRY, "postgres: out of memory for a statement's values");
        }
    }
    *out = texts;
    return texts != NULL || err_set(err, ERR_RETRY, "postgres: out of memory");
}

static void name_of(size_t place, char out[24])
{
    (void)snprintf(out, 24, "sluice_%zu", place);
}

/* The place of a prepared statement; made when it is new. */
static bool prepared_place(struct postgres *db, const char *sql, int64_t deadline_ms, size_t *place,
                           struct err *err)
{
    char name[24];
    for (*place = 0; *place < db->prepared_count; ++*place) {
        if (db->prepared[*place] == sql) {
            return true;
        }
    }
    name_of(*place, name);
    PGresult *result = NULL;
    bool ok = PQsendPrepare(db->conn, name, sql, 0, NULL) != 0
                  ? flush(db, deadline_ms, err) && take_result(db, deadline_ms, &result, err)
                  : postgres_why_result(db->target.where, db->conn, NULL, err);
    if (!ok) {
        return give_up(db);
    }
    ok = PQresultStatus(result) == PGRES_COMMAND_OK || failed(db, result, err);
    PQclear(result);
    if (ok && drain(db, deadline_ms)) {
        db->prepared[db->prepared_count++] = sql;
        return true;
    }
    return ok ? too_late(db, err) && give_up(db) : false;
}

/* What libpq is given of a statement's values. */
struct bound {
    const char *const *values;
    const int *lengths; /* NULL for texts. */
    const int *formats;
    int count;
};

/* Binary values are borrowed as they are. */
static bool bind_binary(struct postgres *db, const struct str *values, size_t count,
                        struct bound *out, struct err *err)
{
    const char **borrowed = arena_array(&db->scratch, count + 1, sizeof *borrowed);
    int *lengths = arena_array(&db->scratch, count + 1, sizeof *lengths);
    int *formats = arena_array(&db->scratch, count + 1, sizeof *formats);
    must(count <= POSTGRES_VALUES_MAX);
    if (borrowed == NULL || lengths == NULL || formats == NULL) {
        return err_set(err, ERR_RETRY, "postgres: out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        if (values[i].len > POSTGRES_VALUE_BYTES_MAX) {
            return err_set(err, ERR_REJECT, "postgres %s: value %zu is too long", db->target.where,
                           i + 1);
        }
        borrowed[i] = values[i].ptr;
        lengths[i] = (int)values[i].len;
        formats[i] = 1;
    }
    *out = (struct bound){borrowed, lengths, formats, (int)count};
    return true;
}

static bool bind_values(struct postgres *db, const struct str *values, size_t count, bool binary,
                        struct bound *out, struct err *err)
{
    if (binary) {
        return bind_binary(db, values, count, out, err);
    }
    *out = (struct bound){.count = (int)count};
    return bind_texts(db, values, count, &out->values, err);
}

static bool send_statement(struct postgres *db, const char *sql, const struct str *values,
                           size_t count, bool binary, int64_t deadline_ms, struct err *err)
{
    struct bound to = {0};
    size_t place = 0;
    bool prepare = db->prepare && db->prepared_count < POSTGRES_PREPARED_MAX;
    if (!bind_values(db, values, count, binary, &to, err) ||
        (prepare && !prepared_place(db, sql, deadline_ms, &place, err))) {
        return false;
    }
    char name[24];
    name_of(place, name);
    int sent = prepare ? PQsendQueryPrepared(db->conn, name, to.count, to.values, to.lengths,
                                             to.formats, 0)
                       : PQsendQueryParams(db->conn, sql, to.count, NULL, to.values, to.lengths,
                                           to.formats, 0);
    bool ok = (sent != 0 || postgres_why_result(db->target.where, db->conn, NULL, err)) &&
              flush(db, deadline_ms, err);
    return ok || give_up(db);
}

/* ---- Statements ---- */

/* All results of what was sent; the first failure counts. `*rows` adds up. */
static bool finish(struct postgres *db, int64_t deadline_ms, int64_t *rows, struct err *err)
{
    for (;;) {
        PGresult *result = NULL;
        if (!take_result(db, deadline_ms, &result, err)) {
            return give_up(db);
        }
        if (result == NULL) {
            return true;
        }
        ExecStatusType status = PQresultStatus(result);
        bool ok =
            status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
        int64_t changed = 0;
        if (ok && rows != NULL && str_to_int64(str_of(PQcmdTuples(result)), &changed)) {
            *rows += changed;
        }
        if (!ok && PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL &&
            status != PGRES_FATAL_ERROR) {
            (void)err_set(err, ERR_CONFIG, "postgres %s: COPY has functions of its own",
                          db->target.where);
            PQclear(result);
            postgres_disconnect(db);
            return false;
        }
        ok = ok || failed(db, result, err);
        PQclear(result);
        if (!ok) {
            return false;
        }
    }
}

static bool execute(struct postgres *db, const char *sql, const struct str *values, size_t count,
                    bool binary, int64_t deadline_ms, int64_t *rows, struct err *err)
{
    if (rows != NULL) {
        *rows = 0;
    }
    return ready(db, deadline_ms, err) &&
           send_statement(db, sql, values, count, binary, deadline_ms, err) &&
           finish(db, deadline_ms, rows, err);
}

bool postgres_exec(struct postgres *db, const char *sql, const struct str *values, size_t count,
                   int64_t deadline_ms, int64_t *rows, struct err *err)
{
    return execute(db, sql, values, count, false, deadline_ms, rows, err);
}

bool postgres_exec_binary(struct postgres *db, const char *sql, const struct str *values,
                          size_t count, int64_t deadline_ms, int64_t *rows, struct err *err)
{
    return execute(db, sql, values, count, true, deadline_ms, rows, err);
}

bool postgres_script(struct postgres *db, const char *sql, int64_t deadline_ms, struct err *err)
{
    if (!ready(db, deadline_ms, err)) {
        return false;
    }
    bool sent = (PQsendQuery(db->conn, sql) != 0 ||
                 postgres_why_result(db->target.where, db->conn, NULL, err)) &&
                flush(db, deadline_ms, err);
    return sent ? finish(db, deadline_ms, NULL, err) : give_up(db);
}

bool postgres_begin(struct postgres *db, int64_t deadline_ms, struct err *err)
{
    return postgres_script(db, "BEGIN", deadline_ms, err);
}

bool postgres_commit(struct postgres *db, int64_t deadline_ms, struct err *err)
{
    if (!postgres_in_transaction(db)) {
        return err_set(err, ERR_RETRY, "postgres %s: the transaction was lost with its connection",
                       db->target.where);
    }
    /* COMMIT of a transaction that failed is answered with ROLLBACK, and that is no error there. */
    bool whole = PQtransactionStatus(db->conn) == PQTRANS_INTRANS;
    return postgres_script(db, "COMMIT", deadline_ms, err) &&
           (whole || err_set(err, ERR_RETRY, "postgres %s: the transaction had failed before",
                             db->target.where));
}

void postgres_rollback(struct postgres *db, int64_t deadline_ms)
{
    struct err ignored = {0};
    if (db->querying) {
        postgres_end(db);
    }
    if (db->copying) {
        (void)postgres_copy_end(db, false, NULL, &ignored);
    }
    if (postgres_in_transaction(db) && !postgres_script(db, "ROLLBACK", deadline_ms, &ignored)) {
        postgres_disconnect(db);
    }
}

bool postgres_in_transaction(const struct postgres *db)
{
    if (db->conn == NULL || PQstatus(db->conn) != CONNECTION_OK) {
        return false;
    }
    PGTransactionStatusType status = PQtransactionStatus(db->conn);
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

/* ---- Rows ---- */

bool postgres_query(struct postgres *db, const char *sql, const struct str *values, size_t count,
                    int64_t deadline_ms, struct err *err)
{
    if (!ready(db, deadline_ms, err) ||
        !send_statement(db, sql, values, count, false, deadline_ms, err)) {
        return false;
    }
    if (PQsetChunkedRowsMode(db->conn, ROWS_AT_ONCE) == 0) {
        (void)err_set(err, ERR_RETRY, "postgres %s: rows cannot be read", db->target.where);
        return give_up(db);
    }
    db->deadline_ms = deadline_ms;
    db->querying = true;
    db->row = -1;
    return true;
}

bool postgres_next(struct postgres *db, bool *row, struct err *err)
{
    *row = false;
    if (!db->querying) {
        return true;
    }
    for (;;) {
        if (db->rows != NULL && ++db->row < PQntuples(db->rows)) {
            *row = true;
            return true;
        }
        PQclear(db->rows);
        db->rows = NULL;
        if (!take_result(db, db->deadline_ms, &db->rows, err)) {
            return give_up(db);
        }
        db->row = -1;
        if (db->rows == NULL) {
            db->querying = false;
            return true;
        }
        ExecStatusType status = PQresultStatus(db->rows);
        if (status != PGRES_TUPLES_CHUNK && status != PGRES_TUPLES_OK &&
            status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY) {
            return failed(db, db->rows, err);
        }
    }
}

void postgres_end(struct postgres *db)
{
    if (db->querying) {
        (void)give_up(db);
    }
}

int postgres_columns(const struct postgres *db)
{
    return db->rows != NULL ? PQnfields(db->rows) : 0;
}

struct str postgres_column_name(const struct postgres *db, int column)
{
    return str_of(db->rows != NULL ? PQfname(db->rows, column) : NULL);
}

uint32_t postgres_column_type(const struct postgres *db, int column)
{
    return db->rows != NULL ? PQftype(db->rows, column) : 0;
}

struct str postgres_text(const struct postgres *db, int column)
{
    must(db->rows != NULL && db->row >= 0 && column >= 0 && column < PQnfields(db->rows));
    if (PQgetisnull(db->rows, db->row, column) != 0) {
        return (struct str){0};
    }
    return (struct str){PQgetvalue(db->rows, db->row, column),
                        (size_t)PQgetlength(db->rows, db->row, column)};
}

bool postgres_one(struct postgres *db, const char *sql, const struct str *values, size_t count,
                  int64_t deadline_ms, struct arena *arena, struct str *out, struct err *err)
{
    bool row = false;
    *out = (struct str){0};
    if (!postgres_query(db, sql, values, count, deadline_ms, err) ||
        !postgres_next(db, &row, err)) {
        return false;
    }
    bool ok = true;
    if (row && postgres_columns(db) > 0 && postgres_text(db, 0).ptr != NULL) {
        *out = arena_copy(arena, postgres_text(db, 0));
        ok = out->ptr != NULL || err_set(err, ERR_RETRY, "postgres: out of memory");
    }
    /* Mostly that was all: reading on costs less than a cancel. */
    ok = ok && (!row || postgres_next(db, &row, err));
    postgres_end(db);
    return ok;
}

/* ---- COPY ---- */

bool postgres_copy_begin(struct postgres *db, const char *sql, int64_t deadline_ms, struct err *err)
{
    PGresult *result = NULL;
    if (!ready(db, deadline_ms, err)) {
        return false;
    }
    bool ok = (PQsendQuery(db->conn, sql) != 0 ||
               postgres_why_result(db->target.where, db->conn, NULL, err)) &&
              flush(db, deadline_ms, err) && take_result(db, deadline_ms, &result, err);
    if (!ok) {
        return give_up(db);
    }
    if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
        (void)failed(db, result, err);
        PQclear(result);
        return false;
    }
    if (PQresultStatus(result) != PGRES_COPY_IN) {
        PQclear(result);
        postgres_disconnect(db);
        return err_set(err, ERR_CONFIG, "postgres %s: this is no COPY … FROM STDIN",
                       db->target.where);
    }
    PQclear(result);
    db->copying = true;
    db->deadline_ms = deadline_ms;
    return true;
}

bool postgres_copy_put(struct postgres *db, struct str bytes, struct err *err)
{
    enum { PART_MAX = 1024 * 1024 };
    must(db->copying);
    for (size_t at = 0; at < bytes.len;) {
        size_t part = bytes.len - at < PART_MAX ? bytes.len - at : PART_MAX;
        int put = PQputCopyData(db->conn, bytes.ptr + at, (int)part);
        if (put < 0) {
            (void)postgres_why_result(db->target.where, db->conn, NULL, err);
            return give_up(db);
        }
        at += put > 0 ? part : 0;
        if (!flush(db, db->deadline_ms, err)) {
            return give_up(db);
        }
    }
    return true;
}

bool postgres_copy_end(struct postgres *db, bool keep, int64_t *rows, struct err *err)
{
    must(db->copying);
    if (rows != NULL) {
        *rows = 0;
    }
    int ended = 0;
    while (ended == 0) {
        ended = PQputCopyEnd(db->conn, keep ? NULL : "given up");
        if (ended == 0 && !flush(db, db->deadline_ms, err)) {
            return give_up(db);
        }
    }
    db->copying = false;
    if (ended < 0 || !flush(db, db->deadline_ms, err)) {
        if (ended < 0) {
            (void)postgres_why_result(db->target.where, db->conn, NULL, err);
        }
        return give_up(db);
    }
    struct err forgotten = {0};
    bool ok = finish(db, db->deadline_ms, rows, keep ? err : &forgotten);
    return ok || !keep;
}

void postgres_copy_field(struct buf *buf, struct str value)
{
    if (value.ptr == NULL) {
        buf_add(buf, STR("\\N"));
        return;
    }
    if (!buf_reserve(buf, 2 * value.len)) {
        return;
    }
    char *to = buf->ptr + buf->len;
    for (size_t i = 0; i < value.len; i++) {
        char byte = value.ptr[i];
        if (byte == '\\' || byte == '\t' || byte == '\n' || byte == '\r') {
            *to++ = '\\';
            byte = byte == '\t' ? 't' : byte == '\n' ? 'n' : byte == '\r' ? 'r' : byte;
        }
        *to++ = byte;
    }
    buf->len = (size_t)(to - buf->ptr);
}

/* ---- Helpers ---- */

void postgres_array_item(struct buf *buf, bool first, struct str item)
{
    buf_add(buf, first ? STR("") : STR(","));
    if (item.ptr == NULL) {
        buf_add(buf, STR("NULL"));
        return;
    }
    if (!buf_reserve(buf, 2 * item.len + 2)) {
        return;
    }
    char *to = buf->ptr + buf->len; /* Byte by byte through buf_add_byte() this is what costs. */
    *to++ = '"';
    for (size_t i = 0; i < item.len; i++) {
        if (item.ptr[i] == '"' || item.ptr[i] == '\\') {
            *to++ = '\\';
        }
        *to++ = item.ptr[i];
    }
    *to++ = '"';
    buf->len = (size_t)(to - buf->ptr);
}

/* Numbers travel with their highest byte first. */
static void add_number(struct buf *buf, uint64_t number, size_t bytes)
{
    char text[sizeof number];
    must(bytes <= sizeof text);
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (char)(unsigned char)(number >> 8 * (sizeof text - 1 - i));
    }
    buf_add(buf, (struct str){text + sizeof text - bytes, bytes});
}

void postgres_binary_int(struct buf *buf, int64_t number, size_t bytes)
{
    add_number(buf, (uint64_t)number, bytes);
}

void postgres_binary_array(struct buf *buf, uint32_t type, size_t count)
{
    const uint64_t header[] = {1, 1, type, count,
                               1}; /* Dimensions, "may hold NULL", … first index. */
    for (size_t i = 0; i < sizeof header / sizeof header[0]; i++) {
        add_number(buf, header[i], 4);
    }
}

void postgres_binary_item(struct buf *buf, struct str item)
{
    add_number(buf, item.ptr != NULL ? item.len : UINT32_MAX, 4);
    buf_add(buf, item);
}

const char *postgres_state(const struct postgres *db)
{
    return db->state;
}

struct str postgres_failed_constraint(const struct postgres *db)
{
    return db->constraint[0] != '\0' ? str_of(db->constraint) : (struct str){0};
}

struct str postgres_failed_column(const struct postgres *db)
{
    return db->column[0] != '\0' ? str_of(db->column) : (struct str){0};
}

const char *postgres_library(void)
{
    int version = PQlibVersion();
    static char text[32];
    (void)snprintf(text, sizeof text, "libpq %d.%d", version / 10000, version % 10000);
    return text;
}
