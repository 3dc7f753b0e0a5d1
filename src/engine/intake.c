/*
 * The intake worker: one source, looked at again and again.
 *
 * It looks when its source says that something changed, when the poll interval is over, or when a
 * run asks for it; and then goes on, batch by batch, until nothing is left. Such a look is a sweep,
 * and the conductor is told of its end.
 */
#include <string.h>

#include "base/log.h"
#include "engine/worker.h"
#include "store/archive.h"
#include "store/blobs.h"
#include "store/meter.h"
#include "store/progress.h"
#include "store/reference.h"
#include "store/run.h"
#include "text/json.h"

enum {
    FETCH_MS = 60 * 1000,
    POLL_MS = 15 * 1000,
    TELL_MS = 60 * 1000, /* How often the store hears of a look that found nothing. */
    RANGE_ARENA = 16 * 1024 * 1024,
    GIVE_UP_FAILURES = 3, /* Then it is noted, and runs that wait for this source go on. */
};

static bool listens(const struct plan_pipeline *pipeline, const struct worker *worker)
{
    const char *const *name = op_references(pipeline->op);
    for (; worker->source->reference.len > 0 && name != NULL && *name != NULL; name++) {
        if (str_equal(str_of(*name), worker->source->reference)) {
            return true;
        }
    }
    for (size_t i = 0; i < pipeline->chat_count; i++) {
        if (str_equal(pipeline->chats[i].source, worker->source->name)) {
            return true;
        }
    }
    return false;
}

/* The newest run that waits for this source. */
static bool wanting_run(struct worker *worker, int64_t *run, struct err *err)
{
    *run = 0;
    for (size_t i = 0; i < worker->plan->pipeline_count; i++) {
        const struct plan_pipeline *pipeline = &worker->plan->pipelines[i];
        int64_t id = 0;
        if (!listens(pipeline, worker)) {
            continue;
        }
        if (!store_run_wanting(worker->store, pipeline->name, &id, err)) {
            return false;
        }
        *run = id > *run ? id : *run;
    }
    return true;
}

/*
 * A run for a range of dates reads its sources again from the beginning of the range, beside their
 * cursors, and then past these as ever. So nothing is skipped, and what was archived before is a
 * repeat. A crash begins the range anew.
 */
static struct str range_cursor(const struct range *range, struct str chat)
{
    for (size_t i = 0; i < range->chat_count; i++) {
        if (str_equal(range->chats[i].chat, chat)) {
            return range->chats[i].cursor;
        }
    }
    return (struct str){0};
}

static void range_end(struct range *range)
{
    range->reading = false;
    range->chats = NULL;
    range->chat_count = 0;
    arena_free(&range->arenas[0]);
    arena_free(&range->arenas[1]);
}

/* Where the next look of the range begins. */
static bool range_keep(struct range *range, const struct batch *batch, struct err *err)
{
    struct arena *arena = &range->arenas[range->turn ^= 1];
    arena_reset(arena);
    struct chat_cursor *chats = arena_array(arena, batch->chat_count + 1, sizeof *chats);
    bool ok = chats != NULL;
    for (size_t i = 0; ok && i < batch->chat_count; i++) {
        const struct chat_cursor *chat = &batch->chats[i];
        struct str cursor = chat->next.ptr != NULL ? chat->next : chat->cursor;
        chats[i].chat = arena_copy(arena, chat->chat);
        chats[i].cursor = cursor.ptr != NULL ? arena_copy(arena, cursor) : cursor;
        ok = chats[i].chat.ptr != NULL && (cursor.ptr == NULL || chats[i].cursor.ptr != NULL);
    }
    range->chats = chats;
    range->chat_count = ok ? batch->chat_count : 0;
    return ok || err_set(err, ERR_RETRY, "out of memory for the chats of a range");
}

static bool concerns(const struct worker *worker, struct str source)
{
    return source.len == 0 || str_equal(source, worker->source->name);
}

