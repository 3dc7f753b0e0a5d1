/* From a URI to the parameters of a connection, with the rules about TLS and passwords. */
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "db/postgres_inside.h"
#include "text/host.h"

/* What is never taken from a URI, because it would read other files or is not built. */
static const char *const refused[] = {"service",     "passfile",   "sslcert",    "sslkey",
                                      "sslpassword", "sslcrl",     "krbsrvname", "gsslib",
                                      "sslcrldir",   "replication"};

const char *postgres_target_get(const struct postgres_target *target, const char *keyword)
{
    for (size_t i = 0; i < target->count; i++) {
        if (strcmp(target->keywords[i], keyword) == 0) {
            return target->values[i];
        }
    }
    return "";
}

static bool set(struct postgres_target *target, struct arena *arena, const char *keyword,
                struct str value)
{
    size_t place = target->count;
    for (size_t i = 0; i < target->count; i++) {
        if (strcmp(target->keywords[i], keyword) == 0) {
            place = i;
        }
    }
    struct str copy = arena_copy(arena, value);
    struct str name = arena_copy(arena, str_of(keyword));
    must(place < POSTGRES_PARAMETERS_MAX);
    if (copy.ptr == NULL || name.ptr == NULL) {
        return false;
    }
    target->keywords[place] = name.ptr;
    target->values[place] = copy.ptr;
    target->count += place == target->count;
    return true;
}

static bool set_default(struct postgres_target *target, struct arena *arena, const char *keyword,
                        const char *value)
{
    return postgres_target_get(target, keyword)[0] != '\0' ||
           set(target, arena, keyword, str_of(value));
}

