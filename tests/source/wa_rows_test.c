/* From what stands in the page to rows, on paper: every form, and every way to cut it into windows.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "source/wa_canary.h"
#include "source/wa_enrich.h"
#include "source/wa_rows.h"
#include "test.h"

enum { MERGED_MAX = 64 };

static struct arena arena;

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 256 << 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct wa_setting setting_of(const char *locale, const char *zone)
{
    struct wa_setting setting = {.locale = str_of(locale),
                                 .zone = zone_find(str_of(zone)),
                                 .today = datetime_days(2026, 9, 5),
                                 .suffixes = {STR_INIT(" (פרטי הפרופיל)")},
                                 .suffix_count = 1};
    return setting;
}

static const struct json_value *json_of(struct str text)
{
    const struct json_value *value = NULL;
    struct err err = {0};
    if (!json_parse(&arena, text, NULL, &value, &err)) {
        fail_msg("%s in %.*s", err.text, STR_ARG(text));
    }
    return value;
}

static struct wa_window settle(struct wa_rows *rows, const char *raw, bool begins)
{
    struct wa_window window = {0};
    struct err err = {0};
    if (!wa_rows_settle(rows, json_of(str_of(raw)), begins, &arena, &window, &err)) {
        fail_msg("%s", err.text);
    }
    return window;
}

/* "C-style rows of one chat", one window. */
static struct wa_window alone(const char *locale, const char *zone, const char *raw)
{
    static struct wa_rows rows;
    struct wa_setting setting = setting_of(locale, zone);
    wa_rows_end(&rows);
    wa_rows_begin(&rows, &setting);
    return settle(&rows, raw, true);
}

/* ---- Ids and names ---- */