/* One chat, as long as all that ask want the same one. */
static void narrow(struct range *range, bool first, struct str chat)
{
    bool same = first || str_equal(str_of(range->chat), chat);
    size_t len = same && chat.len < sizeof range->chat ? chat.len : 0;
    if (len > 0) {
        memcpy(range->chat, chat.ptr, len);
    }
    range->chat[len] = '\0';
}

/* Does one of the runs up to `last` ask for a range? The widest holds for all of them. */
static bool range_find(struct worker *worker, int64_t last, struct err *err)
{
    struct range *range = &worker->intake.range;
    struct run *runs = NULL;
    size_t count = 0;
    range_end(range);
    if (!store_run_active(worker->store, &worker->arena, &runs, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct json_value *root = NULL;
        struct err ignored = {0};
        int64_t since_ms = 0;
        int64_t until_ms = 0;
        bool wanted = runs[i].id <= last && runs[i].phase == RUN_INTAKE && runs[i].detail.len > 0;
        for (size_t j = 0; wanted && j < worker->plan->pipeline_count; j++) {
            const struct plan_pipeline *pipeline = &worker->plan->pipelines[j];
            if (!str_equal(pipeline->name, runs[i].pipeline) || !listens(pipeline, worker) ||
                !json_parse(&worker->arena, runs[i].detail, NULL, &root, &ignored) ||
                !json_int(json_get(root, STR("since_ms")), &since_ms) ||
                !concerns(worker, json_str(json_get(root, STR("source"))))) {
                continue;
            }
            (void)json_int(json_get(root, STR("until_ms")), &until_ms);
            bool first = !range->reading;
            narrow(range, first, json_str(json_get(root, STR("chat"))));
            range->since_ms = first || since_ms < range->since_ms ? since_ms : range->since_ms;
            range->until_ms = first                                   ? until_ms
                              : range->until_ms == 0 || until_ms == 0 ? 0
                              : until_ms > range->until_ms            ? until_ms
                                                                      : range->until_ms;
            range->reading = true;
        }
    }
    arena_init(&range->arenas[0], RANGE_ARENA);
    arena_init(&range->arenas[1], RANGE_ARENA);
    return true;
}

static bool add_chat(struct worker *worker, struct chat_cursor *chats, size_t *count,
                     struct str chat, struct err *err)
{
    for (size_t i = 0; i < *count; i++) {
        if (str_equal(chats[i].chat, chat)) {
            return true;
        }
    }
    chats[*count].chat = chat;
    if (worker->intake.range.reading) {
        chats[*count].cursor = range_cursor(&worker->intake.range, chat);
        *count += 1;
        return true;
    }
    if (!store_cursor_get(worker->store, &worker->arena, worker->source->name, chat,
                          &chats[*count].cursor, err)) {
        return false;
    }
    *count += 1;
    return true;
}

/* Of the chats that are listened to, the one that a range is for. */
static bool collect_one(struct worker *worker, struct chat_cursor *chats, size_t *count,
                        struct err *err)
{
    struct str only = str_of(worker->intake.range.chat);
    bool wanted = false;
    for (size_t i = 0; i < *count; i++) {
        wanted = wanted || chats[i].chat.len == 0 || str_equal(chats[i].chat, only);
    }
    *count = 0;
    return !wanted || add_chat(worker, chats, count, only, err);
}

/* The chats that pipelines listen to, each once; "all of them" swallows the others. */
static bool collect_chats(struct worker *worker, struct chat_cursor **out, size_t *count,
                          struct err *err)
{
    size_t room = 1;
    bool all = false;
    for (size_t i = 0; i < worker->plan->pipeline_count; i++) {
        room += worker->plan->pipelines[i].chat_count;
    }
    struct chat_cursor *chats = arena_array(&worker->arena, room, sizeof *chats);
    *count = 0;
    *out = chats;
    if (chats == NULL) {
        return err_set(err, ERR_RETRY, "out of step memory for %zu chats", room);
    }
    if (worker->source->reference.len > 0) {
        return add_chat(worker, chats, count, STR(""), err);
    }
    for (size_t i = 0; i < worker->plan->pipeline_count && !all; i++) {
        const struct plan_pipeline *pipeline = &worker->plan->pipelines[i];
        for (size_t j = 0; j < pipeline->chat_count && !all; j++) {
            const struct plan_chat *chat = &pipeline->chats[j];
            if (!str_equal(chat->source, worker->source->name)) {
                continue;
            }
            all = chat->chat.len == 0;
            *count = all ? 0 : *count;
            if (!add_chat(worker, chats, count, all ? STR("") : chat->chat, err)) {
                return false;
            }
        }
    }
    bool one = worker->intake.range.reading && worker->intake.range.chat[0] != '\0';
    return !one || collect_one(worker, chats, count, err);
}

static bool is_sound(const struct message *message)
{
    return message->external_id.len > 0 && message->external_id.len <= MESSAGE_ID_MAX &&
           message->chat.len <= MESSAGE_NAME_MAX && message->sender.len <= MESSAGE_NAME_MAX;
}

/* What a source may not deliver is refused here, counted and listed, and the rest goes on. */
static void keep_sound(struct worker *worker, struct batch *batch)
{
    size_t kept = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct message *message = &batch->messages[i];
        if (!is_sound(message)) {
            batch_refuse(batch, str_slice(message->chat, 0, MESSAGE_NAME_MAX),
                         str_slice(message->external_id, 0, MESSAGE_ID_MAX),
                         "its id is empty, or its id, chat or sender is longer than 512 bytes");
            continue;
        }
        message->source = worker->source->name;
        batch->messages[kept++] = *message;
    }
    batch->count = kept;
}

