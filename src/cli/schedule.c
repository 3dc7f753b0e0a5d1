/* When pipelines run next, on the wall and in UTC, with what the clocks do to it. */
#include "cli/schedule.h"

#include <inttypes.h>

#include "cli/look.h"
#include "cli/table.h"
#include "cli/when.h"
#include "model/schedule.h"
#include "serve/view.h"
#include "store/run.h"

enum { COUNT_USUAL = 5, COUNT_MAX = 500, MINUTES_HOUR = 60, WIDE = 110 };

struct str schedule_words(struct arena *arena, const struct schedule *schedule)
{
    return view_schedule(arena, schedule);
}

/* The first minute in the gap before `after` (minutes of the day) that the line asks for, or -1. */
static int skipped_minute(const struct cron *cron, int from, int after)
{
    for (int at = from; at < after; at++) {
        if ((cron->hours >> (at / MINUTES_HOUR) & 1U) != 0 &&
            (cron->minutes >> (at % MINUTES_HOUR) & 1U) != 0) {
            return at;
        }
    }
    return -1;
}

static struct str gap_note(struct arena *arena, const struct cron *cron, const struct civil *at,
                           int jump_s)
{
    int after = at->hour * MINUTES_HOUR + at->minute;
    int from = after - jump_s / MINUTES_HOUR;
    int skipped = from >= 0 ? skipped_minute(cron, from, after) : -1;
    if (skipped < 0) {
        return (struct str){0};
    }
    return arena_printf(arena, "%02d:%02d does not exist on that day → %02d:%02d",
                        skipped / MINUTES_HOUR, skipped % MINUTES_HOUR, at->hour, at->minute);
}

struct str schedule_note(struct arena *arena, const struct schedule *schedule, int64_t planned_ms)
{
    struct civil at = {0};
    struct zone_local local = {0};
    const struct zone *zone = schedule->zone;
    if (schedule->kind != SCHEDULE_CRON || zone == NULL || !zone_to_civil(zone, planned_ms, &at)) {
        return (struct str){0};
    }
    int before_s = zone_offset_at(zone, planned_ms - 1).offset_s;
    int jump_s = zone_offset_at(zone, planned_ms).offset_s - before_s;
    if (jump_s > 0) {
        return gap_note(arena, &schedule->cron, &at, jump_s);
    }
    if (zone_local_to_utc(zone, &at, &local) == ZONE_FOLD) {
        return arena_printf(arena, "%02d:%02d comes twice on that day: the %s", at.hour, at.minute,
                            planned_ms == local.first_ms ? "first" : "second");
    }
    return (struct str){0};
}

static const struct zone *wall_of(const struct look *look, const struct schedule *schedule)
{
    return schedule->zone != NULL ? schedule->zone : look->screen.zone;
}

/* "2026-03-27 03:00 +03:00" */
static struct str wall_text(struct arena *arena, const struct zone *zone, int64_t ms)
{
    struct civil at = {0};
    if (!zone_to_civil(zone, ms, &at)) {
        return STR("?");
    }
    int minutes = zone_offset_at(zone, ms).offset_s / 60;
    int away = minutes < 0 ? -minutes : minutes;
    struct str day =
        datetime_weekday_name(datetime_weekday(datetime_days(at.year, at.month, at.day)));
    return arena_printf(arena, "%.3s %04d-%02d-%02d %02d:%02d %c%02d:%02d", day.ptr, at.year,
                        at.month, at.day, at.hour, at.minute, minutes < 0 ? '-' : '+',
                        away / MINUTES_HOUR, away % MINUTES_HOUR);
}

struct preview {
    struct look *look;
    int64_t from_ms;
    int64_t count;
    struct table table;
    struct json_writer json;
    bool as_json;
    bool wide; /* There is room for UTC and ages beside the wall and its offset. */
};

static void json_time_row(struct preview *preview, const struct schedule *schedule, int64_t ms)
{
    struct look *look = preview->look;
    struct json_writer *json = &preview->json;
    char text[DATETIME_TEXT_MAX];
    int offset_s = zone_offset_at(wall_of(look, schedule), ms).offset_s;
    json_object_begin(json);
    show_json_time(json, STR("at"), ms);
    json_field_str(json, STR("local"), datetime_format_iso_at(ms, offset_s, text));
    show_json_text(json, STR("note"), schedule_note(&look->arena, schedule, ms));
    json_object_end(json);
}

