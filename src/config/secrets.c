#include "config/secrets.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/command.h"
#include "base/file.h"
#include "config/reader.h"

enum { MODE_OTHERS = 0007, NAME_MAX_BYTES = 64 };

/* Mounts that exist for secrets, and whose files are 0444 by design; the last is our image's
 * volume. */
static const struct str mounts[] = {STR_INIT("/run/secrets/"), STR_INIT("/var/run/secrets/"),
                                    STR_INIT("/secrets/")};

/* A secret on its way: where it is written, and what it becomes. */
struct wanted {
    struct reader *reader;
    const struct yaml_node *node;
    struct secret_entry *entry;
    const char *what; /* "option 'password'" */
};

static bool lost(const struct wanted *wanted, const char *why)
{
    return fault_add(wanted->reader->faults, FAULT_SECRET_LOST, reader_place(wanted->node),
                     "%s: %s", wanted->what, why);
}

static bool form(const struct wanted *wanted, const char *why, const char *help)
{
    (void)fault_add(wanted->reader->faults, FAULT_SECRET_FORM, reader_place(wanted->node), "%s: %s",
                    wanted->what, why);
    return fault_help(wanted->reader->faults, "%s", help);
}

/* The bytes that a file or a command gave. */
static bool keep(const struct wanted *wanted, struct str bytes, const char *whose)
{
    char why[128];
    struct str text = bytes;
    if (str_ends(text, STR("\n"))) {
        text = str_slice(text, 0, text.len - 1);
    }
    if (str_ends(text, STR("\r"))) {
        text = str_slice(text, 0, text.len - 1);
    }
    if (text.len == 0) {
        (void)snprintf(why, sizeof why, "%s is empty", whose);
        return lost(wanted, why);
    }
    if (str_find_byte(text, '\0', 0) != STR_NONE) {
        (void)snprintf(why, sizeof why, "%s holds a NUL byte, which no password has", whose);
        return lost(wanted, why);
    }
    return secret_make(&wanted->entry->value, wanted->reader->arena, text) ||
           reader_no_memory(wanted->reader);
}

static bool is_mount(struct str path)
{
    bool inside = str_find(path, STR("/../"), 0) == STR_NONE;
    bool found = false;
    for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
        found = found || str_starts(path, mounts[i]);
    }
    return found && inside;
}

static bool from_file(const struct wanted *wanted, struct str path)
{
    struct reader *reader = wanted->reader;
    struct err err = {0};
    struct str bytes = {0};
    struct file_info info = {0};
    struct expansion expansion = {0};
    struct place place = reader_place(wanted->node);
    if (!env_expand(reader->env, reader->arena, path, place, reader->faults, &expansion)) {
        return false;
    }
    path = expansion.origin == ENV_PROCESS
               ? expansion.text
               : reader_beside(reader->arena, wanted->node->file, expansion.text);
    wanted->entry->from = arena_printf(reader->arena, "file:%.*s", STR_ARG(path));
    reader_note_file(reader, path);
    if (!file_look(path, &info, &err)) {
        return lost(wanted, err.text);
    }
    if (info.kind == FILE_REGULAR && (info.mode & MODE_OTHERS) != 0 && !is_mount(path)) {
        (void)fault_add(reader->faults, FAULT_SECRET_EXPOSED, place,
                        "%s: every user of this machine can read %.*s (its mode is %04o)",
                        wanted->what, STR_ARG(path), (unsigned)info.mode);
        return fault_help(reader->faults, "chmod 600 %.*s", STR_ARG(path));
    }
    if (!file_read(reader->arena, path, SECRETS_SIZE_MAX, &bytes, &err)) {
        return lost(wanted, err.text);
    }
    return keep(wanted, bytes, "the file");
}

static const char *origin_words(enum env_origin origin)
{
    return origin == ENV_FILE ? ".env" : origin == ENV_PROCESS ? "environment" : "not set";
}

static bool from_env(const struct wanted *wanted, struct str name)
{
    struct reader *reader = wanted->reader;
    struct str value = {0};
    enum env_origin origin = env_find(reader->env, name, &value, NULL);
    wanted->entry->from =
        arena_printf(reader->arena, "env:%.*s (%s)", STR_ARG(name), origin_words(origin));
    if (name.len == 0) {
        return form(wanted, "env: names no variable", "write env:NAME");
    }
    if (origin == ENV_NONE) {
        char why[128];
        (void)snprintf(why, sizeof why, "the variable %.*s is not set",
                       (int)(name.len > 80 ? 80 : name.len), name.ptr);
        (void)lost(wanted, why);
        return fault_help(reader->faults, "set it in the environment or in .env");
    }
    return secret_make(&wanted->entry->value, reader->arena, value) || reader_no_memory(reader);
}

