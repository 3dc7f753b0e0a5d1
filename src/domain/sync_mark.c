#include "domain/sync_mark.h"

#include <inttypes.h>

#include "base/buf.h"
#include "text/datetime.h"
#include "text/json.h"

enum { GIVE_UP_MS = 10 * 60 * 1000, NUMBERS = 4 };

static const struct str state_key = STR_INIT("mark");

struct mark {
    int64_t newest_ms; /* Of all rows that were decided. */
    int64_t asked_ms;  /* The newest when the receipt was asked for; 0: none is awaited. */
    int64_t asked_at;  /* When that was. */
    int64_t cause;     /* Archive number of the message that asked. */
    struct str row;    /* Which asked: a newer form of it takes its place, and must ask too. */
};

static bool mark_get(struct op_env *env, struct mark *out, struct err *err)
{
    struct str value = {0};
    struct str part = {0};
    int64_t numbers[NUMBERS] = {0};
    *out = (struct mark){0};
    if (!env->get(env, state_key, &value, err)) {
        return false;
    }
    if (value.ptr == NULL) {
        return true;
    }
    for (size_t i = 0; i < NUMBERS; i++) {
        if (!str_split(&value, '\n', &part) || !str_to_int64(part, &numbers[i])) {
            return err_set(err, ERR_REJECT, "sync: the state of another version cannot be read");
        }
    }
    *out = (struct mark){numbers[0], numbers[1], numbers[2], numbers[3], value};
    return true;
}

static bool mark_put(struct op_env *env, const struct mark *mark, struct err *err)
{
    struct str value = arena_printf(
        env->arena, "%" PRId64 "\n%" PRId64 "\n%" PRId64 "\n%" PRId64 "\n%.*s", mark->newest_ms,
        mark->asked_ms, mark->asked_at, mark->cause, STR_ARG(mark->row));
    return value.ptr != NULL ? env->put(env, state_key, value, err) : sync_out_of_memory(err);
}

bool sync_mark_row(const struct sync_work *work, bool *receipt, struct err *err)
{
    const struct message *message = work->message;
    struct mark mark;
    if (!mark_get(work->env, &mark, err)) {
        return false;
    }
    bool newer = message->sent_ms > mark.newest_ms;
    mark.newest_ms = newer ? message->sent_ms : mark.newest_ms;
    *receipt = mark.asked_ms == 0 || str_equal(mark.row, work->row) ||
               message->archived_ms - mark.asked_at > GIVE_UP_MS;
    if (*receipt) {
        mark = (struct mark){mark.newest_ms, mark.newest_ms, message->archived_ms, message->id,
                             work->row};
    }
    return (!newer && !*receipt) || mark_put(work->env, &mark, err);
}

bool sync_mark_receipt(const struct sync *sync, struct op_env *env, const struct message *receipt,
                       struct err *err)
{
    char seen[DATETIME_TEXT_MAX];
    char now[DATETIME_TEXT_MAX];
    struct mark mark;
    struct buf body;
    struct json_writer json;
    if (!mark_get(env, &mark, err)) {
        return false;
    }
    if (mark.asked_ms == 0 || receipt->about != mark.cause) {
        return true; /* Of a question that was given up. */
    }
    buf_init(&body, env->arena, 160);
    json_writer_init(&json, &body);
    json_object_begin(&json);
    json_key(&json, STR("set"));
    json_object_begin(&json);
    json_field_str(&json, STR("last_seen_ts"), datetime_format_iso(mark.asked_ms, seen));
    json_field_str(&json, STR("updated_at"), datetime_format_iso(receipt->archived_ms, now));
    json_object_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    struct record record = {
        .target = STR("sync_state"),
        .entity = sync->platform,
        .body = buf_str(&body),
        .receipt = mark.newest_ms > mark.asked_ms,
    };
    mark.asked_ms = record.receipt ? mark.newest_ms : 0;
    mark.asked_at = receipt->archived_ms;
    mark.cause = receipt->id;
    mark.row = STR("");
    return sync_emit(sync, env, &record, err) && mark_put(env, &mark, err);
}

static const struct column columns[] = {
    {"source", COLUMN_TEXT, true, NULL, "The platform: whatsapp."},
    {"last_seen_ts", COLUMN_TIME, false, NULL, "The newest message whose row is here, UTC."},
    {"updated_at", COLUMN_TIME, false, NULL, "When that was known, UTC."},
    {0},
};

const struct target sync_state = {.name = "sync_state", .key = "source", .columns = columns};
