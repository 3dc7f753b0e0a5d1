#include "source/csv_rows.h"

#include <string.h>

#include "crypto/digest.h"

enum { IDS_FIRST = 1024, IDS_ARENA_MAX = 256 * 1024 * 1024, DIGEST_SHOWN = 32, SHOWN_MAX = 200 };

static struct str renamed(struct str name, const struct str_map *rename)
{
    for (size_t i = 0; rename != NULL && i < rename->count; i++) {
        if (str_equal(rename->items[i].name, name)) {
            return rename->items[i].text;
        }
    }
    return name;
}

static bool check_twice(const struct csv_header *header, size_t index, struct err *err)
{
    for (size_t i = 0; i < index; i++) {
        if (str_equal(header->names[i], header->names[index])) {
            return err_set(
                err, ERR_CONFIG,
                "%.*s line %lld: the column '%.*s' stands there twice, as column %zu and "
                "column %zu: rename one of them",
                STR_ARG(header->file), (long long)header->line,
                STR_ARG(str_slice(header->names[index], 0, SHOWN_MAX)), i + 1, index + 1);
        }
    }
    return true;
}

bool csv_header_read(struct csv_header *header, struct str file, int64_t line,
                     const struct csv_row *row, const struct str_map *rename, struct arena *arena,
                     struct err *err)
{
    *header = (struct csv_header){.file = file, .line = line, .count = row->count};
    header->headers = arena_array(arena, row->count + 1, sizeof *header->headers);
    header->names = arena_array(arena, row->count + 1, sizeof *header->names);
    if (header->headers == NULL || header->names == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a header");
    }
    for (size_t i = 0; i < row->count; i++) {
        struct str name = arena_copy(arena, csv_bare(row->fields[i]));
        header->headers[i] = name;
        header->names[i] =
            name.len == 0 ? arena_printf(arena, "column_%zu", i + 1) : renamed(name, rename);
        if (name.ptr == NULL || header->names[i].ptr == NULL) {
            return err_set(err, ERR_RETRY, "out of memory for a header");
        }
        if (!check_twice(header, i, err)) {
            return false;
        }
    }
    return true;
}

bool csv_header_find(const struct csv_header *header, const char *option, struct str name,
                     int *column, struct err *err)
{
    char list[SHOWN_MAX * 2] = "";
    size_t len = 0;
    *column = CSV_NO_COLUMN;
    name = csv_bare(name);
    if (name.len == 0) {
        return true;
    }
    for (size_t i = 0; i < header->count; i++) {
        struct str other = header->headers[i];
        if (str_equal(other, name) || str_equal(header->names[i], name)) {
            *column = (int)i;
            return true;
        }
        if (len + other.len + 3 < sizeof list && other.len > 0) {
            len += i > 0 ? 2 : 0;
            memcpy(list + len - (i > 0 ? 2 : 0), ", ", i > 0 ? 2 : 0);
            memcpy(list + len, other.ptr, other.len);
            len += other.len;
        }
    }
    return err_set(err, ERR_CONFIG,
                   "%.*s line %lld: there is no column '%.*s' (option `%s`); there are: %.*s",
                   STR_ARG(header->file), (long long)header->line,
                   STR_ARG(str_slice(name, 0, SHOWN_MAX)), option, (int)len, list);
}

struct str csv_cell(const struct csv_row *row, int column)
{
    return column < 0 || (size_t)column >= row->count ? STR("") : str_trim(row->fields[column]);
}

struct str csv_row_json(const struct csv_header *header, const struct csv_row *row,
                        struct arena *arena)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, arena, 256);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    for (size_t i = 0; i < header->count; i++) {
        json_field_str(&json, header->names[i], csv_cell(row, (int)i));
    }
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

struct str csv_row_text(const struct csv_header *header, const struct csv_row *row,
                        struct arena *arena)
{
    struct buf buf;
    buf_init(&buf, arena, 256);
    for (size_t i = 0; i < header->count; i++) {
        struct str cell = csv_cell(row, (int)i);
        if (cell.len > 0) {
            buf_add(&buf, buf.len > 0 ? STR("\n") : STR(""));
            buf_add(&buf, header->names[i]);
            buf_add(&buf, STR(": "));
            buf_add(&buf, cell);
        }
    }
    return buf_ok(&buf) && buf.len == 0 ? STR("") : buf_str(&buf);
}

struct str csv_row_digest(const struct csv_row *row, struct arena *arena)
{
    struct digest digest;
    char value[DIGEST_SIZE_MAX];
    static const char hex[] = "0123456789abcdef";
    size_t count = row->count;
    char *out = arena_bytes(arena, DIGEST_SHOWN);
    while (count > 0 && row->fields[count - 1].len == 0) {
        count--; /* Some programs leave empty cells at the end out. */
    }
    digest_init(&digest, DIGEST_SHA256);
    for (size_t i = 0; i < count; i++) {
        digest_add(&digest, row->fields[i]);
        digest_add(&digest, (struct str){"", 1}); /* No cell holds a NUL. */
    }
    (void)digest_value(&digest, value);
    for (size_t i = 0; out != NULL && i < DIGEST_SHOWN / 2; i++) {
        out[2 * i] = hex[(uint8_t)value[i] >> 4];
        out[2 * i + 1] = hex[(uint8_t)value[i] & 15];
    }
    return out != NULL ? (struct str){out, DIGEST_SHOWN} : (struct str){0};
}

void csv_ids_init(struct csv_ids *ids)
{
    *ids = (struct csv_ids){0};
    arena_init(&ids->arena, IDS_ARENA_MAX);
}

void csv_ids_free(struct csv_ids *ids)
{
    arena_free(&ids->arena);
    csv_ids_init(ids);
}

static size_t slot_of(const struct csv_ids *ids, uint64_t hash)
{
    size_t slot = (size_t)hash & (ids->room - 1);
    while (ids->hashes[slot] != 0 && ids->hashes[slot] != hash) {
        slot = (slot + 1) & (ids->room - 1);
    }
    return slot;
}

/* The old table stays in the arena: together they are less than the new one. */
static bool grow(struct csv_ids *ids)
{
    struct csv_ids old = *ids;
    ids->room = old.room == 0 ? IDS_FIRST : old.room * 2;
    ids->hashes = arena_array(&ids->arena, ids->room, sizeof *ids->hashes);
    ids->numbers = arena_array(&ids->arena, ids->room, sizeof *ids->numbers);
    if (ids->hashes == NULL || ids->numbers == NULL) {
        return false;
    }
    for (size_t i = 0; i < old.room; i++) {
        if (old.hashes[i] != 0) {
            size_t slot = slot_of(ids, old.hashes[i]);
            ids->hashes[slot] = old.hashes[i];
            ids->numbers[slot] = old.numbers[i];
        }
    }
    return true;
}

uint32_t *csv_ids_of(struct csv_ids *ids, struct str id)
{
    uint64_t hash = str_hash(id, 0);
    hash = hash == 0 ? 1 : hash;
    if (ids->count * 3 >= ids->room * 2 && (ids->count >= CSV_ROWS_MAX || !grow(ids))) {
        return NULL;
    }
    size_t slot = slot_of(ids, hash);
    if (ids->hashes[slot] == 0) {
        ids->hashes[slot] = hash;
        ids->count++;
    }
    return &ids->numbers[slot];
}
