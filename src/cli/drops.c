/*
 * drops: the desk's numbers, by project, as the store has them.
 *
 * What the op `drops` keeps of each message are its numbers, one a line. The first message with a
 * number is its first sight, each later one a resubmission, whatever group it came from, just as
 * the table of reviews has it (rows that others made there are not known here).
 */
#include <stdlib.h>
#include <string.h>

#include "cli/look.h"
#include "cli/table.h"
#include "cli/when.h"
#include "store/state.h"
#include "text/json.h"

enum { LIST_DEFAULT = 50, LIST_MAX = 100000, SLOTS_FIRST = 1024 };

/* A number, and what became of it. */
struct drop {
    struct str number;
    const struct tally *project; /* Of its first sight. */
    int64_t first_ms;
    int64_t last_ms;
    int64_t times;
};

struct tally {
    struct str name;
    struct str chat;
    int64_t numbers;
    int64_t again;
    int64_t numbers_today;
    int64_t again_today;
    int64_t last_ms;
};

struct desk_report {
    struct look look;
    struct str pipeline;
    int64_t today_ms;
    struct tally *tallies; /* Projects of the configuration, and chats that were read before. */
    size_t tally_count;
    size_t tally_room;
    struct drop *drops;
    size_t drop_count;
    size_t drop_room;
    uint32_t *slots; /* By number: index + 1. */
    size_t slot_mask;
    bool failed; /* Out of memory. */
};

static struct tally *tally_of(struct desk_report *report, struct str chat)
{
    for (size_t i = 0; i < report->tally_count; i++) {
        if (str_equal(report->tallies[i].chat, chat)) {
            return &report->tallies[i];
        }
    }
    if (report->tally_count == report->tally_room) {
        report->failed = true;
        return NULL;
    }
    struct tally *tally = &report->tallies[report->tally_count++];
    tally->chat = arena_copy(&report->look.arena, chat);
    tally->name = tally->chat;
    return tally;
}

static uint32_t *slot_of(const struct desk_report *report, struct str number)
{
    size_t at = (size_t)str_hash(number, 0) & report->slot_mask;
    while (report->slots[at] != 0 &&
           !str_equal(report->drops[report->slots[at] - 1].number, number)) {
        at = (at + 1) & report->slot_mask;
    }
    return &report->slots[at];
}

/* Twice the room for numbers; the table is half full at most. */
static bool grow(struct desk_report *report)
{
    size_t room = report->drop_room == 0 ? SLOTS_FIRST / 2 : report->drop_room * 2;
    struct drop *drops = arena_array(&report->look.arena, room, sizeof *drops);
    uint32_t *slots = arena_array(&report->look.arena, room * 2, sizeof *slots);
    if (drops == NULL || slots == NULL) {
        return false;
    }
    if (report->drop_count > 0) {
        memcpy(drops, report->drops, report->drop_count * sizeof *drops);
    }
    report->drops = drops;
    report->drop_room = room;
    report->slots = slots;
    report->slot_mask = room * 2 - 1;
    for (size_t i = 0; i < report->drop_count; i++) {
        *slot_of(report, drops[i].number) = (uint32_t)i + 1;
    }
    return true;
}

static bool count_number(struct desk_report *report, struct tally *tally, struct str number,
                         int64_t at_ms)
{
    if (report->drop_count == report->drop_room && !grow(report)) {
        return false;
    }
    uint32_t *slot = slot_of(report, number);
    bool today = at_ms >= report->today_ms;
    if (*slot == 0) {
        report->drops[report->drop_count] = (struct drop){
            .number = arena_copy(&report->look.arena, number), .project = tally, .first_ms = at_ms};
        *slot = (uint32_t)++report->drop_count;
        tally->numbers++;
        tally->numbers_today += today;
    } else {
        tally->again++;
        tally->again_today += today;
    }
    struct drop *drop = &report->drops[*slot - 1];
    drop->times++;
    drop->last_ms = at_ms;
    return drop->number.ptr != NULL;
}

static bool count_message(void *context, const struct noted_message *noted)
{
    struct desk_report *report = context;
    struct str rest = noted->value;
    struct str number = {0};
    struct tally *tally = tally_of(report, noted->chat);
    while (tally != NULL && str_split(&rest, '\n', &number)) {
        if (!count_number(report, tally, number, noted->archived_ms)) {
            report->failed = true;
            return false;
        }
        tally->last_ms = noted->archived_ms;
    }
    return !report->failed;
}

