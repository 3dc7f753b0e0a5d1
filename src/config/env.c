#include "config/env.h"

#include "base/buf.h"
#include "base/file.h"
#include "config/nearest.h"
#include "text/utf8.h"

enum { ENV_MODE_OTHERS = 0004 };

static bool name_first(char byte)
{
    return byte == '_' || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

static bool name_valid(struct str name)
{
    if (name.len == 0 || name.len > ENV_NAME_MAX || !name_first(name.ptr[0])) {
        return false;
    }
    for (size_t i = 1; i < name.len; i++) {
        if (!name_first(name.ptr[i]) && !(name.ptr[i] >= '0' && name.ptr[i] <= '9')) {
            return false;
        }
    }
    return true;
}

/* What stands between quotes; `*end` is behind the closing one, or STR_NONE without one. */
static struct str unquote(struct arena *arena, struct str text, size_t *end)
{
    struct buf out;
    buf_init(&out, arena, text.len + 1);
    char quote = text.ptr[0];
    *end = STR_NONE;
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] == quote) {
            *end = i + 1;
            break;
        }
        if (quote == '"' && text.ptr[i] == '\\' && i + 1 < text.len) {
            i++;
            buf_add_byte(&out, text.ptr[i] == 'n' ? '\n' : text.ptr[i]);
        } else {
            buf_add_byte(&out, text.ptr[i]);
        }
    }
    return buf_str(&out);
}

/* The value behind "NAME=": quoted, or plain up to a comment. */
static bool value_read(struct arena *arena, struct str text, struct place place,
                       struct faults *faults, struct str *out)
{
    text = str_trim(text);
    if (text.len > 0 && (text.ptr[0] == '"' || text.ptr[0] == '\'')) {
        size_t end = 0;
        *out = unquote(arena, text, &end);
        if (end == STR_NONE) {
            (void)fault_add(faults, FAULT_DOTENV, place, "the quote %c is never closed",
                            text.ptr[0]);
            return fault_help(faults, "close it in the same line");
        }
        struct str rest = str_trim(str_slice(text, end, text.len));
        if (rest.len > 0 && rest.ptr[0] != '#') {
            return fault_add(faults, FAULT_DOTENV, place, "something follows the closing quote %c",
                             text.ptr[0]);
        }
        return true;
    }
    size_t comment = text.len > 0 && text.ptr[0] == '#' ? 0 : str_find(text, STR(" #"), 0);
    *out = str_trim(str_slice(text, 0, comment));
    return true;
}

static void line_read(struct env *env, struct arena *arena, struct str line, size_t number,
                      struct faults *faults)
{
    struct str text = str_trim(line);
    if (text.len == 0 || text.ptr[0] == '#') {
        return;
    }
    if (str_starts(text, STR("export "))) {
        text = str_trim(str_slice(text, sizeof "export " - 1, text.len));
    }
    struct place place = {
        .file = env->file, .line = number, .column = (size_t)(text.ptr - line.ptr) + 1};
    size_t equals = str_find_byte(text, '=', 0);
    struct str name = str_trim(str_slice(text, 0, equals));
    if (equals == STR_NONE || !name_valid(name)) {
        /* The line itself may be half of a secret: it is not shown. */
        (void)fault_add(faults, FAULT_DOTENV, place, "this is not NAME=value");
        return;
    }
    if (env->count == ENV_ENTRIES_MAX) {
        (void)fault_add(faults, FAULT_DOTENV, place, "more than %d variables", ENV_ENTRIES_MAX);
        return;
    }
    struct env_entry *entry = &env->entries[env->count];
    if (value_read(arena, str_slice(text, equals + 1, text.len), place, faults, &entry->value)) {
        entry->name = name;
        entry->line = number;
        env->count++;
    }
}

bool env_open(struct env *env, struct arena *arena, const char *const *process, struct str file,
              struct faults *faults, struct err *err)
{
    *env = (struct env){.process = process};
    struct file_info info = {0};
    struct str bytes = {0};
    struct err why = {0};
    struct place place = {.file = file};
    if (!file_look(file, &info, &why)) {
        (void)fault_add(faults, FAULT_FILE_UNREADABLE, place, "%s", why.text);
        return true;
    }
    if (info.kind == FILE_MISSING) {
        return true;
    }
    if (info.kind == FILE_REGULAR && (info.mode & ENV_MODE_OTHERS) != 0) {
        (void)fault_add(faults, FAULT_DOTENV_EXPOSED, place,
                        "every user of this machine can read it");
        (void)fault_help(faults, "chmod 600 %.*s", STR_ARG(file));
    }
    env->file = file;
    env->entries = arena_array(arena, ENV_ENTRIES_MAX, sizeof *env->entries);
    if (env->entries == NULL) {
        return err_set(err, ERR_RETRY, "out of memory while reading %.*s", STR_ARG(file));
    }
    if (!file_read(arena, file, ENV_FILE_MAX, &bytes, &why)) {
        (void)fault_add(faults, FAULT_FILE_UNREADABLE, place, "%s", why.text);
        return true;
    }
    if (str_starts(bytes, STR("\xEF\xBB\xBF"))) {
        bytes = str_slice(bytes, 3, bytes.len);
    }
    struct str line = {0};
    for (size_t number = 1; str_split(&bytes, '\n', &line); number++) {
        line_read(env, arena, line, number, faults);
    }
    return true;
}

