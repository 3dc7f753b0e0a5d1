#include "domain/drops.h"

#include <string.h>

#include "base/buf.h"
#include "text/datetime.h"
#include "text/json.h"
#include "text/unicode.h"
#include "text/utf8.h"

#define DEFAULT_PATTERN "\\bDR\\d{8}\\b"

enum {
    DIGITS = 8,
    NUMBER_LEN = 10, /* "DR" and the digits. */
    BODY_ROOM = 1024,
};

/* The numbers of one message, each once; views into its text. */
struct numbers {
    size_t count;
    struct str items[DROPS_NUMBERS_MAX];
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* A word character as Python's re has it: no marks, which text/unicode counts as part of words. */
static bool is_word(uint32_t code)
{
    return unicode_is_word(code) && !unicode_is_mark(code);
}

static bool is_bounded(struct str text, size_t from, size_t to)
{
    uint32_t before = 0;
    uint32_t after = 0;
    bool opens = utf8_previous(text, from, &before) == 0 || !is_word(before);
    return opens && (utf8_next(text, to, &after) == 0 || !is_word(after));
}

/*
 * The next default number at or behind `from`, or STR_NONE. A window of ten bytes is read from its
 * end: the digits there are counted, and the byte before them says how far the next window is, as
 * "R" and "D" are at most where a number begins. So most bytes of a text are never looked at.
 */
static size_t number_find(struct str text, size_t from)
{
    size_t end = from + NUMBER_LEN;
    while (end <= text.len) {
        size_t digits = 0;
        while (digits < DIGITS && is_digit(text.ptr[end - 1 - digits])) {
            digits++;
        }
        size_t before = end - 1 - digits;
        char byte = text.ptr[before];
        if (digits == DIGITS) {
            size_t at = end - NUMBER_LEN;
            if (byte == 'R' && text.ptr[at] == 'D' && is_bounded(text, at, end)) {
                return at;
            }
            end += NUMBER_LEN;
        } else if (byte == 'R') {
            end = before - 1 + NUMBER_LEN;
        } else {
            end = before + NUMBER_LEN + (byte == 'D' ? 0 : 1);
        }
    }
    return STR_NONE;
}

static bool numbers_have(const struct numbers *numbers, struct str number)
{
    for (size_t i = 0; i < numbers->count; i++) {
        if (str_equal(numbers->items[i], number)) {
            return true;
        }
    }
    return false;
}

static bool numbers_add(struct numbers *numbers, struct str number, struct err *err)
{
    if (number.len == 0 || numbers_have(numbers, number)) {
        return true;
    }
    if (numbers->count == DROPS_NUMBERS_MAX || number.len > DROPS_NUMBER_LEN_MAX) {
        return err_set(err, ERR_REJECT,
                       "drops: more than %d numbers in one message, or one of more than %d bytes",
                       DROPS_NUMBERS_MAX, DROPS_NUMBER_LEN_MAX);
    }
    numbers->items[numbers->count++] = number;
    return true;
}

static bool numbers_match(struct regex *regex, struct str text, struct numbers *out,
                          struct err *err)
{
    struct regex_match match = {.found = true};
    while (match.found && match.next <= text.len) {
        if (!regex_find(regex, text, match.next, &match, err)) {
            return false;
        }
        if (match.found && !numbers_add(out, match.groups[0], err)) {
            return false;
        }
    }
    return true;
}

static bool numbers_read(const struct drops *drops, struct str text, struct numbers *out,
                         struct err *err)
{
    out->count = 0;
    if (drops->regex != NULL) {
        return numbers_match(drops->regex, text, out, err);
    }
    for (size_t at = number_find(text, 0); at != STR_NONE;
         at = number_find(text, at + NUMBER_LEN)) {
        if (!numbers_add(out, (struct str){text.ptr + at, NUMBER_LEN}, err)) {
            return false;
        }
    }
    return true;
}

static const struct named_chat *project_find(const struct drops *drops, struct str chat)
{
    for (size_t at = str_hash(chat, 0);; at++) { /* The table is never full. */
        uint32_t slot = drops->slots[at & drops->slot_mask];
        if (slot == 0) {
            return NULL;
        }
        if (str_equal(drops->projects.items[slot - 1].chat, chat)) {
            return &drops->projects.items[slot - 1];
        }
    }
}

/* A distance from UTC holds for months, so it is asked for once a stretch. */
static bool now_civil(struct drops *drops, int64_t now_ms, struct civil *out)
{
    if (now_ms < drops->span.begin_ms || now_ms >= drops->span.end_ms) {
        zone_span_at(drops->zone, now_ms, &drops->span);
    }
    return datetime_to_civil_at(now_ms, drops->span.clock.offset_s, out);
}

/* Numbers with leading zeros; `width` at most 4. */
static char *put_digits(char *to, int value, int width)
{
    for (int i = width; i > 0; i--) {
        to[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return to + width;
}

enum { DATE_LEN = 10, STAMP_LEN = 19 };

/* "2025-11-09 13:04:05"; its first DATE_LEN bytes are the date. */
static void put_stamp(char out[STAMP_LEN], const struct civil *civil)
{
    char *to = put_digits(out, civil->year, 4);
    *to++ = '-';
    to = put_digits(to, civil->month, 2);
    *to++ = '-';
    to = put_digits(to, civil->day, 2);
    *to++ = ' ';
    to = put_digits(to, civil->hour, 2);
    *to++ = ':';
    to = put_digits(to, civil->minute, 2);
    *to++ = ':';
    (void)put_digits(to, civil->second, 2);
}

static void put_insert(struct json_writer *json, const struct message *message,
                       const struct named_chat *project, struct str date)
{
    char sent[DATETIME_TEXT_MAX];
    json_field_str(json, STR("review_date"), date);
    json_field_str(json, STR("user_name"), utf8_prefix_whole(message->sender, DROPS_USER_LEN));
    json_field_str(json, STR("project"), project->name);
    json_field_str(json, STR("whatsapp_message_date"), datetime_format_iso(message->sent_ms, sent));
    json_field_str(json, STR("comment"), STR("Created from WhatsApp message"));
}

static void put_update(struct json_writer *json, const struct message *message)
{
    char now[DATETIME_TEXT_MAX];
    json_field_bool(json, STR("incomplete"), false);
    json_key(json, STR("feedback_sent"));
    json_put_null(json);
    json_field_bool(json, STR("resubmitted"), true);
    json_field_str(json, STR("updated_at"), datetime_format_iso(message->archived_ms, now));
}

static void put_append(struct json_writer *json, struct str stamp)
{
    static const char before[] = "\n--- PHOTOS UPDATED ";
    static const char after[] = " ---\nAgent updated photos in 1MAP. QA can continue review.\n";
    char block[sizeof before + STAMP_LEN + sizeof after];
    char *to = block;
    memcpy(to, before, sizeof before - 1);
    to += sizeof before - 1;
    memcpy(to, stamp.ptr, STAMP_LEN);
    to += STAMP_LEN;
    memcpy(to, after, sizeof after - 1);
    to += sizeof after - 1;
    json_field_str(json, STR("comment"), (struct str){block, (size_t)(to - block)});
}

static void put_body(struct buf *body, const struct message *message,
                     const struct named_chat *project, struct str number,
                     const char stamp[STAMP_LEN])
{
    struct json_writer json;
    json_writer_init(&json, body);
    json_object_begin(&json);
    json_key(&json, STR("insert"));
    json_object_begin(&json);
    json_field_str(&json, STR("drop_number"), number);
    put_insert(&json, message, project, (struct str){stamp, DATE_LEN});
    json_object_end(&json);
    json_key(&json, STR("update"));
    json_object_begin(&json);
    put_update(&json, message);
    json_object_end(&json);
    json_key(&json, STR("append"));
    json_object_begin(&json);
    put_append(&json, (struct str){stamp, STAMP_LEN});
    json_object_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
}

static bool emit_number(struct drops *drops, struct op_env *env, const struct message *message,
                        const struct named_chat *project, struct str number, struct err *err)
{
    struct civil now;
    char stamp[STAMP_LEN];
    struct buf body;
    if (!now_civil(drops, message->archived_ms, &now)) {
        return err_set(err, ERR_REJECT, "drops: the message's time is outside of the calendar");
    }
    put_stamp(stamp, &now);
    buf_init(&body, env->arena, BODY_ROOM);
    put_body(&body, message, project, number, stamp);
    struct record record = {
        .kind = RECORD_EFFECT,
        .sink = drops->sink,
        .target = STR("qa_photo_reviews"),
        .entity = number,
        .body = buf_str(&body),
    };
    return record.body.ptr != NULL ? env->emit(env, &record, err)
                                   : err_set(err, ERR_RETRY, "drops: out of step memory");
}

/* Is `number` one of the lines of `known`? */
static bool was_counted(struct str known, struct str number)
{
    struct str line = {0};
    while (str_split(&known, '\n', &line)) {
        if (str_equal(line, number)) {
            return true;
        }
    }
    return false;
}

/* Remember what was counted for this message: `known` and the numbers that are new. */
static bool remember(struct op_env *env, const struct message *message, struct str known,
                     const struct numbers *numbers, struct err *err)
{
    struct buf value;
    buf_init(&value, env->arena, known.len + numbers->count * (NUMBER_LEN + 1) + 1);
    buf_add(&value, known);
    for (size_t i = 0; i < numbers->count; i++) {
        if (value.len > 0) {
            buf_add_byte(&value, '\n');
        }
        buf_add(&value, numbers->items[i]);
    }
    struct str text = buf_str(&value);
    return text.ptr != NULL ? env->put(env, message->external_id, text, err)
                            : err_set(err, ERR_RETRY, "drops: out of step memory");
}

/* Take out the numbers that an earlier revision of the message had. */
static bool forget_counted(struct op_env *env, const struct message *message,
                           struct numbers *numbers, struct str *known, struct err *err)
{
    if (message->revision == 0) {
        return true;
    }
    if (!env->get(env, message->external_id, known, err)) {
        return false;
    }
    size_t kept = 0;
    for (size_t i = 0; i < numbers->count; i++) {
        if (!was_counted(*known, numbers->items[i])) {
            numbers->items[kept++] = numbers->items[i];
        }
    }
    numbers->count = kept;
    return true;
}

static bool count_numbers(struct drops *drops, struct op_env *env, const struct message *message,
                          struct numbers *numbers, struct err *err)
{
    const struct named_chat *project = project_find(drops, message->chat);
    struct str known = {0};
    if (project == NULL) {
        return true;
    }
    if (!forget_counted(env, message, numbers, &known, err)) {
        return false;
    }
    for (size_t i = 0; i < numbers->count; i++) {
        if (!emit_number(drops, env, message, project, numbers->items[i], err)) {
            return false;
        }
    }
    return numbers->count == 0 || remember(env, message, known, numbers, err);
}

static bool drops_apply(struct op *op, struct op_env *env, const struct message *message,
                        struct err *err)
{
    struct drops *drops = (struct drops *)op;
    struct numbers numbers;
    if (message->kind != MESSAGE_CHAT || message->deleted) {
        return true;
    }
    if (!numbers_read(drops, message->text, &numbers, err)) {
        return false;
    }
    return numbers.count == 0 || count_numbers(drops, env, message, &numbers, err);
}

/* Chats by hash, half full at most; a chat can have one project only. */
static bool index_projects(struct drops *drops, struct arena *arena, struct err *err)
{
    size_t room = 2;
    while (room < drops->projects.count * 2) {
        room *= 2;
    }
    uint32_t *slots = arena_array(arena, room, sizeof *slots);
    if (slots == NULL) {
        return err_set(err, ERR_CONFIG, "drops: out of memory for %zu projects",
                       drops->projects.count);
    }
    drops->slots = slots;
    drops->slot_mask = room - 1;
    for (size_t i = 0; i < drops->projects.count; i++) {
        const struct named_chat *project = &drops->projects.items[i];
        const struct named_chat *other = project_find(drops, project->chat);
        if (project->name.len == 0 || project->chat.len == 0) {
            return err_set(err, ERR_CONFIG, "drops: project %zu has no name or no chat", i + 1);
        }
        if (other != NULL) {
            return err_set(err, ERR_CONFIG, "drops: projects %.*s and %.*s name the same chat %.*s",
                           STR_ARG(other->name), STR_ARG(project->name), STR_ARG(project->chat));
        }
        size_t at = str_hash(project->chat, 0) & drops->slot_mask;
        while (slots[at] != 0) {
            at = (at + 1) & drops->slot_mask;
        }
        slots[at] = (uint32_t)i + 1;
    }
    return true;
}

static bool drops_open(struct op *op, struct arena *arena, struct err *err)
{
    struct drops *drops = (struct drops *)op;
    drops->span = (struct zone_span){0};
    drops->regex = NULL;
    if (drops->projects.count > DROPS_PROJECTS_MAX) {
        return err_set(err, ERR_CONFIG, "drops: more than %d projects", DROPS_PROJECTS_MAX);
    }
    if (!zone_parse(drops->zone_name, &drops->zone, err) || !index_projects(drops, arena, err)) {
        return false;
    }
    return str_equal(drops->pattern, STR(DEFAULT_PATTERN)) ||
           regex_open(&drops->regex, drops->pattern, 0, err) || err_prefix(err, "drops: pattern: ");
}

static void drops_check(const struct op *op, struct report *report)
{
    const struct drops *drops = (const struct drops *)op;
    struct regex *regex = NULL;
    struct err err = {0};
    if (!regex_open(&regex, drops->pattern, 0, &err)) {
        report_err(report, "pattern", &err);
    }
    regex_close(regex);
}

static void drops_close(struct op *op)
{
    struct drops *drops = (struct drops *)op;
    regex_close(drops->regex);
    drops->regex = NULL;
}

/* The columns of the document's INSERT and UPDATE; what it writes as FALSE begins as false. */
static const struct column columns[] = {
    {"drop_number", COLUMN_TEXT, true, NULL, "The drop, such as DR12345678."},
    {"review_date", COLUMN_DATE, false, NULL, "Day of the first sight, in the pipeline's zone."},
    {"user_name", COLUMN_TEXT, false, NULL, "First 20 characters of the sender."},
    {"project", COLUMN_TEXT, false, NULL, "Project of the chat."},
    {"whatsapp_message_date", COLUMN_TIME, false, NULL, "When the message was sent, UTC."},
    {"step_01_property_frontage", COLUMN_BOOL, false, "false", "Set by reviewers."},
    {"step_02_location_before_install", COLUMN_BOOL, false, "false", "Set by reviewers."},
    {"step_03_outside_cable_span", COLUMN_BOOL, false, "false", "Set by reviewers."},
    {"step_04_home_entry_outside", COLUMN_BOOL, false, "false", "Set by reviewers."},
    {"step_05_home_entry_inside", COLUMN_BOOL, false, "false", "Set by reviewers."},
    {"step_06_fibre_entry_to_ont", COLUMN_BOOL, false, "false", "Set by reviewers."},
    {"step_07_patched_labelled_drop", COLUMN_BOOL, false, "false", "Set by reviewers."},
    {"step_08_work_area_completion", COLUMN_BOOL, false, "false", "Set by reviewers."},
    {"step_09_ont_barcode_scan", COLUMN_BOOL, false, "false", "Set by reviewers."},
    {"step_10_ups_serial_number", COLUMN_BOOL, false, "false", "Set by reviewers."},
    {"step_11_powermeter_reading", COLUMN_BOOL, false, "false", "Set by reviewers."},
    {"step_12_powermeter_at_ont", COLUMN_BOOL, false, "false", "Set by reviewers."},
    {"step_13_active_broadband_light", COLUMN_BOOL, false, "false", "Set by reviewers."},
    {"step_14_customer_signature", COLUMN_BOOL, false, "false", "Set by reviewers."},
    {"outstanding_photos_loaded_to_1map", COLUMN_BOOL, false, "false", "Set by reviewers."},
    {"comment", COLUMN_TEXT, false, NULL, "Grows by one block with each resubmission."},
    {"incomplete", COLUMN_BOOL, false, "false", "Set by reviewers; taken back by a resubmission."},
    {"completed", COLUMN_BOOL, false, "false", "Set by reviewers."},
    {"feedback_sent", COLUMN_TIME, false, NULL, "Set by reviewers; emptied by a resubmission."},
    {"resubmitted", COLUMN_BOOL, false, NULL, "True from the first resubmission on."},
    {"updated_at", COLUMN_TIME, false, NULL, "When the last resubmission was seen, UTC."},
    {0},
};

static const struct target reviews = {
    .name = "qa_photo_reviews",
    .key = "drop_number",
    .columns = columns,
};

static const struct target *const targets[] = {&reviews, NULL};

static const struct option options[] = {
    OPTION_ZONE(struct drops, zone_name, "zone", "Asia/Jerusalem",
                "Zone of review_date and of the times in comments."),
    OPTION_TEXT(struct drops, pattern, "pattern", DEFAULT_PATTERN,
                "Regular expression of a drop number; the whole match is the number."),
    OPTION_CHATS(struct drops, projects, "projects", OPTION_REQUIRED,
                 "The groups to read and the project of each, or the path of a projects.yaml."),
    OPTION_SINK(struct drops, sink, "sink", "records", "Name of the sink that holds the reviews."),
    OPTION_END,
};

static const char *const key_options[] = {"pattern", NULL};

const struct op_type op_drops = {
    .kind = "drops",
    .summary = "Keep a review row for each drop number, and note resubmissions.",
    .options = options,
    .size = sizeof(struct drops),
    .targets = targets,
    .key_options = key_options,
    .check = drops_check,
    .open = drops_open,
    .close = drops_close,
    .apply = drops_apply,
};
