#include "config/reference.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/codes.h"
#include "config/config.h"
#include "config/ops.h"
#include "config/schedule.h"

enum { PAGE_FIRST = 4096, TYPE_MAX = 256, NAME_COLUMNS = 14 };

/* One kind of any role. */
struct kind {
    const char *role;
    const char *name;
    const char *summary;
    const struct option *options;
    const struct option *common; /* What all of this role can be told. */
};

/* Calls `each` for every kind, in the order of the list. */
static void kinds_walk(const struct kinds *kinds,
                       void (*each)(void *context, const struct kind *kind), void *context)
{
    for (size_t i = 0; kinds->sources[i] != NULL; i++) {
        const struct connector_type *type = &kinds->sources[i]->connector;
        each(context, &(struct kind){"source", type->kind, type->summary, type->options,
                                     config_source_options()});
    }
    for (size_t i = 0; kinds->sinks[i] != NULL; i++) {
        const struct connector_type *type = &kinds->sinks[i]->connector;
        each(context, &(struct kind){"sink", type->kind, type->summary, type->options,
                                     config_sink_options()});
    }
    for (size_t i = 0; kinds->ops[i] != NULL; i++) {
        const struct op_type *type = kinds->ops[i];
        each(context, &(struct kind){"op", type->kind, type->summary, type->options,
                                     config_pipeline_options()});
    }
    if (kinds->chain != NULL) {
        each(context, &(struct kind){"op", "ops", kinds->chain->summary, kinds->chain->options,
                                     config_pipeline_options()});
    }
    for (size_t i = 0; kinds->steps != NULL && kinds->steps[i] != NULL; i++) {
        const struct step_type *type = kinds->steps[i];
        each(context, &(struct kind){"step", type->kind, type->summary, type->options,
                                     config_step_options()});
    }
    for (size_t i = 0; kinds->branches != NULL && kinds->branches[i] != NULL; i++) {
        const struct step_type *type = kinds->branches[i];
        each(context, &(struct kind){"branch", type->kind, type->summary, type->options, NULL});
    }
}

static const char *type_words(const struct option *option)
{
    switch (option->type) {
    case OPTION_TYPE_TEXT:
        return "text";
    case OPTION_TYPE_PATH:
        return "path";
    case OPTION_TYPE_SECRET:
        return "secret";
    case OPTION_TYPE_INT:
        return "whole number";
    case OPTION_TYPE_BOOL:
        return "true or false";
    case OPTION_TYPE_DURATION:
        return "duration";
    case OPTION_TYPE_SIZE:
        return "size";
    case OPTION_TYPE_CHOICE:
        return "one of";
    case OPTION_TYPE_LIST:
        return "list of texts";
    case OPTION_TYPE_ZONE:
        return "time zone";
    case OPTION_TYPE_SINK:
        return "name of a sink";
    case OPTION_TYPE_REFERENCE:
        return "name of a source that brings a table";
    case OPTION_TYPE_CHATS:
        return "projects, or the path of their file";
    case OPTION_TYPE_MAP:
        return "map of texts";
    case OPTION_TYPE_STEPS:
        return "list of steps";
    case OPTION_TYPE_END:
        break;
    }
    return "";
}

/* "whole number, 1 to 1000"; "one of: red, green" */
static void type_put(struct buf *out, const struct option *option)
{
    buf_printf(out, "%s", type_words(option));
    if (option->type == OPTION_TYPE_CHOICE) {
        for (size_t i = 0; option->choices[i] != NULL; i++) {
            buf_printf(out, "%s%s", i == 0 ? ": " : ", ", option->choices[i]);
        }
    }
    if (option->max != 0 && option->max != INT64_MAX) {
        buf_printf(out, ", %" PRId64 " to %" PRId64, option->min, option->max);
    }
}

static bool is_required(const struct option *option)
{
    return option->fallback != NULL && strcmp(option->fallback, OPTION_REQUIRED) == 0;
}

/* A cell of a table: a bar would end it, and an angle bracket begin HTML. */
static void cell_put(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|') {
            buf_add_byte(out, '\\');
        }
        buf_add_byte(out, *text == '\n' ? ' ' : *text);
    }
}

static void default_put(struct buf *out, const struct option *option)
{
    if (is_required(option)) {
        buf_add(out, STR("**required**"));
    } else if (option->fallback != NULL && option->fallback[0] != '\0') {
        buf_add_byte(out, '`');
        cell_put(out, option->fallback);
        buf_add_byte(out, '`');
    }
}

static void table_put(struct buf *out, const struct option *options)
{
    buf_add(out, STR("| key | value | default | |\n|---|---|---|---|\n"));
    for (; options != NULL && options->type != OPTION_TYPE_END; options++) {
        struct arena_mark mark = arena_mark(out->arena);
        (void)mark;
        buf_printf(out, "| `%s` | ", options->name);
        type_put(out, options);
        buf_add(out, STR(" | "));
        default_put(out, options);
        buf_add(out, STR(" | "));
        cell_put(out, options->doc != NULL ? options->doc : "");
        buf_add(out, STR(" |\n"));
    }
}