static void ids_of_every_form_are_bare(void **state)
{
    static const struct {
        const char *key;
        const char *bare;
    } cases[] = {
        {"3A000000000000000001", "3A000000000000000001"},
        {"false_972500000001@c.us_3A01", "3A01"}, /* invented */
        {"true_972500000001@c.us_A501", "A501"},  /* invented */
        {"false_120363000000000001@g.us_3EB0_200000000000001@lid", "3EB0"},
        {"true_120363000000000001@g.us_3EB0_972500000001@c.us", "3EB0"}, /* invented */
        {"3EB0_200000000000001@lid", "3EB0"},
        {"", NULL},
        {"false_", NULL},
        {"true_x", NULL},
        {"grouped sticker", NULL},
        {"a/b", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str bare = wa_rows_bare(str_of(cases[i].key));
        if (!str_equal(bare, str_of(cases[i].bare))) {
            fail_msg("%s gives '%.*s'", cases[i].key, STR_ARG(bare));
        }
    }
}

static void names_are_shown_without_marks(void **state)
{
    static const struct {
        const char *raw;
        const char *author;
    } cases[] = {
        {"\"p\":\"[14:05, 3.9.2026] Dana: \"", "Dana"},
        {"\"p\":\"[14:05, 3.9.2026] ~Dana: \"", "Dana"},
        {"\"p\":\"[14:05, 3.9.2026] ~\\u00a0Dana: \"", "Dana"},
        {"\"p\":\"[14:05, 3.9.2026] \\u202a+972\\u00a055\\u2011660\\u20112298\\u202c: \"", /* invented
                                                                                            */
         "972 55-660-2298"},
        {"\"n\":\"\\u202adana\\u202c (פרטי הפרופיל):\"", "dana"},
        {"\"n\":\"Dana Levi:\",\"w\":\"Dana Levi\"", "Dana Levi"},
        {"\"w\":\"~Dana\"", "Dana"},
        {"\"n\":\"You:\",\"y\":1", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct wa_window window = alone(
            "he", "UTC",
            arena_printf(&arena,
                         "[{\"i\":\"3A01\",\"c\":1,\"l\":\"in\",\"o\":1,\"b\":1,\"t\":\"x\",%s}]",
                         cases[i].raw)
                .ptr);
        assert_int_equal(window.count, 1);
        if (!str_equal(window.rows[0].author, str_of(cases[i].author))) {
            fail_msg("%s gives '%.*s'", cases[i].raw, STR_ARG(window.rows[0].author));
        }
    }
}

static void titles_are_cleaned(void **state)
{
    static const struct {
        const char *title;
        const char *clean;
    } cases[] = {
        {"\xE2\x80\xAAWrapped\xE2\x80\xAC", "Wrapped"},
        {"\xC2\xA0 a \xE2\x80\xAF b\t", "a b"},
        {"a\xE2\x80\x91"
         "b",
         "a-b"},
        {"שיעור\xE2\x80\x8F (א׳)", "שיעור (א׳)"},
        {"👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"},
        {"", ""},
        {" ", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_str_equal(wa_rows_clean(&arena, str_of(cases[i].title)), str_of(cases[i].clean));
    }
}

/* ---- Directions ---- */

static void directions_come_from_the_surest_sign(void **state)
{
    static const struct {
        const char *raw;
        enum message_direction direction;
    } cases[] = {
        {"\"i\":\"true_1@c.us_3A\",\"d\":\"in\"", MESSAGE_OUTGOING},
        {"\"i\":\"false_1@c.us_3A\",\"x\":1", MESSAGE_INCOMING},
        {"\"i\":\"3A\",\"d\":\"out\",\"l\":\"in\"", MESSAGE_OUTGOING},
        {"\"i\":\"3A\",\"l\":\"in\",\"x\":1", MESSAGE_INCOMING},
        {"\"i\":\"3A\",\"n\":\"You:\",\"y\":1", MESSAGE_OUTGOING},
        {"\"i\":\"3A\",\"n\":\"Dana:\",\"p\":\"[14:05, 3.9.2026] Dana: \"", MESSAGE_INCOMING},
        {"\"i\":\"3A\",\"w\":\"Dana\"", MESSAGE_INCOMING},
        {"\"i\":\"3A\",\"x\":1", MESSAGE_OUTGOING},
        {"\"i\":\"3A\",\"p\":\"[14:05, 3.9.2026] \"", MESSAGE_OUTGOING},
        /* An author says nothing: it may be ourselves. A strange label may be "You". */
        {"\"i\":\"3A\",\"p\":\"[14:05, 3.9.2026] Dana: \"", MESSAGE_DIRECTION_UNKNOWN},
        {"\"i\":\"3A\",\"n\":\"Sinä:\"", MESSAGE_DIRECTION_UNKNOWN},
        {"\"i\":\"3A\"", MESSAGE_DIRECTION_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct wa_window window =
            alone("he", "UTC", arena_printf(&arena, "[{\"c\":1,%s}]", cases[i].raw).ptr);
        if (window.rows[0].direction != cases[i].direction || window.rows[0].open) {
            fail_msg("%s gives %d", cases[i].raw, (int)window.rows[0].direction);
        }
    }
}

#define IN(id, more)    "{\"i\":\"" id "\",\"c\":1,\"l\":\"in\",\"n\":\"Dana:\"" more "}"
#define GOES(id, more)  "{\"i\":\"" id "\",\"c\":1" more "}"
#define MARK(time, who) ",\"o\":1,\"b\":1,\"t\":\"x\",\"p\":\"[" time ", 3.9.2026] " who "\""

static void a_run_ends_where_it_must(void **state)
{
    struct wa_window window;
    (void)state;
    window = alone(
        "he", "UTC",
        "[{\"s\":\"3.9.2026\"}," IN("01", MARK("10:00", "Dana: ")) "," GOES(
            "02", ",\"k\":\"image\",\"g\":1,\"m\":\"10:01\"") "," GOES("03",
                                                                       MARK("10:02", "Dana: ")) ","
        /* Another author without a sign of his own: the row that began it is gone. */
        GOES("04", MARK("10:03", "Ben: ")) "," GOES(
            "05",
            ",\"k\":\"image\",\"m\":\"10:04\"") ","
                                                "{\"i\":\"06\",\"c\":1,\"k\":\"system\",\"t\":"
                                                "\"joined\"}," GOES(
                                                    "07",
                                                    ",\"k\":\"image\",\"m\":"
                                                    "\"10:05\"") "," IN("08",
                                                                        ",\"m\":\"10:"
                                                                        "06\"") ",{\"s\":"
                                                                                "\"4.9."
                                                                                "2026\"}"
                                                                                "," GOES("09",
                                                                                         ",\"k"
                                                                                         "\":"
                                                                                         "\"im"
                                                                                         "age"
                                                                                         "\","
                                                                                         "\"m"
                                                                                         "\":"
                                                                                         "\"08"
                                                                                         ":"
                                                                                         "00"
                                                                                         "\"") "]");
    static const enum message_direction expected[] = {
        MESSAGE_INCOMING,          MESSAGE_INCOMING,          MESSAGE_INCOMING,
        MESSAGE_DIRECTION_UNKNOWN, MESSAGE_DIRECTION_UNKNOWN, MESSAGE_DIRECTION_UNKNOWN,
        MESSAGE_DIRECTION_UNKNOWN, MESSAGE_INCOMING,          MESSAGE_DIRECTION_UNKNOWN,
    };
    assert_int_equal(window.count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        if (window.rows[i].direction != expected[i]) {
            fail_msg("row %zu: %d", i + 1, (int)window.rows[i].direction);
        }
    }
    assert_str_equal(window.rows[1].author, STR("Dana"));
    assert_str_equal(window.rows[3].author, STR("Ben"));
    assert_int_equal(window.rows[5].kind, WA_SYSTEM);
    assert_int_equal(window.rows[8].sent_ms, INT64_C(1788508800000));
}

/* ---- Days ---- */

static int64_t minute_of(const char *iso)
{
    int64_t ms = 0;
    struct err err = {0};
    assert_true(datetime_parse_iso_ms(str_of(iso), &ms, &err));
    return ms;
}

static void dates_are_never_guessed(void **state)
{
    static const struct {
        const char *locale;
        const char *raw;
        const char *first; /* NULL: no time. */
    } cases[] = {
        {"en-US", "[{\"i\":\"1\",\"p\":\"[2:05 PM, 9/3/2026] D: \"}]", "2026-09-03T14:05Z"},
        {"en-GB", "[{\"i\":\"1\",\"p\":\"[14:05, 09/03/2026] D: \"}]", "2026-03-09T14:05Z"},
        /* A locale that is not known, and marks that tell. */
        {"xx", "[{\"i\":\"1\",\"p\":\"[14:05, 9/3/2026] D: \"}]", NULL},
        {"xx",
         "[{\"i\":\"1\",\"p\":\"[14:05, 9/3/2026] D: \"},{\"i\":\"2\",\"p\":\"[14:05, 25/3/2026] "
         "D: \"}]",
         "2026-03-09T14:05Z"},
        {"xx",
         "[{\"i\":\"1\",\"p\":\"[14:05, 9/3/2026] D: \"},{\"i\":\"2\",\"p\":\"[14:05, 25/3/2026] "
         "D: \"},"
         "{\"i\":\"3\",\"p\":\"[14:05, 3/25/2026] D: \"}]",
         NULL},
        /* A locale that the marks contradict. */
        {"en-US",
         "[{\"i\":\"1\",\"p\":\"[14:05, 9/3/2026] D: \"},{\"i\":\"2\",\"p\":\"[14:05, 25/3/2026] "
         "D: \"}]",
         NULL},
        {"he", "[{\"i\":\"1\",\"p\":\"[14:05, 31.2.2026] D: \"}]", NULL},
        {"fa", "[{\"i\":\"1\",\"p\":\"[۱۴:۰۵, ۱۴۰۵/۶/۱۲] D: \"}]", "2026-09-03T14:05Z"},
        /* The day from the words above, from a neighbour, from today. */
        {"he", "[{\"s\":\"3.9.2026\"},{\"i\":\"1\",\"m\":\"14:05\"}]", "2026-09-03T14:05Z"},
        {"he", "[{\"s\":\"אתמול\",\"a\":1},{\"i\":\"1\",\"m\":\"14:05\"}]", "2026-09-04T14:05Z"},
        {"he", "[{\"s\":\"?\"},{\"i\":\"1\",\"m\":\"14:05\"}]", NULL},
        {"he", "[{\"i\":\"1\",\"m\":\"14:05\"},{\"i\":\"2\",\"p\":\"[14:06, 3.9.2026] D: \"}]",
         "2026-09-03T14:05Z"},
        /* Words that are no day part nothing. */
        {"he", "[{\"s\":\"3.9.2026\"},{\"s\":\"3 unread messages\"},{\"i\":\"1\",\"m\":\"14:05\"}]",
         "2026-09-03T14:05Z"},
        /* Days that no word parts: only what cannot be otherwise. */
        {"he",
         "[{\"i\":\"0\",\"p\":\"[14:00, 3.9.2026] D: \"},{\"i\":\"1\",\"m\":\"09:00\"},"
         "{\"i\":\"2\",\"p\":\"[10:00, 4.9.2026] D: \"}]",
         "2026-09-04T09:00Z"},
        {"he",
         "[{\"i\":\"0\",\"p\":\"[09:00, 3.9.2026] D: \"},{\"i\":\"1\",\"m\":\"09:30\"},"
         "{\"i\":\"2\",\"p\":\"[10:00, 4.9.2026] D: \"}]",
         NULL},
        {"he",
         "[{\"i\":\"0\",\"p\":\"[09:00, 3.9.2026] D: \"},{\"i\":\"1\",\"m\":\"09:30\"},"
         "{\"i\":\"2\",\"p\":\"[10:00, 9.9.2026] D: \"}]",
         NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct wa_window window = alone(cases[i].locale, "UTC", cases[i].raw);
        const struct wa_row *row = NULL;
        for (size_t n = 0; n < window.count; n++) {
            row = str_equal(window.rows[n].id, STR("1")) ? &window.rows[n] : row;
        }
        if (row == NULL) {
            fail_msg("%s gives no row", cases[i].raw);
            return;
        }
        int64_t expected = cases[i].first != NULL ? minute_of(cases[i].first) : 0;
        if (row->sent_ms != expected) {
            fail_msg("%s %s gives %lld", cases[i].locale, cases[i].raw, (long long)row->sent_ms);
        }
    }
}

static void folds_are_told_and_gaps_refused(void **state)
{
    struct wa_window window =
        alone("he", "Asia/Jerusalem",
              "[{\"i\":\"1\",\"p\":\"[01:30, 25.10.2026] D: \"},{\"i\":\"2\",\"p\":\"[02:30, "
              "27.3.2026] D: \"},{\"i\":\"3\",\"p\":\"[03:30, 27.3.2026] D: \"}]");
    (void)state;
    assert_true(window.rows[0].fold);
    assert_int_equal(window.rows[0].sent_ms, minute_of("2026-10-24T22:30Z"));
    assert_int_equal(window.rows[1].sent_ms, 0);
    assert_false(window.rows[1].fold);
    assert_int_equal(window.rows[2].sent_ms, minute_of("2026-03-27T00:30Z"));
}

/* ---- Windows ---- */

static const char *const chat_rows[] = {
    "{\"s\":\"2.9.2026\"}",
    IN("01", ",\"o\":1,\"b\":1,\"t\":\"a\",\"p\":\"[09:00, 2.9.2026] Dana: \""),
    GOES("02", ",\"k\":\"image\",\"g\":1,\"m\":\"09:01\""),
    GOES("03", ",\"k\":\"audio\",\"m\":\"09:02\""),
    GOES("04", ",\"o\":1,\"b\":1,\"t\":\"b\",\"p\":\"[09:03, 2.9.2026] Dana: \""),
    "{\"i\":\"05\",\"c\":1,\"l\":\"out\",\"n\":\"You:\",\"y\":1,\"k\":\"image\",\"m\":\"22:00\"}",
    GOES("06", ",\"k\":\"image\",\"m\":\"22:01\""),
    "{\"s\":\"3.9.2026\"}",
    "{\"s\":\"2 unread messages\"}",
    "{\"i\":\"07\",\"c\":1,\"l\":\"out\",\"n\":\"You:\",\"y\":1,\"k\":\"image\",\"m\":\"08:00\"}",
    GOES("08", ",\"k\":\"image\",\"m\":\"08:01\""),
    GOES("09", MARK("08:02", "")),
    "{\"i\":\"10\",\"c\":1,\"k\":\"system\",\"t\":\"joined\"}",
    IN("11", ",\"k\":\"sticker\",\"g\":1,\"m\":\"08:03\""),
    GOES("12", ",\"k\":\"sticker\",\"g\":1,\"m\":\"08:04\""),
    GOES("13", ",\"k\":\"sticker\",\"g\":1,\"m\":\"08:05\""),
    GOES("14", MARK("08:06", "Dana: ")),
};

static const char *window_of(size_t from, size_t to)
{
    struct buf buf;
    buf_init(&buf, &arena, 0);
    buf_add_byte(&buf, '[');
    for (size_t i = from; i < to; i++) {
        buf_printf(&buf, "%s%s", i > from ? "," : "", chat_rows[i]);
    }
    buf_add_byte(&buf, ']');
    return buf_str(&buf).ptr;
}

static const char *written(const struct wa_row *rows, size_t count)
{
    struct buf buf;
    buf_init(&buf, &arena, 0);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&buf, "%.*s kind %d direction %d author '%.*s' text '%.*s' at %lld open %d\n",
                   STR_ARG(rows[i].id), (int)rows[i].kind, (int)rows[i].direction,
                   (int)rows[i].author.len, rows[i].author.len > 0 ? rows[i].author.ptr : "",
                   STR_ARG(rows[i].text), (long long)rows[i].sent_ms, rows[i].open);
    }
    return buf_str(&buf).ptr;
}

/* Later windows stand before, and replace what they repeat. */
static size_t merge(struct wa_row *merged, size_t count, const struct wa_window *window)
{
    size_t fresh = 0;
    while (fresh < window->count &&
           (count == 0 || !str_equal(window->rows[fresh].id, merged[0].id))) {
        fresh++;
    }
    assert_true(fresh + count <= MERGED_MAX);
    memmove(merged + fresh, merged, count * sizeof *merged);
    memcpy(merged, window->rows, window->count * sizeof *merged);
    return fresh + count;
}

static void windows_may_be_cut_anywhere(void **state)
{
    struct wa_setting setting = setting_of("he", "Asia/Jerusalem");
    struct wa_row merged[MERGED_MAX];
    (void)state;
    struct wa_window whole = alone("he", "Asia/Jerusalem", window_of(0, COUNT(chat_rows)));
    assert_int_equal(whole.count, 14);
    const char *expected = written(whole.rows, whole.count);
    for (size_t first = 1; first < COUNT(chat_rows); first++) {
        for (size_t second = 0; second <= first; second++) {
            struct wa_rows rows;
            size_t count = 0;
            size_t cuts[] = {COUNT(chat_rows), first, second, 0};
            wa_rows_begin(&rows, &setting);
            for (size_t n = 0; n < 3; n++) {
                struct wa_window window =
                    settle(&rows, window_of(cuts[n + 1], cuts[n]), cuts[n + 1] == 0);
                for (size_t i = 0; i < window.count; i++) {
                    const char *line = written(&window.rows[i], 1);
                    if (!window.rows[i].open && strstr(expected, line) == NULL) {
                        fail_msg("cut at %zu and %zu: settled too early: %s", first, second, line);
                    }
                }
                count = merge(merged, count, &window);
            }
            const char *got = written(merged, count);
            if (strcmp(got, expected) != 0) {
                fail_msg("cut at %zu and %zu:\n%s\nexpected\n%s", first, second, got, expected);
            }
            wa_rows_end(&rows);
        }
    }
}

static void nonsense_is_refused(void **state)
{
    static const char *const cases[] = {"{}", "null", "[7]", "[{}]", "[{\"i\":7}]", "\"x\""};
    struct wa_setting setting = setting_of("he", "UTC");
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct wa_rows rows;
        struct wa_window window = {0};
        struct err err = {0};
        wa_rows_begin(&rows, &setting);
        assert_false(wa_rows_settle(&rows, json_of(str_of(cases[i])), true, &arena, &window, &err));
        assert_int_equal(err.kind, ERR_REJECT);
        wa_rows_end(&rows);
    }
}

/* ---- The canary ---- */

static void the_canary_knows_a_sick_page(void **state)
{
    /* rows with_id contained messages marked read bare dated named shaped unmarked timed strange
       unknown directed changes cut */
    static const struct {
        struct wa_signs signs;
        int64_t nameless;
        const char *says;
    } cases[] = {
        {{0}, 0, NULL},
        {{0}, 12, "rows have no ids"},
        {{.rows = 30,
          .with_id = 30,
          .contained = 30,
          .messages = 28,
          .marked = 20,
          .marks_read = 20,
          .dated = 20,
          .named = 15,
          .shaped = 5,
          .timed = 28,
          .unknown = 2,
          .directed = 9,
          .changes = 8},
         0,
         NULL},
        {{.rows = 30, .contained = 30, .messages = 30, .timed = 30}, 0, "no ids"},
        {{.rows = 30, .with_id = 30, .messages = 30, .timed = 30}, 0, "no known name"},
        {{.rows = 30,
          .with_id = 30,
          .contained = 30,
          .messages = 30,
          .marked = 20,
          .marks_read = 20,
          .marks_bare = 20,
          .timed = 30,
          .directed = 3},
         0,
         "no known place"},
        {{.rows = 30,
          .with_id = 30,
          .contained = 30,
          .messages = 30,
          .named = 20,
          .unmarked = 20,
          .timed = 30,
          .directed = 3},
         0,
         "no marks"},
        {{.rows = 30,
          .with_id = 30,
          .contained = 30,
          .messages = 30,
          .marked = 20,
          .named = 20,
          .timed = 30,
          .directed = 3},
         0,
         "cannot be read"},
        {{.rows = 30,
          .with_id = 30,
          .contained = 30,
          .messages = 30,
          .marked = 20,
          .marks_read = 20,
          .shaped = 20,
          .timed = 30,
          .directed = 3},
         0,
         "no known name"},
        {{.rows = 1,
          .with_id = 1,
          .contained = 1,
          .messages = 1,
          .marked = 1,
          .marks_read = 1,
          .named = 1,
          .timed = 1,
          .cut = 1},
         0,
         "ends at a button"},
        {{.rows = 4, .with_id = 4, .contained = 4, .messages = 4, .unknown = 4, .timed = 4},
         0,
         "no known kind"},
        {{.rows = 2,
          .with_id = 2,
          .contained = 2,
          .messages = 2,
          .unknown = 2,
          .strange = 2,
          .timed = 2},
         0,
         "no known kind"},
        {{.rows = 3, .with_id = 3, .contained = 3, .messages = 3}, 0, "no message has a time"},
        {{.rows = 9,
          .with_id = 9,
          .contained = 9,
          .messages = 9,
          .marked = 9,
          .marks_read = 9,
          .named = 9,
          .timed = 9,
          .changes = 2},
         0,
         "who sent"},
        /* One person alone, from the middle of a run: there is no sign, and none is missing. */
        {{.rows = 9,
          .with_id = 9,
          .contained = 9,
          .messages = 9,
          .marked = 9,
          .marks_read = 9,
          .named = 9,
          .timed = 9},
         0,
         NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *says = wa_canary_window(&cases[i].signs, &cases[i].signs, cases[i].nameless);
        if ((says == NULL) != (cases[i].says == NULL) ||
            (says != NULL && strstr(says, cases[i].says) == NULL)) {
            fail_msg("case %zu says \"%s\"", i, says != NULL ? says : "nothing");
        }
    }
}

/* A step with one strange row is no reason; a chat that is strange as a whole is one. */
static void the_canary_remembers_the_chat(void **state)
{
    struct wa_signs strange = {.rows = 1, .with_id = 1, .messages = 1, .unknown = 1, .strange = 1};
    struct wa_signs known = {.rows = 60,
                             .with_id = 60,
                             .contained = 59,
                             .messages = 60,
                             .marked = 40,
                             .marks_read = 40,
                             .named = 40,
                             .timed = 59,
                             .strange = 1,
                             .unknown = 1,
                             .directed = 20,
                             .changes = 15};
    (void)state;
    assert_null(wa_canary_window(&strange, &known, 0));
    assert_non_null(wa_canary_window(&strange, &strange, 0));
    strange.rows = strange.with_id = strange.messages = 3;
    assert_non_null(wa_canary_window(&strange, &known, 0));
}

/* ---- The page's database ---- */

static void a_database_never_overrules_the_page(void **state)
{
    const int64_t shown_ms = INT64_C(1788444300000); /* A minute. */
    static const struct {
        bool fold;
        int64_t shown; /* 0: none. */
        int64_t epoch_s;
        int64_t sent_ms;
    } cases[] = {
        {false, 1, 1788444342, INT64_C(1788444342000)},
        {false, 1, 1788444360, 0}, /* Another minute. */
        {false, 1, 1788447942, 0}, /* Another hour. */
        {true, 1, 1788447942, INT64_C(1788447942000)},
        {false, 0, 1788444342, INT64_C(1788444342000)},
        {false, 1, 0, 0},
        {false, 0, 0, -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct wa_row row = {.id = STR("3A"),
                             .fold = cases[i].fold,
                             .direction = MESSAGE_INCOMING,
                             .sent_ms = cases[i].shown != 0 ? shown_ms : 0};
        const struct json_value *found = json_of(arena_printf(
            &arena, "[{\"i\":\"3A\",\"t\":%lld,\"o\":1,\"w\":\"1@lid\"},{\"i\":\"3B\"}]",
            (long long)cases[i].epoch_s));
        assert_int_equal(wa_enrich_rows(&row, 1, found), 1);
        int64_t expected = cases[i].sent_ms > 0   ? cases[i].sent_ms
                           : cases[i].sent_ms < 0 ? 0
                                                  : shown_ms;
        assert_int_equal(row.sent_ms, expected);
        assert_int_equal(row.direction, MESSAGE_INCOMING);
        assert_str_equal(row.jid, STR("1@lid"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_of_every_form_are_bare),
        cmocka_unit_test(names_are_shown_without_marks),
        cmocka_unit_test(titles_are_cleaned),
        cmocka_unit_test(directions_come_from_the_surest_sign),
        cmocka_unit_test(a_run_ends_where_it_must),
        cmocka_unit_test(dates_are_never_guessed),
        cmocka_unit_test(folds_are_told_and_gaps_refused),
        cmocka_unit_test(windows_may_be_cut_anywhere),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(the_canary_knows_a_sick_page),
        cmocka_unit_test(the_canary_remembers_the_chat),
        cmocka_unit_test(a_database_never_overrules_the_page),
    };
    return cmocka_run_group_tests_name("source/wa_rows", tests, start, stop);
}
