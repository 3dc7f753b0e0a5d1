/* password: hashes from elsewhere, no truncation, what is refused, the same work for nobody. */
#include <string.h>

#include "base/clock.h"
#include "crypto/password.h"
#include "test.h"

static struct err err;

/* The vectors of the bcrypt implementation that all others are measured by. */
static void imported_hashes_verify(void **state)
{
    (void)state;
    static const struct {
        struct str hash;
        struct str password;
    } cases[] = {
        {STR_INIT("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"), STR_INIT("U*U")},
        {STR_INIT("$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
         STR_INIT("U*U*")},
        {STR_INIT("$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
         STR_INIT("U*U*U")},
        {STR_INIT("$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"), STR_INIT("")},
        {STR_INIT("$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"),
         STR_INIT("\xA3")},
        {STR_INIT("$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"), STR_INIT("U*U")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool renew = false;
        assert_true(password_hash_valid(cases[i].hash));
        assert_true(password_verify(cases[i].password, cases[i].hash, &renew));
        assert_true(renew); /* Not ours, and cheap. */
        assert_false(password_verify(STR("U*u"), cases[i].hash, &renew));
        assert_false(renew);
    }
    assert_false(password_verify(STR("U*U\0x"), cases[0].hash, NULL)); /* No C string's end. */
}

static void new_hashes_have_no_end(void **state)
{
    (void)state;
    char password[PASSWORD_BYTES_MAX];
    char hash[PASSWORD_HASH_SIZE];
    char again[PASSWORD_HASH_SIZE];
    memset(password, 'a', sizeof password);
    password[3] = '\0';
    struct str whole = {password, 100};
    assert_true(password_hash(whole, hash, &err));
    assert_int_equal(strncmp(hash, "bcrypt-sha256:$2b$12$", 21), 0);
    assert_true(password_hash_valid(str_of(hash)));
    bool renew = true;
    assert_true(password_verify(whole, str_of(hash), &renew));
    assert_false(renew);
    assert_false(password_verify((struct str){password, 99}, str_of(hash), NULL));
    password[99] = 'b'; /* Behind bcrypt's 72 bytes, and behind a NUL. */
    assert_false(password_verify(whole, str_of(hash), NULL));
    assert_true(password_hash(whole, again, &err));
    assert_string_not_equal(hash, again);
}

static void broken_hashes_fit_nobody(void **state)
{
    (void)state;
    static const struct str hashes[] = {
        STR_INIT("$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        STR_INIT("$2a$16$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        STR_INIT("$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        STR_INIT("$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        STR_INIT("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe"),
        STR_INIT("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW0"),
        STR_INIT("$2a$05$CCCCCCCCCCCCCCCCCCCC!.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        STR_INIT("$2a$05$CCCCCCCCCCCCCCCCCCCC\0.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        STR_INIT("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/"),
        STR_INIT("bcrypt-sha256:"),
        STR_INIT("*0"),
        STR_INIT("*"),
        STR_INIT(""),
        STR_INIT("U*U"),
    };
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        assert_false(password_hash_valid(hashes[i]));
    }
    bool renew = true;
    assert_false(password_verify(STR("U*U"), hashes[0], &renew));
    assert_false(renew);
    assert_false(password_verify(STR("*"), STR("*"), NULL));
}

/* Whether there is such a user must not show in the time it takes. */
static void nobody_takes_as_long(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_SIZE];
    assert_true(password_hash(STR("correct horse"), hash, &err));
    int64_t start = clock_cpu_us();
    assert_false(password_verify(STR("wrong horse"), str_of(hash), NULL));
    int64_t known = clock_cpu_us() - start;
    start = clock_cpu_us();
    assert_false(password_verify(STR("wrong horse"), (struct str){0}, NULL));
    int64_t unknown = clock_cpu_us() - start;
    assert_true(unknown * 2 > known && known * 2 > unknown);
    static char huge[100000];
    memset(huge, 'a', sizeof huge);
    assert_false(password_verify((struct str){huge, sizeof huge}, str_of(hash), NULL));
}

static void weak_ones_are_refused(void **state)
{
    (void)state;
    char longest[PASSWORD_BYTES_MAX + 1];
    for (size_t i = 0; i < sizeof longest; i++) {
        longest[i] = (char)('a' + i % 7);
    }
    const struct {
        struct str password;
        bool fine;
    } cases[] = {
        {STR("short77"), false},
        {STR("eight888"), true},
        {STR("שלום"), false}, /* Eight bytes, four characters. */
        {STR("שלוםעולם"), true},
        {{longest, PASSWORD_LETTERS_MAX}, true},
        {{longest, PASSWORD_LETTERS_MAX + 1}, false},
        {{longest, sizeof longest}, false},
        {STR(""), false},
        {{0}, false},
        {STR("PassWord"), false},
        {STR("Qwerty123"), false},
        {STR("aaaaaaaaaaaa"), false},
        {STR("correct horse battery"), true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(password_check(cases[i].password, &err), cases[i].fine);
    }
    assert_non_null(strstr(err.text, "tried first"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imported_hashes_verify),   cmocka_unit_test(new_hashes_have_no_end),
        cmocka_unit_test(broken_hashes_fit_nobody), cmocka_unit_test(nobody_takes_as_long),
        cmocka_unit_test(weak_ones_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
