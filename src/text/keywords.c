#include "text/keywords.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "text/fold.h"
#include "text/unicode.h"
#include "text/utf8.h"

enum { FOLD_ARENA_MAX = 16 * 1024 * 1024 };

/*
 * Most places of most texts begin no word, and stepping through the table there is slow: every
 * look-up waits for the one before. So between words a filter looks for the next place where one
 * may begin: the next few bytes, hashed, are looked up in a bit map of the beginnings of all words.
 * These look-ups do not wait for each other. Very short words would let everything through.
 */
enum {
    HEAD_MIN = 3,
    HEAD_MAX = 8,
    FILTER_BITS_LOG = 16,
    FILTER_WORDS = (1 << FILTER_BITS_LOG) / 64
};

/* The head of a word is cut out of a loaded word by a shift that wants the first byte lowest. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "heads are read little endian");

/* One distinct word that can be found. */
struct word {
    uint32_t index; /* As it was given. */
    uint32_t len;   /* Bytes, folded. */
    uint32_t next;  /* The longest other word that ends where this one ends, plus 1; 0: none. */
};

/*
 * The table holds for each state and each class of bytes the offset of the next state's row. Rows
 * of states in which a word ends come last, so one comparison tells them apart: `ends_from` is the
 * first of them.
 */
struct keywords {
    uint8_t classes[256];
    uint32_t *table;
    uint32_t class_count;
    uint32_t ends_from;
    uint32_t head_len; /* Bytes that the filter looks at; 0: no filter. */
    uint64_t head_mask;
    uint64_t *filter;
    uint32_t *ends; /* By (row - ends_from) / class_count: the longest word, plus 1. */
    struct word *words;
    size_t word_count;
    size_t given_count;
    struct keywords_options options;
};

/* A trie while it is being compiled; node 0 is the root. */
struct trie {
    uint32_t *next; /* [node * class_count + class]; 0: none. */
    uint32_t *fail;
    uint32_t *word;  /* The word that is spelled here, plus 1. */
    uint32_t *order; /* Nodes by depth. */
    uint32_t *row;   /* Where a node's row will be. */
    size_t count;
    size_t room;
    size_t class_count;
};

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "keywords: out of memory");
}

static void number_classes(struct keywords *keywords, const struct str *words, size_t count)
{
    bool used[256] = {false};
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < words[i].len; at++) {
            used[(unsigned char)words[i].ptr[at]] = true;
        }
    }
    uint32_t classes = 1; /* Class 0: bytes that are in no word. */
    for (size_t byte = 0; byte < 256; byte++) {
        if (used[byte] && classes < 256) {
            keywords->classes[byte] = (uint8_t)classes++;
        }
    }
    keywords->class_count = classes;
}

static bool trie_open(struct trie *trie, size_t nodes_max, size_t class_count, struct err *err)
{
    *trie = (struct trie){.count = 1, .room = nodes_max, .class_count = class_count};
    trie->next = mem_alloc(nodes_max * class_count * sizeof *trie->next);
    trie->fail = mem_alloc(nodes_max * sizeof *trie->fail);
    trie->word = mem_alloc(nodes_max * sizeof *trie->word);
    trie->order = mem_alloc(nodes_max * sizeof *trie->order);
    trie->row = mem_alloc(nodes_max * sizeof *trie->row);
    return (trie->next != NULL && trie->fail != NULL && trie->word != NULL && trie->order != NULL &&
            trie->row != NULL) ||
           out_of_memory(err);
}

static void trie_close(struct trie *trie)
{
    mem_free(trie->next);
    mem_free(trie->fail);
    mem_free(trie->word);
    mem_free(trie->order);
    mem_free(trie->row);
}

static void trie_add(struct trie *trie, struct keywords *keywords, struct str text, size_t index)
{
    uint32_t node = 0;
    for (size_t at = 0; at < text.len; at++) {
        size_t class = keywords->classes[(unsigned char)text.ptr[at]];
        uint32_t *next = &trie->next[node * trie->class_count + class];
        if (*next == 0) {
            must(trie->count < trie->room);
            *next = (uint32_t)trie->count++;
        }
        node = *next;
    }
    if (node == 0 || trie->word[node] != 0) { /* Empty, or there already. */
        return;
    }
    keywords->words[keywords->word_count++] =
        (struct word){.index = (uint32_t)index, .len = (uint32_t)text.len};
    trie->word[node] = (uint32_t)keywords->word_count;
}

/*
 * Breadth first: a node's fallback is the longest proper end of its text that is in the trie, and
 * lies less deep. Missing steps become the fallback's, so that running never has to fall back.
 */
