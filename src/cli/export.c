/* The archive and the rows of targets, out: streamed, whole or not at all. */
#include <inttypes.h>
#include <stdio.h>

#include "base/must.h"
#include "cli/export_out.h"
#include "cli/message_view.h"
#include "cli/when.h"
#include "engine/targets.h"
#include "store/archive.h"
#include "store/browse.h"

enum { COLUMNS_MAX = 1024, CELL_MAX = 64 };

static const struct str message_columns[] = {
    STR_INIT("id"),        STR_INIT("kind"),        STR_INIT("source"),   STR_INIT("chat"),
    STR_INIT("chat_name"), STR_INIT("external_id"), STR_INIT("sender"),   STR_INIT("direction"),
    STR_INIT("sent_at"),   STR_INIT("archived_at"), STR_INIT("revision"), STR_INIT("deleted"),
    STR_INIT("text"),      STR_INIT("attachments"), STR_INIT("extra"),
};
enum { MESSAGE_COLUMNS = sizeof message_columns / sizeof message_columns[0] };

struct export {
    struct look look;
    struct export_out out;
    struct arena row; /* Of the row, or the batch of messages, at hand. */
    bool guard;
    const struct target *target;
};

static const char *direction_name(const struct message *message)
{
    return message->direction == MESSAGE_INCOMING   ? "in"
           : message->direction == MESSAGE_OUTGOING ? "out"
                                                    : "";
}

/* What a spreadsheet would take for a formula gets an apostrophe; numbers of ours do not. */
static struct str guarded(const struct export *export, struct str text, struct arena *arena)
{
    if (text.ptr == NULL) {
        return STR("");
    }
    return export->guard && csv_is_formula(text) ? arena_printf(arena, "'%.*s", STR_ARG(text))
                                                 : text;
}

static struct str time_cell(int64_t ms, char out[DATETIME_TEXT_MAX])
{
    return ms == 0 ? STR("") : datetime_format_iso(ms, out);
}

static bool message_cells(struct export *export, const struct message *message, struct err *err)
{
    char id[CELL_MAX];
    char revision[CELL_MAX];
    char sent[DATETIME_TEXT_MAX];
    char archived[DATETIME_TEXT_MAX];
    struct arena *arena = &export->row;
    struct str name = look_chat_name(&export->look, message->chat);
    (void)snprintf(id, sizeof id, "%" PRId64, message->id);
    (void)snprintf(revision, sizeof revision, "%" PRId32, message->revision);
    const struct str cells[MESSAGE_COLUMNS] = {
        str_of(id),
        str_of(message_kind_name(message)),
        message->source,
        guarded(export, message->chat, arena),
        guarded(export, str_equal(name, message->chat) ? (struct str){0} : name, arena),
        guarded(export, message->external_id, arena),
        guarded(export, message->sender, arena),
        str_of(direction_name(message)),
        time_cell(message->sent_ms, sent),
        time_cell(message->archived_ms, archived),
        str_of(revision),
        message->deleted ? STR("true") : STR("false"),
        guarded(export, message->text, arena),
        guarded(export, message->attachments, arena),
        guarded(export, message->extra, arena),
    };
    return export_out_cells(&export->out, cells, MESSAGE_COLUMNS, err);
}

/* Lists and objects that the archive keeps as text are lists and objects again. */
static void put_nested(struct json_writer *json, struct str key, struct str text,
                       struct arena *arena)
{
    struct err ignored = {0};
    const struct json_value *value = NULL;
    json_key(json, key);
    if (text.len > 0 && json_parse(arena, text, NULL, &value, &ignored)) {
        json_put_value(json, value);
    } else {
        json_put_null(json);
    }
}

static bool message_object(struct export *export, const struct message *message, struct err *err)
{
    struct buf buf;
    struct json_writer json;
    struct str name = look_chat_name(&export->look, message->chat);
    buf_init(&buf, &export->row, message->text.len + 512);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_int(&json, STR("id"), message->id);
    json_field_str(&json, STR("kind"), str_of(message_kind_name(message)));
    json_field_str(&json, STR("source"), message->source);
    json_field_str(&json, STR("chat"), message->chat);
    show_json_text(&json, STR("chat_name"),
                   str_equal(name, message->chat) ? (struct str){0} : name);
    json_field_str(&json, STR("external_id"), message->external_id);
    show_json_text(&json, STR("sender"), message->sender);
    show_json_text(&json, STR("direction"), str_of(direction_name(message)));
    show_json_time(&json, STR("sent_at"), message->sent_ms);
    show_json_time(&json, STR("archived_at"), message->archived_ms);
    json_field_int(&json, STR("revision"), message->revision);
    json_field_bool(&json, STR("deleted"), message->deleted);
    json_field_str(&json, STR("text"), message->text);
    put_nested(&json, STR("attachments"), message->attachments, &export->row);
    put_nested(&json, STR("extra"), message->extra, &export->row);
    json_object_end(&json);
    json_writer_done(&json);
    struct str object = buf_str(&buf);
    return object.ptr != NULL ? export_out_object(&export->out, object, err)
                              : err_set(err, ERR_RETRY, "out of memory for a message");
}

