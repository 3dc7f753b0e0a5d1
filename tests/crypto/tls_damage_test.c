/*
 * tls_damage: the judge and its reader of certificates, fed with damaged chains. They may refuse
 * them, and must neither fall nor believe one. The seed is fixed, so a failure repeats.
 *
 * A chain goes in as BearSSL hands it over, in pieces of any length.
 */
#include <bearssl_pem.h>
#include <bearssl_x509.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "crypto/tls_check.h"
#include "crypto/tls_der.h"
#include "rig/outside.h"
#include "test.h"

enum { ROUNDS = 4000, CERTIFICATE_MAX = 4096, ANY_MAX = 600 };

static struct outside folder;
static struct arena arena;
static bool started;
static uint64_t chance = 88172645463325252U;

static int setup(void **state)
{
    static const char *const words[] = {"python3", "tests/net/servers.py", "{folder}", NULL};
    (void)state;
    arena_init(&arena, 16 << 20);
    started = outside_start(&folder, words, 60);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    outside_stop(&folder);
    arena_free(&arena);
    return 0;
}

static uint64_t draw(void)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return chance;
}

struct der {
    unsigned char bytes[CERTIFICATE_MAX];
    size_t len;
};

static void take(void *context, const void *bytes, size_t len)
{
    struct der *der = context;
    assert_true(len <= sizeof der->bytes - der->len);
    memcpy(der->bytes + der->len, bytes, len);
    der->len += len;
}

/* The certificates of a PEM file; their number. */
static size_t read_chain(const char *name, struct der *chain, size_t most)
{
    struct str text = {0};
    struct err err = {0};
    br_pem_decoder_context decoder;
    size_t count = 0;
    assert_true(file_read(&arena, str_of(outside_path(&folder, name)), 1 << 20, &text, &err));
    br_pem_decoder_init(&decoder);
    for (size_t at = 0; at < text.len;) {
        at += br_pem_decoder_push(&decoder, text.ptr + at, text.len - at);
        int event = br_pem_decoder_event(&decoder);
        if (event == BR_PEM_BEGIN_OBJ) {
            assert_true(count < most);
            chain[count].len = 0;
            br_pem_decoder_setdest(&decoder, take, &chain[count]);
        }
        count += event == BR_PEM_END_OBJ;
    }
    return count;
}

/* The judgement, as the handshake asks for it. */
static bool judged_good(struct tls_check *check, const struct der *chain, size_t count)
{
    const br_x509_class **engine = &check->vtable;
    (*engine)->start_chain(engine, "localhost");
    for (size_t i = 0; i < count; i++) {
        (*engine)->start_cert(engine, (uint32_t)chain[i].len);
        for (size_t at = 0; at < chain[i].len;) {
            size_t piece = 1 + draw() % 300;
            piece = piece < chain[i].len - at ? piece : chain[i].len - at;
            (*engine)->append(engine, chain[i].bytes + at, piece);
            at += piece;
        }
        (*engine)->end_cert(engine);
    }
    return (*engine)->end_chain(engine) == 0;
}

/* One to four bytes become others, the end is cut, or bytes are put in between. */
static void damage(struct der *der)
{
    switch (draw() % 4) {
    case 0:
        der->len = draw() % der->len;
        break;
    case 1: {
        size_t at = draw() % der->len;
        size_t more = 1 + draw() % 8;
        if (der->len + more <= sizeof der->bytes) {
            memmove(der->bytes + at + more, der->bytes + at, der->len - at);
            der->len += more;
        }
        break;
    }
    default:
        for (uint64_t i = 1 + draw() % 4; i > 0; i--) {
            der->bytes[draw() % der->len] ^= (unsigned char)(1 + draw() % 255);
        }
    }
}

/* Everything that reads a certificate, and the words about it. */
static void read_everything(struct str certificate)
{
    struct tls_der der;
    int64_t seconds = 0;
    char day[11];
    if (tls_der_read(certificate, &der)) {
        struct str names = der.names;
        struct str name;
        int tag = 0;
        while (tls_der_name(&names, &tag, &name)) {
        }
        (void)tls_der_seconds(der.not_before, &seconds);
        tls_der_date(der.not_after, day);
        (void)tls_der_signed_with(&der);
        (void)tls_name_matches(&der, STR("localhost"));
        (void)tls_name_matches(&der, STR("::1"));
    }
}

static void damaged_chains(void **state)
{
    static const char *const names[] = {"rsa.crt", "chain.crt", "ec.crt", "pss.crt",
                                        "weakhash.crt"};
    static const char *const roots[] = {"ca.crt", "ca.crt", "ecca.crt", "ca.crt", "ca.crt"};
    static const bool good[] = {true, true, true, false, false};
    size_t believed = 0;
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t n = 0; n < COUNT(names); n++) {
        struct der whole[2] = {0};
        struct err err = {0};
        struct tls_check *check = NULL;
        struct tls_policy policy = {.host = STR("localhost")};
        size_t count = read_chain(names[n], whole, COUNT(whole));
        if (count == 0) {
            fail_msg("%s holds no certificate", names[n]);
            return;
        }
        assert_true(tls_trust_load(str_of(outside_path(&folder, roots[n])), &policy.trust, &err));
        assert_true(tls_check_new(&check, &policy, &err));
        tls_trust_drop(policy.trust);
        assert_int_equal(judged_good(check, whole, count), good[n]);
        for (int i = 0; i < ROUNDS / (int)COUNT(names); i++) {
            struct der copy[2];
            memcpy(copy, whole, sizeof copy);
            size_t which = draw() % count;
            damage(&copy[which]);
            read_everything((struct str){(const char *)copy[which].bytes, copy[which].len});
            bool same = copy[which].len >= whole[which].len &&
                        memcmp(copy[which].bytes, whole[which].bytes, whole[which].len) == 0;
            if (judged_good(check, copy, count)) {
                believed += !same;
            } else {
                (void)tls_check_why(check, 0, &err);
                assert_true(err.text[0] != '\0');
            }
        }
        assert_int_equal(judged_good(check, whole, count), good[n]); /* Nothing stuck. */
        tls_check_free(check);
    }
    assert_int_equal(believed, 0);
}

/* Bytes that were never a certificate, and long ones that begin like one. */
static void any_bytes(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char bytes[ANY_MAX];
        size_t len = draw() % sizeof bytes;
        for (size_t at = 0; at < len; at++) {
            bytes[at] = (char)(draw() % 4 == 0 ? "\x30\x82\x02\x06\xa0\xa3\x04\x80"[draw() % 8]
                                               : (int)(draw() & 0xFF));
        }
        read_everything((struct str){bytes, len});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_chains),
        cmocka_unit_test(any_bytes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
