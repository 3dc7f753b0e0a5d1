/* rsa: keys in all forms, signatures equal to those of openssl, and what is no key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/command.h"
#include "base/file.h"
#include "crypto/rsa.h"
#include "test.h"

#define BEGIN "-----BEGIN PRIVATE KEY-----\n" /* invented */
#define END   "\n-----END PRIVATE KEY-----\n"

static struct arena arena;
static struct err err;
static char folder[64];
static bool made;

static bool shell(const char *line, struct str *output)
{
    const struct str words[] = {STR("sh"), STR("-c"), str_of(line), STR("sh"), str_of(folder)};
    struct command command = {.words = words,
                              .count = COUNT(words),
                              .environment = (const char *const *)(void *)environ,
                              .deadline_ms = clock_mono_ms(clock_system()) + 30000,
                              .output_max = 65536};
    return command_run(&arena, &command, output, &err);
}

static int setup(void **state)
{
    struct str ignored = {0};
    (void)state;
    arena_init(&arena, 32 << 20);
    (void)snprintf(folder, sizeof folder, "/tmp/sluice-rsa-XXXXXX");
    assert_non_null(mkdtemp(folder));
    made = shell("cd \"$1\" && exec 2> /dev/null"
                 " && openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out new.pem"
                 " && openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out long.pem"
                 " && openssl rsa -in new.pem -traditional -out old.pem"
                 " && openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out weak.pem"
                 " && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem"
                 " && openssl pkcs8 -topk8 -in new.pem -passout pass:x -out locked.pem"
                 " && openssl rsa -in new.pem -pubout -out public.pem"
                 " && printf 'header.שלום' > text"
                 " && openssl dgst -sha256 -sign new.pem -out new.sig text"
                 " && openssl dgst -sha256 -sign long.pem -out long.sig text",
                 &ignored);
    return 0;
}

static int teardown(void **state)
{
    struct str ignored = {0};
    (void)state;
    (void)shell("rm -rf -- \"$1\"", &ignored);
    arena_free(&arena);
    return 0;
}

static struct str file_of(const char *name)
{
    struct str bytes = {0};
    struct str path = arena_printf(&arena, "%s/%s", folder, name);
    assert_true(file_read(&arena, path, 65536, &bytes, &err));
    return bytes;
}

static void signs_as_openssl_does(void **state)
{
    static const struct {
        const char *key;
        const char *signature;
    } cases[] = {{"new.pem", "new.sig"}, {"old.pem", "new.sig"}, {"long.pem", "long.sig"}};
    (void)state;
    if (!made) {
        skip();
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[RSA_SIGNATURE_MAX];
        struct rsa *rsa = NULL;
        struct str signature = {0};
        assert_true(rsa_open(&rsa, file_of(cases[i].key), &err));
        for (int times = 0; times < 2; times++) {
            assert_true(rsa_sign_sha256(rsa, file_of("text"), out, &signature, &err));
            assert_true(str_equal(signature, file_of(cases[i].signature)));
        }
        assert_true(rsa_sign_sha256(rsa, STR("another text"), out, &signature, &err));
        assert_false(str_equal(signature, file_of(cases[i].signature)));
        rsa_close(rsa);
    }
}

static void refused(struct str pem, const char *why)
{
    struct rsa *rsa = NULL;
    err = (struct err){0};
    assert_false(rsa_open(&rsa, pem, &err));
    assert_null(rsa);
    assert_int_equal(err.kind, ERR_CONFIG);
    if (strstr(err.text, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
    }
}

static void what_is_no_key_is_refused(void **state)
{
    (void)state;
    refused(STR(""), "no PEM block PRIVATE KEY");
    refused(STR("nonsense"), "no PEM block PRIVATE KEY");
    refused(STR(BEGIN "!!!!" END), "no base64");
    refused(STR(BEGIN "MAAw" END), "damaged");
    refused((struct str){arena_bytes(&arena, RSA_PEM_MAX + 1), RSA_PEM_MAX + 1}, "longer");
    if (!made) {
        skip();
    }
    refused(file_of("weak.pem"), "1024 bits");
    refused(file_of("ec.pem"), "no RSA key");
    refused(file_of("locked.pem"), "locked with a password");
    refused(file_of("public.pem"), "no PEM block PRIVATE KEY");
}

/* Cut or changed anywhere: refused, or a signature, and never a crash. */
static void damaged_keys(void **state)
{
    (void)state;
    if (!made) {
        skip();
    }
    struct str pem = file_of("new.pem");
    char *copy = arena_bytes(&arena, pem.len);
    for (size_t at = 0; at < pem.len; at += 13) {
        struct rsa *rsa = NULL;
        assert_false(rsa_open(&rsa, str_slice(pem, 0, at), &err));
        memcpy(copy, pem.ptr, pem.len);
        copy[at] = copy[at] == 'A' ? 'B' : 'A';
        if (rsa_open(&rsa, (struct str){copy, pem.len}, &err)) {
            char out[RSA_SIGNATURE_MAX];
            struct str signature = {0};
            (void)rsa_sign_sha256(rsa, STR("text"), out, &signature, &err);
            rsa_close(rsa);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_as_openssl_does),
        cmocka_unit_test(what_is_no_key_is_refused),
        cmocka_unit_test(damaged_keys),
    };
    return cmocka_run_group_tests_name("rsa", tests, setup, teardown);
}
