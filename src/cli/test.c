/* test: the cases that people wrote, against the configuration. */
#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "cli/cases.h"
#include "cli/show.h"

enum { LIST_ARENA = 64 * 1024 * 1024, FOLDER_DEPTH_MAX = 4 };

static bool ends_with(struct str text, struct str end)
{
    return text.len >= end.len && str_equal(str_slice(text, text.len - end.len, text.len), end);
}

/* All *.case below a folder, in the order of their names. */
static void run_folder(struct cases *cases, struct arena *arena, struct str path, int depth)
{
    struct file_list list = {0};
    struct err err = {0};
    if (!file_list(arena, path, &list, &err)) {
        cli_say("%s", err.text);
        cases->broken = true;
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        struct file_info info = {0};
        struct str name = arena_printf(arena, "%.*s/%.*s", STR_ARG(path), STR_ARG(list.names[i]));
        if (name.ptr == NULL || !file_look(name, &info, &err)) {
            continue;
        }
        if (info.kind == FILE_DIRECTORY && depth < FOLDER_DEPTH_MAX) {
            run_folder(cases, arena, name, depth + 1);
        } else if (info.kind == FILE_REGULAR && ends_with(name, STR(".case"))) {
            cases_run_file(cases, name);
        }
    }
}

static void run_path(struct cases *cases, struct arena *arena, struct str path)
{
    struct file_info info = {0};
    struct err err = {0};
    if (!file_look(path, &info, &err) || info.kind == FILE_MISSING) {
        cli_say("%.*s: there is no such file or folder", STR_ARG(path));
        cases->broken = true;
    } else if (info.kind == FILE_DIRECTORY) {
        run_folder(cases, arena, path, 0);
    } else {
        cases_run_file(cases, path);
    }
}

static int conclude(const struct cases *cases)
{
    if (cases->count == 0 && !cases->broken) {
        cli_say("there is no case: no file here ends in .case");
        return CLI_FAILED;
    }
    if (cases->json == NULL && cases->failed == 0 && !cases->broken) {
        (void)printf("%" PRId64 " cases passed\n", cases->count);
    } else if (cases->json == NULL && cases->failed == 0) {
        cli_say("%" PRId64 " cases passed; others could not be read, see above", cases->count);
    } else if (cases->json == NULL) {
        (void)printf("%" PRId64 " of %" PRId64 " cases failed\n", cases->failed, cases->count);
    }
    return cases->failed == 0 && !cases->broken ? CLI_OK : CLI_FAILED;
}

int cli_test(struct cli *cli)
{
    struct arena arena;
    struct buf out;
    struct json_writer json;
    struct screen screen;
    screen_init(&screen, cli, NULL);
    struct cases cases = {.cli = cli, .zone = screen.zone};
    arena_init(&arena, LIST_ARENA);
    buf_init(&out, &arena, 1024);
    if (cli->json) {
        json_writer_init(&json, &out);
        json_object_begin(&json);
        json_key(&json, STR("failures"));
        json_array_begin(&json);
        cases.json = &json;
    }
    for (size_t i = 0; i < cli->word_count; i++) {
        run_path(&cases, &arena, cli->words[i]);
    }
    if (cli->word_count == 0) {
        run_path(&cases, &arena, STR("."));
    }
    if (cli->json) {
        json_array_end(&json);
        json_field_int(&json, STR("cases"), cases.count);
        json_field_int(&json, STR("failed"), cases.failed);
        json_object_end(&json);
        json_writer_done(&json);
        struct str text = buf_str(&out);
        (void)printf("%.*s\n", STR_ARG(text));
    }
    int code = conclude(&cases);
    arena_free(&arena);
    return code;
}
