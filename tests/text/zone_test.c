/* zone: hand-checked changes of unlike places, gaps and folds, and names that nearly exist. */
#include <string.h>

#include "base/rng.h"
#include "test.h"
#include "text/zone.h"

static const struct zone *named(const char *name)
{
    const struct zone *zone = zone_find(str_of(name));
    if (zone == NULL) {
        fail_msg("no zone %s", name);
    }
    return zone;
}

static int64_t utc(const char *text)
{
    struct stamp stamp;
    struct err err = {0};
    if (!datetime_parse_iso(str_of(text), &stamp, &err)) {
        fail_msg("%s: %s", text, err.text);
    }
    int64_t offset_ms = (int64_t)stamp.offset_s * 1000;
    return datetime_from_civil(&stamp.civil) - offset_ms;
}

struct offset_case {
    const char *zone;
    const char *utc;
    int offset_s;
    bool is_dst;
    const char *letters;
};

/* clang-format off */
static const struct offset_case offset_cases[] = {
    /* Israel: Friday before the last Sunday of March, 02:00; last Sunday of October, 02:00. */
    {"Asia/Jerusalem", "2025-03-27T23:59:59.999Z", 7200, false, "IST"},
    {"Asia/Jerusalem", "2025-03-28T00:00:00Z", 10800, true, "IDT"},
    {"Asia/Jerusalem", "2025-10-25T22:59:59Z", 10800, true, "IDT"},
    {"Asia/Jerusalem", "2025-10-25T23:00:00Z", 7200, false, "IST"},
    {"Asia/Jerusalem", "2026-03-26T23:59:59Z", 7200, false, "IST"},
    {"Asia/Jerusalem", "2026-03-27T00:00:00Z", 10800, true, "IDT"},
    {"Asia/Jerusalem", "2026-10-24T22:59:59Z", 10800, true, "IDT"},
    {"Asia/Jerusalem", "2026-10-24T23:00:00Z", 7200, false, "IST"},
    {"Asia/Jerusalem", "1930-01-01T00:00:00Z", 7200, false, "IST"},
    {"Israel", "2026-07-01T00:00:00Z", 10800, true, "IDT"},
    {"Africa/Johannesburg", "2025-07-01T00:00:00Z", 7200, false, "SAST"},
    {"Africa/Johannesburg", "1943-01-01T00:00:00Z", 10800, true, "SAST"},
    {"Africa/Johannesburg", "2400-01-01T00:00:00Z", 7200, false, "SAST"},
    {"Europe/London", "2025-03-30T00:59:59Z", 0, false, "GMT"},
    {"Europe/London", "2025-03-30T01:00:00Z", 3600, true, "BST"},
    {"Europe/London", "2025-10-26T00:59:59Z", 3600, true, "BST"},
    {"Europe/London", "2025-10-26T01:00:00Z", 0, false, "GMT"},
    {"Europe/London", "1970-01-01T00:00:00Z", 3600, false, "BST"},
    {"Europe/London", "1800-01-01T00:00:00Z", -75, false, "LMT"},
    {"Europe/London", "9999-07-01T00:00:00Z", 3600, true, "BST"},
    {"America/New_York", "2025-03-09T06:59:59Z", -18000, false, "EST"},
    {"America/New_York", "2025-03-09T07:00:00Z", -14400, true, "EDT"},
    {"America/New_York", "2025-11-02T05:59:59Z", -14400, true, "EDT"},
    {"America/New_York", "2025-11-02T06:00:00Z", -18000, false, "EST"},
    /* Half an hour, and summer over the turn of the year. */
    {"Australia/Lord_Howe", "2025-04-05T14:59:59Z", 39600, true, "+11"},
    {"Australia/Lord_Howe", "2025-04-05T15:00:00Z", 37800, false, "+1030"},
    {"Australia/Lord_Howe", "2025-10-04T15:29:59Z", 37800, false, "+1030"},
    {"Australia/Lord_Howe", "2025-10-04T15:30:00Z", 39600, true, "+11"},
    {"Australia/Lord_Howe", "2026-01-01T00:00:00Z", 39600, true, "+11"},
    {"Asia/Kathmandu", "1985-12-31T18:29:59Z", 19800, false, "+0530"},
    {"Asia/Kathmandu", "1985-12-31T18:30:00Z", 20700, false, "+0545"},
    {"Asia/Kathmandu", "2026-06-01T00:00:00Z", 20700, false, "+0545"},
    /* Samoa had no 30 December 2011. */
    {"Pacific/Apia", "2011-12-30T09:59:59Z", -36000, true, "-10"},
    {"Pacific/Apia", "2011-12-30T10:00:00Z", 50400, true, "+14"},
    /* Morocco stands still for Ramadan; in 2025 from 23 February 03:00 to 6 April 02:00. */
    {"Africa/Casablanca", "2025-02-23T01:59:59Z", 3600, false, "+01"},
    {"Africa/Casablanca", "2025-02-23T02:00:00Z", 0, true, "+00"},
    {"Africa/Casablanca", "2025-04-06T01:59:59Z", 0, true, "+00"},
    {"Africa/Casablanca", "2025-04-06T02:00:00Z", 3600, false, "+01"},
    {"UTC", "2025-04-06T02:00:00Z", 0, false, "UTC"},
    {"+05:45", "2025-04-06T02:00:00Z", 20700, false, "+05:45"},
    {"utc-03:30", "2025-04-06T02:00:00Z", -12600, false, "-03:30"},
    {"Etc/GMT-2", "2025-04-06T02:00:00Z", 7200, false, "+02"},
};
/* clang-format on */

