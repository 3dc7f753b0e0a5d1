/* mail: composing, and sending through real servers (tests/net/mail_server.py). */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "net/mail.h"
#include "rig/outside.h"
#include "test.h"
#include "text/json.h"

enum { PATIENCE_MS = 15000 };

static struct outside server;
static bool started;
static struct arena arena;

static int setup(void **state)
{
    static const char *const words[] = {"python3", "tests/net/mail_server.py", "{folder}", NULL};
    (void)state;
    arena_init(&arena, 64 << 20);
    started = outside_start(&server, words, 60);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    outside_stop(&server);
    arena_free(&arena);
    return 0;
}

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static const struct mail_message a_mail = {
    .from = STR_INIT("desk@example.org"),
    .subject = STR_INIT("Two lessons"),
    .text = STR_INIT("first line\nsecond line\n"),
    .id = STR_INIT("sluice_1"),
    .date_ms = 1767323045000,
};

static const struct str somebody = STR_INIT("teacher@example.org");

/* ---- Composing ---- */

static void what_leaves(void **state)
{
    struct err err = {0};
    struct buf buf;
    (void)state;
    struct mail_message message = a_mail;
    message.to = &somebody;
    message.to_count = 1;
    buf_init(&buf, &arena, 0);
    assert_true(mail_compose(&message, &buf, &err));
    assert_str_equal(buf_str(&buf), STR("Date: Fri, 02 Jan 2026 03:04:05 +0000\r\n"
                                        "From: <desk@example.org>\r\n"
                                        "To: <teacher@example.org>\r\n"
                                        "Subject: Two lessons\r\n"
                                        "Message-ID: <sluice_1@example.org>\r\n"
                                        "MIME-Version: 1.0\r\n"
                                        "Content-Type: text/plain; charset=utf-8\r\n"
                                        "Content-Transfer-Encoding: base64\r\n"
                                        "Auto-Submitted: auto-generated\r\n"
                                        "\r\n"
                                        "Zmlyc3QgbGluZQ0Kc2Vjb25kIGxpbmUNCg==\r\n"));
}

static void addresses(void **state)
{
    static const char *const good[] = {
        "a@b",
        "first.last+tag@mail.example.org",
        "x_y-z@sub-domain.example",
        "o'neil@example.org",
    };
    static const char *const bad[] = {
        "",
        "nobody",
        "@example.org",
        "a@",
        "a@b@c",
        "a b@example.org",
        "a@exa mple.org",
        "a@example.org\r\nBcc: x@example.org",
        "a@example.org\n",
        "a\r@example.org",
        "<a@example.org>",
        "Name <a@example.org>",
        "a@example.org,b@example.org",
        "\"a b\"@example.org",
        "a@example.org>",
        "a..b@example.org",
        ".a@example.org",
        "a@.org",
        "a@example..org",
        "דסק@example.org",
        "a@דוגמה.org",
        "a@example.org\t",
        "-oQ@example.org",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct err err = {0};
        if (!mail_address_check(str_of(good[i]), &err)) {
            fail_msg("%s: %s", good[i], err.text);
        }
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct err err = {0};
        if (mail_address_check(str_of(bad[i]), &err)) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
        assert_int_equal(err.kind, ERR_REJECT);
        assert_true(bad[i][0] == '\0' || strlen(bad[i]) < 6 || strstr(err.text, bad[i]) == NULL);
    }
    struct err err = {0};
    assert_false(mail_address_check((struct str){"a\0b@example.org", 15}, &err));
}

