#include "db/mongo.h"

#include <mongoc_sluice.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/thread.h"
#include "crypto/tls_trust.h"
#include "text/host.h"

enum {
    WHERE_MAX = 320,
    HOST_ROOM = 32, /* For what is put to it. */
    WORDS_MAX = 400,
    CODE_NO_LOGIN = 18, /* AuthenticationFailed */
    SOCKET_CHECK_MS = 5000,
    GOODBYE_MS = 1000, /* To tell the server that a cursor or a client is not needed any more. */
};

struct mongo {
    mongoc_uri_t *uri;
    mongoc_client_t *client;
    mongoc_cursor_t *cursor;
    mongoc_write_concern_t *concern; /* Of writes. */
    struct clock *clock;
    bool (*stopping)(void *context);
    void *stopping_context;
    int64_t connect_ms;
    int64_t deadline_ms; /* Of the cursor. */
    bool alone;          /* The URI names one server. */
    int code;
    char database[MONGO_NAME_MAX + 1];
    char where[WHERE_MAX];
    char note[MONGO_NOTE_MAX];
};

/* ---- Errors ---- */

enum err_kind mongo_kind_of(int code)
{
    static const struct {
        int code;
        enum err_kind kind;
    } grades[] = {
        {2, ERR_REJECT},     /* BadValue */
        {9, ERR_REJECT},     /* FailedToParse */
        {13, ERR_CONFIG},    /* Unauthorized */
        {14, ERR_REJECT},    /* TypeMismatch */
        {15, ERR_REJECT},    /* Overflow */
        {18, ERR_LOGIN},     /* AuthenticationFailed */
        {26, ERR_CONFIG},    /* NamespaceNotFound */
        {28, ERR_REJECT},    /* PathNotViable */
        {40, ERR_REJECT},    /* ConflictingUpdateOperators */
        {52, ERR_REJECT},    /* DollarPrefixedFieldName */
        {54, ERR_REJECT},    /* NotSingleValueField */
        {55, ERR_REJECT},    /* InvalidDBRef */
        {56, ERR_REJECT},    /* EmptyFieldName */
        {57, ERR_REJECT},    /* DottedFieldName */
        {59, ERR_CONFIG},    /* CommandNotFound */
        {66, ERR_REJECT},    /* ImmutableField */
        {67, ERR_CONFIG},    /* CannotCreateIndex */
        {72, ERR_CONFIG},    /* InvalidOptions */
        {73, ERR_CONFIG},    /* InvalidNamespace */
        {85, ERR_CONFIG},    /* IndexOptionsConflict */
        {86, ERR_CONFIG},    /* IndexKeySpecsConflict */
        {115, ERR_CONFIG},   /* CommandNotSupported */
        {121, ERR_REJECT},   /* DocumentValidationFailure */
        {241, ERR_REJECT},   /* ConversionFailure */
        {8000, ERR_LOGIN},   /* Atlas: bad login */
        {10334, ERR_REJECT}, /* BSONObjectTooLarge */
        {11000, ERR_REJECT}, /* DuplicateKey */
        {11001, ERR_REJECT}, /* DuplicateKey, old */
        {16554, ERR_REJECT}, /* $add of what is no number */
        {16702, ERR_REJECT}, /* $concat of what is no text */
        {16755, ERR_REJECT}, /* Not a place for a 2dsphere index */
        {16883, ERR_REJECT}, /* $map of what is no list */
        {17280, ERR_REJECT}, /* KeyTooLong */
        {17419, ERR_REJECT}, /* The result would be too large */
        {17420, ERR_REJECT}, /* The same, of an update */
        {28664, ERR_REJECT}, /* $concatArrays of what is no list */
        {40415, ERR_CONFIG}, /* Unknown field of a command */
    };
    for (size_t i = 0; i < sizeof grades / sizeof grades[0]; i++) {
        if (grades[i].code == code) {
            return grades[i].kind;
        }
    }
    return ERR_RETRY;
}