/* The archive in batches, each in a read of its own, up to where it ended when it began. */
static bool stream_messages(struct export *export, struct browse *browse, struct err *err)
{
    struct store *store = export->look.store;
    int64_t head = 0;
    bool more = store != NULL;
    if (more && !store_archive_head(store, &head, err)) {
        return false;
    }
    browse->before_id = head + 1;
    while (more && !export->out.closed) {
        struct message *messages = NULL;
        size_t count = 0;
        bool ok =
            store_begin_read(store, err) &&
            store_browse(store, &export->row, browse, BROWSE_MAX, &messages, &count, &more, err);
        store_rollback(store);
        for (size_t i = 0; i < count && ok; i++) {
            ok = export->out.format == EXPORT_CSV ? message_cells(export, &messages[i], err)
                                                  : message_object(export, &messages[i], err);
        }
        if (!ok) {
            return false;
        }
        browse->after_id = count > 0 ? messages[count - 1].id : browse->after_id;
        arena_reset(&export->row);
    }
    return true;
}

/* What was written where, on standard error. */
static int finish(struct export *export, const char *noun, bool ok, struct err *err)
{
    char rows[SHOW_MAX];
    ok = ok && export_out_keep(&export->out, err);
    struct str path = export->out.path;
    if (ok && path.ptr != NULL) {
        struct str count = show_count(export->out.rows, rows);
        cli_say("%.*s %s in %.*s", STR_ARG(count), noun, STR_ARG(path));
    }
    export_out_drop(&export->out);
    arena_free(&export->row);
    return look_end(&export->look, ok, err);
}

static void begin(struct export *export, const struct cli *cli)
{
    export->guard = !cli_given(cli, "--no-guard");
    export->target = NULL;
    arena_init(&export->row, LOOK_ARENA_LIMIT);
}

int cli_export_messages(struct cli *cli)
{
    struct export export;
    struct err err = {0};
    struct when_range range;
    int code = look_begin(&export.look, cli);
    begin(&export, cli);
    if (code == CLI_OK) {
        (void)look_configured(&export.look, cli);
        code = when_range(cli, export.look.screen.zone, export.look.screen.now_ms, &range);
    }
    int understood = export_out_options(&export.out, cli);
    code = code == CLI_OK ? understood : code;
    if (code != CLI_OK) {
        export_out_drop(&export.out);
        arena_free(&export.row);
        (void)look_end(&export.look, true, &err);
        return code;
    }
    struct browse browse = {
        .source = cli_value(cli, "--source"),
        .chat = look_chat_id(&export.look, cli_value(cli, "--chat")),
        .sender = cli_value(cli, "--sender"),
        .since_ms = range.since_ms == INT64_MIN ? 0 : range.since_ms,
        .until_ms = range.until_ms == INT64_MAX ? 0 : range.until_ms,
        .oldest_first = true,
        .everything = cli_given(cli, "--everything"),
        .revisions = cli_given(cli, "--revisions"),
    };
    bool ok = export_out_begin(&export.out, &export.look.screen, message_columns, MESSAGE_COLUMNS,
                               &err) &&
              stream_messages(&export, &browse, &err);
    return finish(&export, "messages", ok, &err);
}

/* ---- Records ---- */

static struct str cell_of(const struct export *export, const struct json_value *value,
                          struct arena *arena)
{
    struct buf buf;
    struct json_writer json;
    enum json_kind kind = json_kind(value);
    if (kind == JSON_ABSENT || kind == JSON_NULL) {
        return STR("");
    }
    if (kind == JSON_STRING) {
        return guarded(export, json_str(value), arena);
    }
    buf_init(&buf, arena, CELL_MAX);
    json_writer_init(&json, &buf);
    json_put_value(&json, value);
    json_writer_done(&json);
    return buf_str(&buf);
}

