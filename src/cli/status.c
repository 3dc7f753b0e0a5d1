/* In three seconds: is everything arriving, what is stuck, what ran, what is next. */
#include <inttypes.h>

#include "cli/overview.h"
#include "cli/runs.h"
#include "cli/schedule.h"
#include "cli/table.h"

enum { NAME_LEAST = 8, WHY_LEAST = 16, LABEL_WIDTH = 13 };

/* ---- For programs ---- */

static void json_sources(struct json_writer *json, const struct overview *all)
{
    json_key(json, STR("sources"));
    json_array_begin(json);
    for (size_t i = 0; i < all->source_count; i++) {
        const struct source_state *source = &all->sources[i];
        json_object_begin(json);
        json_field_str(json, STR("name"), source->name);
        show_json_time(json, STR("looked_at"), source->sweep.at_ms);
        show_json_time(json, STR("good_at"), source->sweep.good_ms);
        show_json_text(json, STR("error"), source->sweep.error);
        const struct overview_session *session = overview_session(all, source->name);
        show_json_text(json, STR("session"),
                       session != NULL ? browser_state_name(&session->state) : (struct str){0});
        json_object_end(json);
    }
    json_array_end(json);
}

static void json_sinks(struct json_writer *json, const struct overview *all)
{
    json_key(json, STR("sinks"));
    json_array_begin(json);
    for (size_t i = 0; i < all->sink_count; i++) {
        const struct sink_state *sink = &all->sinks[i];
        json_object_begin(json);
        json_field_str(json, STR("name"), sink->name);
        json_field_int(json, STR("waiting"), sink->waiting);
        show_json_time(json, STR("oldest_at"), sink->oldest_ms);
        json_field_int(json, STR("failing"), sink->failing);
        show_json_time(json, STR("next_try_at"), sink->next_ms);
        show_json_text(json, STR("why"), sink->why);
        show_json_time(json, STR("good_at"), sink->good_ms);
        json_key(json, STR("ready"));
        if (sink->good_ms == 0 && sink->trouble.len == 0) {
            json_put_null(json);
        } else {
            json_put_bool(json, sink->trouble.len == 0);
        }
        json_field_int(json, STR("dead_letters"), sink->dead);
        json_object_end(json);
    }
    json_array_end(json);
}

static void json_pipelines(struct json_writer *json, struct look *look, const struct overview *all)
{
    json_key(json, STR("pipelines"));
    json_array_begin(json);
    for (size_t i = 0; i < all->pipeline_count; i++) {
        const struct overview_pipeline *one = &all->pipelines[i];
        struct str words =
            one->schedule != NULL ? schedule_words(&look->arena, one->schedule) : (struct str){0};
        json_object_begin(json);
        json_field_str(json, STR("name"), one->name);
        show_json_text(json, STR("schedule"), words);
        json_key(json, STR("last_run"));
        if (one->last.id != 0) {
            run_json(json, &one->last);
        } else {
            json_put_null(json);
        }
        show_json_time(json, STR("next_at"), one->next_ms);
        json_field_int(json, STR("behind"), one->behind);
        json_object_end(json);
    }
    json_array_end(json);
}

static void json_metrics(struct json_writer *json, const struct overview *all)
{
    json_key(json, STR("metrics"));
    json_array_begin(json);
    for (size_t i = 0; i < all->metric_count; i++) {
        const struct metric_value *one = &all->metrics[i];
        json_object_begin(json);
        json_field_str(json, STR("name"), str_of(one->metric->name));
        json_field_str(json, STR("pipeline"), one->pipeline);
        json_field_str(json, STR("type"), one->summary ? STR("summary") : STR("counter"));
        json_field_str(json, STR("help"), str_of(one->metric->doc));
        json_key(json, STR("value"));
        json_put_double(json, one->value);
        if (one->summary) {
            json_key(json, STR("sum"));
            json_put_double(json, one->sum);
            json_field_int(json, STR("count"), one->count);
        }
        json_object_end(json);
    }
    json_array_end(json);
}

static void json_problems(struct json_writer *json, const struct overview *all)
{
    json_key(json, STR("problems"));
    json_array_begin(json);
    for (size_t i = 0; i < all->problem_count; i++) {
        json_object_begin(json);
        json_field_str(json, STR("what"), all->problems[i].what);
        show_json_text(json, STR("next"), str_of(all->problems[i].next));
        json_object_end(json);
    }
    json_array_end(json);
}