static void offsets_at_moments(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(offset_cases); i++) {
        const struct offset_case *c = &offset_cases[i];
        struct zone_clock clock = zone_offset_at(named(c->zone), utc(c->utc));
        if (clock.offset_s != c->offset_s || clock.is_dst != c->is_dst ||
            !str_equal(clock.letters, str_of(c->letters))) {
            fail_msg("%s at %s: %d %d %.*s", c->zone, c->utc, clock.offset_s, clock.is_dst,
                     STR_ARG(clock.letters));
        }
        struct civil civil;
        assert_true(zone_to_civil(named(c->zone), utc(c->utc), &civil));
        assert_int_equal(datetime_from_civil(&civil), utc(c->utc) + c->offset_s * 1000);
    }
}

struct local_case {
    const char *zone;
    const char *local;
    enum zone_fit fit;
    const char *first;
    const char *second;
    const char *change;
};

static const struct local_case local_cases[] = {
    {"Asia/Jerusalem", "2025-12-09T14:30", ZONE_UNIQUE, "2025-12-09T12:30Z", "2025-12-09T12:30Z",
     "2025-12-09T12:30Z"},
    {"Asia/Jerusalem", "2025-03-28T01:59:59.999", ZONE_UNIQUE, "2025-03-27T23:59:59.999Z",
     "2025-03-27T23:59:59.999Z", "2025-03-27T23:59:59.999Z"},
    {"Asia/Jerusalem", "2025-03-28T02:00", ZONE_GAP, "2025-03-28T00:00Z", "2025-03-27T23:00Z",
     "2025-03-28T00:00Z"},
    {"Asia/Jerusalem", "2026-03-27T02:30:00.5", ZONE_GAP, "2026-03-27T00:30:00.5Z",
     "2026-03-26T23:30:00.5Z", "2026-03-27T00:00Z"},
    {"Asia/Jerusalem", "2025-03-28T03:00", ZONE_UNIQUE, "2025-03-28T00:00Z", "2025-03-28T00:00Z",
     "2025-03-28T00:00Z"},
    {"Asia/Jerusalem", "2025-10-26T00:59:59", ZONE_UNIQUE, "2025-10-25T21:59:59Z",
     "2025-10-25T21:59:59Z", "2025-10-25T21:59:59Z"},
    {"Asia/Jerusalem", "2025-10-26T01:00", ZONE_FOLD, "2025-10-25T22:00Z", "2025-10-25T23:00Z",
     "2025-10-25T23:00Z"},
    {"Asia/Jerusalem", "2026-10-25T01:59:59", ZONE_FOLD, "2026-10-24T22:59:59Z",
     "2026-10-24T23:59:59Z", "2026-10-24T23:00Z"},
    {"Asia/Jerusalem", "2025-10-26T02:00", ZONE_UNIQUE, "2025-10-26T00:00Z", "2025-10-26T00:00Z",
     "2025-10-26T00:00Z"},
    {"Europe/London", "2025-10-26T01:30", ZONE_FOLD, "2025-10-26T00:30Z", "2025-10-26T01:30Z",
     "2025-10-26T01:00Z"},
    {"America/New_York", "2025-03-09T02:30", ZONE_GAP, "2025-03-09T07:30Z", "2025-03-09T06:30Z",
     "2025-03-09T07:00Z"},
    {"Australia/Lord_Howe", "2025-10-05T02:15", ZONE_GAP, "2025-10-04T15:45Z", "2025-10-04T15:15Z",
     "2025-10-04T15:30Z"},
    {"Australia/Lord_Howe", "2025-04-06T01:45", ZONE_FOLD, "2025-04-05T14:45Z", "2025-04-05T15:15Z",
     "2025-04-05T15:00Z"},
    {"Pacific/Apia", "2011-12-30T12:00", ZONE_GAP, "2011-12-30T22:00Z", "2011-12-29T22:00Z",
     "2011-12-30T10:00Z"},
    {"Africa/Casablanca", "2025-02-23T02:30", ZONE_FOLD, "2025-02-23T01:30Z", "2025-02-23T02:30Z",
     "2025-02-23T02:00Z"},
    {"+02:00", "2025-03-28T02:00", ZONE_UNIQUE, "2025-03-28T00:00Z", "2025-03-28T00:00Z",
     "2025-03-28T00:00Z"},
};

