#include "source/wa_enrich.h"

#include "text/datetime.h"

static struct wa_row *find(struct wa_row *rows, size_t count, struct str id)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(rows[i].id, id)) {
            return &rows[i];
        }
    }
    return NULL;
}

/* Only within the minute that the page shows, or the same minute of the hour that came again. */
static void time_add(struct wa_row *row, int64_t epoch_s)
{
    int64_t sent_ms = epoch_s * DATETIME_SECOND_MS;
    int64_t after_ms = sent_ms - row->sent_ms;
    bool second_hour = row->fold && after_ms >= DATETIME_HOUR_MS &&
                       after_ms < DATETIME_HOUR_MS + DATETIME_MINUTE_MS;
    bool same_minute = after_ms >= 0 && after_ms < DATETIME_MINUTE_MS;
    if (epoch_s > 0 && (row->sent_ms == 0 || same_minute || second_hour)) {
        row->sent_ms = sent_ms;
        row->fold = false;
    }
}

size_t wa_enrich_rows(struct wa_row *rows, size_t count, const struct json_value *found)
{
    struct json_iter iter;
    const struct json_value *one;
    size_t known = 0;
    json_iter_init(&iter, found);
    while (json_next(&iter, NULL, &one)) {
        struct wa_row *row = find(rows, count, json_str(json_get(one, STR("i"))));
        int64_t epoch_s = 0;
        int64_t outgoing = 0;
        if (row == NULL) {
            continue;
        }
        known++;
        (void)json_int(json_get(one, STR("t")), &epoch_s);
        (void)json_int(json_get(one, STR("o")), &outgoing);
        if (epoch_s < DATETIME_MAX_MS / DATETIME_SECOND_MS) {
            time_add(row, epoch_s);
        }
        if (row->kind == WA_SYSTEM) {
            continue;
        }
        if (row->direction == MESSAGE_DIRECTION_UNKNOWN) {
            row->direction = outgoing != 0 ? MESSAGE_OUTGOING : MESSAGE_INCOMING;
            row->author = outgoing != 0 ? (struct str){0} : row->author;
        }
        struct str jid = json_str(json_get(one, STR("w")));
        if (jid.len > 0 && str_find_byte(jid, '@', 0) != STR_NONE) {
            row->jid = jid;
        }
    }
    return known;
}
