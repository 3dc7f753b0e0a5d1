/* http: against servers that are right and wrong (tests/net/servers.py), over TLS and in the clear.
 */
#include <stdio.h>
#include <string.h>

#include "net/http.h"
#include "rig/outside.h"
#include "test.h"
#include "text/json.h"

static struct outside servers;
static bool started;
static struct arena arena;

static int setup(void **state)
{
    static const char *const words[] = {"python3", "tests/net/servers.py", "{folder}", NULL};
    (void)state;
    arena_init(&arena, 256 << 20);
    started = outside_start(&servers, words, 60);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    outside_stop(&servers);
    arena_free(&arena);
    return 0;
}

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static struct http *open_client(bool anywhere)
{
    struct http *http = NULL;
    struct err err = {0};
    struct http_options options = {.root = str_of(outside_path(&servers, "ca.crt")),
                                   .anywhere = anywhere};
    assert_true(http_open(&http, &options, &err));
    return http;
}

/* "https://localhost:PORT/path" of a server. */
static struct str url_of(const char *server, const char *host, const char *path)
{
    bool plain = strcmp(server, "plain") == 0;
    return arena_printf(&arena, "%s://%s:%d%s", plain ? "http" : "https", host,
                        outside_port(&servers, server), path);
}

static bool get(struct http *http, struct str url, struct http_answer *answer, struct err *err)
{
    struct http_request request = {.url = url};
    return http_send(http, &request, outside_soon(), &arena, answer, err);
}

/* ---- Without servers ---- */

static void shown(const char *url, bool secret, const char *expected)
{
    struct buf buf;
    buf_init(&buf, &arena, 0);
    http_show(&buf, str_of(url), secret);
    assert_str_equal(buf_str(&buf), str_of(expected));
}

static void secrets_are_not_shown(void **state)
{
    (void)state;
    shown("https://api.example/v1/things", false, "https://api.example/v1/things");
    shown("https://user:secret@api.example:8443/a?key=secret&b=1#c", false,
          "https://api.example:8443/a?…");
    shown("https://a:b@c@api.example/", false, "https://api.example/");
    shown("https://hooks.example/services/T000AAAA/B000BBBB/abcdefABCDEF012345678901", false,
          "https://hooks.example/services/T000AAAA/B000BBBB/…");
    shown("https://api.example/waInstance1101/sendMessage/0123456789abcdef0123456789abcdef", false,
          "https://api.example/waInstance1101/sendMessage/…");
    shown("https://hooks.example/any/thing", true, "https://hooks.example/…");
    shown("https://hooks.example", true, "https://hooks.example");
    shown("https://user:se/cret@api.example/", false, "https://…"); /* invented */
    shown("https://user:12/34@api.example/", false, "https://…");   /* invented */
    shown("https://user:a?b@api.example/", true, "https://…");      /* invented */
    shown("https://api.example/@user/x", false, "https://api.example/@user/x");
    shown("nonsense secret", false, "(a URL without a scheme)");
    shown("https://api.example/a\r\nb", false, "https://api.example/a??b");
}

