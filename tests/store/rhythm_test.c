/* Ten weeks of a school's group, minute by minute: what is said of its silences, and what not. */
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "store/rhythm.h"
#include "text/test.h"

enum { SEEDS = 50, WEEKS = 10, MINUTES = WEEKS * 7 * 24 * 60, SCALE = 1000000 };

/* 2026-02-01 is a Sunday; clocks go forward on Friday, 2026-03-27. */
#define BEGIN_MS INT64_C(1769896800000) /* 00:00 in Jerusalem. */

/* Messages a day times a thousand, from Sunday on. */
static const int days[7] = {40000, 40000, 40000, 40000, 40000, 1500, 500};

/* Parts of a day, by the hour of the wall: they make a thousand. */
static const int hours[24] = {2,  1,  0,  0,  0,  2,  15, 45, 60, 50, 45, 45,
                              50, 60, 70, 85, 90, 90, 85, 75, 60, 40, 22, 8};

struct school {
    const struct zone *zone;
    struct rng rng;
    int burst;      /* Messages that come together; 1: each by itself. */
    int64_t off_ms; /* Nothing is said between these two. */
    int64_t on_ms;
    int left; /* Of the burst at hand. */
    struct rhythm rhythm;
    int alarms;
    int64_t first_ms; /* When the first alarm would be. */
    int64_t most_ms;  /* The longest that a due time was ahead, on a weekday. */
};

/* Does somebody write in this minute? */
static bool speaks(struct school *school, int64_t at_ms)
{
    struct civil civil;
    assert_true(zone_to_civil(school->zone, at_ms, &civil));
    int weekday = datetime_weekday(datetime_days(civil.year, civil.month, civil.day));
    int64_t chance = (int64_t)days[weekday] * hours[civil.hour] / 60 / school->burst;
    if (school->left > 0 && rng_chance(&school->rng, 50)) {
        school->left--;
        return true;
    }
    if (rng_below(&school->rng, SCALE) >= (uint64_t)chance) {
        return false;
    }
    school->left = (int)rng_below(&school->rng, (uint64_t)(2 * school->burst - 1));
    return true;
}

static void live(struct school *school, int from, int to)
{
    for (int minute = from; minute < to; minute++) {
        int64_t at_ms = BEGIN_MS + minute * DATETIME_MINUTE_MS;
        bool says = speaks(school, at_ms);
        if (!says || (at_ms >= school->off_ms && at_ms < school->on_ms)) {
            continue;
        }
        int64_t due_ms = rhythm_due_ms(&school->rhythm, school->zone);
        if (due_ms != 0 && due_ms < at_ms) {
            school->first_ms = school->alarms++ == 0 ? due_ms : school->first_ms;
        }
        rhythm_hear(&school->rhythm, school->zone, at_ms);
    }
}

static struct school school_of(uint64_t seed, int burst)
{
    struct school school = {.zone = zone_find(STR("Asia/Jerusalem")), .burst = burst};
    rng_seed(&school.rng, seed);
    return school;
}

static int64_t moment(int week, int weekday, int hour)
{
    return BEGIN_MS + ((week * 7 + weekday) * 24 + hour) * DATETIME_HOUR_MS;
}

static int minute_of(int64_t at_ms)
{
    return (int)((at_ms - BEGIN_MS) / DATETIME_MINUTE_MS);
}

/* No false alarm, neither of a group that speaks evenly nor of one that speaks in bursts. */
static void ten_weeks_of_a_school_say_nothing(void **state)
{
    static const int bursts[] = {1, 3, 6};
    (void)state;
    for (size_t i = 0; i < COUNT(bursts); i++) {
        double limit = 0;
        int watched = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct school school = school_of(seed, bursts[i]);
            live(&school, 0, MINUTES);
            if (school.alarms > 0) {
                fail_msg("seed %d, bursts of %d: an alarm in week %d", (int)seed, bursts[i],
                         (int)((school.first_ms - BEGIN_MS) / (7 * DATETIME_DAY_MS)));
            }
            limit += rhythm_limit(&school.rhythm) / (double)SEEDS;
            watched += rhythm_due_ms(&school.rhythm, school.zone) != 0;
            assert_in_range((int64_t)rhythm_weekly(&school.rhythm), 150, 260);
        }
        assert_int_equal(watched, SEEDS);
        print_message("bursts of %d: %.1f missing messages are too many\n", bursts[i], limit);
    }
}

/* It breaks in the night to Monday of the last week. */
static void a_monday_without_a_word_is_said_within_hours(void **state)
{
    int64_t worst_ms = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct school school = school_of(seed, 1);
        live(&school, 0, minute_of(moment(8, 1, 0)));
        int64_t due_ms = rhythm_due_ms(&school.rhythm, school.zone);
        assert_int_equal(school.alarms, 0);
        assert_true(due_ms > moment(8, 1, 7)); /* Not in the night. */
        worst_ms = due_ms > worst_ms ? due_ms : worst_ms;
    }
    print_message("a Monday is said by %d:%02d\n",
                  (int)((worst_ms - moment(8, 1, 0)) / DATETIME_HOUR_MS),
                  (int)((worst_ms - moment(8, 1, 0)) / DATETIME_MINUTE_MS % 60));
    assert_true(worst_ms < moment(8, 1, 17));
}

