/* What was read for health.h, as JSON and for Prometheus. */
#include <inttypes.h>
#include <unistd.h>

#include "base/file.h"
#include "serve/health.h"
#include "text/datetime.h"
#include "text/json.h"

/* ---- JSON ---- */

static void put_time(struct json_writer *json, struct str key, int64_t ms)
{
    char text[DATETIME_TEXT_MAX];
    json_key(json, key);
    if (ms == 0) {
        json_put_null(json);
    } else {
        json_put_str(json, datetime_format_iso(ms, text));
    }
}

static void put_text(struct json_writer *json, struct str key, struct str text)
{
    json_key(json, key);
    if (text.len == 0) {
        json_put_null(json);
    } else {
        json_put_str(json, text);
    }
}

static void put_ready(struct json_writer *json, const struct sink_state *sink)
{
    json_key(json, STR("ready"));
    if (sink->good_ms == 0 && sink->trouble.len == 0) {
        json_put_null(json);
    } else {
        json_put_bool(json, sink->trouble.len == 0);
    }
}

static void put_culprits(struct json_writer *json, const struct health *health, bool details)
{
    json_key(json, STR("culprits"));
    json_array_begin(json);
    for (size_t i = 0; i < health->culprit_count; i++) {
        const struct health_culprit *one = &health->culprits[i];
        json_object_begin(json);
        json_field_str(json, STR("part"), str_of(one->part));
        json_field_str(json, STR("name"), one->name);
        json_field_str(json, STR("what"), str_of(one->what));
        json_field_str(json, STR("status"), str_of(health_status_name(one->status)));
        if (details) {
            put_text(json, STR("why"), one->words);
        }
        json_object_end(json);
    }
    json_array_end(json);
}