static void urls(void **state)
{
    static const struct {
        const char *url;
        const char *why; /* NULL: fine. */
    } cases[] = {
        {"https://api.example/x?y=z", NULL},
        {"http://localhost:8080", NULL},
        {"https://[2001:db8::1]/", NULL},
        {"", "empty"},
        {"api.example/x", ""},
        {"ftp://api.example/", "https://"},
        {"file:///etc/passwd", ""},
        {"https://", ""},
        {"https://api.example:99999/", "port"},
        {"https://api.example/a b", "%20"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        bool ok = http_url_check(str_of(cases[i].url), &err);
        if (ok != (cases[i].why == NULL) || (!ok && strstr(err.text, cases[i].why) == NULL)) {
            fail_msg("%s: %s", cases[i].url, ok ? "taken" : err.text);
        }
    }
}

static void retry_after(void **state)
{
    int64_t now = 1767225600000; /* 2026-01-01 */
    (void)state;
    assert_int_equal(http_retry_after(STR("120"), now), 120000);
    assert_int_equal(http_retry_after(STR(" 1 "), now), 1000);
    assert_int_equal(http_retry_after(STR("0"), now), 0);
    assert_int_equal(http_retry_after(STR("-5"), now), 0);
    assert_int_equal(http_retry_after(STR("999999999999"), now), HTTP_RETRY_AFTER_MAX_MS);
    assert_int_equal(http_retry_after(STR("Thu, 01 Jan 2026 00:01:00 GMT"), now), 60000);
    assert_int_equal(http_retry_after(STR("Thu, 01 Jan 2015 00:01:00 GMT"), now), 0);
    assert_int_equal(http_retry_after(STR("Fri, 01 Jan 2027 00:01:00 GMT"), now),
                     HTTP_RETRY_AFTER_MAX_MS);
    assert_int_equal(http_retry_after(STR("soon"), now), 0);
    assert_int_equal(http_retry_after(STR("1.5"), now), 0);
    assert_int_equal(http_retry_after(STR("99999999999999999999999"), now), 0);
    assert_int_equal(http_retry_after(STR("9223372036854775807"), now), HTTP_RETRY_AFTER_MAX_MS);
    assert_int_equal(http_retry_after(STR("-9223372036854775808"), now), 0);
    assert_int_equal(http_retry_after(STR("10, 20"), now), 0);
    assert_int_equal(http_retry_after(STR("Thu, 99 Jan 2026 00:01:00 GMT"), now), 0);
    assert_int_equal(http_retry_after((struct str){0}, now), 0);
}

/* ---- TLS ---- */

static void the_matrix(void **state)
{
    static const struct {
        const char *server;
        const char *host;
        enum err_kind kind;
        const char *why; /* NULL: an answer. */
    } cases[] = {
        {"rsa", "localhost", ERR_NONE, NULL},
        {"rsa", "127.0.0.1", ERR_NONE, NULL},
        {"rsa384", "localhost", ERR_NONE, NULL},
        {"chain", "localhost", ERR_NONE, NULL},
        {"plain", "localhost", ERR_NONE, NULL},
        {"wrong", "localhost", ERR_CONFIG, "other.example"},
        {"nameonly", "127.0.0.1", ERR_CONFIG, "use the name instead"},
        {"expired", "localhost", ERR_RETRY, "expired on 2025-01-01"},
        {"future", "localhost", ERR_RETRY, "valid only from"},
        {"selfsigned", "localhost", ERR_CONFIG, "signed by itself"},
        {"unknown", "localhost", ERR_CONFIG, "not signed by an authority we know"},
        {"weakhash", "localhost", ERR_CONFIG, "SHA-1"},
        {"weakkey", "localhost", ERR_CONFIG, "too short"},
        {"constrained", "localhost", ERR_CONFIG, "name constraints"},
        {"client", "localhost", ERR_CONFIG, "not meant for servers"},
        {"pss", "localhost", ERR_CONFIG, "not supported"},
        {"ed25519", "localhost", ERR_CONFIG, "shares no cipher"},
        {"tls13", "localhost", ERR_CONFIG, "insists on TLS 1.3"},
        {"tls11", "localhost", ERR_CONFIG, "older is not safe"},
        {"oldcipher", "localhost", ERR_CONFIG, "shares no cipher"},
        {"garbage", "localhost", ERR_CONFIG, "does not speak TLS"},
        {"cut_hello", "localhost", ERR_RETRY, "closed the connection during"},
        {"cut_half", "localhost", ERR_RETRY, "closed the connection during"},
    };
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct http *http = open_client(true);
        struct http_answer answer;
        struct err err = {0};
        bool ok = get(http, url_of(cases[i].server, cases[i].host, "/ok"), &answer, &err);
        if (ok != (cases[i].why == NULL)) {
            fail_msg("%s: %s", cases[i].server, ok ? "answered" : err.text);
        }
        if (!ok && (strstr(err.text, cases[i].why) == NULL || err.kind != cases[i].kind)) {
            fail_msg("%s: %s: \"%s\" does not say \"%s\"", cases[i].server, err_kind_name(err.kind),
                     err.text, cases[i].why);
        }
        if (ok) {
            assert_int_equal(answer.status, 200);
            assert_str_equal(answer.body, STR("fine"));
        } else {
            assert_false(answer.may_have_arrived);
        }
        http_close(http);
    }
}

/* ---- Requests and answers ---- */

static bool sign(void *context, const struct http_request *request, struct arena *own,
                 struct http_header *headers, size_t *count, struct err *err)
{
    (void)err;
    ++*(int *)context;
    headers[0] = (struct http_header){STR("X-Signed"), arena_printf(own, "%zu", request->body.len)};
    *count = 1;
    return true;
}