/* Whatever could add a header, a recipient or a line is refused, and nothing of it is composed. */
static void injections(void **state)
{
    static const struct str subjects[] = {
        STR_INIT("hello\r\nBcc: victim@example.org"),
        STR_INIT("hello\nX: y"),
        STR_INIT("hello\r"),
        STR_INIT("bell\a"),
        STR_INIT("\xFF\xFE"),
        {"nul\0l", 5},
    };
    static const char *const ids[] = {"", "a b", "a@b", "a>\r\n", "a\n"};
    struct buf buf;
    (void)state;
    buf_init(&buf, &arena, 0);
    for (size_t i = 0; i < COUNT(subjects) + COUNT(ids); i++) {
        struct err err = {0};
        struct mail_message message = a_mail;
        message.to = &somebody;
        message.to_count = 1;
        if (i < COUNT(subjects)) {
            message.subject = subjects[i];
        } else {
            message.id = str_of(ids[i - COUNT(subjects)]);
        }
        assert_false(mail_compose(&message, &buf, &err));
        assert_int_equal(err.kind, ERR_REJECT);
        assert_int_equal(buf.len, 0);
    }
}

static void servers(void **state)
{
    static const struct {
        const char *server;
        const char *user;
        const char *shown; /* NULL: refused. */
        bool sealed;
    } cases[] = {
        {"smtps://mail.example.org", "u", "smtps://mail.example.org:465", true},
        {"smtps://mail.example.org/", "", "smtps://mail.example.org:465", true},
        {"smtp://mail.example.org", "", "smtp://mail.example.org:587", true},
        {"smtp://mail.example.org:25", "u", "smtp://mail.example.org:25", true},
        {"smtp://localhost:25", "", "smtp://localhost:25", false},
        {"smtp://localhost:25", "u", "smtp://localhost:25", false},
        {"smtp://10.0.0.5:25", "", "smtp://10.0.0.5:25", false},
        {"smtp://10.0.0.5:25", "u", "smtp://10.0.0.5:25", true}, /* A password is never clear. */
        {"smtp://[::1]:25", "", "smtp://[::1]:25", false},
        {"http://mail.example.org", "", NULL, false},
        {"mail.example.org", "", NULL, false},
        {"smtp://", "", NULL, false},
        {"smtp://user:pw@mail.example.org", "", NULL, false}, /* invented */
        {"smtp://mail.example.org:0", "", NULL, false},
        {"smtp://mail.example.org:99999", "", NULL, false},
        {"smtp://mail.example.org:25/x", "", NULL, false},
        {"smtp://mail.example.org\r\nQUIT", "", NULL, false},
        {"smtp://[::1", "", NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct mail *mail = NULL;
        struct err err = {0};
        struct mail_options options = {.server = str_of(cases[i].server),
                                       .user = str_of(cases[i].user),
                                       .password = STR("secret")}; /* invented */
        bool ok = mail_open(&mail, &options, &err);
        if (ok != (cases[i].shown != NULL)) {
            fail_msg("%s: %s", cases[i].server, ok ? "taken" : err.text);
        }
        if (ok) {
            assert_str_equal(mail_server(mail), str_of(cases[i].shown));
            assert_int_equal(mail_sealed(mail), cases[i].sealed);
            mail_close(mail);
        } else {
            assert_int_equal(err.kind, ERR_CONFIG);
        }
    }
}

/* ---- Sending ---- */

static struct mail *open_mail(const char *scheme, const char *name, const char *password,
                              const char *root)
{
    struct mail *mail = NULL;
    struct err err = {0};
    struct mail_options options = {
        .server = arena_printf(&arena, "%s://localhost:%d", scheme, outside_port(&server, name)),
        .user = password != NULL ? STR("desk") : (struct str){0},
        .password = str_of(password),
        .root = str_of(outside_path(&server, root)),
    };
    if (!mail_open(&mail, &options, &err)) {
        fail_msg("%s", err.text);
    }
    return mail;
}

static bool send_to(struct mail *mail, const char *address, int64_t patience_ms,
                    struct mail_sent *sent, struct err *err)
{
    struct str to = str_of(address);
    struct mail_message message = a_mail;
    message.to = &to;
    message.to_count = 1;
    return mail_send(mail, &message, now_ms() + patience_ms, &arena, sent, err);
}

/* The last mail that the server took. */
static const struct json_value *last_mail(void)
{
    struct str text = {0};
    struct str line;
    struct str last = {0};
    struct err err = {0};
    const struct json_value *root = NULL;
    assert_true(file_read(&arena, str_of(outside_path(&server, "mails")), 8 << 20, &text, &err));
    while (str_split(&text, '\n', &line)) {
        last = line.len > 0 ? line : last;
    }
    assert_true(json_parse(&arena, last, NULL, &root, &err));
    return root;
}

static void hebrew_arrives(void **state)
{
    static const char subject[] =
        "שיעור חדש: מתמטיקה, כיתה ט׳, ביום שלישי בשעה חמש 😀 (Tuesday, 17:00)";
    static const char *const ways[][3] = {{"smtps", "smtps", "ca.crt"},
                                          {"smtp", "starttls", "ecca.crt"}};
    struct str to[] = {STR_INIT("a@example.org"), STR_INIT("b@example.org")};
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t i = 0; i < COUNT(ways); i++) {
        struct mail *mail = open_mail(ways[i][0], ways[i][1], "secret", ways[i][2]); /* invented */
        for (int turn = 0; turn < 2; turn++) { /* The second one over the kept connection. */
            struct err err = {0};
            struct mail_sent sent;
            struct mail_message message = a_mail;
            message.to = to;
            message.to_count = 2;
            message.subject = STR(subject);
            message.text = STR("שלום,\n.\n..נקודות\r\nFrom here\n");
            if (!mail_send(mail, &message, now_ms() + PATIENCE_MS, &arena, &sent, &err)) {
                fail_msg("%s: %s", ways[i][1], err.text);
            }
            const struct json_value *found = last_mail();
            assert_str_equal(json_str(json_get(found, STR("subject"))), STR(subject));
            assert_str_equal(json_str(json_get(found, STR("text"))),
                             STR("שלום,\n.\n..נקודות\nFrom here\n"));
            assert_str_equal(json_str(json_get(found, STR("id"))), STR("<sluice_1@example.org>"));
            assert_str_equal(json_str(json_find(found, STR("to/1"))), STR("b@example.org"));
            int64_t longest = 0;
            assert_true(json_int(json_get(found, STR("longest")), &longest));
            assert_true(longest <= 78);
            assert_int_equal(sent.code, 250);
        }
        mail_close(mail);
    }
}