/* A weekend is silent by habit: the same silence from Thursday evening on is not told before
 * Sunday.
 */
static void a_weekend_is_no_silence(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct school school = school_of(seed, 1);
        live(&school, 0, minute_of(moment(8, 4, 20)));
        int64_t due_ms = rhythm_due_ms(&school.rhythm, school.zone);
        assert_true(due_ms > moment(8, 7, 8));
        assert_true(due_ms < moment(8, 7, 18));
    }
}

/* A holiday is told, as nobody knows better; but it spoils nothing: the next Monday is told, too.
 */
static void a_holiday_does_not_make_it_deaf(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct school school = school_of(seed, 1);
        school.off_ms = moment(6, 2, 0);
        school.on_ms = moment(6, 4, 0);
        live(&school, 0, minute_of(moment(8, 1, 0)));
        int64_t due_ms = rhythm_due_ms(&school.rhythm, school.zone);
        assert_int_equal(school.alarms, 1);
        assert_true(school.first_ms > moment(6, 2, 7) && school.first_ms < moment(6, 2, 18));
        assert_true(due_ms < moment(8, 1, 18));
    }
}

static void little_is_no_habit(void **state)
{
    const struct zone *zone = zone_utc();
    struct rhythm rhythm = {0};
    (void)state;
    assert_int_equal(rhythm_due_ms(&rhythm, zone), 0);
    for (int day = 0; day < 18; day++) { /* Often enough, but not for long enough. */
        for (int i = 0; i < 20; i++) {
            rhythm_hear(&rhythm, zone, moment(0, day, 8) + i * (30 + day % 7) * DATETIME_MINUTE_MS);
        }
        assert_int_equal(rhythm_due_ms(&rhythm, zone), 0);
    }
    rhythm = (struct rhythm){0};
    for (int day = 0; day < 70; day += 4) { /* For long enough, but not often enough. */
        rhythm_hear(&rhythm, zone, moment(0, day, 8));
    }
    assert_int_equal(rhythm_due_ms(&rhythm, zone), 0);
    rhythm_hear(&rhythm, zone, 0); /* No time at all. */
    rhythm_hear(&rhythm, zone, INT64_C(-5000000000000));
    assert_int_equal(rhythm.first_week, rhythm.week - 9);
}

/* What comes late changes hours, and no silence; who comes back after a year begins anew. */
static void late_messages_and_long_absences(void **state)
{
    struct school school = school_of(3, 1);
    (void)state;
    live(&school, 0, MINUTES);
    struct rhythm before = school.rhythm;
    rhythm_hear(&school.rhythm, school.zone, before.newest_ms - 8 * DATETIME_DAY_MS);
    assert_int_equal(school.rhythm.newest_ms, before.newest_ms);
    assert_memory_equal(school.rhythm.silences, before.silences, sizeof before.silences);
    assert_true(rhythm_weekly(&school.rhythm) > rhythm_weekly(&before));
    rhythm_hear(&school.rhythm, school.zone, before.newest_ms - 400 * DATETIME_DAY_MS);
    assert_int_equal(school.rhythm.first_week, before.first_week);
    rhythm_hear(&school.rhythm, school.zone, before.newest_ms + 400 * DATETIME_DAY_MS);
    assert_int_equal(school.rhythm.first_week, school.rhythm.week);
    assert_int_equal(rhythm_due_ms(&school.rhythm, school.zone), 0);
}

static void bytes_are_the_same_again(void **state)
{
    uint8_t bytes[RHYTHM_BYTES];
    struct rhythm again;
    struct school school = school_of(4, 3);
    (void)state;
    live(&school, 0, MINUTES / 2);
    rhythm_write(&school.rhythm, bytes);
    assert_true(rhythm_read((struct str){(const char *)bytes, sizeof bytes}, &again));
    assert_memory_equal(&again, &school.rhythm, sizeof again);
    assert_false(rhythm_read((struct str){(const char *)bytes, sizeof bytes - 1}, &again));
    bytes[0]++;
    assert_false(rhythm_read((struct str){(const char *)bytes, sizeof bytes}, &again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_weeks_of_a_school_say_nothing),
        cmocka_unit_test(a_monday_without_a_word_is_said_within_hours),
        cmocka_unit_test(a_weekend_is_no_silence),
        cmocka_unit_test(a_holiday_does_not_make_it_deaf),
        cmocka_unit_test(little_is_no_habit),
        cmocka_unit_test(late_messages_and_long_absences),
        cmocka_unit_test(bytes_are_the_same_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