/* "NAME=value" as the kernel hands it over. */
static bool process_find(const struct env *env, struct str name, struct str *value)
{
    for (const char *const *entry = env->process; entry != NULL && *entry != NULL; entry++) {
        struct str text = str_of(*entry);
        if (text.len > name.len && text.ptr[name.len] == '=' && str_starts(text, name)) {
            *value = str_slice(text, name.len + 1, text.len);
            return true;
        }
    }
    return false;
}

enum env_origin env_find(const struct env *env, struct str name, struct str *value,
                         struct place *place)
{
    struct str found = {0};
    struct place where = {.file = STR("environment")};
    enum env_origin origin = ENV_NONE;
    if (process_find(env, name, &found)) {
        origin = ENV_PROCESS;
    }
    /* The last of several lines holds, as in a shell. */
    for (size_t i = env->count; origin == ENV_NONE && i > 0; i--) {
        const struct env_entry *entry = &env->entries[i - 1];
        if (str_equal(entry->name, name)) {
            found = entry->value;
            where = (struct place){.file = env->file, .line = entry->line, .column = 1};
            origin = ENV_FILE;
        }
    }
    if (value != NULL) {
        *value = found;
    }
    if (place != NULL) {
        *place = where;
    }
    return found.len > 0 ? origin : ENV_NONE;
}

static bool missing(const struct env *env, struct str name, struct place place,
                    struct faults *faults)
{
    struct nearest nearest;
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < env->count; i++) {
        nearest_try(&nearest, env->entries[i].name);
    }
    for (const char *const *entry = env->process; entry != NULL && *entry != NULL; entry++) {
        struct str text = str_of(*entry);
        nearest_try(&nearest, str_slice(text, 0, str_find_byte(text, '=', 0)));
    }
    (void)fault_add(faults, FAULT_VARIABLE_MISSING, place, "the variable %.*s is not set",
                    STR_ARG(name));
    return fault_help(faults, "%s%sset it in the environment or in .env, or write ${%.*s:default}",
                      nearest.best.ptr == NULL ? "" : nearest_hint(&nearest) + 2,
                      nearest.best.ptr == NULL ? "" : " ", STR_ARG(name));
}

/* "${NAME:-x}" is meant for a shell; "${OFFSET:-5}" is a number. */
static void warn_dash(struct faults *faults, struct place place, struct str name,
                      struct str fallback)
{
    bool number = fallback.len > 1 && fallback.ptr[1] >= '0' && fallback.ptr[1] <= '9';
    if (str_starts(fallback, STR("-")) && !number) {
        struct str rest = str_slice(fallback, 1, fallback.len);
        (void)fault_add(faults, FAULT_VARIABLE_DASH, place,
                        "the default of %.*s begins with a dash", STR_ARG(name));
        (void)fault_help(faults, "write ${%.*s:%.*s}", STR_ARG(name), STR_ARG(rest));
    }
}

/* One "${...}"; `inner` is what stands between the braces. */
static bool fill(const struct env *env, struct str inner, struct place place, struct faults *faults,
                 struct buf *out, enum env_origin *origin)
{
    size_t colon = str_find_byte(inner, ':', 0);
    struct str name = str_slice(inner, 0, colon);
    if (!name_valid(name)) {
        (void)fault_add(faults, FAULT_VARIABLE_NAME, place, "'%.*s' is not the name of a variable",
                        STR_ARG(name));
        return fault_help(faults, "write ${NAME} or ${NAME:default}");
    }
    struct str value = {0};
    *origin = env_find(env, name, &value, NULL);
    if (*origin == ENV_NONE && colon == STR_NONE) {
        return missing(env, name, place, faults);
    }
    struct str fallback = colon == STR_NONE ? STR("") : str_slice(inner, colon + 1, inner.len);
    warn_dash(faults, place, name, fallback);
    if (*origin != ENV_NONE) {
        faults_fill(faults, name, value);
    }
    buf_add(out, *origin == ENV_NONE ? fallback : value);
    return true;
}

bool env_expand(const struct env *env, struct arena *arena, struct str text, struct place place,
                struct faults *faults, struct expansion *out)
{
    *out = (struct expansion){.text = text};
    if (str_find(text, STR("${"), 0) == STR_NONE) {
        return true;
    }
    struct buf buf;
    buf_init(&buf, arena, text.len + 64);
    bool good = true;
    size_t at = 0;
    while (at < text.len) {
        size_t open = str_find(text, STR("${"), at);
        buf_add(&buf, str_slice(text, at, open));
        if (open == STR_NONE) {
            break;
        }
        if (open > at && text.ptr[open - 1] == '$') { /* "$${": the first $ is there already. */
            buf_add_byte(&buf, '{');
            at = open + 2;
            continue;
        }
        size_t close = str_find_byte(text, '}', open);
        struct place here = place;
        here.column += here.line == 0 ? 0 : utf8_count(str_slice(text, 0, open));
        here.length = 2;
        if (close == STR_NONE) {
            return fault_add(faults, FAULT_VARIABLE_OPEN, here, "'${' is never closed by '}'");
        }
        here.length = utf8_count(str_slice(text, open, close + 1));
        enum env_origin origin = ENV_NONE;
        struct str inner = str_slice(text, open + 2, close);
        good = fill(env, inner, here, faults, &buf, &origin) && good;
        out->origin = open == 0 ? origin : out->origin;
        out->filled = true;
        at = close + 1;
    }
    out->text = buf_str(&buf);
    return good;
}