static bool run(const struct wanted *wanted, const struct str *words, size_t count)
{
    static const char *const nothing[] = {NULL};
    struct reader *reader = wanted->reader;
    struct err err = {0};
    struct str output = {0};
    wanted->entry->from = arena_printf(reader->arena, "cmd:%.*s", STR_ARG(words[0]));
    struct command command = {
        .words = words,
        .count = count,
        .environment = reader->env->process != NULL ? reader->env->process : nothing,
        .deadline_ms = clock_mono_ms(clock_system()) + SECRETS_COMMAND_MS,
        .output_max = SECRETS_SIZE_MAX,
    };
    if (!command_run(reader->arena, &command, &output, &err)) {
        return lost(wanted, err.text);
    }
    return keep(wanted, output, "the output of the command");
}

/* Variables are filled into words, so what they hold is never split. */
static bool word_fill(const struct wanted *wanted, struct str word, struct str *out)
{
    struct reader *reader = wanted->reader;
    struct expansion expansion = {0};
    struct place place = reader_place(wanted->node);
    if (!env_expand(reader->env, reader->arena, word, place, reader->faults, &expansion)) {
        return false;
    }
    *out = expansion.text;
    return true;
}

static bool from_command(const struct wanted *wanted, struct str line)
{
    static const char shell[] = "'\"\\`|&;<>*?~()";
    struct str words[COMMAND_WORDS_MAX];
    struct str word = {0};
    size_t count = 0;
    for (size_t i = 0; i < line.len; i++) {
        if (strchr(shell, line.ptr[i]) != NULL) {
            return form(wanted, "a command is run without a shell, and split at spaces only",
                        "write it as a list: {cmd: [pass, show, \"my db\"]}");
        }
    }
    while (str_split(&line, ' ', &word)) {
        if (word.len == 0) {
            continue;
        }
        if (count == COMMAND_WORDS_MAX) {
            return form(wanted, "the command has too many words", "put it into a script");
        }
        if (!word_fill(wanted, word, &words[count++])) {
            return false;
        }
    }
    return count > 0 ? run(wanted, words, count)
                     : form(wanted, "cmd: names no command", "write cmd:COMMAND");
}

static bool from_list(const struct wanted *wanted, const struct yaml_node *list)
{
    struct str words[COMMAND_WORDS_MAX];
    size_t count = yaml_count(list);
    if (yaml_kind(list) != YAML_LIST || count == 0 || count > COMMAND_WORDS_MAX) {
        return form(wanted, "cmd has to be a list of words",
                    "write {cmd: [pass, show, \"my db\"]}");
    }
    for (size_t i = 0; i < count; i++) {
        if (!reader_text(wanted->reader, yaml_at(list, i), wanted->what, &words[i])) {
            return false;
        }
    }
    return words[0].len > 0 ? run(wanted, words, count)
                            : form(wanted, "cmd names no command", "write its name first");
}

static bool from_section(const struct wanted *wanted, struct str name)
{
    struct reader *reader = wanted->reader;
    struct secrets *secrets = reader->secrets;
    struct nearest nearest;
    nearest_begin(&nearest, name);
    wanted->entry->from = arena_printf(reader->arena, "secret:%.*s", STR_ARG(name));
    if (wanted->entry->section) {
        return form(wanted, "an entry of `secrets` refers to another one",
                    "write where the secret itself is");
    }
    for (size_t i = 0; i < secrets->count; i++) {
        struct secret_entry *entry = &secrets->items[i];
        if (!entry->section) {
            continue;
        }
        if (str_equal(entry->name, name)) {
            entry->used = true;
            wanted->entry->value = entry->value;
            return entry->found; /* Else there is a fault already. */
        }
        nearest_try(&nearest, entry->name);
    }
    (void)fault_add(reader->faults, FAULT_SECRET_UNKNOWN, reader_place(wanted->node),
                    "%s: there is no secret '%.*s' under `secrets`", wanted->what, STR_ARG(name));
    return reader_help_nearest(reader, &nearest);
}

