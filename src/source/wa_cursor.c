#include "source/wa_cursor.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/must.h"
#include "crypto/digest.h"
#include "text/json.h"

enum {
    VERSION = 1,
    ID_LETTERS = 11,  /* 64 bits, six a letter. */
    LOOK_LETTERS = 8, /* 48 bits. */
    LOOK_BYTES = 6,
    BITS = 6,
    WHY_MAX = 32,
};

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static uint64_t first_bytes(struct str digest, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        value = value << 8 | (unsigned char)digest.ptr[i];
    }
    return value;
}

uint64_t wa_digest_id(struct str id)
{
    char room[DIGEST_SIZE_MAX];
    return first_bytes(digest_of(DIGEST_SHA256, id, room), sizeof(uint64_t));
}

uint64_t wa_digest_look(const struct wa_row *row)
{
    char room[DIGEST_SIZE_MAX];
    char facts[] = {row->deleted ? 'd' : '-', row->edited ? 'e' : '-',
                    row->sent_ms != 0 ? 't' : '-', (char)('0' + row->media % 64)};
    struct digest digest;
    digest_init(&digest, DIGEST_SHA256);
    digest_add(&digest, (struct str){facts, sizeof facts});
    digest_add(&digest, row->text);
    return first_bytes(digest_value(&digest, room), LOOK_BYTES);
}

static void put_letters(struct buf *buf, uint64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        buf_add_byte(buf, letters[value >> (i * BITS) & 63]);
    }
}

static bool get_letters(struct str text, size_t count, uint64_t *out)
{
    uint64_t value = 0;
    if (text.len < count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const char *at = text.ptr[i] == '\0' ? NULL : strchr(letters, text.ptr[i]);
        if (at == NULL) {
            return false;
        }
        value = value << BITS | (uint64_t)(at - letters);
    }
    *out = value;
    return true;
}

/* ---- Reading ---- */

static bool parse_marks(struct str text, struct wa_marks *marks)
{
    *marks = (struct wa_marks){0};
    while (text.len > 0) {
        if (marks->count == WA_MARKS_MAX ||
            !get_letters(text, ID_LETTERS, &marks->ids[marks->count])) {
            return false;
        }
        marks->count++;
        text = str_slice(text, ID_LETTERS, text.len);
    }
    return true;
}

static bool parse_known(struct str text, struct wa_known *out)
{
    struct str rest = str_slice(text, ID_LETTERS + LOOK_LETTERS, text.len);
    struct str minute;
    int64_t owed = 0;
    if (!get_letters(text, ID_LETTERS, &out->id) ||
        !get_letters(str_slice(text, ID_LETTERS, text.len), LOOK_LETTERS, &out->look) ||
        !str_split(&rest, '!', &minute) || !str_to_int64(minute, &out->minute) ||
        (rest.ptr != NULL && !str_to_int64(rest, &owed)) || owed < 0 || owed > WA_TRIES_MAX) {
        return false;
    }
    out->owed = (int)owed;
    return true;
}

/* The array again as text: the writer is canonical, so it is the same text. */
static bool copy_value(const struct json_value *value, struct arena *arena, struct str *out)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, 0);
    json_writer_init(&json, &buf);
    json_put_value(&json, value);
    json_writer_done(&json);
    *out = buf_str(&buf);
    return out->ptr != NULL;
}

static bool parse_files(const struct json_value *files, struct wa_cursor *cursor,
                        struct arena *arena)
{
    struct json_iter iter;
    struct str key;
    const struct json_value *value = NULL;
    json_iter_init(&iter, files);
    while (json_next(&iter, &key, &value)) {
        uint64_t id = 0;
        if (!get_letters(key, ID_LETTERS, &id)) {
            return false;
        }
        for (size_t i = 0; i < cursor->known_count; i++) {
            if (cursor->known[i].id == id && !copy_value(value, arena, &cursor->known[i].files)) {
                return false;
            }
        }
    }
    return true;
}

static bool parse_knowns(const struct json_value *object, struct wa_cursor *cursor,
                         struct arena *arena)
{
    struct str text = json_str(json_get(object, STR("known")));
    struct str part;
    size_t count = text.len > 0 ? 1 : 0;
    for (size_t i = 0; i < text.len; i++) {
        count += text.ptr[i] == ',';
    }
    if (text.ptr == NULL || count > WA_KNOWN_MAX) {
        return false;
    }
    cursor->known = arena_array(arena, count + 1, sizeof *cursor->known);
    if (cursor->known == NULL) {
        return false;
    }
    while (text.len > 0 && str_split(&text, ',', &part)) {
        if (!parse_known(part, &cursor->known[cursor->known_count])) {
            return false;
        }
        cursor->known_count++;
    }
    return parse_files(json_get(object, STR("files")), cursor, arena);
}

