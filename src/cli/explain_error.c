/* What a code of a mistake means: one of them, or the list. */
#include <stdio.h>

#include "cli/help.h"
#include "config/codes.h"
#include "config/nearest.h"
#include "text/json.h"

enum { EXPLAIN_ARENA = 1024 * 1024 };

static void show_one(const struct code *code)
{
    (void)printf("%s: %s\n\n%s\nFor example:\n\n%s", code->code, code->title, code->text,
                 code->example);
}

static int show_list(void)
{
    for (int i = 0; i < FAULT_CODES; i++) {
        const struct code *code = code_of((enum fault_code)i);
        (void)printf("%s  %s\n", code->code, code->title);
    }
    return CLI_OK;
}

static void code_json(struct json_writer *json, const struct code *code, bool warning)
{
    json_object_begin(json);
    json_field_str(json, STR("code"), str_of(code->code));
    json_field_str(json, STR("severity"), warning ? STR("warning") : STR("error"));
    json_field_str(json, STR("title"), str_of(code->title));
    json_field_str(json, STR("why"), str_of(code->why));
    json_field_str(json, STR("text"), str_of(code->text));
    json_field_str(json, STR("example"), str_of(code->example));
    json_object_end(json);
}

/* An array; of one code, an array of one. */
static int show_json(bool all, enum fault_code only)
{
    struct arena arena;
    struct buf out;
    struct json_writer json;
    arena_init(&arena, EXPLAIN_ARENA);
    buf_init(&out, &arena, 4096);
    json_writer_init(&json, &out);
    json_array_begin(&json);
    for (int i = 0; i < FAULT_CODES; i++) {
        enum fault_code code = (enum fault_code)i;
        if (all || code == only) {
            code_json(&json, code_of(code), code_is_warning(code));
        }
    }
    json_array_end(&json);
    json_writer_done(&json);
    buf_add_byte(&out, '\n');
    return help_print(&out);
}

int cli_explain_error(struct cli *cli)
{
    enum fault_code code = FAULT_MEMORY;
    bool all = cli->word_count == 0;
    if (!all && !code_find(cli->words[0], &code)) {
        struct nearest nearest;
        nearest_begin(&nearest, cli->words[0]);
        for (int i = 0; i < FAULT_CODES; i++) {
            nearest_try(&nearest, str_of(code_of((enum fault_code)i)->code));
        }
        return cli_misused(cli, "there is no code '%.*s'%s", STR_ARG(cli->words[0]),
                           nearest_hint(&nearest));
    }
    if (cli->json) {
        return show_json(all, code);
    }
    if (all) {
        return show_list();
    }
    show_one(code_of(code));
    return CLI_OK;
}