/* What the server says, graded; and whether the mail may have arrived all the same. */
static void verdicts(void **state)
{
    static const struct {
        const char *scheme, *server, *password, *to;
        enum err_kind kind;
        const char *why;
        bool in_doubt;
    } cases[] = {
        {"smtps", "smtps", "secret", "gone@example.org", ERR_REJECT, "SMTP 550", false},
        {"smtps", "smtps", "secret", "full@example.org", ERR_RETRY, "SMTP 452", false},
        {"smtps", "smtps", "secret", "later@example.org", ERR_RETRY, "SMTP 451", false},
        {"smtps", "smtps", "secret", "refused@example.org", ERR_REJECT, "SMTP 554", false},
        {"smtps", "smtps", "secret", "cut@example.org", ERR_RETRY, "", true},
        {"smtps", "smtps", "secret", "slow@example.org", ERR_RETRY, "no answer in time", true},
        {"smtps", "smtps", "wrong", "a@example.org", ERR_LOGIN, "user and password", false},
        {"smtps", "smtps", NULL, "a@example.org", ERR_LOGIN, "530", false},
        {"smtp", "starttls", "wrong", "a@example.org", ERR_LOGIN, "user and password", false},
        {"smtps", "expired", "secret", "a@example.org", ERR_RETRY, "expired on 2025-01-01", false},
        {"smtps", "clear", "secret", "a@example.org", ERR_CONFIG, "does not speak TLS", false},
        {"smtps", "silent", "secret", "a@example.org", ERR_RETRY, "no answer in time", false},
        {"smtp", "silent", "secret", "a@example.org", ERR_RETRY, "no answer in time", false},
        {"smtp", "garbage", "secret", "a@example.org", ERR_RETRY, "", false},
    };
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool ec = strcmp(cases[i].server, "starttls") == 0;
        struct mail *mail = open_mail(cases[i].scheme, cases[i].server, cases[i].password,
                                      ec ? "ecca.crt" : "ca.crt");
        struct err err = {0};
        struct mail_sent sent;
        int64_t began = now_ms();
        bool ok = send_to(mail, cases[i].to, 1500, &sent, &err);
        if (ok || err.kind != cases[i].kind || strstr(err.text, cases[i].why) == NULL ||
            sent.in_doubt != cases[i].in_doubt || now_ms() - began > 2500 ||
            strstr(err.text, "secret") != NULL || strstr(err.text, "@example.org") != NULL) {
            fail_msg("%s %s: %s \"%s\"%s, %d ms", cases[i].server, cases[i].to,
                     err_kind_name(err.kind), err.text, sent.in_doubt ? ", in doubt" : "",
                     (int)(now_ms() - began));
        }
        mail_close(mail);
    }
}