static bool parse_gaps(const struct json_value *gaps, struct wa_cursor *cursor)
{
    struct json_iter iter;
    const struct json_value *value = NULL;
    json_iter_init(&iter, gaps);
    while (json_next(&iter, NULL, &value)) {
        struct wa_gap *gap = &cursor->gaps[cursor->gap_count];
        if (cursor->gap_count == WA_GAPS_MAX ||
            !json_int(json_get(value, STR("from_ms")), &gap->from_ms) ||
            !json_int(json_get(value, STR("to_ms")), &gap->to_ms) ||
            !json_int(json_get(value, STR("since_ms")), &gap->since_ms) ||
            !parse_marks(json_str(json_get(value, STR("below"))), &gap->below) ||
            !parse_marks(json_str(json_get(value, STR("above"))), &gap->above)) {
            return false;
        }
        gap->why = json_str(json_get(value, STR("why")));
        if (gap->why.len == 0 || gap->why.len > WHY_MAX) {
            return false;
        }
        cursor->gap_count++;
    }
    return true;
}

static bool parse_chat(const struct json_value *object, struct wa_cursor *cursor,
                       struct arena *arena)
{
    cursor->chat = json_str(json_get(object, STR("chat")));
    cursor->preview = json_str(json_get(object, STR("preview")));
    return cursor->chat.len > 0 && cursor->chat.len <= WA_TITLE_MAX &&
           json_int(json_get(object, STR("visited_ms")), &cursor->visited_ms) &&
           json_int(json_get(object, STR("floor_ms")), &cursor->floor_ms) &&
           parse_knowns(object, cursor, arena) && parse_gaps(json_get(object, STR("gaps")), cursor);
}

bool wa_book_parse(struct str text, struct arena *arena, struct wa_book *out)
{
    const struct json_value *root = NULL;
    const struct json_value *value = NULL;
    struct json_iter iter;
    struct err ignored = {0};
    int64_t version = 0;
    struct wa_book book = {0};
    *out = book;
    if (text.len == 0 || !json_parse(arena, text, NULL, &root, &ignored) ||
        !json_int(json_get(root, STR("v")), &version) || version != VERSION ||
        !json_int(json_get(root, STR("turn")), &book.turn)) {
        return false;
    }
    const struct json_value *chats = json_get(root, STR("chats"));
    size_t count = json_count(chats);
    if (json_kind(chats) != JSON_ARRAY || count > WA_CHATS_MAX) {
        return false;
    }
    book.chats = arena_array(arena, count + 1, sizeof *book.chats);
    if (book.chats == NULL) {
        return false;
    }
    json_iter_init(&iter, chats);
    while (json_next(&iter, NULL, &value)) {
        if (!parse_chat(value, &book.chats[book.count], arena)) {
            return false;
        }
        book.count++;
    }
    *out = book;
    return true;
}

/* ---- Writing ---- */

static void put_marks(struct json_writer *json, struct str key, const struct wa_marks *marks)
{
    json_key(json, key);
    char room[WA_MARKS_MAX * ID_LETTERS];
    size_t len = 0;
    for (size_t i = 0; i < marks->count; i++) {
        for (int j = ID_LETTERS - 1; j >= 0; j--) {
            room[len++] = letters[marks->ids[i] >> (j * BITS) & 63];
        }
    }
    json_put_str(json, (struct str){room, len});
}