/* "${PASSWORD:hunter2}" writes it out as well. */
static bool has_default(struct str text)
{
    for (size_t open = str_find(text, STR("${"), 0); open != STR_NONE;
         open = str_find(text, STR("${"), open + 2)) {
        size_t close = str_find_byte(text, '}', open);
        size_t colon = str_find_byte(str_slice(text, 0, close), ':', open);
        if (colon != STR_NONE && colon + 1 < close) {
            return true;
        }
    }
    return false;
}

/* Does a URI stand there whose password is written out? `secret` is true for other texts, too. */
static bool in_clear(struct str text)
{
    size_t scheme = str_find(text, STR("://"), 0);
    bool variable = str_find(text, STR("${"), 0) != STR_NONE;
    if (scheme == STR_NONE) {
        return !variable;
    }
    size_t last = STR_NONE; /* The @ that ends user and password: before the path. */
    size_t colon = STR_NONE;
    for (size_t i = scheme + 3; i < text.len; i++) {
        colon = text.ptr[i] == ':' && colon == STR_NONE ? i : colon;
        last = text.ptr[i] == '@' ? i : last;
    }
    if (last != STR_NONE && colon != STR_NONE && colon < last) {
        struct str password = str_slice(text, colon + 1, last);
        return !str_starts(password, STR("${")) || !str_ends(password, STR("}"));
    }
    bool web = str_starts(text, STR("http"));
    bool named = str_find(text, STR("password="), 0) != STR_NONE ||
                 str_find(text, STR("token="), 0) != STR_NONE;
    return (web || named) && !variable;
}

/* "${A}, ${B} (environment)": what a text takes from variables. */
static struct str variables_of(const struct wanted *wanted, struct str text)
{
    struct buf out;
    struct reader *reader = wanted->reader;
    buf_init(&out, reader->arena, 64);
    size_t open = str_find(text, STR("${"), 0);
    while (open != STR_NONE) {
        size_t close = str_find_byte(text, '}', open);
        struct str inner = str_slice(text, open + 2, close);
        struct str name = str_slice(inner, 0, str_find_byte(inner, ':', 0));
        enum env_origin origin = env_find(reader->env, name, NULL, NULL);
        buf_printf(&out, "%s${%.*s} (%s)", out.len > 0 ? ", " : "", STR_ARG(name),
                   origin_words(origin));
        open = close == STR_NONE ? STR_NONE : str_find(text, STR("${"), close);
    }
    return buf_str(&out);
}

static bool from_text(const struct wanted *wanted, struct str text)
{
    struct reader *reader = wanted->reader;
    struct expansion expansion = {0};
    wanted->entry->from = STR("the configuration");
    if (in_clear(text) || has_default(text)) {
        reader_hide(reader, wanted->node);
        (void)fault_add(reader->faults, FAULT_SECRET_CLEAR, reader_place(wanted->node),
                        "%s: a secret stands here in clear", wanted->what);
        return fault_help(reader->faults,
                          "write file:PATH, env:NAME, cmd:COMMAND, secret:NAME or ${NAME}, and "
                          "change the secret: whoever saw the file has seen it");
    }
    struct str from = variables_of(wanted, text);
    wanted->entry->from = from.len > 0 ? from : wanted->entry->from;
    if (!reader_scalar(reader, wanted->node, wanted->what, &expansion)) {
        return false;
    }
    return secret_make(&wanted->entry->value, reader->arena, expansion.text) ||
           reader_no_memory(reader);
}

static bool from_map(const struct wanted *wanted)
{
    static const struct {
        const char *key;
        bool (*from)(const struct wanted *wanted, struct str text);
    } ways[] = {{"file", from_file}, {"env", from_env}, {"secret", from_section}};
    struct yaml_node const *map = wanted->node;
    const struct yaml_node *list = yaml_get(map, STR("cmd"));
    if (yaml_count(map) == 1 && list != NULL) {
        return from_list(wanted, list);
    }
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const struct yaml_node *value = yaml_get(map, str_of(ways[i].key));
        if (yaml_count(map) == 1 && yaml_text(value).len > 0) {
            return ways[i].from(wanted, yaml_text(value));
        }
    }
    return form(wanted, "a map here has exactly one of file, env, cmd and secret",
                "write {cmd: [pass, show, db]} or file:PATH");
}