static void requests(void **state)
{
    int signed_times = 0;
    struct http_answer answer;
    struct err err = {0};
    const struct json_value *told = NULL;
    (void)state;
    if (!started) {
        skip();
    }
    struct http *http = open_client(true);
    struct http_header headers[] = {{STR("Content-Type"), STR("application/json")},
                                    {STR("X-Empty"), STR("")},
                                    {STR("X-Name"), STR("\xD7\xA9")}};
    struct http_request request = {
        .url = url_of("rsa", "localhost", "/echo?a=b%20c"),
        .headers = headers,
        .header_count = 3,
        .body = STR("{\"text\":\"שלום\"}"),
        .sign = sign,
        .sign_context = &signed_times,
    };
    assert_true(http_send(http, &request, outside_soon(), &arena, &answer, &err));
    assert_int_equal(answer.status, 200);
    assert_true(json_parse(&arena, answer.body, NULL, &told, &err));
    assert_str_equal(json_str(json_find(told, STR("method"))), STR("POST"));
    assert_str_equal(json_str(json_find(told, STR("target"))), STR("/echo?a=b%20c"));
    assert_str_equal(json_str(json_find(told, STR("body"))), STR("{\"text\":\"שלום\"}"));
    assert_str_equal(json_str(json_find(told, STR("headers/content-type"))),
                     STR("application/json"));
    assert_str_equal(json_str(json_find(told, STR("headers/x-empty"))), STR(""));
    assert_str_equal(json_str(json_find(told, STR("headers/x-signed"))), STR("19"));
    assert_null(json_str(json_find(told, STR("headers/expect"))).ptr);
    assert_int_equal(signed_times, 1);
    assert_str_equal(http_header_get(&answer, STR("content-TYPE")), STR("application/json"));
    assert_false(answer.reused);

    /* The connection is kept; another method; an empty body. */
    request = (struct http_request){
        .url = url_of("rsa", "localhost", "/echo"), .method = STR("PUT"), .body = STR("")};
    assert_true(http_send(http, &request, outside_soon(), &arena, &answer, &err));
    assert_true(answer.reused);
    assert_true(json_parse(&arena, answer.body, NULL, &told, &err));
    assert_str_equal(json_str(json_find(told, STR("method"))), STR("PUT"));
    request =
        (struct http_request){.url = url_of("rsa", "localhost", "/ok"), .method = STR("HEAD")};
    assert_true(http_send(http, &request, outside_soon(), &arena, &answer, &err));
    assert_int_equal(answer.body.len, 0);
    request = (struct http_request){.url = url_of("rsa", "localhost", "/ok"), .once = true};
    assert_true(http_send(http, &request, outside_soon(), &arena, &answer, &err));
    assert_false(answer.reused);

    /* A header cannot smuggle another one in. */
    struct http_header evil = {STR("X-A"), STR("b\r\nX-Evil: c")};
    request = (struct http_request){
        .url = url_of("rsa", "localhost", "/echo"), .headers = &evil, .header_count = 1};
    assert_false(http_send(http, &request, outside_soon(), &arena, &answer, &err));
    assert_int_equal(err.kind, ERR_REJECT);
    http_close(http);
}

static void statuses(void **state)
{
    static const struct {
        const char *path;
        enum err_kind kind;
        int64_t retry_after_ms;
    } cases[] = {
        {"/ok", ERR_NONE, 0},           {"/status/204", ERR_NONE, 0},
        {"/status/302", ERR_CONFIG, 0}, {"/status/400", ERR_REJECT, 0},
        {"/status/401", ERR_LOGIN, 0},  {"/status/403", ERR_LOGIN, 0},
        {"/status/404", ERR_CONFIG, 0}, {"/status/409", ERR_REJECT, 0},
        {"/status/410", ERR_CONFIG, 0}, {"/status/413", ERR_REJECT, 0},
        {"/status/422", ERR_REJECT, 0}, {"/status/429/7", ERR_RETRY, 7000},
        {"/status/500", ERR_RETRY, 0},  {"/status/503/120", ERR_RETRY, 120000},
        {"/status/408", ERR_RETRY, 0},  {"/status/425", ERR_RETRY, 0},
        {"/status/502", ERR_RETRY, 0},
    };
    (void)state;
    if (!started) {
        skip();
    }
    struct http *http = open_client(true);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct http_answer answer;
        struct err err = {0};
        assert_true(get(http, url_of("rsa", "localhost", cases[i].path), &answer, &err));
        bool ok = http_grade(&answer, "the test", &err);
        if (err.kind != cases[i].kind || ok != (cases[i].kind == ERR_NONE) ||
            err.retry_after_ms != cases[i].retry_after_ms) {
            fail_msg("%s: %s, %lld", cases[i].path, err_kind_name(err.kind),
                     (long long)err.retry_after_ms);
        }
        assert_null(strstr(err.text, "made up"));
    }
    http_close(http);
}