/* Chats that are silent for longer than usual, the busiest first. */
static void put_quiet(struct json_writer *json, const struct habit *habit)
{
    json_key(json, STR("quiet"));
    json_array_begin(json);
    for (size_t i = 0; i < habit->chat_count; i++) {
        json_object_begin(json);
        json_field_str(json, STR("chat"), habit->chats[i].chat);
        put_time(json, STR("newest_message"), habit->chats[i].newest_ms);
        put_time(json, STR("expected_by"), habit->chats[i].due_ms);
        json_field_int(json, STR("usual_a_week"), habit->chats[i].weekly);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_sources(struct json_writer *json, const struct health *health, bool details)
{
    json_key(json, STR("sources"));
    json_array_begin(json);
    for (size_t i = 0; i < health->source_count; i++) {
        const struct health_source *one = &health->sources[i];
        json_object_begin(json);
        json_field_str(json, STR("name"), one->source->name);
        json_field_str(json, STR("kind"), str_of(one->source->source->type->connector.kind));
        put_time(json, STR("last_successful_sync"), one->sweep.good_ms);
        put_time(json, STR("last_look"), one->sweep.at_ms);
        json_field_bool(json, STR("last_look_failed"), one->sweep.error.len > 0);
        put_text(json, STR("session"), one->session);
        json_field_int(json, STR("gaps"), one->gaps);
        put_time(json, STR("newest_message"), one->habit.newest_ms);
        json_field_bool(json, STR("silent"), one->habit.silent);
        json_field_int(json, STR("watched_chats"), one->habit.watched);
        json_field_int(json, STR("quiet_chats"), one->habit.quiet);
        if (details) {
            put_quiet(json, &one->habit);
        }
        json_object_end(json);
    }
    json_array_end(json);
}

/* null: none is planned. */
static void put_backup(struct json_writer *json, const struct health *health)
{
    const struct backup_note *note = &health->backup;
    json_key(json, STR("backup"));
    if (!note->there) {
        json_put_null(json);
        return;
    }
    json_object_begin(json);
    put_time(json, STR("last_good"), note->good_ms);
    put_time(json, STR("last_failed"), note->failed_ms);
    put_time(json, STR("expected_by"), note->expected_ms);
    json_field_int(json, STR("bytes"), note->bytes);
    json_field_int(json, STR("messages"), note->messages);
    json_object_end(json);
}

static void put_sinks(struct json_writer *json, const struct health *health)
{
    json_key(json, STR("sinks"));
    json_array_begin(json);
    for (size_t i = 0; i < health->sink_count; i++) {
        const struct sink_state *one = &health->sinks[i];
        json_object_begin(json);
        json_field_str(json, STR("name"), one->name);
        json_field_str(json, STR("kind"), str_of(health->plan_sinks[i].sink->type->connector.kind));
        put_ready(json, one);
        json_field_int(json, STR("waiting"), one->waiting);
        put_time(json, STR("oldest_waiting"), one->oldest_ms);
        put_time(json, STR("last_delivery"), one->good_ms);
        json_field_int(json, STR("dead_letters"), one->dead);
        json_object_end(json);
    }
    json_array_end(json);
}

static const char *outcome_name(const struct run *run)
{
    static const char *const names[] = {"running", "ok", "partial", "failed", "stopped"};
    return names[run->phase == RUN_ENDED ? run->outcome : RUN_OPEN];
}

static void put_pipelines(struct json_writer *json, const struct health *health)
{
    json_key(json, STR("pipelines"));
    json_array_begin(json);
    for (size_t i = 0; i < health->pipeline_count; i++) {
        const struct health_pipeline *one = &health->pipelines[i];
        json_object_begin(json);
        json_field_str(json, STR("name"), one->pipeline->name);
        put_time(json, STR("last_run"), one->last.started_ms);
        put_text(json, STR("last_outcome"),
                 one->last.id != 0 ? str_of(outcome_name(&one->last)) : (struct str){0});
        json_field_int(json, STR("behind"), one->behind);
        json_object_end(json);
    }
    json_array_end(json);
}

/* What a watcher of one synchronisation looks for: when, logged in or not, is PostgreSQL there. */
static void put_sync(struct json_writer *json, const struct health *health)
{
    int64_t newest_ms = 0;
    struct str session = {0};
    const struct sink_state *postgres = NULL;
    for (size_t i = 0; i < health->source_count; i++) {
        const struct health_source *one = &health->sources[i];
        newest_ms = one->sweep.good_ms > newest_ms ? one->sweep.good_ms : newest_ms;
        bool worse = session.len == 0 || str_equal(session, STR("logged-in"));
        session = one->session.len > 0 && worse ? one->session : session;
    }
    for (size_t i = 0; i < health->sink_count; i++) {
        struct str kind = str_of(health->plan_sinks[i].sink->type->connector.kind);
        bool worse = postgres == NULL || postgres->trouble.len == 0;
        postgres = str_equal(kind, STR("postgres")) && worse ? &health->sinks[i] : postgres;
    }
    put_time(json, STR("last_successful_sync"), newest_ms);
    put_text(json, STR("session"), session);
    json_key(json, STR("postgres"));
    if (postgres == NULL) {
        json_put_null(json);
    } else {
        json_object_begin(json);
        put_ready(json, postgres);
        json_object_end(json);
    }
}

void health_json(const struct health *health, bool details, struct buf *out)
{
    struct json_writer json;
    json_writer_init(&json, out);
    json_object_begin(&json);
    json_field_str(&json, STR("status"), str_of(health_status_name(health->status)));
    put_culprits(&json, health, details);
    json_field_str(&json, STR("version"), STR(SLUICE_VERSION));
    put_time(&json, STR("at"), health->now_ms);
    put_time(&json, STR("since"), health->since_ms);
    put_sync(&json, health);
    json_field_int(&json, STR("messages"), health->messages);
    put_time(&json, STR("newest_message"), health->newest_ms);
    json_field_int(&json, STR("refused"), health->refused);
    put_sources(&json, health, details);
    put_sinks(&json, health);
    put_pipelines(&json, health);
    put_backup(&json, health);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(out, '\n');
}

/* ---- Prometheus ---- */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* name{key="value"}, with what must be escaped in a value. */
static void label(struct buf *out, const char *name, const char *key, struct str value)
{
    buf_printf(out, "%s{%s=\"", name, key);
    for (size_t i = 0; i < value.len; i++) {
        char byte = value.ptr[i];
        if (byte == '\\' || byte == '"') {
            buf_add_byte(out, '\\');
        }
        buf_add_byte(out, byte == '\n' ? ' ' : byte);
    }
    buf_add(out, STR("\"} "));
}

static void seconds(struct buf *out, int64_t ms)
{
    buf_printf(out, "%.3f\n", (double)ms / 1000);
}

static void whole(struct buf *out, int64_t value)
{
    buf_add_int(out, value);
    buf_add_byte(out, '\n');
}

static void alone(struct buf *out, const char *name, const char *type, const char *help,
                  int64_t value)
{
    head(out, name, type, help);
    buf_printf(out, "%s ", name);
    whole(out, value);
}

static void source_metrics(const struct health *health, struct buf *out)
{
    const char *name = "sluice_source_last_success_timestamp_seconds";
    head(out, name, "gauge", "When a source was last read without a failure; 0 for never.");
    for (size_t i = 0; i < health->source_count; i++) {
        label(out, name, "source", health->sources[i].source->name);
        seconds(out, health->sources[i].sweep.good_ms);
    }
    name = "sluice_source_failing";
    head(out, name, "gauge", "1 while the last look at a source failed.");
    for (size_t i = 0; i < health->source_count; i++) {
        label(out, name, "source", health->sources[i].source->name);
        whole(out, health->sources[i].sweep.error.len > 0);
    }
    name = "sluice_source_gaps";
    head(out, name, "gauge", "Stretches of a source that are known to be missing.");
    for (size_t i = 0; i < health->source_count; i++) {
        label(out, name, "source", health->sources[i].source->name);
        whole(out, health->sources[i].gaps);
    }
    name = "sluice_source_newest_message_timestamp_seconds";
    head(out, name, "gauge", "When the newest message of a source was sent; 0 for none.");
    for (size_t i = 0; i < health->source_count; i++) {
        label(out, name, "source", health->sources[i].source->name);
        seconds(out, health->sources[i].habit.newest_ms);
    }
    name = "sluice_source_silent";
    head(out, name, "gauge", "1 while a source as a whole is silent for longer than usual.");
    for (size_t i = 0; i < health->source_count; i++) {
        label(out, name, "source", health->sources[i].source->name);
        whole(out, health->sources[i].habit.silent);
    }
    name = "sluice_quiet_chats";
    head(out, name, "gauge", "Chats that are silent for longer than usual.");
    for (size_t i = 0; i < health->source_count; i++) {
        label(out, name, "source", health->sources[i].source->name);
        whole(out, health->sources[i].habit.quiet);
    }
    name = "sluice_session_logged_in";
    head(out, name, "gauge", "1 while the session of a source is logged in.");
    for (size_t i = 0; i < health->source_count; i++) {
        if (health->sources[i].session.len > 0) {
            label(out, name, "source", health->sources[i].source->name);
            whole(out, str_equal(health->sources[i].session, STR("logged-in")));
        }
    }
}

static int64_t sink_value(const struct health *health, const struct sink_state *sink, int which)
{
    switch (which) {
    case 0:
        return sink->trouble.len == 0;
    case 1:
        return sink->waiting;
    case 2:
        return sink->oldest_ms != 0 ? (health->now_ms - sink->oldest_ms) / 1000 : 0;
    default:
        return sink->dead;
    }
}

static void sink_metrics(const struct health *health, struct buf *out)
{
    static const char *const rows[][2] = {
        {"sluice_sink_ready", "0 from the first write that failed to the first that works."},
        {"sluice_outbox_records", "Records that wait for a sink, counted up to 100000."},
        {"sluice_outbox_oldest_age_seconds", "Age of the oldest record that waits."},
        {"sluice_dead_letters", "Records that could not be delivered."},
    };
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        head(out, rows[row][0], "gauge", rows[row][1]);
        for (size_t i = 0; i < health->sink_count; i++) {
            label(out, rows[row][0], "sink", health->sinks[i].name);
            whole(out, sink_value(health, &health->sinks[i], (int)row));
        }
    }
}

static void pipeline_metrics(const struct health *health, struct buf *out)
{
    const char *name = "sluice_pipeline_behind_messages";
    head(out, name, "gauge", "Archived messages that a pipeline has not looked at yet.");
    for (size_t i = 0; i < health->pipeline_count; i++) {
        label(out, name, "pipeline", health->pipelines[i].pipeline->name);
        whole(out, health->pipelines[i].behind);
    }
    name = "sluice_pipeline_last_run_timestamp_seconds";
    head(out, name, "gauge", "When the last run began; 0 for never.");
    for (size_t i = 0; i < health->pipeline_count; i++) {
        label(out, name, "pipeline", health->pipelines[i].pipeline->name);
        seconds(out, health->pipelines[i].last.started_ms);
    }
    name = "sluice_pipeline_last_run_failed";
    head(out, name, "gauge", "1 when the last run that ended was a failure or only partial.");
    for (size_t i = 0; i < health->pipeline_count; i++) {
        const struct run *last = &health->pipelines[i].last;
        label(out, name, "pipeline", health->pipelines[i].pipeline->name);
        whole(out, last->phase == RUN_ENDED && last->outcome != RUN_OK);
    }
}

/* Those that a business knows by a name of its own. A name is described once, for all pipelines. */
static void business_metrics(const struct health *health, struct buf *out)
{
    for (size_t i = 0; i < health->metric_count; i++) {
        const char *name = health->metrics[i].metric->name;
        bool first = true;
        for (size_t j = 0; j < i; j++) {
            first = first && health->metrics[j].metric->name != name;
        }
        if (!first) {
            continue;
        }
        head(out, name, health->metrics[i].summary ? "gauge" : "counter",
             health->metrics[i].metric->doc);
        for (size_t j = i; j < health->metric_count; j++) {
            if (health->metrics[j].metric->name == name) {
                label(out, name, "pipeline", health->metrics[j].pipeline);
                buf_printf(out, "%.15g\n", health->metrics[j].value);
            }
        }
    }
    head(out, "sluice_pipeline_cycle_seconds", "summary", "How long runs took, all together.");
    for (size_t i = 0; i < health->metric_count; i++) {
        const struct metric_value *one = &health->metrics[i];
        if (one->summary) {
            label(out, "sluice_pipeline_cycle_seconds_sum", "pipeline", one->pipeline);
            buf_printf(out, "%.15g\n", one->sum);
            label(out, "sluice_pipeline_cycle_seconds_count", "pipeline", one->pipeline);
            whole(out, one->count);
        }
    }
}

/* Pages of memory that the process holds; 0 where the system does not say. */
static int64_t resident_bytes(struct arena *arena)
{
    struct str text = {0};
    struct str word = {0};
    int64_t pages = 0;
    struct err ignored = {0};
    if (!file_read(arena, STR("/proc/self/statm"), 4096, &text, &ignored)) {
        return 0;
    }
    bool ok =
        str_split(&text, ' ', &word) && str_split(&text, ' ', &word) && str_to_int64(word, &pages);
    return ok ? pages * sysconf(_SC_PAGESIZE) : 0;
}

void health_metrics(const struct health *health, struct buf *out)
{
    head(out, "sluice_build_info", "gauge", "Always 1; the version stands in the label.");
    label(out, "sluice_build_info", "version", STR(SLUICE_VERSION));
    whole(out, 1);
    head(out, "sluice_health_status", "gauge", "0 ok, 1 degraded, 2 failing, as /health says.");
    buf_printf(out, "sluice_health_status %d\n", (int)health->status);
    alone(out, "process_start_time_seconds", "gauge", "When this process began to serve.",
          health->since_ms / 1000);
    alone(out, "process_resident_memory_bytes", "gauge", "Memory that the process holds.",
          resident_bytes(out->arena));
    alone(out, "sluice_archived_messages", "gauge", "Messages in the archive.", health->messages);
    alone(out, "sluice_refused_total", "counter", "Messages that could not be taken in.",
          health->refused);
    alone(out, "sluice_store_bytes", "gauge", "Size of the store and its log.",
          health->file_bytes + health->log_bytes);
    if (health->backup.there) {
        head(out, "sluice_backup_last_success_timestamp_seconds", "gauge",
             "When the last planned backup was made and tested; 0 for never.");
        buf_add(out, STR("sluice_backup_last_success_timestamp_seconds "));
        seconds(out, health->backup.good_ms);
        alone(out, "sluice_backup_bad", "gauge", "1 when the last one failed, or is overdue.",
              backup_note_bad(&health->backup, health->now_ms));
    }
    source_metrics(health, out);
    sink_metrics(health, out);
    pipeline_metrics(health, out);
    business_metrics(health, out);
}