static void write_json(struct look *look, const struct overview *all)
{
    struct json_writer json;
    bool exists = look->store != NULL;
    json_writer_init(&json, &look->out);
    json_object_begin(&json);
    json_field_str(&json, STR("verdict"),
                   !exists                  ? STR("empty")
                   : all->problem_count > 0 ? STR("attention")
                                            : STR("ok"));
    json_problems(&json, all);
    json_field_str(&json, STR("store"), look->path);
    json_field_bool(&json, STR("exists"), exists);
    json_field_int(&json, STR("bytes"), all->file_bytes + all->log_bytes);
    json_field_bool(&json, STR("served"), all->served);
    show_json_text(&json, STR("owner"), all->served ? all->owner : (struct str){0});
    json_field_int(&json, STR("messages"), all->messages);
    show_json_time(&json, STR("newest_message_at"), all->newest_ms);
    json_field_int(&json, STR("waiting"), all->waiting);
    show_json_time(&json, STR("oldest_waiting_at"), all->oldest_ms);
    json_field_int(&json, STR("dead_letters"), all->dead);
    json_field_int(&json, STR("refused"), all->refused);
    json_sources(&json, all);
    json_sinks(&json, all);
    json_pipelines(&json, look, all);
    json_metrics(&json, all);
    json_key(&json, STR("runs"));
    json_array_begin(&json);
    for (size_t i = 0; i < all->run_count; i++) {
        run_json(&json, &all->runs[i]);
    }
    json_array_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&look->out, '\n');
}

/* ---- For people ---- */

static void write_verdict(struct look *look, const struct overview *all)
{
    struct buf *out = &look->out;
    if (all->problem_count == 0) {
        show_styled(out, &look->screen, SHOW_GOOD, STR("All is well."));
        buf_add(out, STR("\n\n"));
        return;
    }
    struct str line =
        all->problem_count == 1
            ? STR("One thing needs a look:")
            : arena_printf(&look->arena, "%zu things need a look:", all->problem_count);
    show_styled(out, &look->screen, SHOW_BAD, line);
    buf_add_byte(out, '\n');
    for (size_t i = 0; i < all->problem_count; i++) {
        const struct problem *one = &all->problems[i];
        struct str what = show_text(&look->arena, one->what, SHOW_MASKED);
        size_t width = look->screen.width > 4 ? look->screen.width - 4 : 0;
        buf_add(out, STR("  ! "));
        show_wrapped(out, what, width, 4);
        buf_add_byte(out, '\n');
        if (one->next != NULL) {
            buf_printf(out, "    → %s\n", one->next);
        }
    }
    buf_add_byte(out, '\n');
}

static void write_line(struct look *look, const char *label, struct str value, struct str rest)
{
    struct str line = arena_printf(&look->arena, "%-*s %.*s%s%.*s", LABEL_WIDTH, label,
                                   STR_ARG(value), rest.len > 0 ? ", " : "", STR_ARG(rest));
    buf_printf(&look->out, "%.*s\n", STR_ARG(show_fit(&look->arena, line, look->screen.width)));
}

static struct str with_age(struct look *look, const char *what, int64_t ms)
{
    char age[SHOW_MAX];
    char time[SHOW_MAX];
    if (ms == 0) {
        return (struct str){0};
    }
    return arena_printf(&look->arena, "%s %.*s (%.*s)", what,
                        STR_ARG(show_age(&look->screen, ms, age)),
                        STR_ARG(show_time(&look->screen, ms, time)));
}

static void write_sessions(struct look *look, const struct overview *all)
{
    for (size_t i = 0; i < all->session_count; i++) {
        const struct overview_session *one = &all->sessions[i];
        write_line(look, "session",
                   arena_printf(&look->arena, "%.*s: %.*s", STR_ARG(one->source),
                                STR_ARG(browser_state_name(&one->state))),
                   with_age(look, "since", one->state.since_ms));
    }
}

static void write_counts(struct look *look, const struct overview *all)
{
    char text[SHOW_MAX];
    write_line(look, "messages", show_count(all->messages, text),
               with_age(look, "the newest arrived", all->newest_ms));
    write_line(look, "waiting", show_count(all->waiting, text),
               with_age(look, "the oldest came", all->oldest_ms));
    write_line(look, "dead letters", show_count(all->dead, text), (struct str){0});
    write_line(look, "refused", show_count(all->refused, text), (struct str){0});
    write_line(look, "store", look->path, show_size(all->file_bytes + all->log_bytes, text));
    write_line(look, "at work", all->served ? all->owner : STR("nobody"),
               all->served ? with_age(look, "since", all->served_ms) : (struct str){0});
    write_sessions(look, all);
}