static bool record_out(void *context, struct str entity, struct str body, struct err *err)
{
    struct export *export = context;
    const struct json_value *row = NULL;
    struct str cells[COLUMNS_MAX];
    size_t count = 0;
    (void)entity; /* It is a column. */
    if (export->out.format != EXPORT_CSV) {
        return export_out_object(&export->out, body, err);
    }
    if (!json_parse(&export->row, body, NULL, &row, err)) {
        return false;
    }
    const struct column *column = export->target->columns;
    for (; column->name != NULL && count < COLUMNS_MAX; column++) {
        cells[count] = cell_of(export, json_get(row, str_of(column->name)), &export->row);
        if (cells[count++].ptr == NULL) {
            return err_set(err, ERR_RETRY, "a row is larger than the memory of an export");
        }
    }
    bool ok = export_out_cells(&export->out, cells, count, err);
    arena_reset(&export->row);
    return ok;
}

/* The sink that holds a target; `*holders` is how many do. */
static bool find_holder(struct export *export, struct str name, struct str sink,
                        const struct plan_sink **out, size_t *holders, struct buf *known,
                        struct err *err)
{
    const struct plan *plan = &export->look.config.plan;
    *holders = 0;
    for (size_t i = 0; i < plan->sink_count; i++) {
        const struct target *const *targets = NULL;
        if (sink.len > 0 && !str_equal(plan->sinks[i].name, sink)) {
            continue;
        }
        if (!targets_of(plan, plan->sinks[i].name, &export->look.arena, &targets, err)) {
            return false;
        }
        for (; *targets != NULL; targets++) {
            buf_printf(known, "%s%s", known->len > 0 ? ", " : "", (*targets)->name);
            if (str_equal(str_of((*targets)->name), name)) {
                *out = &plan->sinks[i];
                export->target = *targets;
                *holders += 1;
            }
        }
    }
    return true;
}

static bool stream_records(struct export *export, const struct plan_sink *holder, struct err *err)
{
    must(holder != NULL);
    struct str names[COLUMNS_MAX];
    size_t count = 0;
    const struct column *column = export->target->columns;
    for (; column->name != NULL && count < COLUMNS_MAX; column++) {
        names[count++] = str_of(column->name);
    }
    struct arena scratch;
    arena_init(&scratch, LOOK_ARENA_LIMIT);
    bool ok = export_out_begin(&export->out, &export->look.screen, names, count, err);
    if (ok && targets_lend(&export->look.config.plan, holder, export->look.config.data_dir,
                           &export->look.arena, err)) {
        ok = holder->sink->type->dump(holder->sink, str_of(export->target->name), &scratch,
                                      record_out, export, err);
        targets_return(holder);
    } else {
        ok = false;
    }
    arena_free(&scratch);
    return ok;
}

/* The one sink to read, or what is wrong with the command. */
static int choose_holder(struct export *export, const struct cli *cli,
                         const struct plan_sink **holder)
{
    struct err err = {0};
    struct buf known;
    size_t holders = 0;
    struct str name = cli->words[0];
    buf_init(&known, &export->look.arena, 256);
    if (!find_holder(export, name, cli_value(cli, "--sink"), holder, &holders, &known, &err)) {
        return cli_fail(&err);
    }
    if (holders == 0) {
        struct str list = known.len > 0 ? buf_str(&known) : STR("none");
        return cli_misused(cli, "no pipeline writes a table '%.*s'; there are: %.*s", STR_ARG(name),
                           STR_ARG(list));
    }
    if (holders > 1) {
        return cli_misused(cli, "several sinks may hold '%.*s': say which with --sink",
                           STR_ARG(name));
    }
    if ((*holder)->sink->type->dump == NULL) {
        return cli_misused(cli, "the sink '%.*s' (%s) cannot be read row by row",
                           STR_ARG((*holder)->name), (*holder)->sink->type->connector.kind);
    }
    return CLI_OK;
}

int cli_export_records(struct cli *cli)
{
    struct export export;
    struct err err = {0};
    const struct plan_sink *holder = NULL;
    int code = look_begin_configured(&export.look, cli);
    begin(&export, cli);
    int understood = export_out_options(&export.out, cli);
    code = code == CLI_OK ? understood : code;
    code = code == CLI_OK ? choose_holder(&export, cli, &holder) : code;
    if (code != CLI_OK) {
        export_out_drop(&export.out);
        arena_free(&export.row);
        (void)look_end(&export.look, true, &err);
        return code;
    }
    bool ok = stream_records(&export, holder, &err);
    return finish(&export, "rows", ok, &err);
}