/* On one line; what stands behind "dup key:" is the data of somebody's document. */
static void put_words(char out[WORDS_MAX], const char *message)
{
    const char *end = strstr(message, " dup key:");
    size_t len = end != NULL ? (size_t)(end - message) : strlen(message);
    size_t used = 0;
    for (size_t i = 0; i < len && used + 1 < WORDS_MAX; i++) {
        out[used++] = (unsigned char)message[i] < ' ' ? ' ' : message[i];
    }
    out[used] = '\0';
}

/* "No suitable servers found: … expired: [TLS: WHY calling hello on 'HOST']": the reason alone. */
static void put_tls_words(char out[WORDS_MAX], const char *message)
{
    const char *from = strstr(message, "[TLS: ");
    put_words(out, from != NULL ? from + 1 : message);
    char *end = from != NULL ? strstr(out, " calling hello on ") : NULL;
    if (end != NULL) {
        *end = '\0';
    }
}

static const char *advice_of(int code)
{
    switch (code) {
    case 13:
        return "; grant it to the user of the URI";
    case CODE_NO_LOGIN:
    case 8000:
        return "; are user, password and authSource right?";
    case 121:
        return "; the collection's own rules refuse it";
    case 11000:
        return "; another document holds that value already";
    case 10334:
        return "; 16 MiB are the most";
    default:
        return "";
    }
}

static bool fail_code(struct mongo *db, int code, const char *message, struct err *err)
{
    char words[WORDS_MAX];
    put_words(words, message);
    db->code = code;
    return err_set(err, mongo_kind_of(code), "mongodb %s: %s [%d]%s", db->where, words, code,
                   advice_of(code));
}

static bool fail(struct mongo *db, const bson_error_t *error, struct err *err)
{
    char words[WORDS_MAX];
    put_words(words, error->message);
    db->code = 0;
    if (error->domain == MONGOC_ERROR_SERVER || error->domain == MONGOC_ERROR_WRITE_CONCERN) {
        return fail_code(db, (int)error->code, error->message, err);
    }
    enum err_kind tls = sluice_mongoc_tls_failure();
    if (tls != ERR_NONE) {
        put_tls_words(words, error->message);
        return err_set(err, tls, "mongodb %s: %s", db->where, words);
    }
    bool cut = strstr(error->message, "socket error or timeout") != NULL; /* While logging in. */
    if (error->domain == MONGOC_ERROR_CLIENT && error->code == MONGOC_ERROR_CLIENT_AUTHENTICATE &&
        !cut) {
        db->code = CODE_NO_LOGIN;
        return err_set(err, ERR_LOGIN, "mongodb %s: %s%s", db->where, words,
                       advice_of(CODE_NO_LOGIN));
    }
    bool ours = error->domain == MONGOC_ERROR_COMMAND || error->domain == MONGOC_ERROR_BSON;
    return err_set(err, ours ? ERR_REJECT : ERR_RETRY, "mongodb %s: %s", db->where,
                   words[0] != '\0' ? words : "the connection failed");
}

/* ---- Life ---- */

static void ignore_log(mongoc_log_level_t level, const char *domain, const char *message,
                       void *context)
{
    (void)level; /* What matters comes back as an error as well. */
    (void)domain;
    (void)message;
    (void)context;
}

/* The driver's own globals, when the first client is wanted and not at the start of the process. */
static void init_driver(void)
{
    static struct lock lock = {PTHREAD_MUTEX_INITIALIZER};
    static bool done;
    lock_take(&lock);
    if (!done) {
        mongoc_log_set_handler(ignore_log, NULL);
        mongoc_init();
        done = true;
    }
    lock_give(&lock);
}

static bool is_ascii(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80) {
            return false;
        }
    }
    return true;
}

static bool bad_uri(const bson_error_t *error, struct err *err)
{
    /* The driver's words may quote the URI, and with it the password. */
    const char *why =
        strstr(error->message, "escape") != NULL
            ? "write % and @ : / in a password as %25, %40, %3A, %2F"
        : strstr(error->message, "TLS") != NULL || strstr(error->message, "tls") != NULL
            ? "its TLS options do not fit together"
            : "mongodb://USER:PASSWORD@HOST/DATABASE";
    return err_set(err, ERR_CONFIG, "mongodb: the URI is not right: %s", why);
}