static void trie_link(struct trie *trie, struct keywords *keywords)
{
    size_t done = 0;
    size_t queued = 1; /* order[0] is the root. */
    while (done < queued) {
        uint32_t node = trie->order[done++];
        uint32_t fail = trie->fail[node];
        for (size_t class = 0; class < trie->class_count; class++) {
            uint32_t *next = &trie->next[node * trie->class_count + class];
            uint32_t fallback = node == 0 ? 0 : trie->next[fail * trie->class_count + class];
            if (*next == 0) {
                *next = fallback;
                continue;
            }
            trie->fail[*next] = fallback;
            trie->order[queued++] = *next;
            uint32_t inherited = trie->word[fallback];
            uint32_t *own = &trie->word[*next];
            if (*own != 0) {
                keywords->words[*own - 1].next = inherited;
            } else {
                *own = inherited;
            }
        }
    }
    must(queued == trie->count);
}

/* Rows in the order of depth, for the cache, those where words end behind all others. */
static void place_rows(struct trie *trie, struct keywords *keywords)
{
    uint32_t row = 0;
    for (int ending = 0; ending < 2; ending++) {
        if (ending == 1) {
            keywords->ends_from = row;
        }
        for (size_t i = 0; i < trie->count; i++) {
            uint32_t node = trie->order[i];
            if ((trie->word[node] != 0) == (ending == 1)) {
                trie->row[node] = row;
                row += (uint32_t)trie->class_count;
            }
        }
    }
}

static bool write_table(struct trie *trie, struct keywords *keywords, struct err *err)
{
    place_rows(trie, keywords);
    size_t classes = trie->class_count;
    size_t ending = trie->count - keywords->ends_from / classes;
    keywords->table = mem_alloc_raw(trie->count * classes * sizeof *keywords->table);
    keywords->ends = mem_alloc((ending + 1) * sizeof *keywords->ends);
    if (keywords->table == NULL || keywords->ends == NULL) {
        return out_of_memory(err);
    }
    for (size_t node = 0; node < trie->count; node++) {
        uint32_t *row = keywords->table + trie->row[node];
        for (size_t class = 0; class < classes; class++) {
            row[class] = trie->row[trie->next[node * classes + class]];
        }
        if (trie->word[node] != 0) {
            keywords->ends[(trie->row[node] - keywords->ends_from) / classes] = trie->word[node];
        }
    }
    return true;
}

static uint64_t load_head(const char *from, size_t count)
{
    uint64_t bytes = 0;
    memcpy(&bytes, from, count);
    return bytes;
}

/* Not zero when a word may begin with these bytes; `mask` takes away what is behind the head. */
static uint64_t may_begin(const uint64_t *filter, uint64_t mask, uint64_t bytes)
{
    uint64_t hash = (bytes & mask) * 0x9E3779B97F4A7C15U >> (64 - FILTER_BITS_LOG);
    return filter[hash / 64] >> (hash % 64) & 1;
}

static void add_head(uint64_t *filter, uint64_t mask, uint64_t bytes)
{
    uint64_t hash = (bytes & mask) * 0x9E3779B97F4A7C15U >> (64 - FILTER_BITS_LOG);
    filter[hash / 64] |= (uint64_t)1 << (hash % 64);
}

/* The filter is as long as the shortest word; without words of a fair length there is none. */
static bool make_filter(struct keywords *keywords, const struct str *words, size_t count,
                        struct err *err)
{
    size_t shortest = HEAD_MAX;
    for (size_t i = 0; i < count; i++) {
        if (words[i].len > 0 && words[i].len < shortest) {
            shortest = words[i].len;
        }
    }
    if (shortest < HEAD_MIN) {
        return true;
    }
    keywords->filter = mem_alloc(FILTER_WORDS * sizeof *keywords->filter);
    if (keywords->filter == NULL) {
        return out_of_memory(err);
    }
    keywords->head_len = (uint32_t)shortest;
    keywords->head_mask = UINT64_MAX >> (64 - 8 * shortest);
    for (size_t i = 0; i < count; i++) {
        if (words[i].len > 0) {
            add_head(keywords->filter, keywords->head_mask, load_head(words[i].ptr, shortest));
        }
    }
    return true;
}

static bool check_words(const struct str *words, size_t count, size_t *total, struct err *err)
{
    if (count > KEYWORDS_COUNT_MAX) {
        return err_set(err, ERR_CONFIG, "keywords: %zu words, at most %d are possible", count,
                       KEYWORDS_COUNT_MAX);
    }
    *total = 0;
    for (size_t i = 0; i < count; i++) {
        if (words[i].len > KEYWORDS_BYTES_MAX - *total) {
            return err_set(err, ERR_CONFIG, "keywords: the words have more than %d bytes",
                           KEYWORDS_BYTES_MAX);
        }
        if (!utf8_valid(words[i])) {
            return err_set(err, ERR_CONFIG, "keywords: word %zu is not UTF-8", i + 1);
        }
        *total += words[i].len;
    }
    return true;
}

