#include "crypto/tls_check.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "crypto/tls_der.h"
#include "crypto/token.h"

enum {
    SECONDS_A_DAY = 24 * 60 * 60,
    DAYS_TO_1970 = 719528, /* BearSSL counts from the year 0. */
    RSA_BYTES_MIN = 2048 / 8,
    SEED_BYTES = 48,
};

static const uint16_t suites[] = {
    BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
};

/* ---- The chain as it comes ---- */

static struct tls_check *check_of(const br_x509_class **engine)
{
    return (struct tls_check *)(void *)engine; /* The vtable is its first member. */
}

struct str tls_check_certificate(const struct tls_check *check, size_t nth)
{
    if (nth >= check->count) {
        return (struct str){0};
    }
    size_t from = nth == 0 ? 0 : check->ends[nth - 1];
    return (struct str){check->chain + from, check->ends[nth] - from};
}

static bool verifies(const struct tls_check *check)
{
    return check->verify != TLS_VERIFY_NONE;
}

static void start_chain(const br_x509_class **engine, const char *server_name)
{
    struct tls_check *check = check_of(engine);
    (void)server_name; /* We judge the name ourselves. */
    check->chain_len = 0;
    check->count = 0;
    check->problem = TLS_PROBLEM_NONE;
    check->code = 0;
    check->passed = false;
    check->now = clock_wall_ms(check->clock) / 1000;
}

static void start_cert(const br_x509_class **engine, uint32_t len)
{
    struct tls_check *check = check_of(engine);
    if (check->count == TLS_CHAIN_MAX || len > TLS_CHAIN_BYTES_MAX - check->chain_len) {
        check->problem = TLS_PROBLEM_TOO_LONG;
    } else if (check->chain_len + len > check->chain_room) {
        char *chain = mem_resize(check->chain, check->chain_len + len);
        if (chain == NULL) {
            check->problem = TLS_PROBLEM_MEMORY;
        } else {
            check->chain = chain;
            check->chain_room = check->chain_len + len;
        }
    }
}

static void append(const br_x509_class **engine, const unsigned char *bytes, size_t len)
{
    struct tls_check *check = check_of(engine);
    if (check->problem == TLS_PROBLEM_NONE && len <= check->chain_room - check->chain_len) {
        memcpy(check->chain + check->chain_len, bytes, len);
        check->chain_len += len;
    }
}

static void end_cert(const br_x509_class **engine)
{
    struct tls_check *check = check_of(engine);
    if (check->problem == TLS_PROBLEM_NONE) {
        check->ends[check->count++] = check->chain_len;
    }
}

/* ---- The judgement ---- */

/* Is the anchor named in the chain, as an issuer or as a certificate itself? */
static bool named(const struct str *names, size_t count, const br_x509_trust_anchor *anchor)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].len == anchor->dn.len &&
            memcmp(names[i].ptr, anchor->dn.data, anchor->dn.len) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * The few anchors that can matter: those that the chain names. BearSSL would hash the names of all
 * of them for each certificate. Anchors whose time is over are left out.
 */
static void choose_anchors(struct tls_check *check)
{
    const struct tls_anchors *all = tls_trust_anchors(check->trust);
    struct str names[2 * TLS_CHAIN_MAX];
    size_t count = 0;
    for (size_t i = 0; i < check->count; i++) {
        struct tls_der der;
        if (tls_der_read(tls_check_certificate(check, i), &der)) {
            names[count++] = der.issuer;
            names[count++] = der.subject;
        }
    }
    check->good_count = 0;
    check->expired = NULL;
    for (size_t i = 0; i < all->count; i++) {
        if (!named(names, count, &all->list[i])) {
            continue;
        }
        if (check->now < all->times[i].from || check->now > all->times[i].to) {
            check->expired = &all->times[i];
        } else if (check->good_count < TLS_CANDIDATES_MAX) {
            check->good[check->good_count++] = all->list[i];
        }
    }
}