static void put_gaps(struct json_writer *json, const struct wa_cursor *cursor)
{
    json_key(json, STR("gaps"));
    json_array_begin(json);
    for (size_t i = 0; i < cursor->gap_count; i++) {
        const struct wa_gap *gap = &cursor->gaps[i];
        json_object_begin(json);
        json_field_int(json, STR("from_ms"), gap->from_ms);
        json_field_int(json, STR("to_ms"), gap->to_ms);
        json_field_int(json, STR("since_ms"), gap->since_ms);
        json_field_str(json, STR("why"), gap->why);
        put_marks(json, STR("below"), &gap->below);
        put_marks(json, STR("above"), &gap->above);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_known(struct json_writer *json, const struct wa_cursor *cursor, struct arena *arena)
{
    struct buf list;
    char id[ID_LETTERS];
    bool any = false;
    buf_init(&list, arena, cursor->known_count * 32);
    for (size_t i = 0; i < cursor->known_count; i++) {
        const struct wa_known *known = &cursor->known[i];
        if (i > 0) {
            buf_add_byte(&list, ',');
        }
        put_letters(&list, known->id, ID_LETTERS);
        put_letters(&list, known->look, LOOK_LETTERS);
        buf_add_int(&list, known->minute);
        if (known->owed > 0) {
            buf_printf(&list, "!%d", known->owed);
        }
        any = any || known->files.len > 0;
    }
    if (!buf_ok(&list)) {
        json->buf->failed = true;
    }
    json_field_str(json, STR("known"), buf_ok(&list) ? buf_str(&list) : STR(""));
    if (!any) {
        return;
    }
    json_key(json, STR("files"));
    json_object_begin(json);
    for (size_t i = 0; i < cursor->known_count; i++) {
        if (cursor->known[i].files.len == 0) {
            continue;
        }
        for (int j = 0; j < ID_LETTERS; j++) {
            id[j] = letters[cursor->known[i].id >> ((ID_LETTERS - 1 - j) * BITS) & 63];
        }
        json_key(json, (struct str){id, sizeof id});
        json_put_raw(json, cursor->known[i].files);
    }
    json_object_end(json);
}

struct str wa_book_write(const struct wa_book *book, struct arena *arena)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, 0);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_int(&json, STR("v"), VERSION);
    json_field_int(&json, STR("turn"), book->turn);
    json_key(&json, STR("chats"));
    json_array_begin(&json);
    for (size_t i = 0; i < book->count; i++) {
        const struct wa_cursor *cursor = &book->chats[i];
        must(cursor->known_count <= WA_KNOWN_MAX && cursor->gap_count <= WA_GAPS_MAX);
        json_object_begin(&json);
        json_field_str(&json, STR("chat"), cursor->chat);
        if (cursor->preview.len > 0) {
            json_field_str(&json, STR("preview"), cursor->preview);
        }
        json_field_int(&json, STR("visited_ms"), cursor->visited_ms);
        json_field_int(&json, STR("floor_ms"), cursor->floor_ms);
        put_known(&json, cursor, arena);
        put_gaps(&json, cursor);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

/* ---- Asking and noting ---- */

struct wa_cursor *wa_book_find(const struct wa_book *book, struct str chat)
{
    for (size_t i = 0; i < book->count; i++) {
        if (str_equal(book->chats[i].chat, chat)) {
            return &book->chats[i];
        }
    }
    return NULL;
}

const struct wa_known *wa_cursor_find(const struct wa_cursor *cursor, uint64_t id)
{
    for (size_t i = cursor->known_count; i > 0; i--) {
        if (cursor->known[i - 1].id == id) {
            return &cursor->known[i - 1];
        }
    }
    return NULL;
}

bool wa_marks_has(const struct wa_marks *marks, uint64_t id)
{
    for (size_t i = 0; i < marks->count; i++) {
        if (marks->ids[i] == id) {
            return true;
        }
    }
    return false;
}

/* The two oldest become one: what lies between them is read again, and doubles nothing. */
static void join_oldest(struct wa_cursor *cursor)
{
    must(cursor->gap_count >= 2);
    struct wa_gap *newer = &cursor->gaps[cursor->gap_count - 2];
    const struct wa_gap *older = &cursor->gaps[cursor->gap_count - 1];
    newer->from_ms = older->from_ms < newer->from_ms ? older->from_ms : newer->from_ms;
    newer->since_ms = older->since_ms < newer->since_ms ? older->since_ms : newer->since_ms;
    newer->below = older->below;
    cursor->gap_count--;
}

void wa_cursor_gap_add(struct wa_cursor *cursor, const struct wa_gap *gap)
{
    if (cursor->gap_count == WA_GAPS_MAX) {
        join_oldest(cursor);
    }
    size_t at = 0;
    while (at < cursor->gap_count && cursor->gaps[at].to_ms > gap->to_ms) {
        at++;
    }
    memmove(&cursor->gaps[at + 1], &cursor->gaps[at],
            (cursor->gap_count - at) * sizeof *cursor->gaps);
    cursor->gaps[at] = *gap;
    cursor->gap_count++;
}

void wa_cursor_gap_remove(struct wa_cursor *cursor, size_t index)
{
    must(index < cursor->gap_count);
    cursor->gap_count--;
    memmove(&cursor->gaps[index], &cursor->gaps[index + 1],
            (cursor->gap_count - index) * sizeof *cursor->gaps);
}
