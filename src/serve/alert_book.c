#include "serve/alert_book.h"

#include <stdio.h>
#include <string.h>

#include "store/archive.h"
#include "text/json.h"
#include "text/utf8.h"

enum { NOTE_FIRST = 512 };

static void put_text(char *out, size_t size, struct str text)
{
    struct str fitting = utf8_cut(text, size - 1);
    memcpy(out, fitting.ptr != NULL ? fitting.ptr : "", fitting.len);
    out[fitting.len] = '\0';
}

static void make_key(char out[ALERT_KEY_MAX], struct str what, struct str part, struct str name)
{
    char text[ALERT_KEY_MAX + ALERT_NAME_MAX];
    int len =
        snprintf(text, sizeof text, "%.*s/%.*s/%.*s", STR_ARG(what), STR_ARG(part), STR_ARG(name));
    size_t used = len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    put_text(out, ALERT_KEY_MAX, (struct str){text, used});
}

static struct alert *find(struct alert_book *book, const char *key)
{
    for (size_t i = 0; i < book->count; i++) {
        if (strcmp(book->items[i].key, key) == 0) {
            return &book->items[i];
        }
    }
    return NULL;
}

/* ---- Notes ---- */

static struct str news_word(enum alert_news news)
{
    return news == ALERT_OVER ? STR("over") : STR("firing");
}

