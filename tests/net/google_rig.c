#include "net/google_rig.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/file.h"
#include "text/test.h"

struct outside google;

bool google_start(const char *how)
{
    const char *const words[] = {"python3", "tests/google/sheets_server.py", "{folder}", how, NULL};
    return outside_start(&google, words, 60);
}

void google_ask(const char *format, ...)
{
    char line[4096];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(line, sizeof line, format, list);
    va_end(list);
    outside_ask(&google, line);
}

struct str google_api(struct arena *arena)
{
    return arena_printf(arena, "https://localhost:%d", outside_port(&google, "google"));
}

static struct str file_of(struct arena *arena, const char *name)
{
    struct err err = {0};
    struct str bytes = {0};
    if (!file_read(arena, str_of(outside_path(&google, name)), 64 << 20, &bytes, &err)) {
        fail_msg("%s", err.text);
    }
    return bytes;
}

struct str google_credentials(struct arena *arena)
{
    return file_of(arena, "credentials.json");
}

const struct json_value *google_look(struct arena *arena, const char *path)
{
    struct err err = {0};
    const struct json_value *root = NULL;
    google_ask("dump dump.json");
    if (!json_parse(arena, file_of(arena, "dump.json"), NULL, &root, &err)) {
        fail_msg("%s", err.text);
    }
    return json_find(root, str_of(path));
}

int64_t google_calls(struct arena *arena, const char *operation)
{
    char path[64];
    int64_t count = 0;
    (void)snprintf(path, sizeof path, "calls/%s", operation);
    (void)json_int(google_look(arena, path), &count);
    return count;
}

void google_judge(struct arena *arena)
{
    const struct json_value *bad = google_look(arena, "bad");
    if (json_count(bad) > 0) {
        fail_msg("%.*s", STR_ARG(json_str(json_at(bad, 0))));
    }
}

static void put_cell(struct buf *out, const struct json_value *cell)
{
    char number[JSON_NUMBER_MAX];
    int64_t whole = 0;
    double real = 0;
    bool truth = false;
    if (json_int(cell, &whole)) {
        buf_printf(out, "#%" PRId64, whole);
    } else if (json_double(cell, &real)) {
        buf_printf(out, "#%.*s", STR_ARG(json_double_text(real, number)));
    } else if (json_bool(cell, &truth)) {
        buf_add(out, truth ? STR("#true") : STR("#false"));
    } else {
        buf_add(out, json_str(cell));
    }
}

struct str google_rows(struct arena *arena, const char *book, const char *title)
{
    char path[128];
    struct buf out;
    struct json_iter rows;
    const struct json_value *row = NULL;
    (void)snprintf(path, sizeof path, "sheets/%s/%s", book, title);
    buf_init(&out, arena, 1024);
    json_iter_init(&rows, google_look(arena, path));
    while (json_next(&rows, NULL, &row)) {
        struct json_iter cells;
        const struct json_value *cell = NULL;
        bool first = true;
        json_iter_init(&cells, row);
        while (json_next(&cells, NULL, &cell)) {
            buf_add(&out, first ? STR("") : STR("|"));
            put_cell(&out, cell);
            first = false;
        }
        while (out.len > 0 && out.ptr[out.len - 1] == '|') { /* Cells that were emptied. */
            out.len--;
        }
        buf_add_byte(&out, '\n');
    }
    return buf_ok(&out) && out.len == 0 ? STR("") : buf_str(&out);
}