/* Written before the change that refers to them; `names` gets their digests. */
static bool write_blobs(struct worker *worker, const struct batch *batch, char (**names)[65],
                        struct err *err)
{
    if (batch->blob_count == 0 || worker->shadowed) {
        return true;
    }
    struct str folder = worker->plan->files_dir.ptr != NULL
                            ? worker->plan->files_dir
                            : arena_printf(&worker->arena, "%.*s/files", STR_ARG(worker->data_dir));
    *names = arena_array(&worker->arena, batch->blob_count, sizeof **names);
    if (folder.ptr == NULL || *names == NULL) {
        return err_set(err, ERR_RETRY, "out of step memory for %zu attachments", batch->blob_count);
    }
    for (size_t i = 0; i < batch->blob_count; i++) {
        const struct blob *blob = &batch->blobs[i];
        if (!blobs_put(folder, blob->bytes, blob->extension, (*names)[i], err)) {
            return false;
        }
    }
    return true;
}

static bool refer_blobs(struct worker *worker, const struct batch *batch, char (*names)[65],
                        struct err *err)
{
    for (size_t i = 0; names != NULL && i < batch->blob_count; i++) {
        const struct blob *blob = &batch->blobs[i];
        struct message message = {0};
        if (!store_archive_find(worker->store, &worker->arena, worker->source->name, blob->chat,
                                blob->external_id, &message, err)) {
            return false;
        }
        if (message.id != 0 && !store_blob_refer(worker->store, str_of(names[i]), blob->extension,
                                                 (int64_t)blob->bytes.len, message.id, err)) {
            return false;
        }
    }
    return true;
}

static bool file_refusals(struct worker *worker, const struct batch *batch, struct err *err)
{
    size_t kept =
        batch->refusal_count < BATCH_REFUSALS_MAX ? batch->refusal_count : BATCH_REFUSALS_MAX;
    for (size_t i = 0; batch->refusals != NULL && i < kept; i++) {
        const struct refusal *refusal = &batch->refusals[i];
        if (!store_refused_put(worker->store,
                               &(struct refused){.worker = worker->source->name,
                                                 .chat = refusal->chat,
                                                 .place = refusal->where,
                                                 .why = refusal->why},
                               err)) {
            return false;
        }
    }
    int64_t beyond = (int64_t)(batch->refusal_count - kept);
    return beyond == 0 || store_count_add(worker->store, "refused", beyond, err);
}

