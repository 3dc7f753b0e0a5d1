#include "source/whatsapp_bridge.h"

#include <inttypes.h>

#include "base/buf.h"
#include "source/bridge_chats.h"
#include "source/bridge_file.h"
#include "source/bridge_row.h"
#include "source/bridge_scan.h"
#include "source/bridge_schema.h"
#include "source/bridge_window.h"
#include "text/datetime.h"
#include "text/json.h"
#include "text/zone.h"

struct bridge {
    struct source source; /* First. */

    /* Options. */
    struct str path;
    struct bridge_mapping mapping;
    struct str zone_name;
    int64_t lookback_ms;
    int64_t overlap;
    struct str_list expect;

    /* From open to close. */
    const struct zone *zone;
    struct bridge_file file;
    struct bridge_schema schema;
    struct bridge_glance seen; /* The file when the last fetch began. */
};

static const struct option options[] = {
    OPTION_PATH(struct bridge, path, "path", OPTION_REQUIRED,
                "The bridge's messages.db. It is only read, never changed."),
    OPTION_ZONE(struct bridge, zone_name, "zone", "Asia/Jerusalem",
                "Where the clock stood that wrote times without an offset."),
    OPTION_DURATION(struct bridge, lookback_ms, "lookback", NULL,
                    "How far back the first look at a chat goes; all of it when left out."),
    OPTION_INT(struct bridge, overlap, "overlap", "200", 1, BRIDGE_WINDOW_MAX,
               "Rows before the last one that are watched for edits and reused numbers."),
    OPTION_LIST(struct bridge, expect, "expect", NULL,
                "Chats that `check --connect` looks for; the nearest are named if one is missing."),
    OPTION_TEXT(struct bridge, mapping.table, "table", "messages", "Table of the messages."),
    OPTION_TEXT(struct bridge, mapping.columns[BRIDGE_ID], "id_column", NULL,
                "Column of the message's id; found by its name (id) when left out."),
    OPTION_TEXT(struct bridge, mapping.columns[BRIDGE_CHAT], "chat_column", NULL,
                "Column of the chat (chat_jid, chat)."),
    OPTION_TEXT(struct bridge, mapping.columns[BRIDGE_SENDER], "sender_column", NULL,
                "Column of the sender (sender)."),
    OPTION_TEXT(struct bridge, mapping.columns[BRIDGE_TEXT], "text_column", NULL,
                "Column of the text (content, text)."),
    OPTION_TEXT(struct bridge, mapping.columns[BRIDGE_TIME], "time_column", NULL,
                "Column of the time (timestamp)."),
    OPTION_TEXT(struct bridge, mapping.columns[BRIDGE_FROM_ME], "from_me_column", NULL,
                "Column that tells own messages (is_from_me); may be missing."),
    OPTION_TEXT(struct bridge, mapping.columns[BRIDGE_MEDIA_TYPE], "media_type_column", NULL,
                "Column of the kind of attachment (media_type); may be missing."),
    OPTION_TEXT(struct bridge, mapping.columns[BRIDGE_FILENAME], "filename_column", NULL,
                "Column of the attachment's name (filename); may be missing."),
    OPTION_TEXT(struct bridge, mapping.columns[BRIDGE_DELETED], "deleted_column", NULL,
                "Column that is set when a message was deleted (deleted_at); may be missing."),
    OPTION_TEXT(struct bridge, mapping.columns[BRIDGE_QUOTED], "quoted_column", NULL,
                "Column of the message that is answered (quoted_message_id); may be missing."),
    OPTION_END,
};

static struct bridge *bridge_of(struct connector *connector)
{
    return (struct bridge *)(void *)connector; /* The connector is its first member. */
}

static bool bridge_open(struct connector *connector, struct err *err)
{
    struct bridge *bridge = bridge_of(connector);
    if (!zone_parse(bridge->zone_name, &bridge->zone, err)) {
        return err_prefix(err, "option `zone`: ");
    }
    if (bridge->path.len == 0 || bridge->mapping.table.len == 0) {
        return err_set(err, ERR_CONFIG, "whatsapp-bridge: `path` and `table` must not be empty");
    }
    bridge_file_init(&bridge->file, bridge->path);
    bridge_schema_init(&bridge->schema);
    bridge->seen = (struct bridge_glance){0};
    return true;
}

