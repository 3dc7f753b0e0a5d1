#include "serve/tokens.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "crypto/encode.h"
#include "serve/guesses.h"
#include "store/archive.h"
#include "text/json.h"

enum { ARENA_MAX = 4 * 1024 * 1024, NOTE_FIRST = 256 };

#define TOKENS_PREFIX STR("slc_")

static const struct {
    struct str word;
    unsigned bit;
} scope_words[] = {
    {STR_INIT("read"), TOKEN_READ},   {STR_INIT("people"), TOKEN_PEOPLE},
    {STR_INIT("run"), TOKEN_RUN},     {STR_INIT("metrics"), TOKEN_METRICS},
    {STR_INIT("admin"), TOKEN_ADMIN},
};
enum { SCOPE_WORDS = sizeof scope_words / sizeof scope_words[0] };

/* ---- Scopes and names ---- */

bool token_scopes_parse(struct str text, unsigned *scopes, struct str *wrong)
{
    struct str rest = text;
    struct str word;
    *scopes = 0;
    while (str_split(&rest, ',', &word)) {
        unsigned bit = 0;
        word = str_trim(word);
        for (size_t i = 0; i < SCOPE_WORDS; i++) {
            bit = str_equal(scope_words[i].word, word) ? scope_words[i].bit : bit;
        }
        if (bit == 0) {
            *wrong = word;
            return false;
        }
        *scopes |= bit;
    }
    return *scopes != 0;
}

struct str token_scopes_text(unsigned scopes, char out[TOKENS_SCOPES_TEXT_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < SCOPE_WORDS; i++) {
        struct str word = scope_words[i].word;
        if ((scopes & scope_words[i].bit) != 0 && len + word.len + 2 < TOKENS_SCOPES_TEXT_MAX) {
            if (len > 0) {
                out[len++] = ',';
            }
            memcpy(out + len, word.ptr, word.len);
            len += word.len;
        }
    }
    out[len] = '\0';
    return (struct str){out, len};
}

bool token_allows(unsigned held, unsigned needed)
{
    if ((held & TOKEN_ADMIN) != 0) {
        held |= TOKEN_READ | TOKEN_RUN | TOKEN_METRICS;
    }
    if ((held & TOKEN_PEOPLE) != 0) {
        held |= TOKEN_READ;
    }
    return (held & needed) != 0;
}

bool token_name_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.') {
            return false;
        }
    }
    return name.len > 0 && name.len <= TOKENS_NAME_MAX;
}

/* ---- Kept in the store ---- */

static void digest_token(struct str text, char out[DIGEST_SHA256_SIZE])
{
    char value[DIGEST_SIZE_MAX];
    (void)digest_of(DIGEST_SHA256, text, value);
    memcpy(out, value, DIGEST_SHA256_SIZE);
}

void token_new(struct token_row *row, char text[TOKENS_TEXT_SIZE])
{
    struct str prefix = TOKENS_PREFIX;
    memcpy(text, prefix.ptr, prefix.len);
    (void)token_make(text + prefix.len);
    digest_token((struct str){text, TOKENS_TEXT_SIZE - 1}, row->digest);
}

static bool read_row(struct arena *arena, const struct keep_row *note, struct token_row *row)
{
    const struct json_value *root = NULL;
    struct err ignored = {0};
    struct str digest = {0};
    struct str wrong = {0};
    *row = (struct token_row){.name = note->key};
    if (!token_name_valid(note->key) || !json_parse(arena, note->value, NULL, &root, &ignored) ||
        !encode_from_hex(arena, json_str(json_get(root, STR("sha256"))), &digest, &ignored) ||
        digest.len != sizeof row->digest ||
        !token_scopes_parse(json_str(json_get(root, STR("scopes"))), &row->scopes, &wrong) ||
        !json_int(json_get(root, STR("made_ms")), &row->made_ms) ||
        !json_int(json_get(root, STR("expires_ms")), &row->expires_ms)) {
        return false;
    }
    memcpy(row->digest, digest.ptr, digest.len);
    return true;
}

