#include "cli/when.h"

#include "text/datetime.h"
#include "text/duration.h"

enum { WEEK_DAYS = 7 };

/* The beginning of the day that is `days` after that of `now_ms`. */
static int64_t day_begin(const struct zone *zone, int64_t now_ms, int64_t days)
{
    struct civil at = {0};
    struct zone_local local = {0};
    if (!zone_to_civil(zone, now_ms, &at)) {
        return now_ms;
    }
    int64_t noon =
        (datetime_days(at.year, at.month, at.day) + days) * DATETIME_DAY_MS + DATETIME_DAY_MS / 2;
    if (!datetime_to_civil(noon, &at)) {
        return now_ms;
    }
    at.hour = 0;
    at.minute = 0;
    at.second = 0;
    (void)zone_local_to_utc(zone, &at, &local);
    return local.first_ms;
}

/* "today", "yesterday", a weekday: how many days from today. */
static bool day_word(struct str text, const struct zone *zone, int64_t now_ms, int64_t *days)
{
    if (str_equal_ascii_case(text, STR("today"))) {
        *days = 0;
        return true;
    }
    if (str_equal_ascii_case(text, STR("yesterday"))) {
        *days = -1;
        return true;
    }
    struct civil at = {0};
    if (!zone_to_civil(zone, now_ms, &at)) {
        return false;
    }
    int today = datetime_weekday(datetime_days(at.year, at.month, at.day));
    for (int back = 1; back <= WEEK_DAYS; back++) {
        int weekday = (today - back + 2 * WEEK_DAYS) % WEEK_DAYS;
        struct str name = datetime_weekday_name(weekday);
        if (str_equal_ascii_case(text, name)) {
            *days = -back;
            return true;
        }
    }
    return false;
}

static bool read_stamp(struct str text, enum when_edge edge, const struct zone *zone, int64_t *ms)
{
    struct stamp stamp = {0};
    struct err ignored = {0};
    if (!datetime_parse_iso(text, &stamp, &ignored)) {
        return false;
    }
    *ms = zone_stamp_ms(zone, &stamp, NULL);
    if (!stamp.has_time && edge == WHEN_END) {
        *ms = day_begin(zone, *ms, 1);
    }
    return true;
}

bool when_parse(struct str text, enum when_edge edge, const struct zone *zone, int64_t now_ms,
                int64_t *ms, struct err *err)
{
    struct err ignored = {0};
    int64_t length = 0;
    int64_t days = 0;
    if (str_equal_ascii_case(text, STR("now"))) {
        *ms = now_ms;
        return true;
    }
    if (duration_parse(text, &length, &ignored)) {
        *ms = now_ms - length;
        return true;
    }
    if (day_word(text, zone, now_ms, &days)) {
        *ms = day_begin(zone, now_ms, days + (edge == WHEN_END ? 1 : 0));
        return true;
    }
    if (read_stamp(text, edge, zone, ms)) {
        return true;
    }
    return err_set(err, ERR_CONFIG,
                   "'%.*s' is no time; write 2h, 30d, today, yesterday, 2026-01-05 or "
                   "2026-01-05T10:00",
                   STR_ARG(str_slice(text, 0, 60)));
}

int when_flag(const struct cli *cli, const char *flag, enum when_edge edge, const struct zone *zone,
              int64_t now_ms, int64_t *ms)
{
    struct err err = {0};
    if (cli_given(cli, flag) && !when_parse(cli_value(cli, flag), edge, zone, now_ms, ms, &err)) {
        return cli_misused(cli, "%s %s", flag, err.text);
    }
    return CLI_OK;
}

int when_range(const struct cli *cli, const struct zone *zone, int64_t now_ms,
               struct when_range *out)
{
    *out = (struct when_range){INT64_MIN, INT64_MAX};
    int code = when_flag(cli, "--since", WHEN_BEGIN, zone, now_ms, &out->since_ms);
    if (code == CLI_OK) {
        code = when_flag(cli, "--until", WHEN_END, zone, now_ms, &out->until_ms);
    }
    if (code == CLI_OK && out->since_ms >= out->until_ms) {
        return cli_misused(cli, "--since is not before --until");
    }
    return code;
}
