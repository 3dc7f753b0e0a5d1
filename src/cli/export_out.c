#include "cli/export_out.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/signals.h"

enum { PIECE = 256 * 1024, OUT_ARENA_MAX = 64 * 1024 * 1024, SAY_MS = 500, LOOK_EVERY = 256 };

static const char *const formats[] = {"csv", "json", "ndjson", NULL};

static bool ends_in(struct str path, const char *ending)
{
    return str_ends(path, str_of(ending));
}

int export_out_options(struct export_out *out, const struct cli *cli)
{
    struct str format = cli_value(cli, "--format");
    int index = 0;
    *out = (struct export_out){.path = cli_value(cli, "--output")};
    out->draft.fd = -1;
    arena_init(&out->arena, OUT_ARENA_MAX);
    out->style = (struct csv_style){.crlf = true, .mark = cli_given(cli, "--bom")};
    if (cli_given(cli, "--output") && out->path.len == 0) {
        return cli_misused(cli, "--output needs the name of a file");
    }
    if (format.ptr == NULL) {
        bool lines = cli->json || ends_in(out->path, ".ndjson") || ends_in(out->path, ".jsonl");
        out->format = lines                         ? EXPORT_NDJSON
                      : ends_in(out->path, ".json") ? EXPORT_JSON
                                                    : EXPORT_CSV;
        return CLI_OK;
    }
    while (formats[index] != NULL && !str_equal(format, str_of(formats[index]))) {
        index++;
    }
    if (formats[index] == NULL) {
        return cli_misused(cli, "--format is csv, json or ndjson, not '%.*s'", STR_ARG(format));
    }
    if (cli->json && index == EXPORT_CSV) {
        return cli_misused(cli, "--json and --format csv contradict each other");
    }
    out->format = (enum export_format)index;
    return CLI_OK;
}

static bool put_stdout(struct export_out *out, struct str text, struct err *err)
{
    size_t done = 0;
    while (done < text.len && !out->closed) {
        ssize_t count = write(STDOUT_FILENO, text.ptr + done, text.len - done);
        if (count < 0 && errno == EPIPE) {
            out->closed = true;
        } else if (count < 0 && errno != EINTR) {
            return file_failed(err, "write", STR("standard output"), errno);
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return true;
}

static bool spill(struct export_out *out, struct err *err)
{
    struct str text = buf_str(&out->buf);
    if (text.ptr == NULL) {
        return err_set(err, ERR_RETRY, "a row is larger than the memory of an export");
    }
    bool ok =
        out->path.ptr != NULL ? draft_add(&out->draft, text, err) : put_stdout(out, text, err);
    arena_reset(&out->arena);
    buf_init(&out->buf, &out->arena, PIECE);
    return ok;
}

static void say_progress(struct export_out *out, bool last)
{
    int64_t now_ms = clock_mono_ms(clock_system());
    char rows[SHOW_MAX];
    char rate[SHOW_MAX];
    if (!out->moving || (!last && now_ms - out->said_ms < SAY_MS)) {
        return;
    }
    int64_t passed_ms = now_ms - out->begun_ms > 0 ? now_ms - out->begun_ms : 1;
    struct str count = show_count(out->rows, rows);
    struct str speed = show_count(out->rows * 1000 / passed_ms, rate);
    (void)dprintf(STDERR_FILENO, "\r\x1b[K%.*s rows, %.*s/s%s", STR_ARG(count), STR_ARG(speed),
                  last ? "\n" : "");
    out->said_ms = now_ms;
}

static bool row_done(struct export_out *out, struct err *err)
{
    out->rows++;
    if (out->rows % LOOK_EVERY == 0) {
        if (signals_came()) {
            return err_set(err, ERR_STOP, "stopped; nothing was written");
        }
        say_progress(out, false);
    }
    return out->buf.len < PIECE - PIECE / 4 || spill(out, err);
}

bool export_out_begin(struct export_out *out, const struct screen *screen, const struct str *names,
                      size_t count, struct err *err)
{
    signals_block();
    if (!signals_watch(NULL, err)) {
        return false;
    }
    out->begun_ms = clock_mono_ms(clock_system());
    out->said_ms = out->begun_ms;
    out->moving = screen->moving && out->path.ptr != NULL;
    buf_init(&out->buf, &out->arena, PIECE);
    if (out->path.ptr != NULL && !draft_open(&out->draft, out->path, err)) {
        return false;
    }
    if (out->format == EXPORT_CSV) {
        csv_write_begin(&out->buf, &out->style);
        csv_write_row(&out->buf, &out->style, names, count);
    } else if (out->format == EXPORT_JSON) {
        buf_add_byte(&out->buf, '[');
    }
    return true;
}

bool export_out_cells(struct export_out *out, const struct str *cells, size_t count,
                      struct err *err)
{
    csv_write_row(&out->buf, &out->style, cells, count);
    return row_done(out, err);
}

bool export_out_object(struct export_out *out, struct str object, struct err *err)
{
    if (out->format == EXPORT_JSON) {
        buf_add(&out->buf, out->rows > 0 ? STR(",\n") : STR("\n"));
    }
    buf_add(&out->buf, object);
    if (out->format == EXPORT_NDJSON) {
        buf_add_byte(&out->buf, '\n');
    }
    return row_done(out, err);
}

bool export_out_keep(struct export_out *out, struct err *err)
{
    if (out->format == EXPORT_JSON) {
        buf_add(&out->buf, STR("\n]\n"));
    }
    if (!spill(out, err)) {
        return false;
    }
    if (signals_came()) {
        return err_set(err, ERR_STOP, "stopped; nothing was written");
    }
    say_progress(out, true);
    return out->path.ptr == NULL || draft_keep(&out->draft, err);
}

void export_out_drop(struct export_out *out)
{
    draft_drop(&out->draft);
    arena_free(&out->arena);
}