static const char made[] =
    "<!-- Made by `sluice reference docs/reference` from the option tables; do not edit. -->\n\n";

/* ---- Pages ---- */

struct making {
    struct reference *out;
    struct arena *arena;
    struct buf index;
};

static struct buf page_begin(struct making *making)
{
    struct buf page;
    buf_init(&page, making->arena, PAGE_FIRST);
    buf_printf(&page, "%s", made);
    return page;
}

static void page_end(struct making *making, struct str name, struct buf *page)
{
    struct reference *out = making->out;
    if (out->count < REFERENCE_PAGES_MAX) {
        out->pages[out->count++] = (struct reference_page){name, buf_str(page)};
    }
}

static bool has_type(const struct option *options, enum option_type type)
{
    for (; options != NULL && options->type != OPTION_TYPE_END; options++) {
        if (options->type == type) {
            return true;
        }
    }
    return false;
}

/* A short configuration of this kind, with what is required. */
static void example_put(struct buf *out, const struct kind *kind)
{
    bool step = strcmp(kind->role, "step") == 0;
    bool source = strcmp(kind->role, "source") == 0;
    bool sink = strcmp(kind->role, "sink") == 0;
    if (strcmp(kind->role, "branch") == 0 || strcmp(kind->name, "ops") == 0) {
        return;
    }
    const char *pad = "    ";
    buf_add(out, STR("```yaml\n"));
    if (step) {
        buf_printf(out, "ops:\n  - kind: %s\n", kind->name);
    } else {
        buf_printf(out, "%s:\n  my-%s:\n    kind: %s\n",
                   source ? "sources"
                   : sink ? "sinks"
                          : "pipelines",
                   kind->name, kind->name);
    }
    if (strcmp(kind->role, "op") == 0) {
        buf_printf(out, "%ssource: NAME\n%s", pad,
                   has_type(kind->options, OPTION_TYPE_CHATS) ? "" : "    chats: all\n");
    }
    for (const struct option *o = kind->options; o != NULL && o->type != OPTION_TYPE_END; o++) {
        if (is_required(o)) {
            buf_printf(out, "%s%s: …\n", pad, o->name);
        }
    }
    buf_add(out, STR("```\n\n"));
}

static void kind_page(void *context, const struct kind *kind)
{
    struct making *making = context;
    struct str name = arena_printf(making->arena, "%s-%s.md", kind->role, kind->name);
    struct buf page = page_begin(making);
    buf_printf(&page, "# %s `%s`\n\n%s\n\n", kind->role, kind->name,
               kind->summary != NULL ? kind->summary : "");
    example_put(&page, kind);
    table_put(&page, kind->options);
    if (kind->common != NULL) {
        buf_printf(&page, "\nBesides, as every %s:\n\n",
                   strcmp(kind->role, "op") == 0 ? "pipeline" : kind->role);
        table_put(&page, kind->common);
    }
    page_end(making, name, &page);
    buf_printf(&making->index, "| [%.*s](%.*s) | %s |\n", (int)(name.len - 3), name.ptr,
               STR_ARG(name), kind->summary != NULL ? kind->summary : "");
}

static const char secrets_words[] =
    "\n## Secrets\n\n"
    "A secret is never written into the configuration itself. Where one is needed, write where it "
    "is:\n\n"
    "| form | where the secret is |\n|---|---|\n"
    "| `file:/run/secrets/db` | in a file, which no other user may read; a line end is cut off |\n"
    "| `env:DB_PASSWORD` | in a variable of the environment, or of `.env` |\n"
    "| `cmd:pass show db` | a command prints it: no shell, split at spaces, 10 seconds |\n"
    "| `{cmd: [pass, show, \"my db\"]}` | the same, word by word |\n"
    "| `secret:db` | an entry of `secrets:`, whose values are any of the others |\n"
    "| `${DB_PASSWORD}` | a variable, also as a part: `postgresql://u:${PW}@host/db` |\n\n"
    "They are fetched once, when the configuration is read, also by `sluice check`. `sluice "
    "secrets` "
    "lists where\neach comes from, and never what it is.\n"
    "\n## Variables\n\n"
    "`${NAME}` stands for a variable of the environment or of the `.env` file beside the "
    "configuration, in any\nvalue; `${NAME:default}` has a value without it, and `$${` means the "
    "two "
    "characters themselves. The\nenvironment wins over `.env`; a variable that is empty counts as "
    "missing.\n"
    "\n## Includes\n\n"
    "`include:` names files, relative to the file that names them. Sources, sinks, pipelines and "
    "secrets come\ntogether from all of them; anything that two files define is a mistake that "
    "names both places: no file\nwins over another. Files include files at most 8 levels deep.\n";

