#include "pipeline/extract.h"

#include "base/buf.h"
#include "text/json.h"
#include "text/unicode.h"
#include "text/utf8.h"

enum { REASON_ROOM = 128, POINTER_TOKEN_MAX = 256 };

static bool out_of_memory(struct step_scope *scope)
{
    return step_fault(scope, (struct step_spot){0}, "out of memory");
}

static bool add_field(struct extract *extract, struct step_scope *scope, struct step_spot spot,
                      struct str name)
{
    if (extract->field_count == LABELS_MAX) {
        return step_fault(scope, spot, "more than %d fields", LABELS_MAX);
    }
    struct extract_field *field = &extract->fields[extract->field_count++];
    field->name = name;
    return step_sets(scope, spot, name, VALUE_TEXT, &field->field);
}

/* "טלפון, נייד": each of them is a word for the field that was added last. */
static bool add_words(struct extract *extract, struct step_scope *scope, struct step_spot spot,
                      struct label *words, struct str list)
{
    struct str word = {0};
    while (str_split(&list, ',', &word)) {
        struct str folded = labels_fold(scope->arena, word);
        if (folded.len == 0) {
            return step_fault(scope, spot, "a label is empty");
        }
        for (size_t i = 0; i < extract->words.count; i++) {
            if (str_equal(words[i].word, folded)) {
                return step_fault(scope, spot, "the label '%.*s' stands for two fields",
                                  STR_ARG(str_trim(word)));
            }
        }
        if (extract->words.count == LABELS_WORDS_MAX) {
            return step_fault(scope, spot, "more than %d labels", LABELS_WORDS_MAX);
        }
        words[extract->words.count++] = (struct label){folded, extract->field_count - 1};
    }
    return true;
}

static bool prepare_labels(struct extract *extract, struct step_scope *scope)
{
    struct label *words = arena_array(scope->arena, LABELS_WORDS_MAX, sizeof *words);
    bool good = true;
    if (words == NULL) {
        return out_of_memory(scope);
    }
    extract->words.items = words;
    for (size_t i = 0; i < extract->labels.count; i++) {
        const struct str_pair *pair = &extract->labels.items[i];
        struct step_spot spot = {.option = "labels", .key = pair->name};
        good = add_field(extract, scope, spot, pair->name) &&
               add_words(extract, scope, spot, words, pair->text) && good;
    }
    return good;
}

static bool open_pattern(struct extract *extract, struct err *err)
{
    return extract->pattern.len == 0 ||
           regex_open(&extract->regex, extract->pattern,
                      REGEX_MULTILINE | (extract->ignore_case ? REGEX_CASELESS : 0), err);
}

static void extract_close(struct step *step)
{
    struct extract *extract = (struct extract *)step;
    regex_close(extract->regex);
    extract->regex = NULL;
}

static bool extract_open(struct step *step, struct arena *arena, struct err *err)
{
    (void)arena;
    return open_pattern((struct extract *)step, err);
}

static bool prepare_groups(struct extract *extract, struct step_scope *scope)
{
    struct step_spot spot = {.option = "pattern"};
    bool good = true;
    for (size_t group = 1; group < regex_group_count(extract->regex); group++) {
        struct str name = regex_group_name(extract->regex, group);
        if (name.len > 0) {
            name = arena_copy(scope->arena, name);
            good = name.ptr != NULL && add_field(extract, scope, spot, name) && good;
            extract->fields[extract->field_count - 1].group = group;
        }
    }
    return extract->field_count > 0 ? good
                                    : step_fault(scope, spot,
                                                 "the pattern names no group; a field is made of "
                                                 "what stands in (?<name>…)");
}

static bool prepare_pattern(struct extract *extract, struct step_scope *scope)
{
    struct err err = {0};
    if (!open_pattern(extract, &err)) {
        return step_fault_err(scope, (struct step_spot){.option = "pattern"}, &err);
    }
    bool good = prepare_groups(extract, scope);
    extract_close(&extract->step);
    return good;
}

static bool prepare_json(struct extract *extract, struct step_scope *scope)
{
    bool good = true;
    for (size_t i = 0; i < extract->json.count; i++) {
        const struct str_pair *pair = &extract->json.items[i];
        struct step_spot spot = {.option = "json", .key = pair->name};
        good = add_field(extract, scope, spot, pair->name) && good;
        extract->fields[extract->field_count - 1].path = pair->text;
        if (pair->text.len > 0 && !str_starts(pair->text, STR("/"))) {
            good = step_fault(scope, spot, "a place in JSON begins with '/': /customer/name");
        }
    }
    return good;
}

static bool prepare_required(struct extract *extract, struct step_scope *scope)
{
    bool good = true;
    for (size_t i = 0; i < extract->required.count; i++) {
        struct str name = extract->required.items[i];
        bool found = false;
        for (size_t k = 0; k < extract->field_count; k++) {
            bool same = str_equal(extract->fields[k].name, name);
            extract->fields[k].required = extract->fields[k].required || same;
            found = found || same;
        }
        if (!found) {
            struct step_spot spot = {.option = "required", .index = i + 1};
            good = step_fault(scope, spot, "this step extracts no field '%.*s'", STR_ARG(name));
        }
    }
    extract->has_required = extract->required.count > 0;
    return good;
}