/*
 * The host `auto`: `mongo`, as compose files call the server, in a container, else this machine.
 * That is by what the machine is, not by who answers: nothing is asked.
 */
static bool in_container(void)
{
    return access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0;
}

/* Of `text`, which has room for a longer name. */
static void name_host(char *text, size_t size)
{
    static const char word[] = "auto";
    char *begin = strstr(text, "://");
    char *at = strrchr(text, '@');
    char rest[MONGO_URI_MAX + HOST_ROOM];
    begin = at != NULL ? at + 1 : begin != NULL ? begin + 3 : text;
    size_t len = strcspn(begin, ":/,?");
    if (len == sizeof word - 1 && strncmp(begin, word, len) == 0) {
        (void)snprintf(rest, sizeof rest, "%s", begin + len);
        (void)snprintf(begin, size - (size_t)(begin - text), "%s%s",
                       in_container() ? "mongo" : "localhost", rest);
    }
}

static bool read_uri(struct mongo *db, const struct mongo_options *options, struct err *err)
{
    char text[MONGO_URI_MAX + HOST_ROOM];
    bson_error_t error = {0};
    struct str uri = str_trim(options->uri);
    if (uri.len == 0 || uri.len > MONGO_URI_MAX || memchr(uri.ptr, '\0', uri.len) != NULL) {
        return err_set(err, ERR_CONFIG, "mongodb: the URI is empty or longer than %d bytes",
                       MONGO_URI_MAX);
    }
    /* A host alone is enough. */
    bool bare = memmem(uri.ptr, uri.len, "://", 3) == NULL;
    (void)snprintf(text, sizeof text, "%s%.*s%s", bare ? "mongodb://" : "", STR_ARG(uri),
                   bare && memchr(uri.ptr, '/', uri.len) == NULL ? "/" : "");
    name_host(text, sizeof text);
    db->uri = mongoc_uri_new_with_error(text, &error);
    if (db->uri == NULL) {
        return bad_uri(&error, err);
    }
    if (options->password.ptr != NULL) {
        (void)snprintf(text, sizeof text, "%.*s", STR_ARG(options->password));
        if (!mongoc_uri_set_password(db->uri, text)) {
            return err_set(err, ERR_CONFIG, "mongodb: the password is not UTF-8");
        }
    }
    const char *password = mongoc_uri_get_password(db->uri);
    if (!is_ascii(password) || !is_ascii(mongoc_uri_get_username(db->uri))) {
        return err_set(err, ERR_CONFIG,
                       "mongodb: user and password may hold ASCII letters only; set another one");
    }
    if (mongoc_uri_get_username(db->uri) != NULL && password == NULL) {
        return err_set(err, ERR_LOGIN, "mongodb: the URI names a user and no password");
    }
    return true;
}

static bool name_database(struct mongo *db, const struct mongo_options *options, struct err *err)
{
    const char *name = mongoc_uri_get_database(db->uri);
    struct str wanted = options->database.len > 0 ? options->database : str_of(name);
    if (wanted.len == 0) {
        return err_set(err, ERR_CONFIG,
                       "mongodb: no database is named: put it behind the host, as in "
                       "mongodb://HOST/DATABASE");
    }
    if (!mongo_name_check(wanted, true, err)) {
        return false;
    }
    (void)snprintf(db->database, sizeof db->database, "%.*s", STR_ARG(wanted));
    return true;
}