static bool from_scalar(const struct wanted *wanted)
{
    static const struct {
        struct str prefix;
        bool (*from)(const struct wanted *wanted, struct str text);
    } ways[] = {
        {STR_INIT("file:"), from_file},
        {STR_INIT("env:"), from_env},
        {STR_INIT("cmd:"), from_command},
        {STR_INIT("secret:"), from_section},
    };
    struct str text = yaml_text(wanted->node);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (str_starts(text, ways[i].prefix)) {
            return ways[i].from(wanted, str_trim(str_slice(text, ways[i].prefix.len, text.len)));
        }
    }
    if (str_starts(text, STR("vault:"))) {
        return form(wanted, "vault: comes with a later version",
                    "until then: cmd:vault kv get -field=password kv/path");
    }
    return from_text(wanted, text);
}

static bool fetch(struct reader *reader, const struct yaml_node *node, const char *what,
                  struct secret_entry *entry)
{
    struct wanted wanted = {.reader = reader, .node = node, .entry = entry, .what = what};
    struct place place = reader_place(node);
    entry->place = place;
    entry->from = STR("");
    if (yaml_kind(node) == YAML_NULL ||
        (yaml_kind(node) != YAML_MAP && yaml_count(node) == 0 && yaml_text(node).len == 0)) {
        return fault_add(reader->faults, FAULT_EMPTY, place, "%s is empty", what);
    }
    if (yaml_kind(node) == YAML_LIST) {
        reader_hide(reader, node);
        return fault_add(reader->faults, FAULT_TYPE, place,
                         "%s: a single value is expected here, not a list", what);
    }
    entry->found = yaml_kind(node) == YAML_MAP ? from_map(&wanted) : from_scalar(&wanted);
    return entry->found;
}

static struct secret_entry *entry_new(struct reader *reader, const struct yaml_node *node)
{
    struct secrets *secrets = reader->secrets;
    if (secrets == NULL || secrets->count == SECRETS_MAX) {
        (void)fault_add(reader->faults, FAULT_COUNT, reader_place(node),
                        "secrets: more than %d are not kept", SECRETS_MAX);
        return NULL;
    }
    return &secrets->items[secrets->count++];
}

static bool name_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.ptr[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        bool other = (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
        if (!letter && !(other && i > 0)) {
            return false;
        }
    }
    return name.len > 0 && name.len <= NAME_MAX_BYTES;
}

bool secrets_read(struct reader *reader, const struct yaml_node *node)
{
    bool good = true;
    if (node == NULL) {
        return true;
    }
    if (!reader_is_map(reader, node, "secrets")) {
        reader_hide(reader, node);
        return false;
    }
    for (size_t i = 0; i < yaml_count(node); i++) {
        char what[128];
        const struct yaml_node *key = reader_key(node, i);
        struct secret_entry *entry = entry_new(reader, key);
        if (entry == NULL) {
            return false;
        }
        entry->name = yaml_text(key);
        entry->section = true;
        (void)snprintf(what, sizeof what, "secret '%.*s'",
                       (int)(entry->name.len > NAME_MAX_BYTES ? NAME_MAX_BYTES : entry->name.len),
                       entry->name.ptr);
        if (!name_valid(entry->name)) {
            reader_hide(reader, reader_value(node, i));
            good = fault_add(reader->faults, FAULT_NAME, reader_place(key),
                             "%s: a name has at most %d letters, digits, '-' and '_', and begins "
                             "with a letter",
                             what, NAME_MAX_BYTES);
            continue;
        }
        good = fetch(reader, reader_value(node, i), what, entry) && good;
    }
    return good;
}

bool secrets_option(struct reader *reader, const struct yaml_node *node, const char *name,
                    struct secret *out)
{
    char what[128];
    struct secret_entry *entry = entry_new(reader, node);
    if (entry == NULL) {
        return false;
    }
    entry->name = arena_printf(reader->arena, "%.*s%s%s", STR_ARG(reader->path),
                               reader->path.len > 0 ? "." : "", name);
    entry->used = true;
    (void)snprintf(what, sizeof what, "option '%s'", name);
    bool good = fetch(reader, node, what, entry);
    *out = entry->value;
    return good;
}

void secrets_conclude(struct reader *reader)
{
    for (size_t i = 0; reader->secrets != NULL && i < reader->secrets->count; i++) {
        const struct secret_entry *entry = &reader->secrets->items[i];
        if (!entry->used) {
            (void)fault_add(reader->faults, FAULT_SECRET_UNUSED, entry->place,
                            "secret '%.*s' is used by no option", STR_ARG(entry->name));
        }
    }
}