static bool is_refused(const char *keyword)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (strcmp(keyword, refused[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* What libpq says about a URI may quote it, and with it the password: only the reason is kept. */
static bool bad_uri(char *message, struct err *err)
{
    const char *reason = "it cannot be read";
    if (message != NULL && strstr(message, "invalid URI query parameter") != NULL) {
        reason = "it has a parameter that PostgreSQL does not know";
    } else if (message != NULL && strstr(message, "percent-encoded") != NULL) {
        reason =
            "a '%' in it is not followed by two hexadecimal digits; write % in a password as %25";
    }
    PQfreemem(message);
    return err_set(err, ERR_CONFIG,
                   "postgres: the URI is not right: %s (postgresql://USER:PASSWORD@HOST/DATABASE)",
                   reason);
}

static bool read_uri(struct postgres_target *target, struct str uri, struct arena *arena,
                     struct err *err)
{
    char *message = NULL;
    struct str text = arena_copy(arena, str_trim(uri));
    if (text.ptr == NULL) {
        return err_set(err, ERR_RETRY, "postgres: out of memory");
    }
    if (text.len == 0 || text.len > POSTGRES_URI_MAX || strlen(text.ptr) != text.len) {
        return err_set(err, ERR_CONFIG, "postgres: the URI is empty or longer than %d bytes",
                       POSTGRES_URI_MAX);
    }
    PQconninfoOption *list = PQconninfoParse(text.ptr, &message);
    if (list == NULL) {
        return bad_uri(message, err);
    }
    bool ok = true;
    for (const PQconninfoOption *one = list; ok && one->keyword != NULL; one++) {
        if (one->val == NULL) {
            continue;
        }
        ok = is_refused(one->keyword)
                 ? err_set(err, ERR_CONFIG, "postgres: '%s' in the URI is not supported",
                           one->keyword)
                 : set(target, arena, one->keyword, str_of(one->val)) ||
                       err_set(err, ERR_RETRY, "postgres: out of memory");
    }
    PQconninfoFree(list);
    return ok;
}

/* The most public of the hosts: "db1,db2" are several. An absent host is this machine's socket. */
static enum host_kind most_public(const struct postgres_target *target)
{
    enum host_kind kind = HOST_LOOPBACK;
    const char *names[] = {postgres_target_get(target, "host"),
                           postgres_target_get(target, "hostaddr")};
    for (size_t i = 0; i < 2; i++) {
        struct str rest = str_of(names[i][0] != '\0' ? names[i] : NULL);
        struct str one;
        while (str_split(&rest, ',', &one)) {
            if (one.len == 0 || one.ptr[0] == '/' || one.ptr[0] == '@') {
                continue;
            }
            enum host_kind found = host_kind_of(one);
            if (found == HOST_PUBLIC || found == HOST_SPECIAL) {
                return HOST_PUBLIC;
            }
            kind = found == HOST_LOOPBACK ? kind : HOST_PRIVATE;
        }
    }
    return kind;
}

static bool is_any_of(const char *text, const char *a, const char *b, const char *c)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0;
}

/* TLS: a default by where the way leads, and what is not safe enough there. */
static bool judge_tls(struct postgres_target *target, const struct postgres_options *options,
                      struct arena *arena, enum host_kind kind, struct err *err)
{
    if (options->root.len > 0 && !set(target, arena, "sslrootcert", options->root)) {
        return err_set(err, ERR_RETRY, "postgres: out of memory");
    }
    bool rooted = postgres_target_get(target, "sslrootcert")[0] != '\0';
    const char *fallback = kind == HOST_PUBLIC || rooted ? "verify-full" : "prefer";
    if (!set_default(target, arena, "sslmode", fallback)) {
        return err_set(err, ERR_RETRY, "postgres: out of memory");
    }
    const char *mode = postgres_target_get(target, "sslmode");
    bool clear = is_any_of(mode, "disable", "allow", "prefer");
    if (clear && kind == HOST_PUBLIC && !options->allow_insecure) {
        return err_set(err, ERR_CONFIG,
                       "postgres %s: sslmode=%s would send the password and all data in the clear "
                       "over a public network: use sslmode=verify-full, or allow it by name "
                       "(allow_insecure)",
                       target->where, mode);
    }
    bool bound = strcmp(postgres_target_get(target, "channel_binding"), "require") == 0;
    if (clear && kind != HOST_LOOPBACK) {
        (void)snprintf(target->note, sizeof target->note, "%s: TLS is not required (sslmode=%s)",
                       target->where, mode);
    } else if (strcmp(mode, "require") == 0 && !rooted && !bound && kind != HOST_LOOPBACK) {
        (void)snprintf(target->note, sizeof target->note,
                       "%s: encrypted, but nobody checks who answers (sslmode=require): use "
                       "verify-full, or channel_binding=require",
                       target->where);
    }
    return true;
}

static void describe(struct postgres_target *target)
{
    const char *host = postgres_target_get(target, "host");
    const char *address = postgres_target_get(target, "hostaddr");
    const char *port = postgres_target_get(target, "port");
    const char *name = postgres_target_get(target, "dbname");
    (void)snprintf(target->where, sizeof target->where, "%.200s%s%.10s/%.64s",
                   host[0] != '\0'      ? host
                   : address[0] != '\0' ? address
                                        : "(socket)",
                   port[0] != '\0' ? ":" : "", port, name);
}

/* Providers name poolers so; a pooler elsewhere is told by the configuration (prepare: no). */
static bool looks_pooled(const struct postgres_target *target)
{
    return strstr(postgres_target_get(target, "host"), "-pooler.") != NULL ||
           strcmp(postgres_target_get(target, "port"), "6432") == 0;
}

bool postgres_target_make(struct postgres_target *target, const struct postgres_options *options,
                          struct arena *arena, struct err *err)
{
    *target = (struct postgres_target){0};
    if (!read_uri(target, options->uri, arena, err)) {
        return false;
    }
    const char *user = postgres_target_get(target, "user");
    if (user[0] == '\0') {
        return err_set(
            err, ERR_CONFIG,
            "postgres: the URI names no user (postgresql://USER:PASSWORD@HOST/DATABASE)");
    }
    bool memory =
        set_default(target, arena, "dbname", user) &&
        (options->password.ptr == NULL || set(target, arena, "password", options->password)) &&
        set_default(target, arena, "application_name", "sluice") &&
        (options->application.len == 0 ||
         set(target, arena, "application_name", options->application)) &&
        set(target, arena, "client_encoding", STR("UTF8")) &&
        set(target, arena, "passfile", STR("/dev/null/none")) &&
        set(target, arena, "gssencmode", STR("disable")) &&
        set(target, arena, "sslcertmode", STR("disable")) &&
        set_default(target, arena, "sslnegotiation", "postgres") &&
        set_default(target, arena, "channel_binding", "prefer") &&
        set_default(target, arena, "target_session_attrs", "any") &&
        set_default(target, arena, "load_balance_hosts", "disable") &&
        set_default(target, arena, "keepalives_idle", "30") &&
        set_default(target, arena, "keepalives_interval", "10") &&
        set_default(target, arena, "keepalives_count", "3") &&
        set_default(target, arena, "tcp_user_timeout", "30000") &&
        set_default(target, arena, "port", "5432");
    if (!memory) {
        return err_set(err, ERR_RETRY, "postgres: out of memory");
    }
    describe(target);
    enum host_kind kind = most_public(target);
    target->public_way = kind == HOST_PUBLIC;
    target->pooled = looks_pooled(target);
    return judge_tls(target, options, arena, kind, err);
}