/* The most public of the hosts, and "host:port/database" of the first. */
static enum host_kind judge_hosts(struct mongo *db)
{
    const char *service = mongoc_uri_get_srv_hostname(db->uri);
    enum host_kind kind = HOST_LOOPBACK;
    if (service != NULL) {
        (void)snprintf(db->where, sizeof db->where, "%.200s/%s", service, db->database);
        return HOST_PUBLIC; /* Its servers are not known yet; TLS is on anyhow. */
    }
    const mongoc_host_list_t *hosts = mongoc_uri_get_hosts(db->uri);
    db->alone = hosts->next == NULL;
    (void)snprintf(db->where, sizeof db->where, "%.200s/%s", hosts->host_and_port, db->database);
    for (; hosts != NULL; hosts = hosts->next) {
        if (hosts->host[0] == '/') {
            continue; /* A socket of this machine. */
        }
        enum host_kind found = host_kind_of(str_of(hosts->host));
        if (found == HOST_PUBLIC || found == HOST_SPECIAL) {
            return HOST_PUBLIC;
        }
        kind = found == HOST_LOOPBACK ? kind : HOST_PRIVATE;
    }
    return kind;
}

static bool judge_safety(struct mongo *db, enum host_kind kind, bool allow, struct err *err)
{
    bool clear = !mongoc_uri_get_tls(db->uri);
    bool unchecked =
        !clear &&
        (mongoc_uri_get_option_as_bool(db->uri, MONGOC_URI_TLSINSECURE, false) ||
         mongoc_uri_get_option_as_bool(db->uri, MONGOC_URI_TLSALLOWINVALIDCERTIFICATES, false) ||
         mongoc_uri_get_option_as_bool(db->uri, MONGOC_URI_TLSALLOWINVALIDHOSTNAMES, false));
    bool open = mongoc_uri_get_username(db->uri) == NULL;
    const char *why = clear       ? "without TLS everybody on the way reads along: add tls=true"
                      : unchecked ? "nobody checks who answers: leave out tlsAllowInvalid…"
                      : open      ? "without a user anybody can read and write there: set one"
                                  : NULL;
    if (why == NULL || (kind == HOST_LOOPBACK && !open)) {
        return true;
    }
    if (kind == HOST_PUBLIC && !allow) {
        return err_set(err, ERR_CONFIG, "mongodb %s: %s, or allow it by name (allow_insecure)",
                       db->where, why);
    }
    (void)snprintf(db->note, sizeof db->note, "%s: %s", db->where, why);
    return true;
}

/*
 * Writes wait for the majority unless the URI asks for something else. w=0 would not even say that
 * a write failed. The concern is given to writes alone: servers refuse it with commands that read.
 */
static bool set_concern(struct mongo *db, struct err *err)
{
    const mongoc_write_concern_t *asked = mongoc_uri_get_write_concern(db->uri);
    db->concern = mongoc_write_concern_copy(asked);
    if (mongoc_write_concern_is_default(asked)) {
        mongoc_write_concern_set_w(db->concern, MONGOC_WRITE_CONCERN_W_MAJORITY);
    }
    return mongoc_write_concern_is_acknowledged(db->concern) ||
           err_set(err, ERR_CONFIG,
                   "mongodb %s: with w=0 nobody would hear of a write that failed: leave it out",
                   db->where);
}

/* Authorities are read here, so that a missing file shows at the start and not as "no server". */
static bool set_options(struct mongo *db, const struct mongo_options *options, struct err *err)
{
    char text[MONGO_URI_MAX + 1];
    struct tls_trust *trust = NULL;
    if (options->root.len > 0) {
        (void)snprintf(text, sizeof text, "%.*s", STR_ARG(options->root));
        (void)mongoc_uri_set_option_as_utf8(db->uri, MONGOC_URI_TLSCAFILE, text);
    }
    (void)snprintf(text, sizeof text, "%.*s",
                   options->application.len > 0 ? (int)options->application.len : 6,
                   options->application.len > 0 ? options->application.ptr : "sluice");
    (void)mongoc_uri_set_appname(db->uri, text);
    /* A choice that waits for a new primary instead of giving up at once. */
    (void)mongoc_uri_set_option_as_bool(db->uri, MONGOC_URI_SERVERSELECTIONTRYONCE, false);
    (void)mongoc_uri_set_option_as_int32(db->uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS,
                                         (int32_t)db->connect_ms);
    (void)mongoc_uri_set_option_as_int32(db->uri, MONGOC_URI_CONNECTTIMEOUTMS,
                                         (int32_t)db->connect_ms);
    (void)mongoc_uri_set_option_as_int32(db->uri, MONGOC_URI_SOCKETCHECKINTERVALMS,
                                         SOCKET_CHECK_MS);
    if (mongoc_uri_has_option(db->uri, MONGOC_URI_TLSCERTIFICATEKEYFILE)) {
        return err_set(err, ERR_CONFIG, "mongodb: client certificates are not supported");
    }
    const char *root = mongoc_uri_get_option_as_utf8(db->uri, MONGOC_URI_TLSCAFILE, NULL);
    if (root != NULL && !tls_trust_load(str_of(root), &trust, err)) {
        return err_prefix(err, "mongodb: ");
    }
    tls_trust_drop(trust);
    return true;
}