static void bridge_close(struct connector *connector)
{
    struct bridge *bridge = bridge_of(connector);
    bridge_file_close(&bridge->file);
    bridge_schema_free(&bridge->schema);
}

/* An open file whose columns are known, in a read transaction. */
static bool reading_begin(struct bridge *bridge, int64_t deadline_ms, struct err *err)
{
    struct clock *clock = bridge->source.connector.env.clock;
    bool fresh = false;
    if (!bridge_file_open(&bridge->file, deadline_ms - clock_mono_ms(clock), &fresh, err)) {
        return false;
    }
    if (!sqlite_exec(bridge->file.db, "BEGIN", err)) {
        return bridge_file_explain(&bridge->file, err);
    }
    if (!fresh && bridge->schema.known) {
        return true;
    }
    return bridge_schema_look(&bridge->schema, bridge->file.db, &bridge->mapping, err) ||
           bridge_file_explain(&bridge->file, err);
}

/* Give the lock back. Whatever failed, the next reading begins with a new handle. */
static void reading_end(struct bridge *bridge, bool ok)
{
    if (bridge->file.db != NULL) {
        sqlite_rollback(bridge->file.db); /* Nothing was written: this only ends the reading. */
    }
    if (!ok) {
        bridge_file_drop(&bridge->file);
    }
}

static void report(struct batch *batch, struct str kind, struct str what, size_t messages,
                   size_t bytes, struct str first)
{
    if (messages == 0) {
        return;
    }
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, batch->arena, 0);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_str(&json, STR("what"), what);
    json_field_int(&json, STR("messages"), (int64_t)messages);
    if (bytes > 0) {
        json_field_int(&json, STR("bytes"), (int64_t)bytes);
    }
    if (first.len > 0) {
        json_field_str(&json, STR("first"), first);
    }
    json_object_end(&json);
    json_writer_done(&json);
    (void)batch_event(batch, (struct event){.kind = kind, .detail = buf_str(&buf)});
}

static void report_tally(struct batch *batch, const struct bridge_tally *tally)
{
    report(batch, STR("cut"),
           STR("texts were longer than the archive keeps; `extra` says by how "
               "much"),
           tally->cut, tally->cut_bytes, tally->cut_id);
    report(batch, STR("time"), STR("times cannot be read; `sent_text` has what stood there"),
           tally->unreadable, 0, tally->unreadable_id);
    report(batch, STR("replaced"), STR("broken UTF-8 or NUL bytes became U+FFFD"), tally->replaced,
           0, (struct str){0});
}

static bool scan_chats(struct bridge *bridge, struct batch *batch, int64_t deadline_ms,
                       struct err *err)
{
    struct connector *connector = &bridge->source.connector;
    int64_t wall_ms = clock_wall_ms(connector->env.clock);
    struct bridge_scan scan = {
        .schema = &bridge->schema,
        .db = bridge->file.db,
        .batch = batch,
        .connector = connector,
        .deadline_ms = deadline_ms,
        .wall_ms = wall_ms,
        .lookback_ms = bridge->lookback_ms,
        .window_rows = bridge->overlap,
        .reader = {.schema = &bridge->schema,
                   .zone = bridge->zone,
                   .source = connector->name,
                   .previous_ms = wall_ms},
    };
    if (!bridge_scan_run(&scan, err)) {
        return bridge_file_explain(&bridge->file, err);
    }
    report_tally(batch, &scan.reader.tally);
    return true;
}

