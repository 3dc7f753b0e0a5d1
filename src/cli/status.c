#include <inttypes.h>
#include <string.h>

#include "cli/look.h"
#include "store/run.h"
#include "text/datetime.h"
#include "text/json.h"

enum { STATUS_RUNS = 5 };

struct counts {
    int64_t messages;
    int64_t newest_ms;
    int64_t waiting;
    int64_t oldest_id;
    int64_t oldest_ms;
    int64_t dead;
    int64_t refused;
    int64_t pipelines_behind;
};

static bool read_counts(struct store *store, struct counts *counts, struct err *err)
{
    int64_t beyond = 0;
    bool ok =
        store_int(store,
                  "SELECT coalesce((SELECT sum(value) FROM counter WHERE name='archived'),"
                  " (SELECT count(*) FROM archive))",
                  &counts->messages, err) &&
        store_int(store, "SELECT archived_ms FROM archive WHERE id=(SELECT max(id) FROM archive)",
                  &counts->newest_ms, err) &&
        store_int(store, "SELECT count(*) FROM outbox", &counts->waiting, err) &&
        store_int(store, "SELECT min(message) FROM outbox", &counts->oldest_id, err) &&
        store_int(store,
                  "SELECT archived_ms FROM archive WHERE id=(SELECT min(message) FROM outbox)",
                  &counts->oldest_ms, err) &&
        store_int(store, "SELECT count(*) FROM dead", &counts->dead, err) &&
        store_int(store, "SELECT count(*) FROM refused", &counts->refused, err) &&
        store_count_get(store, "refused", &beyond, err);
    counts->refused = beyond > counts->refused ? beyond : counts->refused;
    return ok;
}

static const char *outcome_name(const struct run *run)
{
    if (run->phase != RUN_ENDED) {
        return "running";
    }
    switch (run->outcome) {
    case RUN_OPEN:
        return "running";
    case RUN_OK:
        return "ok";
    case RUN_PARTIAL:
        return "partial";
    case RUN_FAILED:
        return "failed";
    case RUN_STOPPED:
        return "stopped";
    }
    return "unknown";
}

static void json_time(struct json_writer *json, struct str key, int64_t ms)
{
    char text[DATETIME_TEXT_MAX];
    json_key(json, key);
    if (ms == 0) {
        json_put_null(json);
    } else {
        json_put_str(json, datetime_format_iso(ms, text));
    }
}

static void write_json(struct look *look, const struct counts *counts, const struct run *runs,
                       size_t run_count)
{
    struct json_writer json;
    json_writer_init(&json, &look->out);
    json_object_begin(&json);
    json_field_str(&json, STR("store"), look->path);
    json_field_bool(&json, STR("exists"), look->store != NULL);
    json_field_int(&json, STR("messages"), counts->messages);
    json_time(&json, STR("newest_message_at"), counts->newest_ms);
    json_field_int(&json, STR("waiting"), counts->waiting);
    json_time(&json, STR("oldest_waiting_at"), counts->oldest_ms);
    json_field_int(&json, STR("dead_letters"), counts->dead);
    json_field_int(&json, STR("refused"), counts->refused);
    json_key(&json, STR("runs"));
    json_array_begin(&json);
    for (size_t i = 0; i < run_count; i++) {
        const struct run *run = &runs[i];
        json_object_begin(&json);
        json_field_int(&json, STR("id"), run->id);
        json_field_str(&json, STR("pipeline"), run->pipeline);
        json_field_str(&json, STR("outcome"), str_of(outcome_name(run)));
        json_time(&json, STR("started_at"), run->started_ms);
        json_time(&json, STR("ended_at"), run->ended_ms);
        json_field_int(&json, STR("messages"), run->messages);
        json_field_int(&json, STR("records"), run->records);
        json_field_int(&json, STR("delivered"), run->delivered);
        json_field_int(&json, STR("failed"), run->failed);
        json_field_str(&json, STR("error"), run->error);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&look->out, '\n');
}

static void write_text(struct look *look, const struct counts *counts, const struct run *runs,
                       size_t run_count)
{
    char text[DATETIME_TEXT_MAX];
    struct buf *out = &look->out;
    if (look->store == NULL) {
        buf_printf(out, "nothing has run here yet: there is no %.*s\n", STR_ARG(look->path));
        return;
    }
    buf_printf(out, "store         %.*s\n", STR_ARG(look->path));
    buf_printf(
        out, "messages      %" PRId64 "%s%.*s\n", counts->messages,
        counts->newest_ms == 0 ? "" : ", the newest arrived ",
        STR_ARG(counts->newest_ms == 0 ? STR("") : datetime_format_iso(counts->newest_ms, text)));
    buf_printf(
        out, "waiting       %" PRId64 "%s%.*s\n", counts->waiting,
        counts->oldest_ms == 0 ? "" : ", the oldest since ",
        STR_ARG(counts->oldest_ms == 0 ? STR("") : datetime_format_iso(counts->oldest_ms, text)));
    buf_printf(out, "dead letters  %" PRId64 "%s\n", counts->dead,
               counts->dead > 0 ? " (sluice dlq list)" : "");
    buf_printf(out, "refused       %" PRId64 "%s\n", counts->refused,
               counts->refused > 0 ? " (sluice refused list)" : "");
    for (size_t i = 0; i < run_count; i++) {
        const struct run *run = &runs[i];
        struct str error = look_line(look, run->error);
        buf_printf(out,
                   "run %-9" PRId64 " %.*s %.*s: %s, %" PRId64 " messages, %" PRId64
                   " records, %" PRId64 " delivered, %" PRId64 " failed%s%.*s\n",
                   run->id, STR_ARG(datetime_format_iso(run->started_ms, text)),
                   STR_ARG(run->pipeline), outcome_name(run), run->messages, run->records,
                   run->delivered, run->failed, error.len > 0 ? ": " : "", STR_ARG(error));
    }
}

int cli_status(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    struct counts counts = {0};
    struct run *runs = NULL;
    size_t run_count = 0;
    int code = look_begin(&look, cli);
    bool ok = code == CLI_OK;
    if (ok && look.store != NULL) {
        ok = store_begin_read(look.store, &err) && read_counts(look.store, &counts, &err) &&
             store_run_list(look.store, &look.arena, STR(""), 0, STATUS_RUNS, &runs, &run_count,
                            &err);
        store_rollback(look.store);
    }
    if (ok && cli->json) {
        write_json(&look, &counts, runs, run_count);
    } else if (ok) {
        write_text(&look, &counts, runs, run_count);
    }
    if (code != CLI_OK) {
        (void)look_end(&look, true, &err);
        return code;
    }
    return look_end(&look, ok, &err);
}