bool mongo_open(struct mongo **out, const struct mongo_options *options, struct err *err)
{
    struct mongo *db = mem_alloc(sizeof *db);
    if (db == NULL) {
        return err_set(err, ERR_RETRY, "mongodb: out of memory");
    }
    init_driver();
    db->clock = options->clock != NULL ? options->clock : clock_system();
    db->stopping = options->stopping;
    db->stopping_context = options->stopping_context;
    must(options->connect_ms >= 0 && options->connect_ms <= INT32_MAX);
    db->connect_ms = options->connect_ms > 0 ? options->connect_ms : MONGO_CONNECT_MS;
    bool ok = read_uri(db, options, err) && name_database(db, options, err) &&
              judge_safety(db, judge_hosts(db), options->allow_insecure, err) &&
              set_concern(db, err) && set_options(db, options, err);
    if (!ok) {
        mongo_close(db);
        return false;
    }
    *out = db;
    return true;
}

/* ---- Within limits ---- */

/* What the driver does from here on ends in time, and when the owner is asked to stop. */
static void enter(struct mongo *db, int64_t left_ms)
{
    struct sluice_mongoc_limits limits = {
        .left_ms = left_ms,
        .connect_ms = db->connect_ms,
        .stopping = db->stopping,
        .stopping_context = db->stopping_context,
        .alone = db->alone,
    };
    sluice_mongoc_begin(&limits);
    if (db->client != NULL) {
        sluice_mongoc_limit(db->client, &limits);
    }
}

static void forget_client(struct mongo *db)
{
    if (db->cursor != NULL) {
        mongoc_cursor_destroy(db->cursor);
        db->cursor = NULL;
    }
    if (db->client != NULL) {
        mongoc_client_destroy(db->client);
        db->client = NULL;
    }
}

/* Its counterpart, once for each enter(). A client whose clock has jumped is of no more use. */
static bool leave(struct mongo *db, bool ok, struct err *err)
{
    if (sluice_mongoc_end()) {
        enter(db, GOODBYE_MS);
        forget_client(db);
        (void)sluice_mongoc_end();
    }
    if (!ok && db->stopping != NULL && db->stopping(db->stopping_context)) {
        return err_set(err, ERR_STOP, "mongodb %s: asked to stop", db->where);
    }
    return ok;
}

void mongo_disconnect(struct mongo *db)
{
    if (db->client != NULL) {
        enter(db, GOODBYE_MS);
        forget_client(db);
        (void)sluice_mongoc_end();
    }
}

void mongo_close(struct mongo *db)
{
    if (db != NULL) {
        mongo_disconnect(db);
        if (db->uri != NULL) {
            mongoc_uri_destroy(db->uri);
        }
        if (db->concern != NULL) {
            mongoc_write_concern_destroy(db->concern);
        }
        mem_free(db);
    }
}

struct str mongo_where(const struct mongo *db)
{
    return str_of(db->where);
}

struct str mongo_database(const struct mongo *db)
{
    return str_of(db->database);
}

struct str mongo_note(const struct mongo *db)
{
    return str_of(db->note);
}