static bool compile(struct keywords *keywords, const struct str *words, size_t count,
                    struct err *err)
{
    size_t nodes_max = 1;
    for (size_t i = 0; i < count; i++) {
        nodes_max += words[i].len;
    }
    number_classes(keywords, words, count);
    size_t table_size = nodes_max * keywords->class_count * sizeof(uint32_t);
    if (table_size > KEYWORDS_TABLE_MAX) {
        return err_set(err, ERR_CONFIG, "keywords: %zu words need a table of %zu bytes, at most %d",
                       count, table_size, KEYWORDS_TABLE_MAX);
    }
    struct trie trie = {.count = 0};
    bool done = trie_open(&trie, nodes_max, keywords->class_count, err);
    if (done) {
        for (size_t i = 0; i < count; i++) {
            trie_add(&trie, keywords, words[i], i);
        }
        trie_link(&trie, keywords);
        done = write_table(&trie, keywords, err) && make_filter(keywords, words, count, err);
    }
    trie_close(&trie);
    return done;
}

/* Fold the words into the arena, then compile them. */
static bool compile_folded(struct keywords *keywords, const struct str *words, size_t count,
                           struct arena *arena, struct err *err)
{
    struct str *folded = arena_array(arena, count + 1, sizeof *folded);
    if (folded == NULL) {
        return out_of_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        folded[i] = fold_text(arena, words[i], keywords->options.fold);
        if (folded[i].ptr == NULL) {
            return out_of_memory(err);
        }
    }
    return compile(keywords, folded, count, err);
}

bool keywords_open(struct keywords **keywords, const struct str *words, size_t count,
                   struct keywords_options options, struct err *err)
{
    *keywords = NULL;
    size_t total = 0;
    if (!check_words(words, count, &total, err)) {
        return false;
    }
    struct keywords *made = mem_alloc(sizeof *made);
    if (made == NULL) {
        return out_of_memory(err);
    }
    made->options = options;
    made->given_count = count;
    made->words = mem_alloc((count + 1) * sizeof *made->words);
    struct arena arena;
    arena_init(&arena, FOLD_ARENA_MAX);
    bool done = made->words != NULL || out_of_memory(err);
    done = done && (options.fold == 0 ? compile(made, words, count, err)
                                      : compile_folded(made, words, count, &arena, err));
    arena_free(&arena);
    if (!done) {
        keywords_close(made);
        return false;
    }
    *keywords = made;
    return true;
}

bool keywords_open_list(struct keywords **keywords, struct str list,
                        struct keywords_options options, struct err *err)
{
    *keywords = NULL;
    struct arena arena;
    arena_init(&arena, FOLD_ARENA_MAX);
    struct str *words = arena_array(&arena, KEYWORDS_COUNT_MAX, sizeof *words);
    if (words == NULL) {
        return out_of_memory(err);
    }
    size_t count = 0;
    struct str part;
    bool fits = true;
    while (fits && str_split(&list, ',', &part)) {
        part = str_trim(part);
        if (part.len > 0) {
            fits = count < KEYWORDS_COUNT_MAX;
            words[fits ? count++ : 0] = part;
        }
    }
    bool done = fits ? keywords_open(keywords, words, count, options, err)
                     : err_set(err, ERR_CONFIG, "keywords: more than %d words", KEYWORDS_COUNT_MAX);
    arena_free(&arena);
    return done;
}

void keywords_close(struct keywords *keywords)
{
    if (keywords == NULL) {
        return;
    }
    mem_free(keywords->table);
    mem_free(keywords->ends);
    mem_free(keywords->filter);
    mem_free(keywords->words);
    mem_free(keywords);
}

size_t keywords_count(const struct keywords *keywords)
{
    return keywords->given_count;
}

/* The same near the end of a text, where eight bytes are not left. */
static size_t skip_tail(const struct keywords *keywords, struct str text, size_t at)
{
    size_t start = text.len >= HEAD_MAX ? text.len - HEAD_MAX : 0;
    uint64_t bytes = load_head(text.ptr + start, text.len - start) >> (8 * (at - start));
    for (; text.len - at >= keywords->head_len; at++, bytes >>= 8) {
        if (may_begin(keywords->filter, keywords->head_mask, bytes) != 0) {
            return at;
        }
    }
    return text.len;
}