static bool extract_prepare(struct step *step, struct step_scope *scope)
{
    struct extract *extract = (struct extract *)step;
    int ways = (extract->labels.count > 0) + (extract->pattern.len > 0) + (extract->json.count > 0);
    if (ways != 1) {
        return step_fault(scope, (struct step_spot){0},
                          "write one of `labels`, `pattern` and `json`, and no more than one");
    }
    extract->fields = arena_array(scope->arena, LABELS_MAX, sizeof *extract->fields);
    if (extract->fields == NULL) {
        return out_of_memory(scope);
    }
    bool good =
        step_reads(scope, (struct step_spot){.option = "from"}, extract->from, &extract->source);
    good = (extract->labels.count > 0  ? prepare_labels(extract, scope)
            : extract->pattern.len > 0 ? prepare_pattern(extract, scope)
                                       : prepare_json(extract, scope)) &&
           good;
    return prepare_required(extract, scope) && good;
}

static struct str tidy(struct str text)
{
    uint32_t code = 0;
    size_t from = 0;
    size_t to = text.len;
    for (size_t len = 0; (len = utf8_next(text, from, &code)) > 0; from += len) {
        if (!unicode_is_space(code) && !unicode_is_format(code)) {
            break;
        }
    }
    for (size_t len = 0; to > from && (len = utf8_previous(text, to, &code)) > 0; to -= len) {
        if (!unicode_is_space(code) && !unicode_is_format(code)) {
            break;
        }
    }
    return str_slice(text, from, to);
}

static void set_field(struct flow *flow, const struct extract_field *field, struct str text)
{
    text = tidy(text);
    flow->values[field->field] = text.len > 0 ? value_of_text(text) : (struct value){0};
}

/* "it has source, email, but none of name, phone" */
static struct str near_miss(const struct extract *extract, struct flow *flow)
{
    struct buf buf;
    buf_init(&buf, flow->env->arena, REASON_ROOM);
    for (int turn = 0; turn < 2; turn++) {
        const char *comma = turn == 0 ? "it has " : ", but none of ";
        for (size_t i = 0; i < extract->field_count; i++) {
            const struct extract_field *field = &extract->fields[i];
            bool has = flow->values[field->field].kind != VALUE_ABSENT;
            if (turn == 0 ? has : field->required) {
                buf_add(&buf, str_of(comma));
                buf_add(&buf, field->name);
                comma = ", ";
            }
        }
        if (turn == 0 && buf.len == 0) {
            buf_add(&buf, STR("it has no values"));
        }
    }
    return buf_str(&buf);
}

/* One item whose fields are set: on, or left out as a near miss. */
static bool give(struct extract *extract, struct flow *flow, size_t number, struct err *err)
{
    bool enough = !extract->has_required;
    for (size_t i = 0; i < extract->field_count && !enough; i++) {
        const struct extract_field *field = &extract->fields[i];
        enough = field->required && flow->values[field->field].kind != VALUE_ABSENT;
    }
    if (++flow->items > STEP_ITEMS_MAX) {
        return err_set(err, ERR_REJECT, "extract: more than %d items in one message",
                       STEP_ITEMS_MAX);
    }
    if (extract->each) {
        flow->values[FIELD_ITEM] = value_of_int((int64_t)number);
    }
    return enough ? flow_pass(flow, &extract->step, err)
                  : flow_leave(flow, &extract->step, near_miss(extract, flow), err);
}

static bool give_none(struct extract *extract, struct flow *flow, bool silent, struct err *err)
{
    for (size_t i = 0; i < extract->field_count; i++) {
        flow->values[extract->fields[i].field] = (struct value){0};
    }
    if (extract->keep) {
        return flow_pass(flow, &extract->step, err);
    }
    return silent || flow_leave(flow, &extract->step, STR("nothing was found"), err);
}

static bool apply_labels(struct extract *extract, struct flow *flow, struct str text, size_t *count,
                         struct err *err)
{
    struct labels_scan scan;
    struct labelled item;
    struct value *before = flow->values;
    labels_begin(&scan, &extract->words, flow->env->arena, text, extract->each);
    while (labels_next(&scan, &item)) {
        if (extract->each && !flow_copy(flow, &before, err)) {
            return false;
        }
        for (size_t i = 0; i < extract->field_count; i++) {
            set_field(flow, &extract->fields[i], item.values[i]);
        }
        bool ok = give(extract, flow, ++*count, err);
        flow->values = before;
        if (!ok) {
            return false;
        }
    }
    return !scan.memory_out || flow_memory(&extract->step, err);
}

