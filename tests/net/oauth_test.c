/* oauth: tokens of the double's service account, key files that are none, refusals in words. */
#include <stdio.h>
#include <string.h>

#include "net/google_rig.h"
#include "net/oauth.h"
#include "test.h"

static bool started;
static struct arena arena;
static struct err err;
static struct http *http;
static int64_t ahead_ms;

static int64_t wall_ms(struct clock *clock)
{
    (void)clock;
    return clock_wall_ms(clock_system()) + ahead_ms;
}

static int64_t mono_now_ms;

static int64_t mono_ms(struct clock *clock)
{
    (void)clock;
    return clock_mono_ms(clock_system()) + mono_now_ms;
}

static struct clock odd_clock = {.wall_ms = wall_ms, .mono_ms = mono_ms};

static int group_setup(void **state)
{
    (void)state;
    arena_init(&arena, 64 << 20);
    started = google_start(NULL);
    if (started) {
        struct http_options options = {.root = str_of(outside_path(&google, "ca.crt")),
                                       .anywhere = true};
        assert_true(http_open(&http, &options, &err));
    }
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    http_close(http);
    outside_stop(&google);
    arena_free(&arena);
    return 0;
}

static struct oauth *opened(struct str credentials)
{
    struct oauth *oauth = NULL;
    struct oauth_options options = {
        .credentials = credentials,
        .scope = STR("https://www.googleapis.com/auth/spreadsheets.readonly"),
        .clock = &odd_clock,
    };
    err = (struct err){0};
    return oauth_open(&oauth, &options, &err) ? oauth : NULL;
}

static void tokens_are_kept(void **state)
{
    struct str first = {0};
    struct str again = {0};
    (void)state;
    if (!started) {
        skip();
    }
    struct oauth *oauth = opened(google_credentials(&arena));
    assert_non_null(oauth);
    assert_str_equal(oauth_account(oauth), STR("robot@invented-project.iam.gserviceaccount.com"));
    assert_true(oauth_token(oauth, http, outside_soon(), &first, &err));
    assert_true(str_starts(first, STR("Bearer ya29.")));
    first = arena_copy(&arena, first);
    int64_t calls = google_calls(&arena, "token");
    assert_true(oauth_token(oauth, http, outside_soon(), &again, &err));
    assert_str_equal(first, again);
    mono_now_ms = 54 * 60000; /* Its last six minutes: still good. */
    assert_true(oauth_token(oauth, http, outside_soon() + mono_now_ms, &again, &err));
    assert_str_equal(first, again);
    assert_int_equal(google_calls(&arena, "token"), calls);
    mono_now_ms = 56 * 60000;
    assert_true(oauth_token(oauth, http, outside_soon() + mono_now_ms, &again, &err));
    assert_false(str_equal(first, again));
    mono_now_ms = 0;
    oauth_forget(oauth);
    assert_true(oauth_token(oauth, http, outside_soon(), &again, &err));
    assert_int_equal(google_calls(&arena, "token"), calls + 2);
    oauth_close(oauth);
}

/* The key file with one of its parts put into another's place. */
static struct str altered(const char *from, const char *to)
{
    struct str text = google_credentials(&arena);
    size_t at = str_find(text, str_of(from), 0);
    assert_int_not_equal(at, STR_NONE);
    return arena_printf(&arena, "%.*s%s%.*s", STR_ARG(str_slice(text, 0, at)), to,
                        STR_ARG(str_slice(text, at + strlen(from), text.len)));
}

static void refused(struct str credentials, const char *why)
{
    assert_null(opened(credentials));
    assert_int_equal(err.kind, ERR_CONFIG);
    if (strstr(err.text, why) == NULL || strstr(err.text, "BEGIN") != NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
    }
}

static void key_files_are_judged(void **state)
{
    (void)state;
    refused(STR(""), "empty");
    refused(STR("no JSON"), "no JSON");
    refused(STR("{}"), "\"type\" is not \"service_account\"");
    refused(STR("{\"installed\":{\"client_id\":\"x\"}}"), "OAuth client");
    refused(STR("{\"type\":\"authorized_user\",\"refresh_token\":\"x\"}"), "of a person");
    if (!started) {
        skip();
    }
    refused(altered("client_email", "other"), "\"client_email\" is missing");
    refused(altered("private_key_id", "other"), "\"private_key_id\" is missing");
    refused(altered("\"private_key\"", "\"other\""), "\"private_key\" is missing");
    refused(altered("PRIVATE KEY-----\\n", "PRIVATE KEY-----\\nXXXX"), "damaged");
    refused(altered("https://localhost", "http://tokens.example"), "not https");
    refused(altered("https://localhost", "ftp://tokens.example"), "token_uri");
}

/* What the token service says, and what a person hears. */
static void refusals_in_words(void **state)
{
    static const struct {
        const char *fault; /* Of the double; NULL for none. */
        int64_t ahead_ms;
        enum err_kind kind;
        const char *words;
    } cases[] = {
        {NULL, 7 * 60000, ERR_LOGIN, "clock is 7 minutes ahead of Google's"},
        {NULL, -3 * 3600000, ERR_LOGIN, "clock is 3 hours behind Google's"},
        {"\"what\":\"status\",\"code\":400,\"body\":{\"error\":\"invalid_grant\","
         "\"error_description\":\"Invalid JWT Signature.\"}",
         0, ERR_LOGIN, "deleted or replaced"},
        {"\"what\":\"status\",\"code\":400,\"body\":{\"error\":\"invalid_grant\","
         "\"error_description\":\"Invalid grant: account not found\"}",
         0, ERR_LOGIN, "knows no service account robot@"},
        {"\"what\":\"status\",\"code\":401,\"body\":{\"error\":\"unauthorized_client\"}", 0,
         ERR_LOGIN, "unauthorized_client"},
        {"\"what\":\"status\",\"code\":503,\"retry_after\":\"9\"", 0, ERR_RETRY, "HTTP 503"},
        {"\"what\":\"status\",\"code\":200,\"body\":{\"token_type\":\"Bearer\"}", 0, ERR_RETRY,
         "without a token"},
        {"\"what\":\"cut\",\"times\":2", 0, ERR_RETRY, "localhost"},
    };
    struct str value = {0};
    (void)state;
    if (!started) {
        skip();
    }
    struct oauth *oauth = opened(google_credentials(&arena));
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (cases[i].fault != NULL) {
            google_ask("fault {\"on\":\"token\",%s}", cases[i].fault);
        }
        ahead_ms = cases[i].ahead_ms;
        err = (struct err){0};
        oauth_forget(oauth);
        assert_false(oauth_token(oauth, http, outside_soon(), &value, &err));
        if (err.kind != cases[i].kind || strstr(err.text, cases[i].words) == NULL) {
            fail_msg("%zu: %s %s", i, err_kind_name(err.kind), err.text);
        }
    }
    ahead_ms = 0;
    google_ask("calm");
    assert_true(oauth_token(oauth, http, outside_soon(), &value, &err));
    oauth_close(oauth);
    oauth = opened(altered("invented-key-1", "a-key-of-old"));
    assert_false(oauth_token(oauth, http, outside_soon(), &value, &err));
    assert_non_null(strstr(err.text, "deleted or replaced"));
    oauth_close(oauth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_kept),
        cmocka_unit_test(key_files_are_judged),
        cmocka_unit_test(refusals_in_words),
    };
    return cmocka_run_group_tests_name("oauth", tests, group_setup, group_teardown);
}
