#include "source/bridge_row.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "text/datetime.h"
#include "text/json.h"
#include "text/utf8.h"

enum {
    SECONDS_END = 19, /* "2025-12-09 18:51:42" */
    FRACTION_DIGITS_MAX = 9,
    MILLI_DIGITS = 3,
    INT_DIGITS_MAX = 24,
    ID_HASH_LEN = 17, /* '#' and 16 hexadecimal digits. */
};

/* What was done to bring outside text into shape. */
struct change {
    size_t cut_bytes;
    size_t replaced;
    bool memory_out;
};

/* What a row says, before anything is copied for good. */
struct draft {
    struct str id;
    struct str sender;
    struct str text;
    struct str sent_text;
    struct str extra;
    int64_t sent_ms;
    struct change change;
    bool id_changed;
    bool unreadable;
    char id_digits[INT_DIGITS_MAX];
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * Behind "…:51" comes ":42", a fraction, and the tail. Gives the end of the fraction, or 0 when the
 * text does not go on like this.
 */
static size_t seconds_read(struct str text, int64_t *ms, size_t *digits)
{
    if (text.len < SECONDS_END || text.ptr[16] != ':' || !is_digit(text.ptr[17]) ||
        !is_digit(text.ptr[18])) {
        return 0;
    }
    int64_t seconds = (text.ptr[17] - '0') * 10 + (text.ptr[18] - '0');
    size_t at = SECONDS_END;
    int64_t fraction = 0;
    *digits = 0;
    if (at + 1 < text.len && text.ptr[at] == '.' && is_digit(text.ptr[at + 1])) {
        for (at++; at < text.len && is_digit(text.ptr[at]); at++) {
            fraction = *digits < MILLI_DIGITS ? fraction * 10 + (text.ptr[at] - '0') : fraction;
            (*digits)++;
        }
        for (size_t i = *digits; i < MILLI_DIGITS; i++) {
            fraction *= 10;
        }
    }
    *ms = seconds * 1000 + fraction;
    return seconds < 60 && *digits <= FRACTION_DIGITS_MAX ? at : 0;
}

/* Remember the minute of a text that was read the long way. */
static void minute_learn(struct bridge_minute *minute, struct str text, int64_t unix_ms)
{
    int64_t ms = 0;
    size_t digits = 0;
    size_t end = seconds_read(text, &ms, &digits);
    minute->known = end > 0 && text.len - end <= BRIDGE_TAIL_MAX;
    if (!minute->known) {
        return;
    }
    struct str tail = str_slice(text, end, text.len);
    memcpy(minute->text, text.ptr, BRIDGE_MINUTE_LEN);
    if (tail.len > 0) {
        memcpy(minute->tail, tail.ptr, tail.len);
    }
    minute->tail_len = tail.len;
    minute->is_utc = str_equal(tail, STR("Z")) || str_equal(tail, STR("+00:00"));
    minute->base_ms = unix_ms - ms;
}

static bool minute_use(const struct bridge_minute *minute, struct str text, int64_t *unix_ms,
                       struct str *kept)
{
    if (!minute->known || text.len < SECONDS_END) {
        return false;
    }
    uint64_t words[2];
    uint64_t known[2];
    _Static_assert(sizeof words == BRIDGE_MINUTE_LEN, "a minute is two machine words");
    memcpy(words, text.ptr, sizeof words);
    memcpy(known, minute->text, sizeof known);
    if (words[0] != known[0] || words[1] != known[1]) {
        return false;
    }
    int64_t ms = 0;
    size_t digits = 0;
    size_t end = seconds_read(text, &ms, &digits);
    if (end == 0 || text.len - end != minute->tail_len ||
        (minute->tail_len > 0 && memcmp(text.ptr + end, minute->tail, minute->tail_len) != 0)) {
        return false;
    }
    *unix_ms = minute->base_ms + ms;
    *kept = minute->is_utc && digits <= MILLI_DIGITS ? (struct str){0} : text;
    return true;
}

bool bridge_time_read(struct bridge_minute *minute, const struct zone *zone, struct str text,
                      int64_t *unix_ms, struct str *words)
{
    if (minute_use(minute, text, unix_ms, words)) {
        return true;
    }
    struct err ignored = {0};
    text = str_trim(text);
    if (text.len == 0) {
        return false;
    }
    if (text.len > 4 && text.ptr[4] == '-') {
        struct stamp stamp;
        if (!datetime_parse_iso(text, &stamp, &ignored)) {
            return false;
        }
        *unix_ms = zone_stamp_ms(zone, &stamp, NULL);
        minute_learn(minute, text, *unix_ms);
        if (!minute->known || !minute_use(minute, text, unix_ms, words)) {
            *words = text;
        }
        return true;
    }
    if (datetime_parse_unix(text, DATETIME_UNIT_AUTO, unix_ms, &ignored)) {
        *words = (struct str){0};
        return true;
    }
    struct stamp stamp;
    if (datetime_parse_iso(text, &stamp, &ignored) || datetime_parse_mail(text, &stamp, &ignored)) {
        *unix_ms = zone_stamp_ms(zone, &stamp, NULL);
        *words = text;
        return true;
    }
    return false;
}

static struct str int_text(int64_t value, char out[INT_DIGITS_MAX])
{
    size_t at = INT_DIGITS_MAX;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        out[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        out[--at] = '-';
    }
    return (struct str){out + at, INT_DIGITS_MAX - at};
}

/* By the word: this passes over every byte of every message. */
static bool has_nul(struct str text)
{
    const uint64_t ones = 0x0101010101010101U;
    const uint64_t highs = 0x8080808080808080U;
    size_t at = 0;
    for (; at + sizeof(uint64_t) <= text.len; at += sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, text.ptr + at, sizeof word);
        if (((word - ones) & ~word & highs) != 0) { /* Exact: set where a byte is zero. */
            return true;
        }
    }
    for (; at < text.len; at++) {
        if (text.ptr[at] == '\0') {
            return true;
        }
    }
    return false;
}

