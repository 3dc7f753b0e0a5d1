#include "source/keyed.h"

#include <inttypes.h>
#include <string.h>

enum { ROWS_FIRST = 256, WHERE_MAX = 64 };

static bool no_memory(const struct keyed *keyed, struct err *err)
{
    return err_set(err, ERR_RETRY, "%.*s: out of step memory", STR_ARG(keyed->what));
}

void keyed_begin(struct keyed *keyed, struct batch *batch, struct str what,
                 const struct csv_header *header, int key, const struct key_form *form)
{
    *keyed =
        (struct keyed){.batch = batch, .what = what, .header = header, .key = key, .form = form};
    csv_ids_init(&keyed->lines);
}

void keyed_end(struct keyed *keyed)
{
    csv_ids_free(&keyed->lines);
}

void keyed_refuse(struct keyed *keyed, int64_t line, const char *why)
{
    struct str place = arena_printf(keyed->batch->arena, "%.*s line %" PRId64,
                                    STR_ARG(str_slice(keyed->what, 0, WHERE_MAX)), line);
    keyed->refused++;
    batch_refuse(keyed->batch, STR(""), place, why);
}

static bool make_room(struct keyed *keyed, struct err *err)
{
    if (keyed->count < keyed->room) {
        return true;
    }
    size_t room = keyed->room == 0 ? ROWS_FIRST : keyed->room * 2;
    struct snapshot_row *rows = arena_array(keyed->batch->arena, room, sizeof *rows);
    if (rows == NULL) {
        return no_memory(keyed, err);
    }
    if (keyed->count > 0) {
        memcpy(rows, keyed->rows, keyed->count * sizeof *rows);
    }
    keyed->rows = rows;
    keyed->room = room;
    return true;
}

/* `*line` is where the key was met first: 0 for now. */
static bool find_line(struct keyed *keyed, struct str key, uint32_t **line, struct err *err)
{
    *line = csv_ids_of(&keyed->lines, key);
    return *line != NULL || err_set(err, ERR_CONFIG, "%.*s has more than %d rows",
                                    STR_ARG(keyed->what), CSV_ROWS_MAX);
}

bool keyed_add(struct keyed *keyed, int64_t line, const struct csv_row *row, struct err *err)
{
    struct arena *arena = keyed->batch->arena;
    struct err why = {0};
    struct str key = {0};
    uint32_t *first = NULL;
    if (row->count > keyed->header->count) {
        keyed_refuse(keyed, line, "it has more cells than the header");
        return true;
    }
    if (!key_form_apply(keyed->form, csv_cell(row, keyed->key), arena, &key, &why)) {
        if (why.kind != ERR_REJECT) {
            return no_memory(keyed, err);
        }
        keyed_refuse(keyed, line, why.text);
        return true;
    }
    if (!find_line(keyed, key, &first, err)) {
        return false;
    }
    if (*first != 0) {
        (void)err_set(&why, ERR_REJECT, "its key stands on line %" PRIu32 ", too; that row counts",
                      *first);
        keyed_refuse(keyed, line, why.text);
        return true;
    }
    *first = (uint32_t)line;
    struct snapshot_row fresh = {.key = key, .body = csv_row_json(keyed->header, row, arena)};
    if (fresh.body.ptr == NULL || !make_room(keyed, err)) {
        return no_memory(keyed, err);
    }
    keyed->rows[keyed->count++] = fresh;
    return true;
}

bool keyed_give(struct keyed *keyed, struct str name, struct err *err)
{
    struct snapshot *snapshot = arena_alloc(keyed->batch->arena, sizeof *snapshot);
    if (snapshot == NULL) {
        return no_memory(keyed, err);
    }
    *snapshot = (struct snapshot){.name = name, .rows = keyed->rows, .count = keyed->count};
    keyed->batch->snapshot = snapshot;
    return true;
}
