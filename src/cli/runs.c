/* What ran: the list, and all about one. */
#include "cli/runs.h"

#include <inttypes.h>

#include "cli/look.h"
#include "serve/view.h"

enum { RUNS_USUAL = 20, RUNS_WIDE = 105 };

const char *run_outcome_name(const struct run *run)
{
    return view_run_outcome(run);
}

enum show_style run_style(const struct run *run)
{
    if (run->phase != RUN_ENDED) {
        return SHOW_NORMAL;
    }
    return run->outcome == RUN_OK                                       ? SHOW_GOOD
           : run->outcome == RUN_FAILED                                 ? SHOW_BAD
           : run->outcome == RUN_PARTIAL || run->outcome == RUN_STOPPED ? SHOW_WARN
                                                                        : SHOW_NORMAL;
}

const char *run_trigger_name(const struct run *run)
{
    return view_run_trigger(run);
}

void run_json(struct json_writer *json, const struct run *run)
{
    view_run(json, run, run->error);
}

static int64_t run_length(const struct screen *screen, const struct run *run)
{
    int64_t end_ms = run->ended_ms != 0 ? run->ended_ms : screen->now_ms;
    return end_ms > run->started_ms ? end_ms - run->started_ms : 0;
}

/* On a narrow terminal: ages for times, and what can be left out is. */
static void narrow_table(struct arena *arena, const struct screen *screen, const struct run *runs,
                         size_t count, struct buf *out)
{
    static const struct table_column columns[] = {
        {"run", TABLE_RIGHT, 0},    {"pipeline", TABLE_LEFT, 8},  {"result", TABLE_LEFT, 0},
        {"began", TABLE_LEFT, 0},   {"messages", TABLE_RIGHT, 0}, {"records", TABLE_RIGHT, 0},
        {"failed", TABLE_RIGHT, 0}, {"why", TABLE_LEFT, 10},
    };
    struct table table;
    table_init(&table, arena, screen, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < count; i++) {
        const struct run *run = &runs[i];
        table_id(&table, run->id);
        table_text(&table, run->pipeline);
        table_styled(&table, run_style(run), str_of(run_outcome_name(run)));
        table_age(&table, run->started_ms);
        table_count(&table, run->messages);
        table_count(&table, run->records);
        table_count(&table, run->failed);
        table_text(&table, run->error);
    }
    table_print(&table, out);
}

void runs_table(struct arena *arena, const struct screen *screen, const struct run *runs,
                size_t count, struct buf *out)
{
    static const struct table_column columns[] = {
        {"run", TABLE_RIGHT, 0},     {"pipeline", TABLE_LEFT, 8},   {"result", TABLE_LEFT, 0},
        {"started", TABLE_LEFT, 0},  {"took", TABLE_RIGHT, 0},      {"messages", TABLE_RIGHT, 0},
        {"records", TABLE_RIGHT, 0}, {"delivered", TABLE_RIGHT, 0}, {"failed", TABLE_RIGHT, 0},
        {"why", TABLE_LEFT, 10},
    };
    struct table table;
    char text[SHOW_MAX];
    if (screen->width > 0 && screen->width < RUNS_WIDE) {
        narrow_table(arena, screen, runs, count, out);
        return;
    }
    table_init(&table, arena, screen, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < count; i++) {
        const struct run *run = &runs[i];
        table_id(&table, run->id);
        table_text(&table, run->pipeline);
        table_styled(&table, run_style(run), str_of(run_outcome_name(run)));
        table_time(&table, run->started_ms);
        table_word(&table, show_duration(run_length(screen, run), text));
        table_count(&table, run->messages);
        table_count(&table, run->records);
        table_count(&table, run->delivered);
        table_count(&table, run->failed);
        table_text(&table, run->error);
    }
    table_print(&table, out);
}

static void write_list(struct look *look, bool as_json, const struct run *runs, size_t count)
{
    if (!as_json) {
        runs_table(&look->arena, &look->screen, runs, count, &look->out);
        return;
    }
    struct json_writer json;
    json_writer_init(&json, &look->out);
    json_array_begin(&json);
    for (size_t i = 0; i < count; i++) {
        run_json(&json, &runs[i]);
    }
    json_array_end(&json);
    buf_add_byte(&look->out, '\n');
}

int cli_runs_list(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    struct run *runs = NULL;
    size_t count = 0;
    int64_t limit = RUNS_USUAL;
    int64_t before = 0;
    int code = cli_number(cli, "--limit", 1, LOOK_LIST_MAX, &limit);
    code = code == CLI_OK ? cli_number(cli, "--before", 1, INT64_MAX, &before) : code;
    if (code != CLI_OK) {
        return code;
    }
    code = look_begin(&look, cli);
    if (code != CLI_OK) {
        (void)look_end(&look, true, &err);
        return code;
    }
    struct str pipeline = cli_value(cli, "--pipeline");
    bool ok = look.store == NULL ||
              store_run_list(look.store, &look.arena, pipeline.ptr != NULL ? pipeline : STR(""),
                             before, (size_t)limit, &runs, &count, &err);
    if (ok) {
        write_list(&look, cli->json, runs, count);
        if (count == 0 && !cli->json) {
            cli_say("nothing has run yet");
        }
    }
    return look_end(&look, ok, &err);
}

static void write_line(struct look *look, const char *name, struct str value)
{
    if (value.len > 0) {
        buf_printf(&look->out, "%-11s%.*s\n", name, STR_ARG(value));
    }
}

static void write_run(struct look *look, const struct run *run)
{
    char text[SHOW_MAX];
    write_line(look, "run", arena_printf(&look->arena, "%" PRId64, run->id));
    write_line(look, "pipeline", show_text(&look->arena, run->pipeline, SHOW_MASKED));
    write_line(look, "result", str_of(run_outcome_name(run)));
    if (run->phase != RUN_ENDED) {
        write_line(look, "phase", str_of(view_run_phase(run)));
    }
    write_line(look, "caused by", str_of(run_trigger_name(run)));
    write_line(look, "planned", show_time(&look->screen, run->planned_ms, text));
    write_line(look, "started", show_time(&look->screen, run->started_ms, text));
    write_line(look, "ended", show_time(&look->screen, run->ended_ms, text));
    write_line(look, "took", show_duration(run_length(&look->screen, run), text));
    write_line(look, "messages", show_count(run->messages, text));
    write_line(look, "records", show_count(run->records, text));
    write_line(look, "delivered", show_count(run->delivered, text));
    write_line(look, "failed", show_count(run->failed, text));
    write_line(look, "why", show_text(&look->arena, run->error, SHOW_MASKED));
}

int cli_runs_show(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    struct run run = {0};
    int64_t id = 0;
    if (!str_to_int64(cli->words[0], &id) || id < 1) {
        return cli_misused(cli, "'%.*s' is no number of a run", STR_ARG(cli->words[0]));
    }
    int code = look_begin(&look, cli);
    if (code != CLI_OK) {
        (void)look_end(&look, true, &err);
        return code;
    }
    bool ok = look.store == NULL || store_run_get(look.store, &look.arena, id, &run, &err);
    if (ok && run.id == 0) {
        ok = err_set(&err, ERR_REJECT, "there is no run %" PRId64 "; see: sluice runs", id);
    }
    if (ok && cli->json) {
        struct json_writer json;
        json_writer_init(&json, &look.out);
        run_json(&json, &run);
        buf_add_byte(&look.out, '\n');
    } else if (ok) {
        write_run(&look, &run);
    }
    return look_end(&look, ok, &err);
}