static bool file_events(struct worker *worker, const struct batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->note_count; i++) {
        const struct note *note = &batch->notes[i];
        if (!store_keep_put(worker->store, worker->source->name, note->key, note->value, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < batch->event_count; i++) {
        const struct event *event = &batch->events[i];
        if (!store_event_put(worker->store, worker->source->name, event->kind, event->chat,
                             event->detail, err)) {
            return false;
        }
    }
    return true;
}

static bool file_cursors(struct worker *worker, const struct batch *batch, bool *moved,
                         struct err *err)
{
    for (size_t i = 0; i < batch->chat_count; i++) {
        const struct chat_cursor *chat = &batch->chats[i];
        if (chat->next.ptr == NULL || str_equal(chat->next, chat->cursor)) {
            continue;
        }
        *moved = true;
        if (!store_cursor_put(worker->store, worker->source->name, chat->chat, chat->next, err)) {
            return false;
        }
    }
    return true;
}

static bool anything(const struct batch *batch)
{
    bool found = batch->count > 0 || batch->refusal_count > 0 || batch->event_count > 0 ||
                 batch->note_count > 0 || batch->snapshot != NULL;
    for (size_t i = 0; i < batch->chat_count && !found; i++) {
        const struct chat_cursor *chat = &batch->chats[i];
        found = chat->next.ptr != NULL && !str_equal(chat->next, chat->cursor);
    }
    return found;
}

/* Everything that a fetch brought, in one change; messages and cursors above all. */
static bool file_batch(struct worker *worker, struct batch *batch, struct err *err)
{
    struct intake_counts counts = {0};
    int64_t snapshot_id = 0;
    bool moved = false;
    char (*blob_names)[65] = NULL;
    keep_sound(worker, batch);
    if (!anything(batch)) {
        return true;
    }
    if (!write_blobs(worker, batch, &blob_names, err) ||
        !store_begin(worker->store, &worker->lease, err) ||
        !store_archive_put(worker->store, &worker->arena, batch->messages, batch->count, &counts,
                           err) ||
        (batch->snapshot != NULL &&
         !store_reference_put(worker->store, &worker->arena, batch->snapshot, &snapshot_id, err)) ||
        !refer_blobs(worker, batch, blob_names, err) || !file_refusals(worker, batch, err) ||
        !file_events(worker, batch, err) ||
        (!worker->intake.range.reading && !file_cursors(worker, batch, &moved, err)) ||
        (counts.cut > 0 && !store_count_add(worker->store, "cut", counts.cut, err)) ||
        !store_meter_add(worker->store, METER_FETCHED, worker->source->name, (struct str){0},
                         counts.fresh + counts.revised, err)) {
        return false;
    }
    if (!store_commit(worker->store, err)) {
        return false;
    }
    if (counts.fresh + counts.revised > 0 || snapshot_id != 0) {
        worker_ring(worker);
    }
    return true;
}

/* A fetch that failed has nothing for the archive; what it noticed on the way is filed. */
static bool file_noticed(struct worker *worker, const struct batch *batch, struct err *err)
{
    return batch->event_count + batch->note_count == 0 ||
           (store_begin(worker->store, &worker->lease, err) && file_events(worker, batch, err) &&
            store_commit(worker->store, err));
}

/* Tell the conductor that the sweep ended; of quiet ones the store hears once a minute. */
static bool end_sweep(struct worker *worker, const char *error, struct err *err)
{
    int64_t now = worker_mono_ms(worker);
    bool due = worker->intake.told_ms == 0 || now - worker->intake.told_ms >= TELL_MS;
    if (worker->intake.sweep_run == 0 && error == NULL && !due) {
        return true;
    }
    bool ok = store_begin(worker->store, &worker->lease, err) &&
              store_sweep_put(worker->store, worker->source->name, worker->intake.sweep_run, error,
                              err) &&
              store_commit(worker->store, err);
    if (ok) {
        worker->intake.told_ms = error == NULL ? now : 0;
        worker_ring(worker);
    }
    return ok;
}

static void close_fetching(struct worker *worker)
{
    range_end(&worker->intake.range);
    ahead_drop(&worker->intake.ahead);
}

static bool open_source(struct worker *worker, struct err *err)
{
    struct source *source = worker->source->source;
    source->connector.name = worker->source->name;
    source->connector.env = worker_connector_env(worker, NULL);
    if (source->type->called && worker->inboxes != NULL && !worker->shadowed) {
        source->connector.env.inbox = inboxes_make(worker->inboxes, worker->source->name);
    }
    close_fetching(worker);
    worker->intake = (struct intake){0};
    return source->type->connector.open == NULL ||
           source->type->connector.open(&source->connector, err) || worker_outside_failed(err);
}

static void rest_source(struct worker *worker)
{
    ahead_drop(&worker->intake.ahead);
    struct source *source = worker->source->source;
    if (source->type->connector.rest != NULL) {
        source->type->connector.rest(&source->connector);
    }
}

static void close_source(struct worker *worker)
{
    close_fetching(worker);
    struct source *source = worker->source->source;
    if (source->type->connector.close != NULL) {
        source->type->connector.close(&source->connector);
    }
}

/* Is there a reason to look now? Begins a sweep if so. */
static bool look_needed(struct worker *worker, bool *needed, struct err *err)
{
    struct source *source = worker->source->source;
    int64_t run = 0;
    int64_t now = worker_mono_ms(worker);
    if (worker->intake.sweeping) {
        *needed = true;
        return true;
    }
    if (!wanting_run(worker, &run, err)) {
        return false;
    }
    struct sweep last = {0};
    if (run != 0 &&
        !store_sweep_get(worker->store, &worker->arena, worker->source->name, &last, err)) {
        return false;
    }
    run = run > last.run ? run : 0;
    bool live = !worker->source->on_demand;
    bool changed = live && source->type->changed != NULL && source->type->changed(source);
    *needed = run != 0 || changed || (live && now >= worker->intake.next_look_ms);
    worker->intake.sweeping = *needed;
    worker->intake.sweep_run = *needed ? run : 0;
    return worker->intake.sweep_run == 0 || range_find(worker, run, err);
}

/* Sleep until the next look, or the next glance if the source has an eye for changes. */
static void wait_for_look(struct worker *worker)
{
    const struct source_type *type = worker->source->source->type;
    int64_t glance_ms = worker_mono_ms(worker) + SOURCE_GLANCE_MS;
    if (worker->source->on_demand) {
        return;
    }
    bool glances = type->changed != NULL && glance_ms < worker->intake.next_look_ms;
    worker->wake_ms = glances ? glance_ms : worker->intake.next_look_ms;
}

static void plan_next_look(struct worker *worker)
{
    int64_t poll_ms = worker->source->poll_ms > 0 ? worker->source->poll_ms : POLL_MS;
    bool waits = worker->source->source->type->called && worker->threads &&
                 inboxes_have_door(worker->inboxes);
    poll_ms = waits ? 0 : poll_ms; /* fetch() is where it waits. */
    worker->intake.next_look_ms = worker_mono_ms(worker) + poll_ms;
    wait_for_look(worker);
}

/* Counted in the store. One that cannot take the note is the greater trouble. */
static bool count_failure(struct worker *worker, struct err *err)
{
    struct err worse = {0};
    if (err->kind == ERR_STOP ||
        (store_begin(worker->store, &worker->lease, &worse) &&
         store_meter_add(worker->store, METER_LOOKS_FAILED, worker->source->name, (struct str){0},
                         1, &worse) &&
         store_commit(worker->store, &worse))) {
        return true;
    }
    *err = worse;
    return false;
}

/* The look failed. `status` hears of it when it is no hiccup, and runs stop waiting for it. What
 * the configuration has to change is none: it is as it is, however often one looks. */
static bool give_up(struct worker *worker, struct err *why)
{
    int failures = worker->failures + 1;
    bool awaited = worker->intake.sweep_run != 0;
    bool settled = why->kind == ERR_CONFIG && (awaited || failures == 1);
    if (settled || failures == GIVE_UP_FAILURES || (failures > GIVE_UP_FAILURES && awaited)) {
        struct err worse = {0};
        if (!end_sweep(worker, why->text, &worse)) { /* Here, too. */
            *why = worse;
            return false;
        }
    }
    worker->intake.sweeping = false;
    return true;
}

static int64_t fetch_deadline_ms(const struct worker *worker)
{
    int64_t fetch_ms = worker->source->fetch_ms > 0 ? worker->source->fetch_ms : FETCH_MS;
    return worker_mono_ms(worker) + fetch_ms;
}

/* Always false. */
static bool fetch_failed(struct worker *worker, const struct batch *batch, struct err *err)
{
    struct err why = *err;
    if (!file_noticed(worker, batch, err)) {
        return false;
    }
    *err = why;
    if (why.kind == ERR_STOP && connector_stopping(&worker->source->source->connector)) {
        return false; /* Nothing failed. */
    }
    return count_failure(worker, err) && give_up(worker, err) && worker_outside_failed(err);
}

static bool goes_ahead(const struct worker *worker)
{
    return worker->threads && worker->source->source->type->ahead && !worker->intake.range.reading;
}

/* The next batch: fetched now, or while the one before was filed. */
static bool fetch(struct worker *worker, struct batch *batch, struct err *err)
{
    struct source *source = worker->source->source;
    const struct range *range = &worker->intake.range;
    struct chat_cursor *chats = NULL;
    size_t chat_count = 0;
    bool ok = false;
    if (!ahead_take(&worker->intake.ahead, batch, &ok, err)) {
        if (!collect_chats(worker, &chats, &chat_count, err)) {
            return false;
        }
        batch_init(batch, &worker->arena, chats, chat_count);
        batch->limit = goes_ahead(worker) ? AHEAD_MESSAGES_MAX : batch->limit;
        if (range->reading) {
            batch->since_ms = range->since_ms;
            batch->until_ms = range->until_ms;
        }
        ok = source->type->fetch(source, batch, fetch_deadline_ms(worker), err);
    }
    if (!ok) {
        return fetch_failed(worker, batch, err);
    }
    return true;
}

/* File a batch; where there are threads, the next one is fetched meanwhile. */
static bool file_and_go_on(struct worker *worker, struct batch *batch, struct err *err)
{
    struct source *source = worker->source->source;
    struct ahead *ahead = &worker->intake.ahead;
    bool beside =
        goes_ahead(worker) && batch->more &&
        ahead_start(ahead, source, batch, fetch_deadline_ms(worker), worker->intake.sweep_run);
    bool ok = file_batch(worker, batch, err);
    if (beside) {
        ahead_join(ahead);
    }
    if (!ok) { /* The next try begins where this one did. */
        ahead_drop(ahead);
    }
    return ok;
}

static bool intake_step(struct worker *worker, struct err *err)
{
    struct batch batch;
    bool needed = false;
    if (!look_needed(worker, &needed, err)) {
        return false;
    }
    if (!needed) {
        wait_for_look(worker);
        return true;
    }
    log_run_set_id(worker->intake.sweep_run);
    if (!fetch(worker, &batch, err)) {
        return false;
    }
    bool more = batch.more;
    bool kept = file_and_go_on(worker, &batch, err);
    if (worker->source->source->type->filed != NULL) {
        worker->source->source->type->filed(worker->source->source, kept);
    }
    if (!kept) {
        return false;
    }
    if (worker->intake.range.reading) { /* And then past the cursors, as ever. */
        worker->busy = true;
        if (!more) {
            range_end(&worker->intake.range);
        }
        return !more || range_keep(&worker->intake.range, &batch, err);
    }
    worker->busy = more;
    if (more) {
        return true;
    }
    worker->intake.sweeping = false;
    plan_next_look(worker);
    return end_sweep(worker, NULL, err);
}

/* Other chats, perhaps: they are looked at without waiting for the interval. */
static void replan_source(struct worker *worker)
{
    ahead_drop(&worker->intake.ahead); /* It may be of chats that are gone. */
    worker->intake.next_look_ms = worker_mono_ms(worker);
}

const struct worker_type worker_intake = {.name = "intake",
                                          .open = open_source,
                                          .step = intake_step,
                                          .rest = rest_source,
                                          .replan = replan_source,
                                          .close = close_source};