static void write_sources(struct look *look, const struct overview *all)
{
    static const struct table_column columns[] = {
        {"source", TABLE_LEFT, NAME_LEAST},
        {"last look", TABLE_LEFT, 0},
        {"last good look", TABLE_LEFT, 0},
        {"error", TABLE_LEFT, WHY_LEAST},
    };
    struct table table;
    table_init(&table, &look->arena, &look->screen, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < all->source_count; i++) {
        const struct sweep *sweep = &all->sources[i].sweep;
        char text[SHOW_MAX];
        table_text(&table, all->sources[i].name);
        table_age(&table, sweep->at_ms);
        table_styled(&table, sweep->error.len > 0 ? SHOW_BAD : SHOW_GOOD,
                     show_age(&look->screen, sweep->good_ms, text));
        table_text(&table, sweep->error);
    }
    if (all->source_count > 0) {
        buf_add_byte(&look->out, '\n');
    }
    table_print(&table, &look->out);
}

static void write_sinks(struct look *look, const struct overview *all)
{
    static const struct table_column columns[] = {
        {"sink", TABLE_LEFT, NAME_LEAST}, {"waiting", TABLE_RIGHT, 0}, {"oldest", TABLE_LEFT, 0},
        {"failing", TABLE_RIGHT, 0},      {"next try", TABLE_LEFT, 0}, {"dead", TABLE_RIGHT, 0},
        {"why", TABLE_LEFT, WHY_LEAST},
    };
    struct table table;
    table_init(&table, &look->arena, &look->screen, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < all->sink_count; i++) {
        const struct sink_state *sink = &all->sinks[i];
        char text[SHOW_MAX];
        table_text(&table, sink->name);
        table_count(&table, sink->waiting);
        table_word(&table, sink->oldest_ms != 0 ? show_age(&look->screen, sink->oldest_ms, text)
                                                : STR("-"));
        table_styled(&table, sink->failing > 0 ? SHOW_BAD : SHOW_NORMAL,
                     show_count(sink->failing, text));
        table_word(&table,
                   sink->next_ms != 0 ? show_age(&look->screen, sink->next_ms, text) : STR("-"));
        table_styled(&table, sink->dead > 0 ? SHOW_BAD : SHOW_NORMAL, show_count(sink->dead, text));
        table_text(&table, sink->why);
    }
    if (all->sink_count > 0) {
        buf_add_byte(&look->out, '\n');
    }
    table_print(&table, &look->out);
}

static void pipeline_row(struct table *table, struct look *look,
                         const struct overview_pipeline *one)
{
    char text[SHOW_MAX];
    bool ran = one->last.id != 0;
    table_text(table, one->name);
    table_word(table,
               one->schedule != NULL ? schedule_words(&look->arena, one->schedule) : STR("?"));
    table_count(table, one->behind);
    table_word(table, ran ? show_age(&look->screen, one->last.started_ms, text) : STR("never"));
    table_styled(table, run_style(&one->last), str_of(ran ? run_outcome_name(&one->last) : ""));
    if (one->next_ms != 0) {
        table_age(table, one->next_ms);
    } else {
        bool listens = one->schedule != NULL && one->schedule->kind == SCHEDULE_ON_MESSAGE;
        table_word(table, listens ? STR("when a message comes") : STR("-"));
    }
}

static void write_pipelines(struct look *look, const struct overview *all)
{
    static const struct table_column columns[] = {
        {"pipeline", TABLE_LEFT, NAME_LEAST},
        {"runs", TABLE_LEFT, NAME_LEAST},
        {"behind", TABLE_RIGHT, 0},
        {"last run", TABLE_LEFT, 0},
        {"result", TABLE_LEFT, 0},
        {"next", TABLE_LEFT, 0},
    };
    struct table table;
    table_init(&table, &look->arena, &look->screen, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < all->pipeline_count; i++) {
        pipeline_row(&table, look, &all->pipelines[i]);
    }
    if (all->pipeline_count > 0) {
        buf_add_byte(&look->out, '\n');
    }
    table_print(&table, &look->out);
}

static void write_text(struct look *look, const struct overview *all)
{
    if (look->store == NULL) {
        buf_printf(&look->out, "nothing has run here yet: there is no %.*s\n", STR_ARG(look->path));
        return;
    }
    write_verdict(look, all);
    write_counts(look, all);
    write_sources(look, all);
    write_sinks(look, all);
    write_pipelines(look, all);
    if (all->run_count > 0) {
        buf_add_byte(&look->out, '\n');
        runs_table(&look->arena, &look->screen, all->runs, all->run_count, &look->out);
    }
}

int cli_status(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    struct overview all = {0};
    int code = look_begin(&look, cli);
    if (code != CLI_OK) {
        (void)look_end(&look, true, &err);
        return code;
    }
    (void)look_configured(&look, cli);
    bool ok = look.store == NULL || overview_read(&all, &look, &err);
    if (ok && cli->json) {
        write_json(&look, &all);
    } else if (ok) {
        write_text(&look, &all);
    }
    return look_end(&look, ok, &err);
}
