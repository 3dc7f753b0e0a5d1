#include "source/wa_scroll.h"

#include "source/wa_cursor.h"

enum { TABLE_FIRST = 256 };

void wa_scroll_init(struct wa_scroll *scroll, size_t memory_max)
{
    *scroll = (struct wa_scroll){0};
    arena_init(&scroll->arena, memory_max);
}

void wa_scroll_clear(struct wa_scroll *scroll)
{
    struct arena arena = scroll->arena;
    arena_reset(&arena);
    *scroll = (struct wa_scroll){.arena = arena};
}

void wa_scroll_free(struct wa_scroll *scroll)
{
    arena_free(&scroll->arena);
    *scroll = (struct wa_scroll){0};
}

static size_t slot_of(const struct wa_scroll *scroll, uint64_t id)
{
    size_t slot = (size_t)id & (scroll->table_size - 1);
    while (scroll->table[slot] != NULL && scroll->table[slot]->id != id) {
        slot = (slot + 1) & (scroll->table_size - 1);
    }
    return slot;
}

struct wa_node *wa_scroll_find(const struct wa_scroll *scroll, uint64_t id)
{
    return scroll->table_size == 0 ? NULL : scroll->table[slot_of(scroll, id)];
}

/* Room for `more` further rows at half load. */
static bool grow_table(struct wa_scroll *scroll, size_t more)
{
    size_t size = scroll->table_size == 0 ? TABLE_FIRST : scroll->table_size;
    while (size < (scroll->count + more) * 2) {
        size *= 2;
    }
    if (size == scroll->table_size) {
        return true;
    }
    struct wa_node **table = arena_array(&scroll->arena, size, sizeof(struct wa_node *));
    if (table == NULL) {
        return false;
    }
    scroll->table = table;
    scroll->table_size = size;
    for (struct wa_node *node = scroll->oldest; node != NULL; node = node->newer) {
        scroll->table[slot_of(scroll, node->id)] = node;
    }
    return true;
}

static bool copy_text(struct arena *arena, struct str *text)
{
    if (text->ptr == NULL) {
        return true;
    }
    *text = arena_copy(arena, *text);
    return text->ptr != NULL;
}

static bool copy_row(struct arena *arena, const struct wa_row *from, struct wa_row *to)
{
    struct wa_row row = *from;
    if (!copy_text(arena, &row.id) || !copy_text(arena, &row.author) ||
        !copy_text(arena, &row.jid) || !copy_text(arena, &row.text) ||
        !copy_text(arena, &row.mark) || !copy_text(arena, &row.quoted) ||
        !copy_text(arena, &row.file_name)) {
        return false;
    }
    *to = row;
    return true;
}

static bool same_row(const struct wa_row *a, const struct wa_row *b)
{
    return a->kind == b->kind && a->direction == b->direction && a->sent_ms == b->sent_ms &&
           a->fold == b->fold && a->open == b->open && a->deleted == b->deleted &&
           a->edited == b->edited && a->forwarded == b->forwarded && a->media == b->media &&
           str_equal(a->author, b->author) && str_equal(a->jid, b->jid) &&
           str_equal(a->text, b->text) && str_equal(a->mark, b->mark) &&
           str_equal(a->quoted, b->quoted) && str_equal(a->file_name, b->file_name);
}

/* What a window says of a row, prepared so that taking it cannot fail. */
struct taken {
    struct wa_node *node; /* There already, or new and not yet linked. */
    struct wa_row row;    /* A copy, where `changes`. */
    bool changes;
};

/* A row that is known is not made less known by a window that shows less of what is above it. */
static bool prepare(struct wa_scroll *scroll, const struct wa_row *row, struct taken *taken)
{
    uint64_t id = wa_digest_id(row->id);
    taken->node = wa_scroll_find(scroll, id);
    if (taken->node == NULL) {
        taken->node = arena_alloc(&scroll->arena, sizeof *taken->node);
        if (taken->node == NULL) {
            return false;
        }
        taken->node->id = id;
        taken->changes = true;
    } else {
        bool less = row->open && !taken->node->row.open;
        taken->changes = !less && !same_row(&taken->node->row, row);
    }
    return !taken->changes || copy_row(&scroll->arena, row, &taken->row);
}

/* NULL when memory ends. */
static struct taken *prepare_all(struct wa_scroll *scroll, const struct wa_window *window,
                                 size_t *shared)
{
    struct taken *taken = arena_array(&scroll->arena, window->count + 1, sizeof *taken);
    if (taken == NULL || !grow_table(scroll, window->count)) {
        return NULL;
    }
    for (size_t i = 0; i < window->count; i++) {
        if (!prepare(scroll, &window->rows[i], &taken[i])) {
            return NULL;
        }
        *shared += taken[i].node->row.id.len > 0;
    }
    return taken;
}

/* Its pictures are asked for again when something of it is another. */
static void take(struct wa_node *node, const struct wa_row *row)
{
    bool same = str_equal(node->row.text, row->text) && node->row.deleted == row->deleted &&
                node->row.edited == row->edited && node->row.media == row->media;
    node->fetched = node->fetched && same;
    node->done = node->done && same;
    node->row = *row;
}

/* Link `node` in behind `older`; NULL: at the oldest end. */
static void link_after(struct wa_scroll *scroll, struct wa_node *older, struct wa_node *node)
{
    struct wa_node *newer = older == NULL ? scroll->oldest : older->newer;
    node->older = older;
    node->newer = newer;
    *(older == NULL ? &scroll->oldest : &older->newer) = node;
    *(newer == NULL ? &scroll->newest : &newer->older) = node;
    scroll->table[slot_of(scroll, node->id)] = node;
    scroll->count++;
}

enum wa_join wa_scroll_join(struct wa_scroll *scroll, const struct wa_window *window)
{
    struct wa_node *last = NULL; /* New rows stand behind it. */
    size_t shared = 0;
    struct arena_mark mark = arena_mark(&scroll->arena);
    size_t table_size = scroll->table_size;
    struct taken *taken = prepare_all(scroll, window, &shared);
    if (taken == NULL || (shared == 0 && scroll->count > 0)) {
        if (scroll->table_size == table_size) { /* Else the table itself lives behind the mark. */
            arena_rewind(&scroll->arena, mark);
        }
        return taken == NULL ? WA_FULL : WA_JUMPED;
    }
    for (size_t i = 0; i < window->count; i++) {
        struct wa_node *there = wa_scroll_find(scroll, taken[i].node->id);
        if (there == NULL) {
            there = taken[i].node;
            link_after(scroll, last, there);
        }
        if (taken[i].changes) {
            take(there, &taken[i].row);
        }
        last = there;
    }
    return WA_JOINED;
}