/* A client, and the time that this call may take: true is answered by leave(). */
static bool begin(struct mongo *db, int64_t deadline_ms, struct err *err)
{
    bson_error_t error = {0};
    int64_t left_ms = deadline_ms - clock_mono_ms(db->clock);
    db->code = 0;
    if (left_ms <= 0) {
        return err_set(err, ERR_RETRY, "mongodb %s: no time left", db->where);
    }
    enter(db, left_ms);
    if (db->client == NULL) {
        db->client = mongoc_client_new_from_uri_with_error(db->uri, &error);
        if (db->client == NULL) {
            char words[WORDS_MAX];
            put_words(words, error.message);
            return leave(db, err_set(err, ERR_RETRY, "mongodb %s: %s", db->where, words), err);
        }
        (void)mongoc_client_set_error_api(db->client, MONGOC_ERROR_API_VERSION_2);
        mongoc_write_concern_t *none = mongoc_write_concern_new();
        mongoc_client_set_write_concern(db->client, none);
        mongoc_write_concern_destroy(none);
        enter(db, left_ms);
    }
    return true;
}

/* ---- Commands ---- */

static bool view_of(struct str bytes, bson_t *out, struct err *err)
{
    return bson_init_static(out, (const uint8_t *)bytes.ptr, bytes.len) ||
           err_set(err, ERR_REJECT, "mongodb: a command is not a document");
}

/* What the server said, as a tree; failures that it reported in it become errors. */
static bool read_reply(struct mongo *db, const bson_t *reply, struct arena *arena,
                       const struct json_value **out, struct err *err)
{
    struct json_limits limits = {.size_max = 4 * (size_t)JSON_SIZE_MAX,
                                 .allow_duplicate_keys = true};
    size_t len = 0;
    bson_t lean = BSON_INITIALIZER;
    bson_copy_to_excluding_noinit(reply, &lean, "upserted", NULL);
    char *text = bson_as_relaxed_extended_json(&lean, &len);
    bson_destroy(&lean);
    if (text == NULL) {
        return err_set(err, ERR_RETRY, "mongodb %s: an answer cannot be read", db->where);
    }
    bool ok = json_parse(arena, (struct str){text, len}, &limits, out, err) ||
              err_prefix(err, "mongodb %s: an answer: ", db->where);
    bson_free(text);
    if (!ok) {
        return false;
    }
    int64_t code = 0;
    const struct json_value *concern = json_get(*out, STR("writeConcernError"));
    if (json_int(json_get(concern, STR("code")), &code)) {
        return fail_code(db, (int)code, json_str(json_get(concern, STR("errmsg"))).ptr, err);
    }
    return true;
}

/* Is an item of the list "updates" for several documents, or one of "deletes"? */
static bool has_many(const bson_t *command, const char *list, const char *key, int64_t value)
{
    bson_iter_t items;
    bson_iter_t item;
    bson_iter_t found;
    if (!bson_iter_init_find(&items, command, list) || !BSON_ITER_HOLDS_ARRAY(&items) ||
        !bson_iter_recurse(&items, &item)) {
        return false;
    }
    while (bson_iter_next(&item)) {
        if (BSON_ITER_HOLDS_DOCUMENT(&item) && bson_iter_recurse(&item, &found) &&
            bson_iter_find(&found, key) && bson_iter_as_int64(&found) == value) {
            return true;
        }
    }
    return false;
}

/* The answer to what was asked since begin(). */
static bool take_answer(struct mongo *db, bool ok, bson_t *answer, const bson_error_t *error,
                        struct arena *arena, const struct json_value **reply, struct err *err)
{
    ok = ok ? read_reply(db, answer, arena, reply, err) : fail(db, error, err);
    bson_destroy(answer);
    return leave(db, ok, err);
}

bool mongo_command(struct mongo *db, struct str command, int64_t deadline_ms, struct arena *arena,
                   const struct json_value **reply, struct err *err)
{
    bson_t bytes;
    bson_t answer;
    bson_error_t error = {0};
    must(db->cursor == NULL);
    if (!view_of(command, &bytes, err) || !begin(db, deadline_ms, err)) {
        return false;
    }
    bool ok = mongoc_client_read_write_command_with_opts(db->client, db->database, &bytes, NULL,
                                                         NULL, &answer, &error);
    return take_answer(db, ok, &answer, &error, arena, reply, err);
}