/* BearSSL's own judgement of the chain, certificate by certificate. 0: good. */
static unsigned judge(struct tls_check *check)
{
    br_x509_minimal_context *minimal = &check->minimal;
    choose_anchors(check);
    br_x509_minimal_init(minimal, &br_sha256_vtable, check->good, check->good_count);
    br_x509_minimal_set_rsa(minimal, br_rsa_pkcs1_vrfy_get_default());
    br_x509_minimal_set_ecdsa(minimal, br_ec_get_default(), br_ecdsa_vrfy_asn1_get_default());
    br_x509_minimal_set_hash(minimal, br_sha256_ID, &br_sha256_vtable);
    br_x509_minimal_set_hash(minimal, br_sha384_ID, &br_sha384_vtable);
    br_x509_minimal_set_hash(minimal, br_sha512_ID, &br_sha512_vtable);
    br_x509_minimal_set_minrsa(minimal, RSA_BYTES_MIN);
    br_x509_minimal_set_time(minimal, (uint32_t)(check->now / SECONDS_A_DAY + DAYS_TO_1970),
                             (uint32_t)(check->now % SECONDS_A_DAY));
    minimal->vtable->start_chain(&minimal->vtable, NULL);
    for (size_t i = 0; i < check->count; i++) {
        struct str certificate = tls_check_certificate(check, i);
        minimal->vtable->start_cert(&minimal->vtable, (uint32_t)certificate.len);
        minimal->vtable->append(&minimal->vtable, (const unsigned char *)certificate.ptr,
                                certificate.len);
        minimal->vtable->end_cert(&minimal->vtable);
    }
    return minimal->vtable->end_chain(&minimal->vtable);
}

/* Without verification only the server's key is wanted. */
static unsigned read_key(struct tls_check *check)
{
    struct str own = tls_check_certificate(check, 0);
    if (own.len == 0) {
        return BR_ERR_X509_EMPTY_CHAIN;
    }
    br_x509_decoder_init(&check->decoder, NULL, NULL);
    br_x509_decoder_push(&check->decoder, own.ptr, own.len);
    return (unsigned)br_x509_decoder_last_error(&check->decoder);
}

/* What the minimal engine does not look at. */
static enum tls_problem look_closer(const struct tls_check *check)
{
    for (size_t i = 0; i < check->count; i++) {
        struct tls_der der;
        if (!tls_der_read(tls_check_certificate(check, i), &der)) {
            return TLS_PROBLEM_UNREADABLE;
        }
        if (der.constraints) {
            return TLS_PROBLEM_CONSTRAINTS;
        }
        if (i == 0 && der.other_purpose) {
            return TLS_PROBLEM_PURPOSE;
        }
        if (i == 0 && check->verify == TLS_VERIFY_FULL &&
            !tls_name_matches(&der, str_of(check->host))) {
            return TLS_PROBLEM_NAME;
        }
    }
    return TLS_PROBLEM_NONE;
}

/* The code for the alert that the server gets. */
static unsigned code_of(enum tls_problem problem)
{
    switch (problem) {
    case TLS_PROBLEM_NONE:
        return 0;
    case TLS_PROBLEM_NAME:
        return BR_ERR_X509_BAD_SERVER_NAME;
    case TLS_PROBLEM_CONSTRAINTS:
        return BR_ERR_X509_CRITICAL_EXTENSION;
    case TLS_PROBLEM_PURPOSE:
        return BR_ERR_X509_FORBIDDEN_KEY_USAGE;
    case TLS_PROBLEM_WEAK_HASH:
        return BR_ERR_X509_UNSUPPORTED;
    case TLS_PROBLEM_TOO_LONG:
    case TLS_PROBLEM_MEMORY:
        return BR_ERR_X509_LIMIT_EXCEEDED;
    case TLS_PROBLEM_UNREADABLE:
        return BR_ERR_X509_INVALID_VALUE;
    }
    must_failed("unknown tls_problem", __FILE__, __LINE__);
}

/* The minimal engine says "unsupported" for a hash that it was not given. */
static bool signed_weakly(const struct tls_check *check)
{
    for (size_t i = 0; i < check->count; i++) {
        struct tls_der der;
        if (tls_der_read(tls_check_certificate(check, i), &der) &&
            tls_der_signed_with(&der) == TLS_HASH_WEAK) {
            return true;
        }
    }
    return false;
}

