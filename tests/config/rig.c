#include "config/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static const char *const colors[] = {"red", "green", "blue", NULL};

static const struct option source_options[] = {
    OPTION_PATH(struct rig_source, path, "path", OPTION_REQUIRED, "A file."),
    OPTION_TEXT(struct rig_source, note, "note", NULL, "A note."),
    OPTION_SECRET(struct rig_source, password, "password", NULL, "A secret."),
    OPTION_INT(struct rig_source, count, "count", "50", 1, 1000, "A count."),
    OPTION_BOOL(struct rig_source, loud, "loud", "false", "A switch."),
    OPTION_BOOL(struct rig_source, table, "table", "false", "It brings a table."),
    OPTION_DURATION(struct rig_source, lookback_ms, "lookback", "30d", "A time."),
    OPTION_SIZE(struct rig_source, room, "room", "16MiB", "A size."),
    OPTION_CHOICE(struct rig_source, color, "color", "green", colors, "A color."),
    OPTION_LIST(struct rig_source, words, "words", "one", "Words."),
    OPTION_ZONE(struct rig_source, zone, "zone", "Asia/Jerusalem", "A zone."),
    OPTION_END,
};

static const struct option sink_options[] = {
    OPTION_PATH(struct rig_sink, path, "path", NULL, "A file."),
    OPTION_END,
};

static const struct option op_options[] = {
    OPTION_CHATS(struct rig_op, projects, "projects", OPTION_REQUIRED, "Its groups."),
    OPTION_SINK(struct rig_op, sink, "sink", "records", "Where it writes."),
    OPTION_REFERENCE(struct rig_op, roster, "roster", NULL, "What it looks up."),
    OPTION_END,
};

static void source_check(const struct connector *connector, struct report *report)
{
    const struct rig_source *self = (const struct rig_source *)(const void *)connector;
    if (str_equal(self->note, STR("a table that is loud"))) {
        report->fault(report, NULL, 0, "`table` and `loud` do not go together");
    }
}

static bool source_is_reference(const struct source *source)
{
    return ((const struct rig_source *)(const void *)source)->table;
}

static const struct source_type source_type = {
    .connector = {.kind = "bridge",
                  .options = source_options,
                  .size = sizeof(struct rig_source),
                  .check = source_check},
    .is_reference = source_is_reference,
};
static const struct sink_type sink_type = {
    .connector = {.kind = "table", .options = sink_options, .size = sizeof(struct rig_sink)}};
static const struct op_type op_desk = {
    .kind = "desk", .options = op_options, .size = sizeof(struct rig_op)};
static const struct op_type op_plain = {.kind = "plain", .size = sizeof(struct op)};

static const struct source_type *const sources[] = {&source_type, NULL};
static const struct sink_type *const sinks[] = {&sink_type, NULL};
static const struct op_type *const ops[] = {&op_desk, &op_plain, NULL};

const struct kinds rig_kinds = {.sources = sources, .sinks = sinks, .ops = ops};

static char folder[64];
static char out[RIG_OUT_MAX];

void rig_begin(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/sluice-config-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

void rig_end(void)
{
    struct arena arena;
    struct err err = {0};
    struct file_list list;
    char path[512];
    arena_init(&arena, 1024 * 1024);
    assert_true(file_list(&arena, str_of(folder), &list, &err));
    for (size_t i = 0; i < list.count; i++) {
        (void)snprintf(path, sizeof path, "%s/%.*s", folder, STR_ARG(list.names[i]));
        assert_true(rmdir(path) == 0 || file_remove(str_of(path), &err));
    }
    assert_int_equal(rmdir(folder), 0);
    arena_free(&arena);
}

const char *rig_folder(void)
{
    return folder;
}

void rig_write(const char *name, struct str bytes)
{
    char path[512];
    struct err err = {0};
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!file_write(str_of(path), FILE_PRIVATE, bytes, &err)) {
        fail_msg("%s", err.text);
    }
}

/* Add a line without the folder, wherever it stands in it. */
static void add_line(size_t *len, struct str line)
{
    char prefix[80];
    (void)snprintf(prefix, sizeof prefix, "%s/", folder);
    struct str cut = str_of(prefix);
    size_t at = 0;
    while (at < line.len && *len + 1 < sizeof out) {
        if (str_starts(str_slice(line, at, line.len), cut)) {
            at += cut.len;
            continue;
        }
        out[(*len)++] = line.ptr[at++];
    }
    out[*len] = '\0';
}

/* Without "error[E0107]: "; the codes are tested by faults_test.c. */
static struct str uncoded(struct str line)
{
    static char plain[4096];
    size_t from = str_find(line, STR("error[E"), 0);
    if (from == STR_NONE || line.len >= sizeof plain) {
        return line;
    }
    size_t to = from + sizeof "error[E0000]: " - 1;
    (void)snprintf(plain, sizeof plain, "%.*s%.*s", (int)from, line.ptr, (int)(line.len - to),
                   line.ptr + to);
    return str_of(plain);
}

const char *rig_load(struct config *config, const char *const *environment)
{
    static const char *const nothing[] = {NULL};
    char path[512];
    struct err err = {0};
    size_t len = 0;
    (void)snprintf(path, sizeof path, "%s/sluice.yaml", folder);
    struct config_input input = {
        .path = str_of(path),
        .environment = environment == NULL ? nothing : environment,
        .kinds = &rig_kinds,
    };
    if (config_load(config, &input, &err)) {
        return "ok";
    }
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_true(strlen(err.text) > 0);
    for (size_t i = 0; i < config->faults.kept; i++) {
        if (i > 0 && len + 1 < sizeof out) {
            out[len++] = '\n';
        }
        add_line(&len, uncoded(fault_line(&config->faults.items[i], &config->arena)));
    }
    return out;
}