static bool is_clean(struct str text)
{
    return !has_nul(text) && utf8_valid(text);
}

/* Valid, NUL-free and no longer than `size_max`; what changed is counted. */
static struct str cleaned(struct change *change, struct arena *arena, struct str text,
                          size_t size_max)
{
    if (text.len <= size_max && is_clean(text)) {
        return text;
    }
    size_t replaced = 0;
    struct str start = utf8_cut(text, size_max); /* Cleaning may take three times the room. */
    struct str clean = utf8_clean(arena, start, &replaced);
    if (clean.ptr == NULL) {
        change->memory_out = true;
        return clean;
    }
    struct str kept = utf8_cut(clean, size_max);
    change->replaced += replaced;
    change->cut_bytes += text.len - start.len + clean.len - kept.len;
    return kept;
}

static struct str optional_text(const struct bridge_reader *reader, const struct query *query,
                                enum bridge_role role)
{
    int column = reader->schema->column[role];
    return column < 0 ? (struct str){0} : query_text(query, column);
}

/* An id that has to be changed gets a hash of all of it, so that two ids stay two. */
static void read_id(struct draft *draft, struct arena *arena, const struct query *query)
{
    if (query_type(query, BRIDGE_COLUMN_ID) == QUERY_INT) {
        draft->id = int_text(query_int(query, BRIDGE_COLUMN_ID), draft->id_digits);
        return;
    }
    struct str id = query_text(query, BRIDGE_COLUMN_ID);
    if (id.len <= MESSAGE_ID_MAX && is_clean(id)) {
        draft->id = id;
        return;
    }
    struct change unused = {0};
    struct str start = cleaned(&unused, arena, id, MESSAGE_ID_MAX - ID_HASH_LEN);
    draft->id = arena_printf(arena, "%.*s#%016" PRIx64, STR_ARG(start), str_hash(id, 0));
    draft->id_changed = true;
    draft->change.memory_out = unused.memory_out || draft->id.ptr == NULL;
}