static struct str write_note(const struct alert *alert, struct arena *arena)
{
    struct buf out;
    struct json_writer json;
    buf_init(&out, arena, NOTE_FIRST);
    json_writer_init(&json, &out);
    json_object_begin(&json);
    json_field_str(&json, STR("what"), str_of(alert->what));
    json_field_str(&json, STR("part"), str_of(alert->part));
    json_field_str(&json, STR("name"), str_of(alert->name));
    json_field_bool(&json, STR("failing"), alert->failing);
    json_field_int(&json, STR("since_ms"), alert->since_ms);
    json_field_int(&json, STR("gone_ms"), alert->gone_ms);
    json_field_int(&json, STR("fired_ms"), alert->fired_ms);
    json_field_bool(&json, STR("over"), alert->over);
    json_key(&json, STR("told"));
    json_array_begin(&json);
    for (size_t i = 0; i < alert->told_count; i++) {
        json_object_begin(&json);
        json_field_str(&json, STR("channel"), str_of(alert->told[i].channel));
        json_field_str(&json, STR("news"), news_word(alert->told[i].news));
        json_field_int(&json, STR("at_ms"), alert->told[i].at_ms);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    return buf_str(&out);
}

/* `alert` NULL: forgotten. */
static bool keep(const char *key, const struct alert *alert, struct store *store,
                 struct arena *arena, struct err *err)
{
    struct str note = {0};
    if (alert != NULL) {
        note = write_note(alert, arena);
        if (note.ptr == NULL) {
            return err_set(err, ERR_RETRY, "out of memory for an alert");
        }
    }
    bool ok = store_begin(store, NULL, err) &&
              store_keep_put(store, ALERTS_CONNECTOR, str_of(key), note, err) &&
              store_commit(store, err);
    store_rollback(store);
    return ok;
}

static bool read_note(struct arena *arena, const struct keep_row *row, struct alert *alert)
{
    const struct json_value *root = NULL;
    struct err ignored = {0};
    *alert = (struct alert){.since_ms = 0};
    if (!json_parse(arena, row->value, NULL, &root, &ignored) ||
        !json_int(json_get(root, STR("since_ms")), &alert->since_ms) ||
        !json_int(json_get(root, STR("gone_ms")), &alert->gone_ms) ||
        !json_int(json_get(root, STR("fired_ms")), &alert->fired_ms) ||
        !json_bool(json_get(root, STR("failing")), &alert->failing) ||
        !json_bool(json_get(root, STR("over")), &alert->over)) {
        return false;
    }
    put_text(alert->key, sizeof alert->key, row->key);
    put_text(alert->what, sizeof alert->what, json_str(json_get(root, STR("what"))));
    put_text(alert->part, sizeof alert->part, json_str(json_get(root, STR("part"))));
    put_text(alert->name, sizeof alert->name, json_str(json_get(root, STR("name"))));
    const struct json_value *list = json_get(root, STR("told"));
    for (size_t i = 0; i < json_count(list) && i < ALERT_CHANNELS_MAX; i++) {
        struct alert_told *told = &alert->told[alert->told_count++];
        const struct json_value *one = json_at(list, i);
        put_text(told->channel, sizeof told->channel, json_str(json_get(one, STR("channel"))));
        bool over = str_equal(json_str(json_get(one, STR("news"))), news_word(ALERT_OVER));
        told->news = over ? ALERT_OVER : ALERT_FIRING;
        (void)json_int(json_get(one, STR("at_ms")), &told->at_ms);
    }
    return true;
}

bool alert_book_load(struct alert_book *book, struct store *store, struct arena *arena,
                     struct err *err)
{
    struct keep_row *rows = NULL;
    size_t count = 0;
    *book = (struct alert_book){.count = 0};
    if (!store_keep_list(store, arena, ALERTS_CONNECTOR, &rows, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count && book->count < ALERTS_MAX; i++) {
        book->count += read_note(arena, &rows[i], &book->items[book->count]);
    }
    return true;
}

/* ---- Looking ---- */

static void see(struct alert_book *book, const struct health_culprit *culprit, int64_t now_ms)
{
    char key[ALERT_KEY_MAX];
    make_key(key, str_of(culprit->what), str_of(culprit->part), culprit->name);
    struct alert *alert = find(book, key);
    if (alert == NULL) {
        if (book->count == ALERTS_MAX) {
            book->dropped++;
            return;
        }
        alert = &book->items[book->count++];
        *alert = (struct alert){.since_ms = now_ms};
        memcpy(alert->key, key, sizeof key);
        put_text(alert->what, sizeof alert->what, str_of(culprit->what));
        put_text(alert->part, sizeof alert->part, str_of(culprit->part));
        put_text(alert->name, sizeof alert->name, culprit->name);
    }
    alert->seen = true;
    alert->failing = culprit->status == HEALTH_FAILING;
    put_text(alert->words, sizeof alert->words, culprit->words);
}

/* True: its note is another one now. */
static bool move_on(struct alert *alert, int64_t now_ms, int64_t settle_ms)
{
    if (alert->seen) {
        bool back = alert->gone_ms != 0 && (alert->fired_ms != 0 || alert->over);
        if (alert->gone_ms != 0 && alert->fired_ms == 0) {
            alert->since_ms = now_ms; /* It came and went: the wait begins anew. */
        }
        alert->gone_ms = 0;
        alert->over = false;
        if (alert->fired_ms == 0 && now_ms - alert->since_ms >= settle_ms) {
            alert->fired_ms = now_ms;
            return true;
        }
        return back;
    }
    bool first = alert->gone_ms == 0;
    alert->gone_ms = first ? now_ms : alert->gone_ms;
    if (alert->fired_ms != 0 && !alert->over && now_ms - alert->gone_ms >= settle_ms) {
        alert->over = true;
        return true;
    }
    return first && alert->fired_ms != 0;
}

static void forget(struct alert_book *book, size_t at)
{
    book->items[at] = book->items[--book->count];
}

bool alert_book_look(struct alert_book *book, struct store *store,
                     const struct health_culprit *culprits, size_t count, int64_t now_ms,
                     int64_t settle_ms, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < book->count; i++) {
        book->items[i].seen = false;
    }
    for (size_t i = 0; i < count; i++) {
        see(book, &culprits[i], now_ms);
    }
    for (size_t i = book->count; i-- > 0;) {
        struct alert *alert = &book->items[i];
        if (move_on(alert, now_ms, settle_ms) && !keep(alert->key, alert, store, arena, err)) {
            return false;
        }
        if (alert->fired_ms == 0 && !alert->seen) {
            forget(book, i);
        }
    }
    return true;
}

/* ---- Telling ---- */

/* Its place, or the count when it was told nothing. */
static size_t told_at(const struct alert *alert, struct str channel)
{
    size_t at = 0;
    while (at < alert->told_count && !str_equal(str_of(alert->told[at].channel), channel)) {
        at++;
    }
    return at;
}

enum alert_news alert_owed(const struct alert *alert, const struct alert_channel *channel)
{
    size_t at = told_at(alert, channel->name);
    enum alert_news last = at < alert->told_count ? alert->told[at].news : ALERT_NOTHING;
    if (alert->fired_ms == 0 || !config_alert_wants(channel, str_of(alert->what))) {
        return ALERT_NOTHING;
    }
    if (alert->over) {
        return last == ALERT_FIRING ? ALERT_OVER : ALERT_NOTHING;
    }
    return last == ALERT_FIRING ? ALERT_NOTHING : ALERT_FIRING;
}

int64_t alert_told_ms(const struct alert *alert, struct str channel)
{
    size_t at = told_at(alert, channel);
    return at < alert->told_count ? alert->told[at].at_ms : 0;
}

bool alert_book_told(struct alert *alert, struct store *store, struct str channel,
                     enum alert_news news, int64_t now_ms, struct arena *arena, struct err *err)
{
    size_t at = told_at(alert, channel);
    if (at == alert->told_count) { /* A channel that is gone makes room. */
        at = alert->told_count < ALERT_CHANNELS_MAX ? alert->told_count++ : 0;
        put_text(alert->told[at].channel, sizeof alert->told[at].channel, channel);
    }
    struct alert_told *told = &alert->told[at];
    told->news = news;
    told->at_ms = now_ms;
    return keep(alert->key, alert, store, arena, err);
}

bool alert_book_sweep(struct alert_book *book, struct store *store,
                      const struct alert_channel *channels, size_t count, struct err *err)
{
    for (size_t i = book->count; i-- > 0;) {
        const struct alert *alert = &book->items[i];
        bool owed = !alert->over;
        for (size_t j = 0; j < count && !owed; j++) {
            owed = alert_owed(alert, &channels[j]) != ALERT_NOTHING;
        }
        if (!owed) {
            if (!keep(alert->key, NULL, store, NULL, err)) {
                return false;
            }
            forget(book, i);
        }
    }
    return true;
}