/* To this machine a relay may do without TLS; where TLS is demanded, one without it is refused. */
static void without_tls(void **state)
{
    struct err err = {0};
    struct mail_sent sent;
    (void)state;
    if (!started) {
        skip();
    }
    struct mail *mail = open_mail("smtp", "clear", NULL, "ca.crt");
    assert_true(send_to(mail, "a@example.org", PATIENCE_MS, &sent, &err));
    assert_true(mail_probe(mail, now_ms() + PATIENCE_MS, &err));
    mail_close(mail);
    /* 127.1 is no name or address that shows whose machine it is. */
    struct mail_options options = {
        .server = arena_printf(&arena, "smtp://127.1:%d", outside_port(&server, "clear"))};
    assert_true(mail_open(&mail, &options, &err));
    assert_true(mail_sealed(mail));
    assert_false(send_to(mail, "a@example.org", PATIENCE_MS, &sent, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "offers no TLS"));
    mail_close(mail);
}

static void probing(void **state)
{
    struct err err = {0};
    (void)state;
    if (!started) {
        skip();
    }
    struct mail *mail = open_mail("smtp", "starttls", "secret", "ecca.crt"); /* invented */
    if (!mail_probe(mail, now_ms() + PATIENCE_MS, &err)) {
        fail_msg("%s", err.text);
    }
    mail_close(mail);
    mail = open_mail("smtp", "starttls", "wrong", "ecca.crt"); /* invented */
    assert_false(mail_probe(mail, now_ms() + PATIENCE_MS, &err));
    assert_int_equal(err.kind, ERR_LOGIN);
    mail_close(mail);
}

static bool stop_now(void *context)
{
    return now_ms() > *(int64_t *)context;
}

static void stopping(void **state)
{
    struct err err = {0};
    struct mail *mail = NULL;
    struct mail_sent sent;
    int64_t stop_ms = now_ms() + 300;
    (void)state;
    if (!started) {
        skip();
    }
    struct mail_options options = {
        .server = arena_printf(&arena, "smtps://localhost:%d", outside_port(&server, "silent")),
        .stopping = stop_now,
        .stopping_context = &stop_ms,
    };
    assert_true(mail_open(&mail, &options, &err));
    assert_false(send_to(mail, "a@example.org", PATIENCE_MS, &sent, &err));
    assert_int_equal(err.kind, ERR_STOP);
    assert_true(now_ms() - stop_ms < 2000);
    mail_close(mail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_leaves),    cmocka_unit_test(addresses),
        cmocka_unit_test(injections),     cmocka_unit_test(servers),
        cmocka_unit_test(hebrew_arrives), cmocka_unit_test(verdicts),
        cmocka_unit_test(without_tls),    cmocka_unit_test(probing),
        cmocka_unit_test(stopping),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