bool token_rows(struct store *store, struct arena *arena, struct token_row **rows, size_t *count,
                struct err *err)
{
    struct keep_row *notes = NULL;
    size_t found = 0;
    *count = 0;
    *rows = arena_array(arena, TOKENS_MAX, sizeof **rows);
    if (*rows == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for tokens");
    }
    if (!store_keep_list(store, arena, TOKENS_CONNECTOR, &notes, &found, err)) {
        return false;
    }
    for (size_t i = 0; i < found && *count < TOKENS_MAX; i++) {
        *count += read_row(arena, &notes[i], &(*rows)[*count]);
    }
    return true;
}

bool token_row_add(struct store *store, struct arena *arena, const struct token_row *row,
                   struct err *err)
{
    char scopes[TOKENS_SCOPES_TEXT_MAX];
    char hex[2 * DIGEST_SHA256_SIZE];
    struct keep_row *notes = NULL;
    size_t count = 0;
    struct buf note;
    struct json_writer json;
    if (!store_keep_list(store, arena, TOKENS_CONNECTOR, &notes, &count, err)) {
        return false;
    }
    if (count >= TOKENS_MAX) {
        return err_set(err, ERR_REJECT, "there are %d tokens already; remove one first",
                       TOKENS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (str_equal(notes[i].key, row->name)) {
            return err_set(err, ERR_REJECT,
                           "there is a token '%.*s' already; remove it first, or choose another "
                           "name",
                           STR_ARG(row->name));
        }
    }
    encode_hex_into((struct str){row->digest, sizeof row->digest}, hex);
    buf_init(&note, arena, NOTE_FIRST);
    json_writer_init(&json, &note);
    json_object_begin(&json);
    json_field_str(&json, STR("sha256"), (struct str){hex, sizeof hex});
    json_field_str(&json, STR("scopes"), token_scopes_text(row->scopes, scopes));
    json_field_int(&json, STR("made_ms"), row->made_ms);
    json_field_int(&json, STR("expires_ms"), row->expires_ms);
    json_object_end(&json);
    struct str text = buf_str(&note);
    return text.ptr != NULL ? store_keep_put(store, TOKENS_CONNECTOR, row->name, text, err)
                            : err_set(err, ERR_RETRY, "out of memory for a token");
}

bool token_row_remove(struct store *store, struct arena *arena, struct str name, bool *found,
                      struct err *err)
{
    struct str note = {0};
    if (!store_keep_get(store, arena, TOKENS_CONNECTOR, name, &note, err)) {
        return false;
    }
    *found = note.ptr != NULL;
    return !*found || store_keep_put(store, TOKENS_CONNECTOR, name, (struct str){0}, err);
}

/* ---- Of a serving process ---- */

struct known {
    struct token_holder holder;
    int64_t expires_ms;
    char digest[DIGEST_SHA256_SIZE];
};

struct tokens {
    struct store *store; /* Of the thread. */
    struct clock *clock;
    struct thread thread;
    struct arena arena;
    bool troubled;
    struct lock lock; /* Of all below. */
    struct signal woken;
    bool stop;
    struct known known[TOKENS_MAX];
    size_t count;
    int64_t looked_ms; /* Monotonic: when the store was read well last. */
    struct guesses guesses;
};

static bool load(struct tokens *tokens, struct err *err)
{
    struct token_row *rows = NULL;
    size_t count = 0;
    arena_reset(&tokens->arena);
    if (!token_rows(tokens->store, &tokens->arena, &rows, &count, err)) {
        return false;
    }
    lock_take(&tokens->lock);
    for (size_t i = 0; i < count; i++) {
        struct known *one = &tokens->known[i];
        *one =
            (struct known){.expires_ms = rows[i].expires_ms, .holder = {.scopes = rows[i].scopes}};
        memcpy(one->holder.name, rows[i].name.ptr, rows[i].name.len);
        memcpy(one->digest, rows[i].digest, sizeof one->digest);
    }
    tokens->count = count;
    lock_give(&tokens->lock);
    return true;
}

static void look(struct tokens *tokens)
{
    struct err err = {0};
    bool changed = false;
    bool ok = store_changed(tokens->store, &changed, &err) &&
              (!(changed || tokens->troubled) || load(tokens, &err));
    if (ok) {
        lock_take(&tokens->lock);
        tokens->looked_ms = clock_mono_ms(tokens->clock);
        lock_give(&tokens->lock);
    } else if (!tokens->troubled) {
        log_warn("http: the tokens cannot be read: %s", err.text);
    }
    tokens->troubled = !ok;
}

static void *run(void *argument)
{
    struct tokens *tokens = argument;
    lock_take(&tokens->lock);
    while (!tokens->stop) {
        lock_give(&tokens->lock);
        look(tokens);
        lock_take(&tokens->lock);
        if (!tokens->stop) {
            (void)signal_wait(&tokens->woken, &tokens->lock,
                              clock_mono_ms(tokens->clock) + TOKENS_LOOK_MS);
        }
    }
    lock_give(&tokens->lock);
    store_leave_thread();
    return NULL;
}

bool tokens_start(struct tokens **out, struct store *store, struct err *err)
{
    uint64_t seed = 0;
    bool changed = false;
    struct tokens *tokens = mem_alloc(sizeof *tokens);
    if (tokens == NULL) {
        store_close(store);
        return err_set(err, ERR_RETRY, "out of memory");
    }
    token_random(&seed, sizeof seed);
    tokens->store = store;
    tokens->clock = clock_system();
    lock_init(&tokens->lock);
    signal_init(&tokens->woken);
    arena_init(&tokens->arena, ARENA_MAX);
    guesses_init(&tokens->guesses, seed);
    tokens->looked_ms = clock_mono_ms(tokens->clock);
    if (!store_changed(store, &changed, err) || !load(tokens, err) ||
        !thread_start(&tokens->thread, run, tokens, false, err)) {
        arena_free(&tokens->arena);
        store_close(store);
        mem_free(tokens);
        return false;
    }
    *out = tokens;
    return true;
}

void tokens_stop(struct tokens *tokens)
{
    if (tokens == NULL) {
        return;
    }
    lock_take(&tokens->lock);
    tokens->stop = true;
    signal_all(&tokens->woken);
    lock_give(&tokens->lock);
    thread_join(&tokens->thread);
    store_close(tokens->store);
    arena_free(&tokens->arena);
    mem_free(tokens);
}

/* "Bearer slc_…", the word in any case; absent when it is something else. */
static struct str bearer(struct str authorization)
{
    struct str word = STR("Bearer ");
    if (!str_equal_ascii_case(str_slice(authorization, 0, word.len), word)) {
        return (struct str){0};
    }
    struct str text = str_trim(str_slice(authorization, word.len, authorization.len));
    return text.len == TOKENS_TEXT_SIZE - 1 ? text : (struct str){0};
}

/* All are compared, each in the same time, whichever it is. */
static const struct known *find(const struct tokens *tokens, struct str text)
{
    const struct known *found = NULL;
    char digest[DIGEST_SHA256_SIZE];
    digest_token(text, digest);
    for (size_t i = 0; i < tokens->count; i++) {
        const struct known *one = &tokens->known[i];
        if (token_equal((struct str){digest, sizeof digest},
                        (struct str){one->digest, sizeof one->digest})) {
            found = one;
        }
    }
    return found;
}

enum tokens_verdict tokens_check(struct tokens *tokens, struct str authorization,
                                 struct str address, struct token_holder *holder)
{
    int64_t now_ms = clock_mono_ms(tokens->clock);
    int64_t wall_ms = clock_wall_ms(tokens->clock);
    struct str text = bearer(authorization);
    int64_t guesses = 0;
    lock_take(&tokens->lock);
    bool blind = now_ms - tokens->looked_ms > TOKENS_BLIND_MS;
    const struct known *known = blind || text.ptr == NULL ? NULL : find(tokens, text);
    bool good = known != NULL && (known->expires_ms == 0 || wall_ms < known->expires_ms);
    if (good) {
        *holder = known->holder;
    } else if (!blind) {
        guesses = guesses_note(&tokens->guesses, address, now_ms);
    }
    lock_give(&tokens->lock);
    if (guesses == GUESSES_FREE + 1) { /* Once for each window. */
        log_warn("http: %d wrong tokens from %.*s within a minute; more are answered with 429",
                 GUESSES_FREE, STR_ARG(address));
    }
    return blind                    ? TOKENS_BLIND
           : good                   ? TOKENS_GOOD
           : guesses > GUESSES_FREE ? TOKENS_TOO_MANY
                                    : TOKENS_WRONG;
}

int64_t tokens_refused(struct tokens *tokens)
{
    lock_take(&tokens->lock);
    int64_t total = tokens->guesses.total;
    lock_give(&tokens->lock);
    return total;
}
