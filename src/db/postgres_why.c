/* Grades and words for what a server or the way to it said. */
#include <libpq_sluice.h>
#include <stdio.h>
#include <string.h>

#include "db/postgres_inside.h"

enum { WORDS_MAX = 400 };

struct grade {
    const char *state; /* SQLSTATE, or the beginning of several. */
    enum err_kind kind;
    const char *advice;
};

/* The longest entry that fits counts; those of one class stand behind their exceptions. */
static const struct grade grades[] = {
    {"08P01", ERR_CONFIG, "; is there something between us and the server, such as an old pooler?"},
    {"08", ERR_RETRY, ""},
    {"0A", ERR_CONFIG, ""},
    {"21", ERR_REJECT, ""},
    {"22", ERR_REJECT, ""},
    {"23", ERR_REJECT, ""},
    {"25006", ERR_RETRY, "; is it a standby that is not the primary yet?"},
    {"25", ERR_RETRY, ""},
    {"28", ERR_LOGIN, "; are user and password right, and may this machine connect (pg_hba.conf)?"},
    {"3D", ERR_CONFIG, "; create the database, or correct its name in the URI"},
    {"3F", ERR_CONFIG, ""},
    {"40", ERR_RETRY, ""},
    {"42501", ERR_CONFIG, "; grant it to the user of the URI"},
    {"42P01", ERR_CONFIG, "; does the table exist in this database, and is it in the search path?"},
    {"42703", ERR_CONFIG, "; does the column exist in this table?"},
    {"42", ERR_CONFIG, ""},
    {"44", ERR_REJECT, ""},
    {"53100", ERR_RETRY, "; free some space on its disk"},
    {"53300", ERR_RETRY, "; too many connections: use a pooler, or raise max_connections"},
    {"53", ERR_RETRY, ""},
    {"54", ERR_REJECT, ""},
    {"55", ERR_RETRY, ""},
    {"57014", ERR_RETRY, ""},
    {"57", ERR_RETRY, ""},
    {"58", ERR_RETRY, ""},
    {"P0", ERR_REJECT, ""},
    {"XX", ERR_RETRY, ""},
};

static const struct grade *grade_of(const char *state)
{
    static const struct grade unknown = {"", ERR_RETRY, ""};
    const struct grade *best = &unknown;
    for (size_t i = 0; i < sizeof grades / sizeof grades[0]; i++) {
        size_t len = strlen(grades[i].state);
        if (len > strlen(best->state) && strncmp(state, grades[i].state, len) == 0) {
            best = &grades[i];
        }
    }
    return best;
}

enum err_kind postgres_kind_of(const char *state)
{
    return grade_of(state)->kind;
}

/*
 * A message on one line. Messages about data (class 22) quote the value: what stands in double
 * quotes is left out there, because it may be anybody's telephone number.
 */
static void put_words(char out[WORDS_MAX], const char *message, bool hide)
{
    size_t len = 0;
    bool quoted = false;
    for (const char *at = message; *at != '\0' && len + 4 < WORDS_MAX; at++) {
        bool quote = *at == '"';
        if (hide && quote) {
            quoted = !quoted;
            if (quoted) {
                memcpy(out + len, "\xE2\x80\xA6", 3);
                len += 3;
            }
        } else if (!quoted && (unsigned char)*at >= ' ') {
            out[len++] = *at;
        } else if (!quoted && *at == '\n' && at[1] != '\0') {
            if (len > 0 && strchr(".:;,", out[len - 1]) == NULL) {
                out[len++] = ';';
            }
            out[len++] = ' ';
        }
    }
    out[len] = '\0';
}

/*
 * PgBouncer has one SQLSTATE for whatever it says itself, "protocol violation": a wrong password
 * and a user it does not know are a login, and the server behind it that is away comes back.
 */
static const char *state_of_pooler(const char *state, const char *words)
{
    static const struct {
        const char *words;
        const char *state;
    } known[] = {
        {"authentication failed", "28P01"},
        {"no such user", "28P01"},
        {"auth failed", "28P01"},
        {"server_login_retry", "08006"},
        {"_timeout", "08006"},
        {"cannot connect to server", "08006"},
        {"server conn crashed", "08006"},
        {"no more connections", "53300"},
        {"shutting down", "57P01"},
        {"pgbouncer database is disabled", "57P03"},
    };
    for (size_t i = 0; strcmp(state, "08P01") == 0 && i < sizeof known / sizeof known[0]; i++) {
        if (strstr(words, known[i].words) != NULL) {
            return known[i].state;
        }
    }
    return state;
}

static const char *field(const PGresult *result, int code)
{
    const char *text = result != NULL ? PQresultErrorField(result, code) : NULL;
    return text != NULL ? text : "";
}

bool postgres_why_result(const char *where, const PGconn *conn, const PGresult *result,
                         struct err *err)
{
    char words[WORDS_MAX];
    const char *state = field(result, PG_DIAG_SQLSTATE);
    const char *message = field(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *column = field(result, PG_DIAG_COLUMN_NAME);
    const char *table = field(result, PG_DIAG_TABLE_NAME);
    if (state[0] == '\0') {
        put_words(words, PQerrorMessage(conn), false);
        return err_set(err, ERR_RETRY, "postgres %s: %s", where,
                       words[0] != '\0' ? words : "the connection was lost");
    }
    put_words(words, message, strncmp(state, "22", 2) == 0);
    const struct grade *grade = grade_of(state_of_pooler(state, words));
    return err_set(err, grade->kind, "postgres %s: %s%s%s%s%s [%s]%s", where, words,
                   table[0] != '\0' ? ", table " : "", table, column[0] != '\0' ? ", column " : "",
                   column, state, grade->advice);
}

/* libpq begins with: connection to server at "HOST" (ADDRESS), port N failed: */
static const char *behind_preamble(const char *message)
{
    static const char *const ends[] = {"failed: FATAL:  ", "failed: ERROR:  ", "failed: "};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        const char *found = strstr(message, ends[i]);
        if (found != NULL) {
            return found + strlen(ends[i]);
        }
    }
    return message;
}

bool postgres_why_connection(const char *where, const PGconn *conn, struct err *err)
{
    char words[WORDS_MAX];
    const char *state = sluice_pg_state(conn);
    enum err_kind tls = sluice_pg_tls_failure(conn);
    put_words(words, behind_preamble(PQerrorMessage(conn)), false);
    if (state[0] != '\0') {
        const struct grade *grade = grade_of(state_of_pooler(state, words));
        return err_set(err, grade->kind, "postgres %s: %s [%s]%s", where, words, state,
                       grade->advice);
    }
    if (tls != ERR_NONE) {
        return err_set(err, tls, "postgres %s: %s", where, words);
    }
    if (PQconnectionNeedsPassword(conn)) {
        return err_set(err, ERR_LOGIN, "postgres %s: it wants a password, and none is configured",
                       where);
    }
    bool config = strstr(words, "channel binding") != NULL ||
                  strstr(words, "does not support SSL") != NULL ||
                  strstr(words, "invalid ") == words;
    return err_set(err, config ? ERR_CONFIG : ERR_RETRY, "postgres %s: %s", where, words);
}