/* The next place where a word may begin; the text's length when there is none. */
static size_t skip(const struct keywords *keywords, struct str text, size_t at)
{
    enum { STRIDE = 4 };
    const uint64_t *filter = keywords->filter;
    uint64_t mask = keywords->head_mask;
    for (; text.len - at >= HEAD_MAX + STRIDE; at += STRIDE) {
        const char *from = text.ptr + at;
        uint64_t any = 0;
        for (size_t i = 0; i < STRIDE; i++) {
            any |= may_begin(filter, mask, load_head(from + i, HEAD_MAX));
        }
        if (any != 0) {
            break;
        }
    }
    for (; text.len - at > HEAD_MAX; at++) {
        if (may_begin(filter, mask, load_head(text.ptr + at, HEAD_MAX)) != 0) {
            return at;
        }
    }
    return skip_tail(keywords, text, at);
}

/* Run on from `state` to the next place where a word ends; the text's length when there is none. */
static size_t run(const struct keywords *keywords, struct str text, size_t at, uint32_t *state)
{
    const unsigned char *bytes = (const unsigned char *)text.ptr;
    uint32_t ends_from = keywords->ends_from;
    bool filtered = keywords->head_len > 0;
    uint32_t row = *state;
    while (at < text.len) {
        if (row == 0 && filtered) { /* The root: no word has begun. */
            at = skip(keywords, text, at);
            if (at == text.len) {
                break;
            }
        }
        const uint32_t *column = keywords->table + keywords->classes[bytes[at]];
        row = column[row];
        at++;
        if (row >= ends_from) {
            break;
        }
    }
    *state = row;
    return at;
}

static bool is_whole(struct str text, size_t from, size_t to)
{
    uint32_t before = 0;
    uint32_t behind = 0;
    bool joined_before = utf8_previous(text, from, &before) > 0 && unicode_is_word(before);
    bool joined_behind = utf8_next(text, to, &behind) > 0 && unicode_is_word(behind);
    return !joined_before && !joined_behind;
}

/* The next hit in the text that is scanned, as offsets into it. */
static bool next_end(struct keywords_scan *scan, const struct word **word)
{
    const struct keywords *keywords = scan->keywords;
    for (;;) {
        while (scan->output != 0) {
            *word = &keywords->words[scan->output - 1];
            scan->output = (*word)->next;
            size_t from = scan->at - (*word)->len;
            if (!keywords->options.whole_word || is_whole(scan->text, from, scan->at)) {
                return true;
            }
        }
        if (scan->at >= scan->text.len) {
            return false;
        }
        scan->at = run(keywords, scan->text, scan->at, &scan->state);
        if (scan->state >= keywords->ends_from) {
            scan->output =
                keywords->ends[(scan->state - keywords->ends_from) / keywords->class_count];
        }
    }
}

static bool arena_is_full(size_t len, struct err *err)
{
    return err_set(err, ERR_RETRY, "keywords: no memory to fold a text of %zu bytes", len);
}

bool keywords_find(const struct keywords *keywords, struct arena *arena, struct str text,
                   struct keywords_hit *hit, struct err *err)
{
    struct keywords_scan scan = {.keywords = keywords, .original = text, .text = text};
    const struct word *word = NULL;
    hit->found = false;
    if (keywords->options.fold != 0) {
        scan.text = fold_text(arena, text, keywords->options.fold);
        if (scan.text.ptr == NULL) {
            return arena_is_full(text.len, err);
        }
    }
    if (!next_end(&scan, &word)) {
        return true;
    }
    size_t from = scan.at - word->len;
    *hit = (struct keywords_hit){.found = true, .word = word->index};
    hit->where = str_slice(text, from, scan.at);
    if (keywords->options.fold != 0 && scan.text.ptr != text.ptr) {
        struct folded folded; /* Where it stood is asked for hits only, which are the fewer. */
        if (!fold_map(arena, text, keywords->options.fold, &folded)) {
            return arena_is_full(text.len, err);
        }
        hit->where = fold_origin(&folded, text, from, scan.at);
    }
    return true;
}

bool keywords_scan_start(struct keywords_scan *scan, const struct keywords *keywords,
                         struct arena *arena, struct str text, struct err *err)
{
    *scan = (struct keywords_scan){.keywords = keywords, .original = text, .text = text};
    if (keywords->options.fold == 0) {
        return true;
    }
    struct folded folded;
    if (!fold_map(arena, text, keywords->options.fold, &folded)) {
        return arena_is_full(text.len, err);
    }
    scan->text = folded.text;
    scan->origins = folded.origins;
    return true;
}

bool keywords_scan_next(struct keywords_scan *scan, struct keywords_hit *hit)
{
    const struct word *word = NULL;
    *hit = (struct keywords_hit){.found = next_end(scan, &word)};
    if (!hit->found) {
        return false;
    }
    size_t from = scan->at - word->len;
    hit->word = word->index;
    if (scan->origins == NULL) {
        hit->where = str_slice(scan->text, from, scan->at);
    } else {
        struct folded folded = {.text = scan->text, .origins = scan->origins};
        hit->where = fold_origin(&folded, scan->original, from, scan->at);
    }
    return true;
}