static bool write_command(struct mongo *db, struct str command,
                          const struct sluice_mongoc_list *list, int64_t deadline_ms,
                          struct arena *arena, const struct json_value **reply, struct err *err)
{
    bson_t bytes;
    bson_t answer;
    bson_error_t error = {0};
    must(db->cursor == NULL);
    if (!view_of(command, &bytes, err) || !begin(db, deadline_ms, err)) {
        return false;
    }
    bool single =
        !has_many(&bytes, "updates", "multi", 1) && !has_many(&bytes, "deletes", "limit", 0);
    bool ok = sluice_mongoc_write(db->client, db->database, &bytes, list, db->concern, single,
                                  &answer, &error);
    return take_answer(db, ok, &answer, &error, arena, reply, err);
}

bool mongo_write(struct mongo *db, struct str command, int64_t deadline_ms, struct arena *arena,
                 const struct json_value **reply, struct err *err)
{
    return write_command(db, command, NULL, deadline_ms, arena, reply, err);
}

bool mongo_write_list(struct mongo *db, struct str command, const char *name, struct str documents,
                      int64_t deadline_ms, struct arena *arena, const struct json_value **reply,
                      struct err *err)
{
    struct sluice_mongoc_list list = {name, documents.ptr, documents.len};
    must(documents.len > 0 && documents.len <= INT32_MAX / 2);
    return write_command(db, command, &list, deadline_ms, arena, reply, err);
}

bool mongo_item_error(const struct mongo *db, const struct json_value *reply, size_t *at,
                      size_t *item, struct err *err)
{
    const struct json_value *one = json_at(json_get(reply, STR("writeErrors")), *at);
    int64_t index = 0;
    int64_t code = 0;
    char words[WORDS_MAX];
    if (json_kind(one) == JSON_ABSENT) {
        return false;
    }
    (void)json_int(json_get(one, STR("index")), &index);
    (void)json_int(json_get(one, STR("code")), &code);
    struct str message = json_str(json_get(one, STR("errmsg")));
    put_words(words, message.ptr != NULL ? message.ptr : "refused");
    (void)err_set(err, mongo_kind_of((int)code), "mongodb %s: %s [%d]%s", db->where, words,
                  (int)code, advice_of((int)code));
    *item = index < 0 ? 0 : (size_t)index;
    ++*at;
    return true;
}

int mongo_item_code(const struct json_value *reply, size_t at)
{
    int64_t code = 0;
    must(at > 0);
    const struct json_value *one = json_at(json_get(reply, STR("writeErrors")), at - 1);
    return json_int(json_get(one, STR("code")), &code) ? (int)code : 0;
}

bool mongo_ready(struct mongo *db, int64_t deadline_ms, struct err *err)
{
    bson_t *command = BCON_NEW("listCollections", BCON_INT32(1), "nameOnly", BCON_BOOL(true),
                               "authorizedCollections", BCON_BOOL(true));
    bson_t answer;
    bson_error_t error = {0};
    bool ok = begin(db, deadline_ms, err);
    if (ok) {
        ok = mongoc_client_read_command_with_opts(db->client, db->database, command, NULL, NULL,
                                                  &answer, &error) ||
             fail(db, &error, err);
        bson_destroy(&answer);
        ok = leave(db, ok, err);
    }
    bson_destroy(command);
    return ok;
}

/* ---- Reading ---- */

