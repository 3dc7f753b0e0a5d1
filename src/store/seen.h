/*
 * seen: the index that knows which ids a chat has had, and the newest row of each.
 *
 * Ids are integer keys by the time they come here (archive.c): decimal ids as they are, at or above
 * zero; all others as hashes below zero. Hashes have a row each (`seen`). Numbers of one chat lie
 * close together, so SEEN_NUMBERS of them share a row (`seen_block`): filing a batch of messages
 * then writes a twentieth of the rows. Such a row holds, in order of the numbers, 8 bytes for each
 * that was seen: 2 for its place in the block, 6 for the row of the archive, counted from `first`;
 * the high byte is the first.
 *
 * A store of an older version has rows for numbers in `seen`. They stay and are looked at.
 *
 * Nobody outside this folder includes this. All but seen_get() needs an open change.
 */
#ifndef SLUICE_STORE_SEEN_H
#define SLUICE_STORE_SEEN_H

#include "store/store.h"

enum { SEEN_NUMBERS_SHIFT = 9, SEEN_NUMBERS = 1 << SEEN_NUMBERS_SHIFT, SEEN_TOGETHER = 16 };

#define SEEN_FOUR(row)    row "," row "," row "," row
#define SEEN_SIXTEEN(row) SEEN_FOUR(SEEN_FOUR(row))

/* One message of a batch. */
struct seen_item {
    int64_t chat;
    int64_t key;
    int64_t known; /* Archive number of the row that has this id already; 0: a fresh one. */
    size_t place;  /* In the batch. */
};

/* 0 for none. */
bool seen_get(struct store *store, int64_t chat, int64_t key, int64_t *id, struct err *err);

/* A hash. Not added when its key is there, of whatever id. */
bool seen_add(struct store *store, int64_t chat, int64_t key, int64_t id, bool *added,
              struct err *err);

/* SEEN_TOGETHER hashes, as rows `base` + place; those that are known already stay as they are. */
bool seen_add_together(struct store *store, const struct seen_item *items, int64_t base,
                       size_t *added, struct err *err);

/*
 * Numbers in order of (chat, key): enter the first of `items` and those that share its block, as
 * rows `base` + place, or learn which row has them. `*done` is how many that were.
 */
bool seen_enter_numbers(struct store *store, struct seen_item *items, size_t count, int64_t base,
                        size_t *done, struct err *err);

/* The id's newest row is another one. */
bool seen_move(struct store *store, const struct seen_item *item, int64_t id, struct err *err);

#endif
