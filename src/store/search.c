#include "store/search.h"

#include "base/buf.h"
#include "store/archive.h"
#include "store/internal.h"
#include "text/fold.h"
#include "text/utf8.h"

enum {
    QUERY_BYTES_MAX = 4096,
    QUERY_WORDS_MAX = 32,
    SCAN_MAX = 50000, /* Candidates looked at for one search. */
    FLAG_KIND_MASK = 15,
    FLAG_DELETED = 1 << 8,
};

/* Everything up to here is indexed. */
static const char search_upto[] = "search_upto";

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "search: a text is too large for the step's memory");
}

static bool index_one(struct store *store, struct arena *arena, int64_t id, struct str text,
                      struct err *err)
{
    struct arena_mark mark = arena_mark(arena);
    struct str folded = fold_text(arena, text, FOLD_SEARCH);
    if (folded.ptr == NULL) {
        return out_of_memory(err);
    }
    struct query *query = store_query(store, "INSERT INTO search(rowid, text) VALUES(?1, ?2)", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, id);
    query_bind_text(query, 2, folded);
    bool ok = store_run(store, query, err);
    arena_rewind(arena, mark);
    return ok;
}

static bool index_rows(struct store *store, struct arena *arena, int64_t *upto, size_t limit,
                       size_t *seen, struct err *err)
{
    struct query *query = store_query(
        store, "SELECT id, flags, text FROM archive WHERE id > ?1 ORDER BY id LIMIT ?2", err);
    if (query == NULL) {
        return false;
    }
    query_bind_int(query, 1, *upto);
    query_bind_int(query, 2, (int64_t)limit);
    for (;;) {
        bool row = false;
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        int64_t flags = query_int(query, 1);
        struct str text = query_text(query, 2);
        bool wanted = (flags & FLAG_KIND_MASK) == MESSAGE_CHAT && (flags & FLAG_DELETED) == 0;
        (*seen)++;
        *upto = query_int(query, 0);
        if (wanted && text.len > 0 && !index_one(store, arena, *upto, text, err)) {
            query_end(query);
            return false;
        }
    }
}

bool store_search_fill(struct store *store, struct arena *arena, size_t limit, bool *more,
                       struct err *err)
{
    int64_t upto = 0;
    size_t seen = 0;
    *more = false;
    if (limit == 0 || limit > SEARCH_STEP_MAX) {
        limit = SEARCH_STEP_MAX;
    }
    if (!store_begin(store, NULL, err)) {
        return false;
    }
    bool ok = store_meta_get(store, search_upto, 0, &upto, err) &&
              index_rows(store, arena, &upto, limit, &seen, err) &&
              (seen == 0 || store_meta_put(store, search_upto, upto, err));
    if (ok && seen > 0) {
        ok = store_commit(store, err);
    }
    store_rollback(store); /* Nothing is open any more, or nothing was written. */
    *more = ok && seen == limit;
    return ok;
}

static bool is_space(char letter)
{
    return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r' || letter == '\f' ||
           letter == '\v' || (unsigned char)letter < 0x20;
}

/* The next word or quoted words of what a person typed; false at the end. */
static bool next_word(struct str typed, size_t *at, struct str *word, bool *prefix)
{
    while (*at < typed.len && is_space(typed.ptr[*at])) {
        (*at)++;
    }
    if (*at >= typed.len) {
        return false;
    }
    bool quoted = typed.ptr[*at] == '"';
    size_t from = *at + quoted;
    size_t to = from;
    while (to < typed.len && (quoted ? typed.ptr[to] != '"' : !is_space(typed.ptr[to]))) {
        to++;
    }
    *at = to + (quoted && to < typed.len);
    *prefix = false;
    if (quoted && *at < typed.len && typed.ptr[*at] == '*') {
        *prefix = true;
        (*at)++;
    } else if (!quoted && typed.ptr[to - 1] == '*') {
        *prefix = true;
        to--;
    }
    *word = str_slice(typed, from, to);
    return true;
}

/* Each word becomes a string of the index's language, in which nothing has a meaning. */
static struct str write_match(struct arena *arena, struct str typed)
{
    struct buf match;
    struct str word;
    bool prefix = false;
    size_t at = 0;
    buf_init(&match, arena, typed.len * 2 + QUERY_WORDS_MAX);
    for (int words = 0; words < QUERY_WORDS_MAX && next_word(typed, &at, &word, &prefix); words++) {
        if (word.len == 0) {
            continue;
        }
        buf_add_byte(&match, '"');
        for (size_t i = 0; i < word.len; i++) {
            char letter = word.ptr[i];
            bool plain = letter != '"' && !is_space(letter);
            buf_add_byte(&match, plain ? letter : ' ');
        }
        buf_add(&match, prefix ? STR("\"* ") : STR("\" "));
    }
    return buf_str(&match);
}

/* Is this row what its message says now? */
static bool is_latest(struct store *store, struct arena *arena, int64_t id, bool *latest,
                      struct err *err)
{
    struct arena_mark mark = arena_mark(arena);
    struct message hit;
    struct message now = {0};
    *latest = false;
    bool ok = store_archive_get(store, arena, id, &hit, err);
    if (ok && hit.id != 0) {
        ok = store_archive_find(store, arena, hit.source, hit.chat, hit.external_id, &now, err);
        *latest = ok && now.id == id;
    }
    arena_rewind(arena, mark);
    return ok;
}

static bool collect(struct store *store, struct arena *arena, struct str match, size_t limit,
                    int64_t *ids, size_t *count, struct err *err)
{
    struct query *query = store_query(
        store, "SELECT rowid FROM search WHERE search MATCH ?1 ORDER BY rowid DESC", err);
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, match);
    for (int scanned = 0; scanned < SCAN_MAX && *count < limit; scanned++) {
        bool row = false;
        bool latest = false;
        if (!store_step(store, query, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        int64_t id = query_int(query, 0);
        if (!is_latest(store, arena, id, &latest, err)) {
            query_end(query);
            return false;
        }
        if (latest) {
            ids[(*count)++] = id;
        }
    }
    query_end(query);
    return true;
}

bool store_search_match(struct arena *arena, struct str typed, struct str *match)
{
    size_t replaced = 0;
    *match = (struct str){0};
    if (typed.len == 0) {
        return true;
    }
    struct str clean = utf8_clean(arena, utf8_cut(typed, QUERY_BYTES_MAX), &replaced);
    clean = clean.ptr != NULL ? fold_text(arena, clean, FOLD_SEARCH) : clean;
    if (clean.ptr == NULL) {
        return false;
    }
    *match = write_match(arena, clean);
    return match->ptr != NULL;
}

bool store_search(struct store *store, struct arena *arena, struct str query, size_t limit,
                  int64_t *ids, size_t *count, struct err *err)
{
    struct str match = {0};
    *count = 0;
    if (!store_search_match(arena, query, &match)) {
        return out_of_memory(err);
    }
    if (match.len == 0) {
        return true;
    }
    return collect(store, arena, match, limit < SEARCH_HITS_MAX ? limit : SEARCH_HITS_MAX, ids,
                   count, err);
}