bool mongo_query(struct mongo *db, struct str collection, struct str filter, struct str options,
                 int64_t deadline_ms, struct err *err)
{
    bson_t filter_view;
    bson_t options_view = BSON_INITIALIZER;
    char name[MONGO_NAME_MAX + 1];
    must(db->cursor == NULL);
    if (!mongo_name_check(collection, false, err) || !view_of(filter, &filter_view, err) ||
        (options.len > 0 && !view_of(options, &options_view, err)) ||
        !begin(db, deadline_ms, err)) {
        return false;
    }
    (void)snprintf(name, sizeof name, "%.*s", STR_ARG(collection));
    mongoc_collection_t *from = mongoc_client_get_collection(db->client, db->database, name);
    db->cursor = mongoc_collection_find_with_opts(from, &filter_view, &options_view, NULL);
    mongoc_collection_destroy(from);
    bson_destroy(&options_view);
    db->deadline_ms = deadline_ms;
    return leave(db, true, err); /* Nothing was asked yet. */
}

/* A document that was read, as its bytes or as JSON. Absent: no memory. */
static struct str document_of(const bson_t *row, bool as_bytes, struct arena *arena)
{
    size_t len = 0;
    if (as_bytes) {
        return arena_copy(arena, (struct str){(const char *)bson_get_data(row), row->len});
    }
    char *text = bson_as_relaxed_extended_json(row, &len);
    if (text == NULL) {
        return (struct str){0};
    }
    struct str json = arena_copy(arena, (struct str){text, len});
    bson_free(text);
    return json;
}

static bool next_document(struct mongo *db, bool as_bytes, struct arena *arena,
                          struct str *document, struct err *err)
{
    const bson_t *row = NULL;
    bson_error_t error = {0};
    *document = (struct str){0};
    if (db->cursor == NULL) {
        return true;
    }
    int64_t left_ms = db->deadline_ms - clock_mono_ms(db->clock);
    if (left_ms <= 0) {
        mongo_end(db);
        return err_set(err, ERR_RETRY, "mongodb %s: no time left", db->where);
    }
    enter(db, left_ms);
    bool more = mongoc_cursor_next(db->cursor, &row);
    if (more) {
        *document = document_of(row, as_bytes, arena);
        bool ok = document->ptr != NULL ||
                  err_set(err, ERR_RETRY, "mongodb: out of memory for a document");
        ok = leave(db, ok, err);
        /* Asked to stop, and the cursor is gone with its client: this is not the end of the rows.
         */
        return db->cursor != NULL ? ok
                                  : err_set(err, ERR_STOP, "mongodb %s: asked to stop", db->where);
    }
    bool ok = !mongoc_cursor_error(db->cursor, &error) || fail(db, &error, err);
    ok = leave(db, ok, err);
    mongo_end(db);
    return ok;
}

bool mongo_next(struct mongo *db, struct arena *arena, struct str *json, struct err *err)
{
    return next_document(db, false, arena, json, err);
}

bool mongo_next_bytes(struct mongo *db, struct arena *arena, struct str *document, struct err *err)
{
    return next_document(db, true, arena, document, err);
}

void mongo_end(struct mongo *db)
{
    struct err ignored = {0};
    if (db->cursor != NULL) {
        enter(db, GOODBYE_MS);
        mongoc_cursor_destroy(db->cursor);
        db->cursor = NULL;
        (void)leave(db, true, &ignored);
    }
}

/* ---- Helpers ---- */

bool mongo_name_check(struct str name, bool database, struct err *err)
{
    static const char never[] = "/\\. \"$*<>:|?";
    bool ok = name.len > 0 && name.len <= (database ? 63 : MONGO_NAME_MAX) &&
              memchr(name.ptr, '\0', name.len) == NULL;
    for (size_t i = 0; ok && i < name.len; i++) {
        ok = database ? strchr(never, name.ptr[i]) == NULL
                      : name.ptr[i] != '$' && (unsigned char)name.ptr[i] >= ' ';
    }
    ok = ok && (database || !str_starts(name, STR("system."))) && name.ptr[0] != '.' &&
         name.ptr[name.len - 1] != '.';
    return ok || err_set(err, ERR_CONFIG, "mongodb: \"%.*s\" cannot be the name of a %s",
                         STR_ARG(str_slice(name, 0, MONGO_NAME_MAX)),
                         database ? "database" : "collection");
}

int mongo_code(const struct mongo *db)
{
    return db->code;
}