static void walls_to_moments(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(local_cases); i++) {
        const struct local_case *c = &local_cases[i];
        struct stamp stamp;
        struct err err = {0};
        struct zone_local local;
        assert_true(datetime_parse_iso(str_of(c->local), &stamp, &err));
        enum zone_fit fit = zone_local_to_utc(named(c->zone), &stamp.civil, &local);
        if (fit != c->fit || local.first_ms != utc(c->first) || local.second_ms != utc(c->second) ||
            local.change_ms != utc(c->change)) {
            fail_msg("%s %s: fit %d, %lld %lld %lld", c->zone, c->local, (int)fit,
                     (long long)local.first_ms, (long long)local.second_ms,
                     (long long)local.change_ms);
        }
        enum zone_fit choice;
        assert_int_equal(zone_stamp_ms(named(c->zone), &stamp, &choice), utc(c->first));
        assert_int_equal(choice, c->fit);
    }
}

static void an_offset_in_the_text_wins(void **state)
{
    (void)state;
    struct stamp stamp;
    struct err err = {0};
    enum zone_fit fit = ZONE_GAP;
    assert_true(datetime_parse_iso(STR("2025-10-26T01:30:00+03:00"), &stamp, &err));
    assert_int_equal(zone_stamp_ms(named("Asia/Jerusalem"), &stamp, &fit),
                     utc("2025-10-25T22:30:00Z"));
    assert_int_equal(fit, ZONE_UNIQUE);
}

static void changes_ahead(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        const char *from;
        const char *change; /* NULL: never again. */
    } cases[] = {
        {"Asia/Jerusalem", "2025-01-01T00:00Z", "2025-03-28T00:00Z"},
        {"Asia/Jerusalem", "2025-03-27T23:59:59.999Z", "2025-03-28T00:00Z"},
        {"Asia/Jerusalem", "2025-03-28T00:00Z", "2025-10-25T23:00Z"},
        {"Asia/Jerusalem", "2025-10-25T23:00Z", "2026-03-27T00:00Z"},
        {"Asia/Jerusalem", "2026-11-01T00:00Z", "2027-03-26T00:00Z"},
        {"Asia/Jerusalem", "9999-12-01T00:00Z", NULL},
        {"Asia/Kathmandu", "1970-01-01T00:00Z", "1985-12-31T18:30Z"},
        {"Asia/Kathmandu", "1986-01-01T00:00Z", NULL},
        {"UTC", "2025-01-01T00:00Z", NULL},
        {"-03:00", "2025-01-01T00:00Z", NULL},
        {"Pacific/Apia", "2011-12-01T00:00Z", "2011-12-30T10:00Z"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t change_ms = 0;
        bool found = zone_next_change(named(cases[i].zone), utc(cases[i].from), &change_ms);
        assert_int_equal(found, cases[i].change != NULL);
        if (found && change_ms != utc(cases[i].change)) {
            fail_msg("%s after %s: %lld", cases[i].zone, cases[i].from, (long long)change_ms);
        }
    }
}