static void trouble(void **state)
{
    static const struct {
        const char *server;
        const char *path;
        int64_t patience_ms;
        enum err_kind kind;
        const char *why;
    } cases[] = {
        {"rsa", "/cut", 5000, ERR_RETRY, "cut before the end of the answer"},
        {"rsa", "/nothing", 5000, ERR_RETRY, "cut before"},
        {"plain", "/cut", 5000, ERR_RETRY, "cut before the end of the answer"},
        {"plain", "/nothing", 5000, ERR_RETRY, "closed"},
        {"rsa", "/nonsense", 5000, ERR_RETRY, "does not speak HTTP"},
        {"rsa", "/mute", 800, ERR_RETRY, "no answer in time"},
        {"rsa", "/drip", 1200, ERR_RETRY, "no answer in time"},
        {"silent", "/ok", 800, ERR_RETRY, "no answer in time"},
        {"rsa", "/big", 5000, ERR_REJECT, "larger than 1048576 bytes"},
        {"rsa", "/endless", 10000, ERR_REJECT, "larger than 1048576 bytes"},
        {"rsa", "/bomb", 10000, ERR_REJECT, "larger than 1048576 bytes"},
        {"rsa", "/headers", 10000, ERR_REJECT, "larger"},
        {"rsa", "/longline", 5000, ERR_REJECT, "larger"},
        {"rsa", "/manybombs", 10000, ERR_RETRY, "cannot be unpacked"},
        {"rsa", "/drip_head", 1200, ERR_RETRY, "no answer in time"},
        {"plain", "/drip_head", 1200, ERR_RETRY, "no answer in time"},
        {"rsa", "/continue", 5000, ERR_REJECT, "larger"},
        {"rsa", "/truncated", 5000, ERR_RETRY, "cut before the end"},
        {"rsa", "/badchunk", 5000, ERR_RETRY, ""},
        {"rsa", "/halfchunk", 5000, ERR_RETRY, "cut before the end"},
        {"plain", "/halfchunk", 5000, ERR_RETRY, "cut before the end"},
        {"rsa", "/badgzip", 5000, ERR_RETRY, "cannot be unpacked"},
        {"rsa", "/cutgzip", 5000, ERR_RETRY, "or was cut"},
        {"rsa", "/unknowncoding", 5000, ERR_RETRY, "cannot be unpacked"},
        {"rsa", "/twolengths", 5000, ERR_RETRY, ""},
        {"rsa", "/minuslength", 5000, ERR_RETRY, ""},
        {"rsa", "/nulhead", 5000, ERR_RETRY, ""},
    };
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct http *http = open_client(true);
        struct http_answer answer;
        struct err err = {0};
        struct http_request request = {.url = url_of(cases[i].server, "localhost", cases[i].path)};
        int64_t began = now_ms();
        bool ok = http_send(http, &request, began + cases[i].patience_ms, &arena, &answer, &err);
        if (ok || err.kind != cases[i].kind || strstr(err.text, cases[i].why) == NULL) {
            fail_msg("%s%s: %s: \"%s\" does not say \"%s\"", cases[i].server, cases[i].path,
                     err_kind_name(err.kind), err.text, cases[i].why);
        }
        if (now_ms() - began > cases[i].patience_ms + 1500) {
            fail_msg("%s took %d ms", cases[i].path, (int)(now_ms() - began));
        }
        assert_int_equal(answer.may_have_arrived, strcmp(cases[i].server, "silent") != 0);
        http_close(http);
    }
    struct http *http = open_client(true);
    struct http_answer answer;
    struct err err = {0};
    assert_false(get(http, STR("https://localhost:1/"), &answer, &err));
    assert_non_null(strstr(err.text, "nobody answers"));
    assert_int_equal(err.kind, ERR_RETRY);
    struct http_request large = {.url = url_of("rsa", "localhost", "/big"),
                                 .answer_max = 4 * 1024 * 1024};
    assert_true(http_send(http, &large, outside_soon(), &arena, &answer, &err));
    assert_int_equal(answer.body.len, 3 * 1024 * 1024);
    assert_true(get(http, url_of("rsa", "localhost", "/gzip"), &answer, &err));
    assert_int_equal(answer.body.len, 7000);
    assert_true(get(http, url_of("rsa", "localhost", "/ended"), &answer, &err));
    assert_str_equal(answer.body, STR("all of it"));
    /* A connection that the server closed meanwhile is replaced, and nobody notices. */
    for (int i = 0; i < 3; i++) {
        assert_true(get(http, url_of("rsa", "localhost", "/once"), &answer, &err));
        assert_int_equal(answer.status, 200);
    }
    http_close(http);
}