static bool apply_pattern(struct extract *extract, struct flow *flow, struct str text,
                          size_t *count, struct err *err)
{
    struct regex_match match = {.found = true};
    struct value *before = flow->values;
    do {
        if (!regex_find(extract->regex, text, match.next, &match, err)) {
            return false;
        }
        if (!match.found || (extract->each && !flow_copy(flow, &before, err))) {
            return !match.found;
        }
        for (size_t i = 0; i < extract->field_count; i++) {
            set_field(flow, &extract->fields[i], match.groups[extract->fields[i].group]);
        }
        bool ok = give(extract, flow, ++*count, err);
        flow->values = before;
        if (!ok) {
            return false;
        }
    } while (extract->each && match.next <= text.len);
    return true;
}

/* A token of a JSON pointer, with ~1 and ~0 as / and ~. */
static struct str token_plain(struct str token, char out[POINTER_TOKEN_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < token.len && len < POINTER_TOKEN_MAX; i++) {
        char byte = token.ptr[i];
        bool escape = byte == '~' && i + 1 < token.len;
        if (escape && token.ptr[i + 1] == '1') {
            byte = '/';
            i++;
        } else if (escape && token.ptr[i + 1] == '0') {
            i++;
        }
        out[len++] = byte;
    }
    return (struct str){out, len};
}

static const struct json_value *follow(const struct json_value *value, struct str path)
{
    char room[POINTER_TOKEN_MAX];
    struct str token = {0};
    (void)str_split(&path, '/', &token); /* What stands in front of the first: nothing. */
    while (value != NULL && str_split(&path, '/', &token)) {
        struct str name = token_plain(token, room);
        int64_t index = 0;
        bool is_index = json_kind(value) == JSON_ARRAY && str_to_int64(name, &index) && index >= 0;
        value = is_index ? json_at(value, (size_t)index) : json_get(value, name);
    }
    return value;
}

static struct str json_text(const struct json_value *value, struct arena *arena)
{
    enum json_kind kind = json_kind(value);
    if (kind == JSON_ABSENT || kind == JSON_NULL) {
        return (struct str){0};
    }
    if (kind == JSON_STRING) {
        return json_str(value);
    }
    struct buf buf;
    struct json_writer writer;
    buf_init(&buf, arena, 64);
    json_writer_init(&writer, &buf);
    json_put_value(&writer, value);
    return buf_str(&buf);
}

static bool apply_json(struct extract *extract, struct flow *flow, struct str text, size_t *count,
                       struct err *err)
{
    const struct json_value *root = NULL;
    struct err why = {0};
    bool any = false;
    if (text.len == 0 || !json_parse(flow->env->arena, text, NULL, &root, &why)) {
        return true;
    }
    for (size_t i = 0; i < extract->field_count; i++) {
        const struct extract_field *field = &extract->fields[i];
        set_field(flow, field, json_text(follow(root, field->path), flow->env->arena));
        any = any || flow->values[field->field].kind != VALUE_ABSENT;
    }
    return !any || give(extract, flow, ++*count, err);
}

static bool extract_apply(struct step *step, struct flow *flow, struct err *err)
{
    struct extract *extract = (struct extract *)step;
    struct str text = value_text(&flow->values[extract->source], flow->env->arena);
    size_t count = 0;
    bool ok = extract->words.count > 0 ? apply_labels(extract, flow, text, &count, err)
              : extract->regex != NULL ? apply_pattern(extract, flow, text, &count, err)
                                       : apply_json(extract, flow, text, &count, err);
    return ok && (count > 0 || give_none(extract, flow, extract->words.count > 0, err));
}

static const struct option options[] = {
    OPTION_TEXT(struct extract, from, "from", "text", "The field that is read."),
    OPTION_MAP(struct extract, labels, "labels", NULL,
               "Fields, and the label of each at the beginning of a line; several labels of one "
               "field are parted by commas."),
    OPTION_TEXT(struct extract, pattern, "pattern", NULL,
                "Regular expression whose named groups become fields; ^ and $ are the ends of a "
                "line."),
    OPTION_BOOL(struct extract, ignore_case, "ignore_case", "false",
                "The pattern takes capital and small letters for the same."),
    OPTION_MAP(struct extract, json, "json", NULL,
               "Fields, and the place of each in a JSON text, such as /customer/name."),
    OPTION_LIST(struct extract, required, "required", NULL,
                "Fields of which one at least must have a value; else it is a near miss."),
    OPTION_BOOL(struct extract, each, "each", "false",
                "Make an item of every match, and not of the first alone."),
    OPTION_BOOL(struct extract, keep, "keep", "false", "Pass on also what nothing was found in."),
    OPTION_END,
};

const struct step_type step_extract = {
    .kind = "extract",
    .summary = "Takes fields out of a text: by labels, a pattern, or places in JSON.",
    .options = options,
    .size = sizeof(struct extract),
    .leaves = true,
    .prepare = extract_prepare,
    .open = extract_open,
    .close = extract_close,
    .apply = extract_apply,
};