static void read_time(struct bridge_reader *reader, struct draft *draft, struct arena *arena,
                      const struct query *query)
{
    int column = reader->schema->column[BRIDGE_TIME];
    struct str text = query_text(query, column);
    struct str words = {0};
    if (text.len > 0 &&
        bridge_time_read(&reader->minute, reader->zone, text, &draft->sent_ms, &words)) {
        draft->sent_text = words;
        reader->previous_ms = draft->sent_ms;
        return;
    }
    struct change unused = {0};
    draft->unreadable = true;
    draft->sent_ms = reader->previous_ms;
    draft->sent_text = cleaned(&unused, arena, text, MESSAGE_NAME_MAX);
    draft->change.memory_out = draft->change.memory_out || unused.memory_out;
}

static void add_text(struct json_writer *json, struct change *change, const char *name,
                     struct str value)
{
    struct change unused = {0};
    if (value.len > 0) {
        struct str text = cleaned(&unused, json->buf->arena, value, MESSAGE_NAME_MAX);
        change->memory_out = change->memory_out || unused.memory_out;
        json_field_str(json, str_of(name), text);
    }
}

static void add_count(struct json_writer *json, const char *name, size_t count)
{
    if (count > 0) {
        json_field_int(json, str_of(name), (int64_t)count);
    }
}

/* Most rows have nothing to say here, and cost nothing. */
static void read_extra(const struct bridge_reader *reader, struct draft *draft, struct arena *arena,
                       const struct query *query)
{
    struct change *change = &draft->change;
    struct str media = optional_text(reader, query, BRIDGE_MEDIA_TYPE);
    struct str name = optional_text(reader, query, BRIDGE_FILENAME);
    struct str quoted = optional_text(reader, query, BRIDGE_QUOTED);
    if (media.len + name.len + quoted.len + change->cut_bytes + change->replaced == 0 &&
        !draft->id_changed && !draft->unreadable) {
        return;
    }
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, 0);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    add_text(&json, change, "media_type", media);
    add_text(&json, change, "filename", name);
    add_text(&json, change, "quoted", quoted);
    add_count(&json, "cut_bytes", change->cut_bytes);
    add_count(&json, "replaced", change->replaced);
    if (draft->id_changed) {
        json_field_bool(&json, STR("id_changed"), true);
    }
    if (draft->unreadable) {
        json_field_str(&json, STR("time"), STR("unreadable"));
    }
    json_object_end(&json);
    json_writer_done(&json);
    draft->extra = buf_str(&buf);
    change->memory_out = change->memory_out || draft->extra.ptr == NULL;
}

static bool is_set(const struct bridge_reader *reader, const struct query *query,
                   enum bridge_role role)
{
    int column = reader->schema->column[role];
    if (column < 0 || query_type(query, column) == QUERY_NULL) {
        return false;
    }
    struct str text = query_text(query, column);
    return text.len > 0 && !str_equal(text, STR("0")) && !str_equal_ascii_case(text, STR("false"));
}

static enum message_direction read_direction(const struct bridge_reader *reader,
                                             const struct query *query)
{
    int column = reader->schema->column[BRIDGE_FROM_ME];
    if (column < 0 || query_type(query, column) == QUERY_NULL) {
        return MESSAGE_DIRECTION_UNKNOWN;
    }
    if (query_type(query, column) == QUERY_INT) {
        return query_int(query, column) != 0 ? MESSAGE_OUTGOING : MESSAGE_INCOMING;
    }
    return is_set(reader, query, BRIDGE_FROM_ME) ? MESSAGE_OUTGOING : MESSAGE_INCOMING;
}

static void refuse(struct batch *batch, const struct query *query, struct str chat, const char *why)
{
    struct str where =
        query_type(query, BRIDGE_COLUMN_ROWID) == QUERY_INT
            ? arena_printf(batch->arena, "row %" PRId64, query_int(query, BRIDGE_COLUMN_ROWID))
            : STR("a row without a number");
    batch_refuse(batch, chat, where, why);
}