static bool stop_at(void *context)
{
    return now_ms() > *(int64_t *)context;
}

static void stopping(void **state)
{
    struct http *http = NULL;
    struct http_answer answer;
    struct err err = {0};
    (void)state;
    if (!started) {
        skip();
    }
    int64_t stop_ms = now_ms() + 300;
    struct http_options options = {.root = str_of(outside_path(&servers, "ca.crt")),
                                   .anywhere = true,
                                   .stopping = stop_at,
                                   .stopping_context = &stop_ms};
    assert_true(http_open(&http, &options, &err));
    int64_t began = now_ms();
    assert_false(get(http, url_of("rsa", "localhost", "/mute"), &answer, &err));
    assert_int_equal(err.kind, ERR_STOP);
    assert_true(now_ms() - began < 3000);
    http_close(http);
}

/* ---- Where requests may lead ---- */

static void addresses(void **state)
{
    struct http_answer answer;
    struct err err = {0};
    (void)state;
    if (!started) {
        skip();
    }
    struct http *http = open_client(false);
    assert_false(get(http, url_of("rsa", "localhost", "/ok"), &answer, &err));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_non_null(strstr(err.text, "this machine"));
    assert_false(get(http, url_of("rsa", "127.0.0.1", "/ok"), &answer, &err));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_false(get(http, STR("https://169.254.169.254/latest/meta-data"), &answer, &err));
    assert_non_null(strstr(err.text, "link-local"));
    assert_false(get(http, STR("https://10.0.0.1/"), &answer, &err));
    assert_non_null(strstr(err.text, "private network"));
    assert_false(get(http, STR("https://[::ffff:127.0.0.1]/"), &answer, &err));
    assert_non_null(strstr(err.text, "this machine"));
    assert_false(get(http, STR("https://0.0.0.0/"), &answer, &err));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_false(get(http, STR("http://example.com/"), &answer, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "in the clear"));
    http_close(http);
    http = open_client(true); /* Link-local is refused even then. */
    assert_false(get(http, STR("http://169.254.169.254/"), &answer, &err));
    assert_non_null(strstr(err.text, "link-local"));
    http_close(http);
}

/* What the server at the end saw of the request. */
static const struct json_value *told_by(const struct http_answer *answer)
{
    struct err err = {0};
    const struct json_value *told = NULL;
    if (!json_parse(&arena, answer->body, NULL, &told, &err)) {
        fail_msg("%s: %.*s", err.text, STR_ARG(answer->body));
    }
    return told;
}