/* The pipeline of kind `drops`: the only one, or that of --pipeline. */
static int choose_pipeline(struct desk_report *report, const struct cli *cli)
{
    const struct config *config = &report->look.config;
    struct str wanted = cli_value(cli, "--pipeline");
    size_t found = 0;
    size_t chats = 0;
    for (size_t i = 0; i < config->plan.pipeline_count; i++) {
        const struct plan_pipeline *pipeline = &config->plan.pipelines[i];
        if (strcmp(pipeline->op->type->kind, "drops") == 0 &&
            (wanted.ptr == NULL || str_equal(wanted, pipeline->name))) {
            report->pipeline = pipeline->name;
            found++;
        }
    }
    if (found != 1) {
        return cli_misused(cli,
                           found == 0 ? "there is no pipeline of kind drops%s"
                                      : "there are several pipelines of kind drops%s: name "
                                        "one with --pipeline",
                           wanted.ptr != NULL ? " of that name" : "");
    }
    for (size_t i = 0; i < config->project_lists; i++) {
        chats += config->projects[i].chats.count;
    }
    report->tally_room = chats + 4096; /* Also groups that are no longer configured. */
    report->tallies = arena_array(&report->look.arena, report->tally_room, sizeof(struct tally));
    for (size_t i = 0; report->tallies != NULL && i < config->project_lists; i++) {
        const struct config_projects *list = &config->projects[i];
        for (size_t j = 0; str_equal(list->pipeline, report->pipeline) && j < list->chats.count;
             j++) {
            report->tallies[report->tally_count++] = (struct tally){
                .name = list->chats.items[j].name, .chat = list->chats.items[j].chat};
        }
    }
    return CLI_OK;
}

static int report_begin(struct desk_report *report, const struct cli *cli, struct err *err)
{
    *report = (struct desk_report){0};
    int code = look_begin_configured(&report->look, cli);
    code = code == CLI_OK ? choose_pipeline(report, cli) : code;
    if (code != CLI_OK) {
        return code;
    }
    struct look *look = &report->look;
    bool ok = when_parse(STR("today"), WHEN_BEGIN, look->screen.zone, look->screen.now_ms,
                         &report->today_ms, err) &&
              (look->store == NULL ||
               store_state_messages(look->store, report->pipeline, count_message, report, err));
    if (ok && (report->failed || report->tallies == NULL)) {
        ok = err_set(err, ERR_RETRY, "out of memory for the numbers");
    }
    return ok ? CLI_OK : cli_fail(err);
}

static int report_end(struct desk_report *report, int code)
{
    struct err err = {0};
    if (code != CLI_OK) {
        report->look.out.len = 0;
    }
    int end = look_end(&report->look, true, &err);
    return code != CLI_OK ? code : end;
}

static void status_json(struct desk_report *report)
{
    struct json_writer json;
    json_writer_init(&json, &report->look.out);
    json_object_begin(&json);
    json_field_str(&json, STR("pipeline"), report->pipeline);
    json_key(&json, STR("projects"));
    json_array_begin(&json);
    for (size_t i = 0; i < report->tally_count; i++) {
        const struct tally *tally = &report->tallies[i];
        json_object_begin(&json);
        json_field_str(&json, STR("name"), tally->name);
        json_field_str(&json, STR("group_jid"), tally->chat);
        json_field_int(&json, STR("numbers"), tally->numbers);
        json_field_int(&json, STR("resubmissions"), tally->again);
        json_field_int(&json, STR("numbers_today"), tally->numbers_today);
        json_field_int(&json, STR("resubmissions_today"), tally->again_today);
        show_json_time(&json, STR("last_at"), tally->last_ms);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&report->look.out, '\n');
}

static void status_row(struct table *table, const struct tally *tally)
{
    table_text(table, tally->name);
    table_count(table, tally->numbers_today);
    table_count(table, tally->again_today);
    table_count(table, tally->numbers);
    table_count(table, tally->again);
    table_time(table, tally->last_ms);
}

