/* audit: who did what, and whether anybody has changed that. */
#include "store/audit.h"

#include <inttypes.h>

#include "cli/look.h"
#include "cli/table.h"
#include "cli/when.h"
#include "text/json.h"

enum { AUDIT_USUAL = 50, PAGE = 200 };

struct filter {
    struct str act;   /* "dlq" fits "dlq.retry" too. */
    struct str actor; /* A part of it is enough. */
    struct when_range range;
    size_t limit;
};

static bool act_fits(struct str wanted, struct str act)
{
    return wanted.ptr == NULL || str_equal(wanted, act) ||
           (str_starts(act, wanted) && act.len > wanted.len && act.ptr[wanted.len] == '.');
}

static bool fits(const struct filter *filter, const struct audit_entry *entry)
{
    return act_fits(filter->act, entry->act) &&
           (filter->actor.ptr == NULL || str_find(entry->actor, filter->actor, 0) != STR_NONE) &&
           entry->at_ms >= filter->range.since_ms && entry->at_ms < filter->range.until_ms;
}

/* Newest first, page by page, until there are enough. */
static bool collect(struct look *look, const struct filter *filter, struct audit_entry *out,
                    size_t *count, struct err *err)
{
    int64_t before = 0;
    bool more = true;
    while (more && *count < filter->limit) {
        struct audit_entry *page = NULL;
        size_t found = 0;
        if (!store_audit_list(look->store, &look->arena, before, PAGE, &page, &found, err)) {
            return false;
        }
        for (size_t i = 0; page != NULL && i < found && *count < filter->limit; i++) {
            if (fits(filter, &page[i])) {
                out[(*count)++] = page[i];
            }
        }
        before = page != NULL && found > 0 ? page[found - 1].id : 0;
        more = page != NULL && found == PAGE && page[found - 1].at_ms >= filter->range.since_ms;
    }
    return true;
}

static void write_json(struct look *look, const struct audit_entry *entries, size_t count)
{
    struct json_writer json;
    json_writer_init(&json, &look->out);
    json_array_begin(&json);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(&json);
        json_field_int(&json, STR("id"), entries[i].id);
        show_json_time(&json, STR("at"), entries[i].at_ms);
        json_field_str(&json, STR("actor"), entries[i].actor);
        json_field_str(&json, STR("act"), entries[i].act);
        json_field_str(&json, STR("object"), entries[i].object);
        show_json_text(&json, STR("detail"), entries[i].detail);
        json_field_str(&json, STR("hash"), entries[i].hash);
        json_object_end(&json);
    }
    json_array_end(&json);
    buf_add_byte(&look->out, '\n');
}

static void write_table(struct look *look, const struct audit_entry *entries, size_t count)
{
    static const struct table_column columns[] = {
        {"id", TABLE_RIGHT, 0}, {"when", TABLE_LEFT, 0},   {"who", TABLE_LEFT, 8},
        {"act", TABLE_LEFT, 8}, {"object", TABLE_LEFT, 6}, {"detail", TABLE_LEFT, 10},
    };
    struct table table;
    table_init(&table, &look->arena, &look->screen, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < count; i++) {
        table_id(&table, entries[i].id);
        table_time(&table, entries[i].at_ms);
        table_text(&table, entries[i].actor);
        table_text(&table, entries[i].act);
        table_text(&table, entries[i].object);
        table_text(&table, entries[i].detail);
    }
    table_print(&table, &look->out);
}

static int read_filter(const struct cli *cli, const struct look *look, struct filter *filter)
{
    int64_t limit = AUDIT_USUAL;
    filter->act = cli_value(cli, "--act");
    filter->actor = cli_value(cli, "--actor");
    int code = cli_number(cli, "--limit", 1, LOOK_LIST_MAX, &limit);
    filter->limit = (size_t)limit;
    return code != CLI_OK ? code
                          : when_range(cli, look->screen.zone, look->screen.now_ms, &filter->range);
}

int cli_audit_list(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    struct filter filter = {.limit = 0};
    size_t count = 0;
    int code = look_begin(&look, cli);
    code = code == CLI_OK ? read_filter(cli, &look, &filter) : code;
    if (code != CLI_OK) {
        (void)look_end(&look, true, &err);
        return code;
    }
    struct audit_entry *entries = arena_array(&look.arena, filter.limit, sizeof *entries);
    if (entries == NULL) {
        (void)err_set(&err, ERR_RETRY, "out of memory");
        return look_end(&look, false, &err);
    }
    bool ok = look.store == NULL || collect(&look, &filter, entries, &count, &err);
    if (ok && cli->json) {
        write_json(&look, entries, count);
    } else if (ok) {
        write_table(&look, entries, count);
        if (count == 0) {
            cli_say("no entry of the audit log fits");
        }
    }
    return look_end(&look, ok, &err);
}

int cli_audit_verify(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    int64_t entries = 0;
    int64_t broken = 0;
    int code = look_begin(&look, cli);
    if (code != CLI_OK) {
        (void)look_end(&look, true, &err);
        return code;
    }
    bool ok = look.store == NULL || store_audit_verify(look.store, &entries, &broken, &err);
    if (ok && cli->json) {
        struct json_writer json;
        json_writer_init(&json, &look.out);
        json_object_begin(&json);
        json_field_bool(&json, STR("holds"), broken == 0);
        json_field_int(&json, STR("entries"), entries);
        json_field_int(&json, STR("broken_at"), broken);
        json_object_end(&json);
        buf_add_byte(&look.out, '\n');
    } else if (ok && broken == 0) {
        buf_printf(&look.out, "the chain holds: %" PRId64 " entries\n", entries);
    } else if (ok) {
        buf_printf(&look.out,
                   "the chain is broken at entry %" PRId64
                   ": from there on entries were changed, removed or put in\n",
                   broken);
    }
    int end = look_end(&look, ok, &err);
    return end == CLI_OK && broken != 0 ? CLI_FAILED : end;
}