static void configuration_page(struct making *making)
{
    struct buf page = page_begin(making);
    buf_add(&page, STR("# The configuration\n\nOne YAML file, and those that it includes. Every "
                       "unknown key is an error, at every depth.\n\n"));
    table_put(&page, config_top_options());
    buf_add(&page, STR("\n## `keep`\n\n"));
    table_put(&page, config_keep_options());
    buf_add(&page, STR("\n## `http`\n\n"));
    table_put(&page, config_http_options());
    buf_add(&page, STR("\n## `backups`\n\n"));
    table_put(&page, config_backups_options());
    table_put(&page, config_backups_described());
    buf_add(&page, STR("\n## `alerts`\n\n"));
    table_put(&page, config_alerts_options());
    table_put(&page, config_alerts_described());
    for (int i = 0; i < ALERT_KINDS; i++) {
        buf_printf(&page, "\nA channel of kind `%s`:\n\n", config_alert_kind((enum alert_kind)i));
        table_put(&page, config_alert_channel_options((enum alert_kind)i));
    }
    buf_add(&page, STR("\n## Every source\n\n"));
    table_put(&page, config_source_options());
    buf_add(&page, STR("\n## Every sink\n\n"));
    table_put(&page, config_sink_options());
    buf_add(&page, STR("\n## Every pipeline\n\n"));
    table_put(&page, config_pipeline_options());
    buf_add(&page, STR("\n## `schedule`\n\n"));
    table_put(&page, config_schedule_options());
    buf_printf(&page, "%s", secrets_words);
    page_end(making, STR("configuration.md"), &page);
}

static void errors_page(struct making *making)
{
    struct buf page = page_begin(making);
    buf_add(&page,
            STR("# Mistakes in a configuration\n\nEach has a code that stays. Those with an E "
                "stop sluice from starting; those with a W are only said.\n"
                "`sluice explain-error CODE` prints the same.\n"));
    for (int i = 0; i < FAULT_CODES; i++) {
        const struct code *code = code_of((enum fault_code)i);
        buf_printf(&page, "\n## %s: %s\n\n%s\n```yaml\n%s```\n", code->code, code->title,
                   code->text, code->example);
    }
    page_end(making, STR("errors.md"), &page);
}

bool reference_make(const struct kinds *kinds, struct arena *arena, struct reference *out)
{
    struct making making = {.out = out, .arena = arena};
    struct buf schema;
    out->count = 0;
    making.index = page_begin(&making);
    buf_add(
        &making.index,
        STR("# Reference\n\n| page | |\n|---|---|\n"
            "| [configuration](configuration.md) | The file: keys, variables, secrets, includes, "
            "schedules. |\n| [errors](errors.md) | Every mistake by its code. |\n"
            "| [sluice.schema.json](sluice.schema.json) | JSON schema for editors. |\n"));
    kinds_walk(kinds, kind_page, &making);
    configuration_page(&making);
    errors_page(&making);
    page_end(&making, STR("README.md"), &making.index);
    buf_init(&schema, arena, PAGE_FIRST);
    reference_schema(kinds, &schema);
    page_end(&making, STR("sluice.schema.json"), &schema);
    bool good = out->count < REFERENCE_PAGES_MAX;
    for (size_t i = 0; i < out->count; i++) {
        good = good && out->pages[i].text.ptr != NULL && out->pages[i].name.ptr != NULL;
    }
    return good;
}

/* ---- Help ---- */

struct asking {
    struct str role;
    struct str kind;
    struct kind found;
    size_t count;
    struct buf *list;
};

static void kind_match(void *context, const struct kind *kind)
{
    struct asking *asking = context;
    bool role = asking->role.len == 0 || str_equal(asking->role, str_of(kind->role));
    if (role && str_equal(asking->kind, str_of(kind->name))) {
        asking->found = *kind;
        asking->count++;
    }
}

static void kind_list(void *context, const struct kind *kind)
{
    struct asking *asking = context;
    buf_printf(asking->list, "  %-7s %-16s %s\n", kind->role, kind->name,
               kind->summary != NULL ? kind->summary : "");
}

static void options_put(struct buf *out, const struct option *options)
{
    for (; options != NULL && options->type != OPTION_TYPE_END; options++) {
        buf_printf(out, "  %-*s ", NAME_COLUMNS, options->name);
        type_put(out, options);
        if (is_required(options)) {
            buf_add(out, STR("; required"));
        } else if (options->fallback != NULL && options->fallback[0] != '\0') {
            buf_printf(out, "; default %s", options->fallback);
        }
        buf_printf(out, "\n  %-*s %s\n", NAME_COLUMNS, "",
                   options->doc != NULL ? options->doc : "");
    }
}

size_t reference_help(const struct kinds *kinds, struct str role, struct str kind, struct buf *out)
{
    struct asking asking = {.role = role, .kind = kind};
    kinds_walk(kinds, kind_match, &asking);
    if (asking.count != 1) {
        return asking.count;
    }
    const struct kind *found = &asking.found;
    buf_printf(out, "%s %s: %s\n", found->role, found->name,
               found->summary != NULL ? found->summary : "");
    if (found->options != NULL) {
        buf_add(out, STR("\nOptions:\n"));
        options_put(out, found->options);
    }
    if (found->common != NULL) {
        buf_printf(out, "\nAs every %s:\n",
                   strcmp(found->role, "op") == 0 ? "pipeline" : found->role);
        options_put(out, found->common);
    }
    return 1;
}

void reference_list(const struct kinds *kinds, struct buf *out)
{
    struct asking asking = {.list = out};
    kinds_walk(kinds, kind_list, &asking);
}