static unsigned end_chain(const br_x509_class **engine)
{
    struct tls_check *check = check_of(engine);
    unsigned code = 0;
    if (check->problem == TLS_PROBLEM_NONE && !verifies(check)) {
        code = read_key(check);
    } else if (check->problem == TLS_PROBLEM_NONE) {
        code = judge(check);
        if (code == 0) {
            check->problem = look_closer(check);
        } else if (code == BR_ERR_X509_UNSUPPORTED && signed_weakly(check)) {
            check->problem = TLS_PROBLEM_WEAK_HASH;
        }
    }
    code = code != 0 ? code : code_of(check->problem);
    check->code = code;
    check->passed = code == 0;
    return code;
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *engine, unsigned *usages)
{
    struct tls_check *check = (struct tls_check *)(uintptr_t)(const void *)engine;
    if (verifies(check)) {
        return check->minimal.vtable->get_pkey(&check->minimal.vtable, usages);
    }
    if (usages != NULL) {
        *usages = BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN;
    }
    return br_x509_decoder_get_pkey(&check->decoder);
}

static const br_x509_class check_class = {
    .context_size = sizeof(struct tls_check),
    .start_chain = start_chain,
    .start_cert = start_cert,
    .append = append,
    .end_cert = end_cert,
    .end_chain = end_chain,
    .get_pkey = get_pkey,
};

/* ---- Life ---- */

/* A name is sent to the server and compared byte by byte, so it must be a plain one. */
static bool host_is_plain(struct str host)
{
    for (size_t i = 0; i < host.len; i++) {
        unsigned char letter = (unsigned char)host.ptr[i];
        if (letter <= ' ' || letter >= 0x7F) {
            return false;
        }
    }
    return host.len <= TLS_HOST_MAX;
}

bool tls_check_new(struct tls_check **out, const struct tls_policy *policy, struct err *err)
{
    unsigned char address[16];
    must(policy->verify == TLS_VERIFY_NONE || policy->trust != NULL);
    if (!host_is_plain(policy->host)) {
        return err_set(err, ERR_CONFIG,
                       "the host's name must be plain letters, 253 at most; write names in other "
                       "scripts in their ASCII form (xn--…)");
    }
    if (policy->host.len == 0 && policy->verify == TLS_VERIFY_FULL) {
        return err_set(err, ERR_CONFIG, "a host's name is needed to check its certificate");
    }
    struct tls_check *check = mem_alloc(sizeof *check);
    if (check == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a TLS connection");
    }
    check->vtable = &check_class;
    check->verify = policy->verify;
    check->trust = tls_trust_keep(policy->trust);
    check->clock = policy->clock != NULL ? policy->clock : clock_system();
    check->by_address = tls_name_address(policy->host, address) > 0;
    if (policy->host.len > 0) {
        memcpy(check->host, policy->host.ptr, policy->host.len);
    }
    must(policy->protocol.len < sizeof check->protocol);
    (void)snprintf(check->protocol, sizeof check->protocol, "%.*s", (int)policy->protocol.len,
                   policy->protocol.len > 0 ? policy->protocol.ptr : "");
    *out = check;
    return true;
}

void tls_check_free(struct tls_check *check)
{
    if (check != NULL) {
        tls_trust_drop(check->trust);
        mem_free(check->chain);
        mem_free(check);
    }
}

void tls_check_install(struct tls_check *check, void *client)
{
    br_ssl_engine_context *engine = &((br_ssl_client_context *)client)->eng;
    unsigned char seed[SEED_BYTES];
    br_ssl_engine_set_versions(engine, BR_TLS12, BR_TLS12);
    br_ssl_engine_set_suites(engine, suites, sizeof suites / sizeof suites[0]);
    br_ssl_engine_set_hash(engine, br_md5_ID, NULL);
    br_ssl_engine_set_hash(engine, br_sha1_ID, NULL);
    br_ssl_engine_set_hash(engine, br_sha224_ID, NULL);
    br_ssl_engine_add_flags(engine, BR_OPT_NO_RENEGOTIATION);
    br_ssl_engine_set_x509(engine, &check->vtable);
    if (check->protocol[0] != '\0') {
        check->protocols[0] = check->protocol;
        br_ssl_engine_set_protocol_names(engine, check->protocols, 1);
    }
    token_random(seed, sizeof seed);
    br_ssl_engine_inject_entropy(engine, seed, sizeof seed);
    token_wipe(seed, sizeof seed);
    check->passed = false;
}

bool tls_check_passed(const struct tls_check *check)
{
    return check->passed;
}