/* Everywhere and always: the wall leads back to the moment, and the span agrees with the moment. */
static void every_zone_round_trips(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 1);
    for (size_t i = 0; i < zone_count(); i++) {
        const struct zone *zone = zone_at(i);
        assert_ptr_equal(zone_find(zone_name(zone)), zone);
        for (int n = 0; n < 300; n++) {
            int64_t range = n % 2 == 0 ? DATETIME_MAX_MS / 8 : INT64_C(4000000000000);
            int64_t at = (int64_t)rng_below(&rng, (uint64_t)range) - range / 5;
            struct zone_clock clock = zone_offset_at(zone, at);
            struct zone_span span;
            struct zone_local local;
            struct civil civil;
            zone_span_at(zone, at, &span);
            assert_true(span.begin_ms <= at && at < span.end_ms);
            assert_int_equal(span.clock.offset_s, clock.offset_s);
            assert_int_equal(span.clock.is_dst, clock.is_dst);
            assert_true(zone_to_civil(zone, at, &civil));
            enum zone_fit fit = zone_local_to_utc(zone, &civil, &local);
            assert_true(fit == ZONE_FOLD || fit == ZONE_UNIQUE);
            assert_true(local.first_ms == at || local.second_ms == at);
        }
    }
}

/* Around every change: the skipped minutes are a gap, the repeated ones a fold. */
static void every_change_is_a_gap_or_a_fold(void **state)
{
    (void)state;
    enum { CHANGES_MAX = 400 };
    size_t changes = 0;
    for (size_t i = 0; i < zone_count(); i++) {
        const struct zone *zone = zone_at(i);
        int64_t at = DATETIME_MIN_MS;
        for (int n = 0; n < CHANGES_MAX && zone_next_change(zone, at, &at); n++) {
            struct civil before;
            struct civil after;
            struct zone_local local;
            assert_true(zone_to_civil(zone, at - 1, &before));
            assert_true(zone_to_civil(zone, at, &after));
            int64_t jump_ms = datetime_from_civil(&after) - datetime_from_civil(&before) - 1;
            int64_t middle = datetime_from_civil(&after) - jump_ms / 2;
            assert_true(jump_ms != 0);
            assert_true(datetime_to_civil(middle, &before));
            enum zone_fit fit = zone_local_to_utc(zone, &before, &local);
            assert_int_equal(fit, jump_ms > 0 ? ZONE_GAP : ZONE_FOLD);
            assert_int_equal(local.change_ms, at);
            changes++;
        }
    }
    assert_true(changes > 50000);
}

static void the_ends_of_time_are_safe(void **state)
{
    (void)state;
    static const int64_t moments[] = {INT64_MIN,       INT64_MIN + 999, DATETIME_MIN_MS - 1,
                                      DATETIME_MIN_MS, DATETIME_MAX_MS, DATETIME_MAX_MS + 1,
                                      INT64_MAX};
    for (size_t i = 0; i < zone_count(); i++) {
        for (size_t n = 0; n < COUNT(moments); n++) {
            struct zone_span span;
            struct zone_local local;
            struct civil civil;
            int64_t change = 0;
            zone_span_at(zone_at(i), moments[n], &span);
            assert_true(span.begin_ms <= moments[n] && moments[n] <= span.end_ms);
            (void)zone_next_change(zone_at(i), moments[n], &change);
            assert_int_equal(zone_offset_at(zone_at(i), moments[n]).offset_s, span.clock.offset_s);
            if (datetime_to_civil(moments[n], &civil)) {
                assert_int_equal(zone_local_to_utc(zone_at(i), &civil, &local), ZONE_UNIQUE);
            }
        }
    }
}