/* Copy `*text` to `at`; absent stays absent. */
static char *place(char *at, struct str *text)
{
    if (text->ptr == NULL) {
        return at;
    }
    memcpy(at, text->ptr, text->len);
    text->ptr = at;
    return at + text->len;
}

static void count_changes(struct bridge_tally *tally, const struct draft *draft, struct str id)
{
    const struct change *change = &draft->change;
    if (change->cut_bytes > 0) {
        tally->cut_id = tally->cut++ == 0 ? id : tally->cut_id;
        tally->cut_bytes += change->cut_bytes;
    }
    if (draft->unreadable) {
        tally->unreadable_id = tally->unreadable++ == 0 ? id : tally->unreadable_id;
    }
    tally->replaced += change->replaced > 0 ? 1 : 0;
}

static enum bridge_read add(struct bridge_reader *reader, struct batch *batch,
                            const struct query *query, struct draft *draft, struct str chat)
{
    size_t bytes = draft->id.len + draft->sender.len + draft->text.len + draft->sent_text.len +
                   draft->extra.len;
    if (batch_full(batch, bytes)) {
        return BRIDGE_READ_FULL;
    }
    char *at = arena_bytes(batch->arena, bytes + 1);
    struct message *message = at == NULL ? NULL : batch_add(batch, bytes);
    if (message == NULL) {
        return BRIDGE_READ_NO_MEMORY;
    }
    at = place(at, &draft->id);
    at = place(at, &draft->sender);
    at = place(at, &draft->text);
    at = place(at, &draft->sent_text);
    (void)place(at, &draft->extra);
    message->direction = read_direction(reader, query);
    message->deleted = is_set(reader, query, BRIDGE_DELETED);
    message->source = reader->source;
    message->chat = chat;
    message->external_id = draft->id;
    message->sender = draft->sender;
    message->text = draft->text;
    message->sent_text = draft->sent_text;
    message->extra = draft->extra;
    message->sent_ms = draft->sent_ms;
    count_changes(&reader->tally, draft, draft->id);
    return BRIDGE_READ_ADDED;
}

enum bridge_read bridge_row_read(struct bridge_reader *reader, struct batch *batch,
                                 const struct query *query, struct str chat, int64_t floor_ms)
{
    struct draft draft;
    memset(&draft, 0, offsetof(struct draft, id_digits));
    if (chat.len == 0) {
        refuse(batch, query, chat, "it names no chat");
        return BRIDGE_READ_REFUSED;
    }
    if (chat.len > MESSAGE_NAME_MAX) {
        refuse(batch, query, utf8_cut(chat, MESSAGE_NAME_MAX), "the name of its chat is too long");
        return BRIDGE_READ_REFUSED;
    }
    struct arena *arena = batch->arena;
    read_id(&draft, arena, query);
    if (draft.id.len == 0 && !draft.change.memory_out) {
        refuse(batch, query, chat, "it has no id");
        return BRIDGE_READ_REFUSED;
    }
    read_time(reader, &draft, arena, query);
    if (draft.sent_ms < floor_ms && !draft.unreadable) {
        return BRIDGE_READ_OLD;
    }
    struct change sender_change = {0}; /* A sender that is cut short is not worth counting. */
    struct str sender = query_text(query, reader->schema->column[BRIDGE_SENDER]);
    struct str text = query_text(query, reader->schema->column[BRIDGE_TEXT]);
    draft.sender = cleaned(&sender_change, arena, sender, MESSAGE_NAME_MAX);
    draft.text = cleaned(&draft.change, arena, text.ptr == NULL ? STR("") : text, MESSAGE_TEXT_MAX);
    draft.change.replaced += sender_change.replaced;
    draft.change.memory_out = draft.change.memory_out || sender_change.memory_out;
    read_extra(reader, &draft, arena, query);
    return draft.change.memory_out ? BRIDGE_READ_NO_MEMORY
                                   : add(reader, batch, query, &draft, chat);
}