static void status_text(struct desk_report *report)
{
    static const struct table_column columns[] = {
        {"project", TABLE_LEFT, 12}, {"new today", TABLE_RIGHT, 0}, {"again today", TABLE_RIGHT, 0},
        {"new", TABLE_RIGHT, 0},     {"again", TABLE_RIGHT, 0},     {"last", TABLE_LEFT, 0}};
    struct table table;
    struct tally all = {.name = STR("all")};
    table_init(&table, &report->look.arena, &report->look.screen, columns, 6);
    for (size_t i = 0; i < report->tally_count; i++) {
        const struct tally *tally = &report->tallies[i];
        status_row(&table, tally);
        all.numbers += tally->numbers;
        all.again += tally->again;
        all.numbers_today += tally->numbers_today;
        all.again_today += tally->again_today;
        all.last_ms = tally->last_ms > all.last_ms ? tally->last_ms : all.last_ms;
    }
    if (report->tally_count != 1) {
        status_row(&table, &all);
    }
    table_print(&table, &report->look.out);
}

int cli_drops_status(struct cli *cli)
{
    struct desk_report report;
    struct err err = {0};
    int code = report_begin(&report, cli, &err);
    if (code == CLI_OK && cli->json) {
        status_json(&report);
    } else if (code == CLI_OK) {
        status_text(&report);
    }
    return report_end(&report, code);
}

/* The latest post first. */
static int compare_drops(const void *a, const void *b)
{
    const struct drop *one = a;
    const struct drop *two = b;
    if (one->last_ms != two->last_ms) {
        return one->last_ms > two->last_ms ? -1 : 1;
    }
    return str_compare(one->number, two->number);
}

static bool wanted(const struct cli *cli, const struct desk_report *report, const struct drop *drop)
{
    struct str project = cli_value(cli, "--project");
    return (project.ptr == NULL || str_equal(project, drop->project->name) ||
            str_equal(project, drop->project->chat)) &&
           (!cli_given(cli, "--today") || drop->last_ms >= report->today_ms) &&
           (!cli_given(cli, "--again") || drop->times > 1);
}

static void list_json(struct desk_report *report, size_t count, bool more)
{
    struct json_writer json;
    json_writer_init(&json, &report->look.out);
    json_object_begin(&json);
    json_key(&json, STR("drops"));
    json_array_begin(&json);
    for (size_t i = 0; i < count; i++) {
        const struct drop *drop = &report->drops[i];
        json_object_begin(&json);
        json_field_str(&json, STR("number"), drop->number);
        json_field_str(&json, STR("project"), drop->project->name);
        json_field_int(&json, STR("posted"), drop->times);
        show_json_time(&json, STR("first_at"), drop->first_ms);
        show_json_time(&json, STR("last_at"), drop->last_ms);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_field_bool(&json, STR("more"), more);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&report->look.out, '\n');
}

static void list_text(struct desk_report *report, size_t count)
{
    static const struct table_column columns[] = {{"number", TABLE_LEFT, 0},
                                                  {"project", TABLE_LEFT, 12},
                                                  {"posted", TABLE_RIGHT, 0},
                                                  {"first", TABLE_LEFT, 0},
                                                  {"last", TABLE_LEFT, 0}};
    struct table table;
    table_init(&table, &report->look.arena, &report->look.screen, columns, 5);
    for (size_t i = 0; i < count; i++) {
        const struct drop *drop = &report->drops[i];
        table_text(&table, drop->number);
        table_text(&table, drop->project->name);
        table_count(&table, drop->times);
        table_time(&table, drop->first_ms);
        table_time(&table, drop->last_ms);
    }
    table_print(&table, &report->look.out);
}

int cli_drops_list(struct cli *cli)
{
    struct desk_report report;
    struct err err = {0};
    int64_t limit = LIST_DEFAULT;
    int code = cli_number(cli, "--limit", 1, LIST_MAX, &limit);
    if (code != CLI_OK) {
        return code;
    }
    code = report_begin(&report, cli, &err);
    size_t count = 0;
    for (size_t i = 0; code == CLI_OK && i < report.drop_count; i++) {
        if (wanted(cli, &report, &report.drops[i])) {
            report.drops[count++] = report.drops[i];
        }
    }
    if (code == CLI_OK && count > 0) {
        qsort(report.drops, count, sizeof *report.drops, compare_drops);
    }
    bool more = count > (size_t)limit;
    count = more ? (size_t)limit : count;
    if (code == CLI_OK && cli->json) {
        list_json(&report, count, more);
    } else if (code == CLI_OK) {
        list_text(&report, count);
        if (more) {
            cli_say("older ones are left out; see more with --limit N");
        }
    }
    return report_end(&report, code);
}