static void names_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *name; /* NULL: no such zone. */
    } cases[] = {
        {"Asia/Jerusalem", "Asia/Jerusalem"},
        {"asia/jerusalem", "Asia/Jerusalem"},
        {"Israel", "Israel"},
        {"UTC", "UTC"},
        {"Z", "+00:00"},
        {"z", "+00:00"},
        {"+2", "+02:00"},
        {"+02", "+02:00"},
        {"+0200", "+02:00"},
        {"+5:45", "+05:45"},
        {"+545", "+05:45"},
        {"utc+02:00", "+02:00"},
        {"UTC-3", "-03:00"},
        {"-00:00", "+00:00"},
        {"+14:00", "+14:00"},
        {"-12:00", "-12:00"},
        {"+14:15", NULL},
        {"-12:15", NULL},
        {"+02:05", NULL},
        {"+02:60", NULL},
        {"+2:", NULL},
        {"+:00", NULL},
        {"+02:0", NULL},
        {"+0:200", NULL},
        {"+", NULL},
        {"+99999", NULL},
        {"", NULL},
        {"Asia/Jerusalem ", NULL},
        {"Asia", NULL},
        {"Europe/Atlantis", NULL},
        {"GMT+2", NULL},
        {"../etc/passwd", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct zone *zone = zone_find(str_of(cases[i].text));
        assert_int_equal(zone != NULL, cases[i].name != NULL);
        if (zone != NULL) {
            assert_str_equal(zone_name(zone), str_of(cases[i].name));
        }
    }
    assert_null(zone_find((struct str){0}));
    assert_str_equal(zone_name(zone_utc()), STR("+00:00"));
    assert_int_equal(zone_offset_at(zone_utc(), 0).offset_s, 0);
    assert_true(zone_count() > 500);
    assert_true(zone_version().len >= 5);
}

static void misspelt_names_get_a_suggestion(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"Asia/Jeruslem", "did you mean Asia/Jerusalem"},
        {"Jerusalem", "did you mean Asia/Jerusalem"},
        {"Europe/Jerusalem", "did you mean Asia/Jerusalem"},
        {"america/new york!", "did you mean America/New_York"},
        {"Africa/Johanesburg", "did you mean Africa/Johannesburg"},
        {"Atlantis/Xyzzyxyzzy", "write it as Asia/Jerusalem"},
        {"", "write it as"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        const struct zone *zone = NULL;
        assert_false(zone_parse(str_of(cases[i].text), &zone, &err));
        assert_null(zone);
        assert_int_equal(err.kind, ERR_CONFIG);
        if (strstr(err.text, cases[i].part) == NULL) {
            fail_msg("%s: %s", cases[i].text, err.text);
        }
    }
    struct err err = {0};
    const struct zone *zone = NULL;
    assert_true(zone_parse(STR("Europe/London"), &zone, &err));
    assert_ptr_equal(zone, named("Europe/London"));
    static const char longer[5000];
    assert_false(zone_parse((struct str){longer, sizeof longer}, &zone, &err));
}

static void random_names_are_safe(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 3);
    for (int i = 0; i < 2000; i++) {
        char text[100];
        struct str name = {text, (size_t)rng_below(&rng, sizeof text)};
        struct str near[ZONE_NEAREST_MAX];
        for (size_t n = 0; n < name.len; n++) {
            text[n] = "+-:/0123456789aZ\xff\0UTC"[rng_below(&rng, 21)];
        }
        (void)zone_find(name);
        assert_true(zone_nearest(name, near) <= ZONE_NEAREST_MAX);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_at_moments),
        cmocka_unit_test(walls_to_moments),
        cmocka_unit_test(an_offset_in_the_text_wins),
        cmocka_unit_test(changes_ahead),
        cmocka_unit_test(every_zone_round_trips),
        cmocka_unit_test(every_change_is_a_gap_or_a_fold),
        cmocka_unit_test(the_ends_of_time_are_safe),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(misspelt_names_get_a_suggestion),
        cmocka_unit_test(random_names_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
