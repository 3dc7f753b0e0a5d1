#include "serve/health.h"

#include "store/archive.h"
#include "store/upkeep.h"
#include "text/json.h"

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "out of memory for the state of health");
}

/* What the browser says of itself, as those who watch a session call it. */
static struct str session_word(struct str state)
{
    static const struct {
        const char *state;
        const char *word;
    } words[] = {
        {"ready", "logged-in"},        {"restricted", "logged-in"}, {"code", "pairing"},
        {"pairing", "pairing"},        {"code-expired", "expired"}, {"taken-over", "expired"},
        {"storage-broken", "expired"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (str_equal(state, str_of(words[i].state))) {
            return str_of(words[i].word);
        }
    }
    return STR("unknown");
}

static bool read_session(struct health_source *one, struct store *store, struct arena *arena,
                         struct err *err)
{
    struct str note = {0};
    const struct json_value *root = NULL;
    struct err ignored = {0};
    if (one->source->source->type->connector.attend == NULL) {
        return true;
    }
    if (!store_keep_get(store, arena, one->source->name, STR("session"), &note, err)) {
        return false;
    }
    if (note.len > 0 && json_parse(arena, note, NULL, &root, &ignored)) {
        one->state = json_str(json_get(root, STR("state")));
    }
    one->session = session_word(one->state);
    return true;
}

static bool read_sources(struct health *health, struct store *store, const struct plan *plan,
                         struct arena *arena, struct err *err)
{
    health->sources = arena_array(arena, plan->source_count + 1, sizeof *health->sources);
    if (health->sources == NULL) {
        return out_of_memory(err);
    }
    for (size_t i = 0; i < plan->source_count; i++) {
        struct health_source *one = &health->sources[health->source_count++];
        *one = (struct health_source){.source = &plan->sources[i]};
        if (!store_sweep_get(store, arena, one->source->name, &one->sweep, err) ||
            !read_session(one, store, arena, err)) {
            return false;
        }
    }
    return true;
}

/* Open gaps stand in the cursors of sources that know them (model/source.h): flat objects. */
static int64_t gaps_in(struct str cursor)
{
    static const struct str begin = STR_INIT("\"gaps\":[");
    int64_t count = 0;
    for (size_t at = str_find(cursor, begin, 0); at != STR_NONE;
         at = str_find(cursor, begin, at + 1)) {
        for (size_t i = at + begin.len; i < cursor.len && cursor.ptr[i] != ']'; i++) {
            count += cursor.ptr[i] == '{';
        }
    }
    return count;
}

static bool count_gaps(struct health *health, struct store *store, struct arena *arena,
                       struct err *err)
{
    struct cursor_row *rows = NULL;
    size_t count = 0;
    if (!store_cursor_list(store, arena, &rows, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < health->source_count; j++) {
            bool same = str_equal(health->sources[j].source->name, rows[i].source);
            health->sources[j].gaps += same ? gaps_in(rows[i].cursor) : 0;
        }
    }
    return true;
}

/* Up to the last good look: what came since then nobody knows. */
static bool read_habits(struct health *health, struct store *store, struct arena *arena,
                        struct err *err)
{
    for (size_t i = 0; i < health->source_count; i++) {
        struct health_source *one = &health->sources[i];
        int64_t at_ms = one->source->source->type->called ? health->now_ms : one->sweep.good_ms;
        if (at_ms != 0 &&
            !store_habit_get(store, arena, one->source->name, at_ms, &one->habit, err)) {
            return false;
        }
    }
    return true;
}

static bool read_sinks(struct health *health, struct store *store, const struct plan *plan,
                       struct arena *arena, struct err *err)
{
    struct sink_state *known = NULL;
    size_t count = 0;
    health->plan_sinks = plan->sinks;
    health->sinks = arena_array(arena, plan->sink_count + 1, sizeof *health->sinks);
    if (health->sinks == NULL) {
        return out_of_memory(err);
    }
    if (!store_sink_states(store, arena, &known, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < plan->sink_count; i++) {
        struct sink_state *one = &health->sinks[health->sink_count++];
        *one = (struct sink_state){.name = plan->sinks[i].name};
        for (size_t j = 0; j < count; j++) {
            if (str_equal(known[j].name, one->name)) {
                *one = known[j];
            }
        }
        if (!store_sink_health(store, arena, one, err)) {
            return false;
        }
    }
    return true;
}

static bool read_pipelines(struct health *health, struct store *store, const struct plan *plan,
                           struct arena *arena, struct err *err)
{
    int64_t head = 0;
    health->pipelines = arena_array(arena, plan->pipeline_count + 1, sizeof *health->pipelines);
    if (health->pipelines == NULL) {
        return out_of_memory(err);
    }
    if (!store_archive_head(store, &head, err)) {
        return false;
    }
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        struct health_pipeline *one = &health->pipelines[health->pipeline_count++];
        struct run *runs = NULL;
        size_t count = 0;
        int64_t position = 0;
        *one = (struct health_pipeline){.pipeline = &plan->pipelines[i]};
        if (!store_run_list(store, arena, one->pipeline->name, 0, 1, &runs, &count, err) ||
            !store_position_get(store, one->pipeline->name, &position, err)) {
            return false;
        }
        if (count > 0) {
            one->last = runs[0];
        }
        one->behind = head > position ? head - position : 0;
    }
    return true;
}

static bool read_counts(struct health *health, struct store *store, struct err *err)
{
    return store_count_get(store, STORE_ARCHIVED, &health->messages, err) &&
           store_int(store,
                     "SELECT archived_ms FROM archive WHERE id=(SELECT max(id) FROM archive)",
                     &health->newest_ms, err) &&
           store_count_get(store, "refused", &health->refused, err) &&
           store_size(store, &health->file_bytes, &health->log_bytes, err);
}

/* ---- The verdict ---- */

static void blame(struct health *health, enum health_status status, const char *part,
                  struct str name, const char *what, struct str words)
{
    if (health->culprit_count < HEALTH_CULPRITS_MAX) {
        health->culprits[health->culprit_count++] =
            (struct health_culprit){status, part, name, what, words};
    }
    health->status = status > health->status ? status : health->status;
}

static void judge_source(struct health *health, const struct health_source *one)
{
    const struct plan_source *source = one->source;
    int64_t since_ms =
        one->sweep.good_ms > health->since_ms ? one->sweep.good_ms : health->since_ms;
    int64_t patience_ms =
        source->poll_ms > HEALTH_STUCK_MS / 3 ? 3 * source->poll_ms : HEALTH_STUCK_MS;
    bool stale = !source->on_demand && health->now_ms - since_ms > patience_ms;
    struct str why = one->sweep.error;
    if (str_equal(one->session, STR("expired")) || str_equal(one->session, STR("pairing"))) {
        blame(health, HEALTH_FAILING, "source", source->name, "session_expired", one->state);
    } else if (stale) {
        blame(health, HEALTH_FAILING, "source", source->name, "no_good_look", why);
    } else if (why.len > 0) {
        blame(health, HEALTH_DEGRADED, "source", source->name, "look_failed", why);
    }
    if (one->habit.silent) {
        blame(health, HEALTH_DEGRADED, "source", source->name, "silent", (struct str){0});
    } else if (one->habit.quiet > 0) {
        blame(health, HEALTH_DEGRADED, "source", source->name, "chat_silent",
              one->habit.chats[0].chat);
    }
    if (one->gaps > 0) {
        blame(health, HEALTH_DEGRADED, "source", source->name, "gap", (struct str){0});
    }
}

static void judge_sink(struct health *health, const struct sink_state *sink)
{
    bool old = sink->waiting > 0 && sink->oldest_ms < health->now_ms - HEALTH_STUCK_MS;
    struct str why = sink->why.len > 0 ? sink->why : sink->trouble;
    if (old) {
        blame(health, HEALTH_FAILING, "sink", sink->name, "records_wait", why);
    } else if (sink->trouble.len > 0) {
        blame(health, HEALTH_DEGRADED, "sink", sink->name, "not_ready", why);
    } else if (sink->failing > 0) {
        blame(health, HEALTH_DEGRADED, "sink", sink->name, "tried_again", why);
    }
    if (sink->dead > 0) {
        blame(health, HEALTH_DEGRADED, "sink", sink->name, "dead_letters", (struct str){0});
    }
}

static void judge(struct health *health)
{
    if (backup_note_bad(&health->backup, health->now_ms)) {
        blame(health, HEALTH_DEGRADED, "backup", STR("planned"),
              health->backup.failed_ms > health->backup.good_ms ? "backup_failed"
                                                                : "backup_missing",
              health->backup.why);
    }
    for (size_t i = 0; i < health->source_count; i++) {
        judge_source(health, &health->sources[i]);
    }
    for (size_t i = 0; i < health->sink_count; i++) {
        judge_sink(health, &health->sinks[i]);
    }
    for (size_t i = 0; i < health->pipeline_count; i++) {
        const struct run *last = &health->pipelines[i].last;
        if (last->phase == RUN_ENDED &&
            (last->outcome == RUN_FAILED || last->outcome == RUN_PARTIAL)) {
            blame(health, HEALTH_DEGRADED, "pipeline", health->pipelines[i].pipeline->name,
                  last->outcome == RUN_FAILED ? "run_failed" : "run_partial", last->error);
        }
    }
}

bool health_read(struct health *health, struct store *store, const struct plan *plan,
                 int64_t now_ms, int64_t since_ms, struct arena *arena, struct err *err)
{
    *health = (struct health){.now_ms = now_ms, .since_ms = since_ms};
    bool ok = store_begin_read(store, err) && read_counts(health, store, err) &&
              read_sources(health, store, plan, arena, err) &&
              count_gaps(health, store, arena, err) && read_habits(health, store, arena, err) &&
              backup_note_read(store, arena, &health->backup, err) &&
              read_sinks(health, store, plan, arena, err) &&
              read_pipelines(health, store, plan, arena, err) &&
              metrics_read(store, plan, arena, &health->metrics, &health->metric_count, err);
    store_rollback(store);
    if (ok) {
        judge(health);
    }
    return ok;
}

const char *health_status_name(enum health_status status)
{
    static const char *const names[] = {"ok", "degraded", "failing"};
    return names[status];
}