static void redirects(void **state)
{
    struct http_answer answer;
    struct err err = {0};
    (void)state;
    if (!started) {
        skip();
    }
    struct http *http = open_client(true);
    struct http_header secret = {STR("Authorization"), STR("Bearer invented")};
    struct http_request request = {.url = url_of("rsa", "localhost", "/redirect?/echo"),
                                   .headers = &secret,
                                   .header_count = 1};
    assert_true(
        http_send(http, &request, outside_soon(), &arena, &answer, &err)); /* Not followed. */
    assert_int_equal(answer.status, 302);
    request.redirects = 3;
    assert_true(http_send(http, &request, outside_soon(), &arena, &answer, &err));
    assert_non_null(json_str(json_find(told_by(&answer), STR("headers/authorization"))).ptr);

    /* Another host: it gets the question, and nothing else. */
    request.url = arena_printf(&arena, "https://localhost:%d/redirect?https://localhost:%d/echo",
                               outside_port(&servers, "rsa"), outside_port(&servers, "rsa384"));
    assert_true(http_send(http, &request, outside_soon(), &arena, &answer, &err));
    assert_int_equal(answer.status, 200);
    assert_null(json_str(json_find(told_by(&answer), STR("headers/authorization"))).ptr);

    /* To the clear, in circles, with a body to elsewhere, to a forbidden place, to nonsense. */
    request.url = arena_printf(&arena, "https://localhost:%d/redirect?http://localhost:%d/echo",
                               outside_port(&servers, "rsa"), outside_port(&servers, "plain"));
    assert_false(http_send(http, &request, outside_soon(), &arena, &answer, &err));
    assert_non_null(strstr(err.text, "from https to http"));
    request.url = url_of("rsa", "localhost", "/loop");
    assert_false(http_send(http, &request, outside_soon(), &arena, &answer, &err));
    assert_non_null(strstr(err.text, "more than 3 redirects"));
    request.url = url_of("rsa", "localhost", "/redirect?/echo");
    request.body = STR("x");
    assert_false(http_send(http, &request, outside_soon(), &arena, &answer, &err));
    assert_non_null(strstr(err.text, "use the final address"));
    request.body = (struct str){0};
    request.url = url_of("rsa", "localhost", "/redirect?https://169.254.169.254/");
    assert_false(http_send(http, &request, outside_soon(), &arena, &answer, &err));
    assert_non_null(strstr(err.text, "link-local"));
    request.url = url_of("rsa", "localhost", "/redirect?file:///etc/passwd");
    assert_false(http_send(http, &request, outside_soon(), &arena, &answer, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    http_close(http);
}

/* Secrets of an address do not get into errors. */
/* A header that would become two, or a request of its own, is not sent. */
static void headers_are_sound(void **state)
{
    static const struct http_header bad[] = {
        {STR_INIT("X-A"), STR_INIT("b\r\nX-C: d")},
        {STR_INIT("X-A"), STR_INIT("b\n")},
        {STR_INIT("X-A"), STR_INIT("b\rc")},
        {STR_INIT("X-A"), {"b\0c", 3}},
        {STR_INIT("X-A"), STR_INIT("b\x1B[0m")},
        {STR_INIT("X-A: b\r\nX-C"), STR_INIT("d")},
        {STR_INIT("X-A:"), STR_INIT("d")},
        {STR_INIT("X A"), STR_INIT("d")},
        {STR_INIT(""), STR_INIT("d")},
        {STR_INIT("שם"), STR_INIT("d")},
        {{"X\0A", 3}, STR_INIT("d")},
    };
    (void)state;
    if (!started) {
        skip();
    }
    struct http *http = open_client(true);
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct http_answer answer;
        struct err err = {0};
        struct http_request request = {
            .url = url_of("rsa", "localhost", "/echo"), .headers = &bad[i], .header_count = 1};
        if (http_send(http, &request, outside_soon(), &arena, &answer, &err)) {
            fail_msg("header %zu was sent", i);
        }
        assert_int_equal(err.kind, ERR_REJECT);
        assert_false(answer.may_have_arrived);
    }
    http_close(http);
}

static void errors_keep_secrets(void **state)
{
    struct http_answer answer;
    struct err err = {0};
    (void)state;
    if (!started) {
        skip();
    }
    struct http *http = open_client(true);
    struct str url = arena_printf(&arena, "https://me:hunter2@localhost:%d/cut?key=hunter2",
                                  outside_port(&servers, "rsa"));
    assert_false(get(http, url, &answer, &err));
    assert_null(strstr(err.text, "hunter2"));
    struct http_request request = {.url = STR("https://localhost:1/hunter2"), .secret_url = true};
    assert_false(http_send(http, &request, outside_soon(), &arena, &answer, &err));
    assert_null(strstr(err.text, "hunter2"));
    http_close(http);
}

static void resting(void **state)
{
    struct http_answer answer;
    struct err err = {0};
    (void)state;
    if (!started) {
        skip();
    }
    struct http *http = open_client(true);
    assert_true(get(http, url_of("rsa", "localhost", "/ok"), &answer, &err));
    assert_true(get(http, url_of("rsa", "localhost", "/ok"), &answer, &err));
    assert_true(answer.reused);
    http_rest(http);
    assert_true(get(http, url_of("rsa", "localhost", "/ok"), &answer, &err));
    assert_false(answer.reused);
    http_close(http);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_not_shown),
        cmocka_unit_test(urls),
        cmocka_unit_test(retry_after),
        cmocka_unit_test(the_matrix),
        cmocka_unit_test(requests),
        cmocka_unit_test(statuses),
        cmocka_unit_test(trouble),
        cmocka_unit_test(stopping),
        cmocka_unit_test(addresses),
        cmocka_unit_test(redirects),
        cmocka_unit_test(headers_are_sound),
        cmocka_unit_test(errors_keep_secrets),
        cmocka_unit_test(resting),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