static void text_row(struct preview *preview, const struct plan_pipeline *pipeline, int64_t ms)
{
    struct look *look = preview->look;
    const struct schedule *schedule = &pipeline->schedule;
    struct civil utc = {0};
    table_text(&preview->table, pipeline->name);
    if (ms == 0) {
        table_word(&preview->table, schedule_words(&look->arena, schedule));
        for (size_t i = preview->wide ? 0 : 2; i < 3; i++) {
            table_word(&preview->table, STR(""));
        }
        return;
    }
    (void)datetime_to_civil(ms, &utc);
    table_word(&preview->table, wall_text(&look->arena, wall_of(look, schedule), ms));
    if (preview->wide) {
        table_word(&preview->table,
                   arena_printf(&look->arena, "%04d-%02d-%02d %02d:%02dZ", utc.year, utc.month,
                                utc.day, utc.hour, utc.minute));
        table_age(&preview->table, ms);
    }
    table_styled(&preview->table, SHOW_WARN, schedule_note(&look->arena, schedule, ms));
}

static bool preview_one(struct preview *preview, const struct plan_pipeline *pipeline,
                        struct err *err)
{
    struct look *look = preview->look;
    int64_t planned[COUNT_MAX];
    int64_t last_ms = 0;
    if (look->store != NULL && !store_schedule_get(look->store, pipeline->name, &last_ms, err)) {
        return false;
    }
    size_t found = schedule_preview(&pipeline->schedule, last_ms, preview->from_ms, planned,
                                    (size_t)preview->count);
    if (!preview->as_json) {
        for (size_t i = 0; i < found; i++) {
            text_row(preview, pipeline, planned[i]);
        }
        if (found == 0) {
            text_row(preview, pipeline, 0);
        }
        return true;
    }
    struct json_writer *json = &preview->json;
    json_object_begin(json);
    json_field_str(json, STR("pipeline"), pipeline->name);
    json_field_str(json, STR("schedule"), schedule_words(&look->arena, &pipeline->schedule));
    json_field_str(json, STR("zone"), zone_name(wall_of(look, &pipeline->schedule)));
    show_json_time(json, STR("last_planned_at"), last_ms);
    json_key(json, STR("next"));
    json_array_begin(json);
    for (size_t i = 0; i < found; i++) {
        json_time_row(preview, &pipeline->schedule, planned[i]);
    }
    json_array_end(json);
    json_object_end(json);
    return true;
}

static bool preview_all(const struct cli *cli, struct preview *preview, struct err *err)
{
    const struct plan *plan = &preview->look->config.plan;
    bool ok = true;
    for (size_t i = 0; ok && i < plan->pipeline_count; i++) {
        bool named = cli->word_count == 0;
        for (size_t j = 0; j < cli->word_count; j++) {
            named = named || str_equal(cli->words[j], plan->pipelines[i].name);
        }
        ok = !named || preview_one(preview, &plan->pipelines[i], err);
    }
    return ok;
}

static bool write_preview(const struct cli *cli, struct preview *preview, struct err *err)
{
    static const struct table_column wide[] = {
        {"pipeline", TABLE_LEFT, 8}, {"local", TABLE_LEFT, 0}, {"UTC", TABLE_LEFT, 0},
        {"in", TABLE_RIGHT, 0},      {"", TABLE_LEFT, 12},
    };
    static const struct table_column narrow[] = {
        {"pipeline", TABLE_LEFT, 8},
        {"local", TABLE_LEFT, 0},
        {"", TABLE_LEFT, 12},
    };
    struct look *look = preview->look;
    preview->wide = look->screen.width == 0 || look->screen.width >= WIDE;
    table_init(&preview->table, &look->arena, &look->screen, preview->wide ? wide : narrow,
               preview->wide ? sizeof wide / sizeof wide[0] : sizeof narrow / sizeof narrow[0]);
    json_writer_init(&preview->json, &look->out);
    if (!preview->as_json) {
        if (!preview_all(cli, preview, err)) {
            return false;
        }
        table_print(&preview->table, &look->out);
        return true;
    }
    json_array_begin(&preview->json);
    if (!preview_all(cli, preview, err)) {
        return false;
    }
    json_array_end(&preview->json);
    buf_add_byte(&look->out, '\n');
    return true;
}

int cli_schedule(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    struct preview preview = {.look = &look, .count = COUNT_USUAL, .as_json = cli->json};
    int code = cli_number(cli, "--count", 1, COUNT_MAX, &preview.count);
    if (code != CLI_OK) {
        return code;
    }
    code = look_begin_configured(&look, cli);
    if (code == CLI_OK) {
        preview.from_ms = look.screen.now_ms;
        code = when_flag(cli, "--from", WHEN_BEGIN, look.screen.zone, look.screen.now_ms,
                         &preview.from_ms);
    }
    if (code == CLI_OK && !cli_pipelines_known(cli, &look.config.plan)) {
        code = CLI_USAGE;
    }
    if (code != CLI_OK) {
        (void)look_end(&look, true, &err);
        return code;
    }
    return look_end(&look, write_preview(cli, &preview, &err), &err);
}