static bool bridge_fetch(struct source *source, struct batch *batch, int64_t deadline_ms,
                         struct err *err)
{
    struct bridge *bridge = bridge_of(&source->connector);
    struct batch before = *batch;
    for (size_t i = 0; i < batch->chat_count; i++) {
        batch->chats[i].next = (struct str){0};
    }
    if (batch->chat_count == 0) {
        return true;
    }
    bridge_glance_take(&bridge->seen, bridge->path, clock_wall_ms(source->connector.env.clock));
    bool ok = reading_begin(bridge, deadline_ms, err) &&
              scan_chats(bridge, batch, deadline_ms, err) && bridge_file_still(&bridge->file, err);
    reading_end(bridge, ok);
    if (!ok) { /* Nothing of a reading that failed is handed out. */
        *batch = before;
        for (size_t i = 0; i < batch->chat_count; i++) {
            batch->chats[i].next = (struct str){0};
        }
    }
    return ok;
}

static bool bridge_changed(struct source *source)
{
    struct bridge *bridge = bridge_of(&source->connector);
    struct bridge_glance now;
    bridge_glance_take(&now, bridge->path, 0);
    return bridge_glance_differs(&bridge->seen, &now);
}

/* "newest 2025-12-09T18:51:42Z", or what stands there. */
static bool describe_newest(struct bridge *bridge, struct buf *out, struct err *err)
{
    struct query *query = sqlite_query(bridge->file.db, bridge->schema.latest, err);
    bool row = false;
    if (query == NULL || !query_step(query, &row, err)) {
        return false;
    }
    struct str text = row ? query_text(query, 0) : (struct str){0};
    struct bridge_minute minute = {0};
    struct str words = {0};
    int64_t sent_ms = 0;
    char time[DATETIME_TEXT_MAX];
    if (text.len > 0 && bridge_time_read(&minute, bridge->zone, text, &sent_ms, &words)) {
        struct str iso = datetime_format_iso(sent_ms, time);
        buf_printf(out, ", newest %.*s", STR_ARG(iso));
    } else if (text.len > 0) {
        buf_printf(out, ", newest at an unreadable time");
    }
    query_end(query);
    return true;
}

static bool describe(struct bridge *bridge, struct arena *arena, struct buf *out, struct err *err)
{
    const struct bridge_schema *schema = &bridge->schema;
    int64_t messages = 0;
    if (!sqlite_int(bridge->file.db, schema->count, 0, &messages, err)) {
        return false;
    }
    buf_printf(out, "%.*s: table %.*s with columns %.*s and %.*s, %" PRId64 " message%s",
               STR_ARG(bridge->path), STR_ARG(schema->table), STR_ARG(schema->names[BRIDGE_CHAT]),
               STR_ARG(schema->names[BRIDGE_TEXT]), messages, messages == 1 ? "" : "s");
    if (!schema->has_rowid) {
        buf_printf(out, " (no row numbers: read as a whole after each change)");
    }
    return describe_newest(bridge, out, err) &&
           bridge_chats_describe(schema, bridge->file.db, &bridge->expect, arena, out, err);
}

static bool bridge_probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                         struct err *err)
{
    struct bridge *bridge = bridge_of(connector);
    struct buf out;
    buf_init(&out, connector->env.arena, 0);
    struct arena_mark mark = arena_mark(connector->env.arena);
    struct arena scratch;
    arena_init(&scratch, BRIDGE_CHATS_ARENA_MAX);
    struct buf text;
    buf_init(&text, &scratch, 0);
    bool ok = reading_begin(bridge, deadline_ms, err) &&
              (describe(bridge, &scratch, &text, err) || bridge_file_explain(&bridge->file, err)) &&
              bridge_file_still(&bridge->file, err);
    reading_end(bridge, ok);
    if (ok) {
        buf_add(&out, buf_str(&text));
        *found = buf_str(&out);
        ok = buf_ok(&text) && buf_ok(&out);
        ok = ok || err_set(err, ERR_RETRY, "out of memory");
    } else {
        arena_rewind(connector->env.arena, mark);
    }
    arena_free(&scratch);
    return ok;
}

const struct source_type source_whatsapp_bridge = {
    .connector =
        {
            .kind = "whatsapp-bridge",
            .summary = "Chats of a WhatsApp bridge, read from its messages.db while it runs.",
            .options = options,
            .size = sizeof(struct bridge),
            .open = bridge_open,
            .probe = bridge_probe,
            .close = bridge_close,
        },
    .fetch = bridge_fetch,
    .changed = bridge_changed,
    .ahead = true,
};
