#include "cli/overview.h"

#include <inttypes.h>

#include "model/schedule.h"
#include "store/archive.h"
#include "store/upkeep.h"

static bool read_counts(struct overview *all, struct look *look, struct err *err)
{
    struct store *store = look->store;
    struct refused *newest = NULL;
    size_t count = 0;
    int64_t beyond = 0;
    bool ok =
        store_count_get(store, STORE_ARCHIVED, &all->messages, err) &&
        store_archive_head(store, &all->head, err) &&
        store_int(store, "SELECT archived_ms FROM archive WHERE id=(SELECT max(id) FROM archive)",
                  &all->newest_ms, err) &&
        store_int(store, "SELECT count(*) FROM refused", &all->refused, err) &&
        store_count_get(store, "refused", &beyond, err) &&
        store_refused_list(store, &look->arena, 0, 1, &newest, &count, err) &&
        store_size(store, &all->file_bytes, &all->log_bytes, err);
    all->refused = beyond > all->refused ? beyond : all->refused;
    all->refused_ms = ok && count > 0 ? newest[0].at_ms : 0;
    return ok;
}

/* The name's place in the list, at its end if it is new. */
static void add_source(struct overview *all, struct str name)
{
    for (size_t i = 0; i < all->source_count; i++) {
        if (str_equal(all->sources[i].name, name)) {
            return;
        }
    }
    if (all->source_count < BROWSE_NAMES_MAX) {
        all->sources[all->source_count++] = (struct source_state){.name = name};
    }
}

static void add_sink(struct overview *all, struct str name)
{
    for (size_t i = 0; i < all->sink_count; i++) {
        if (str_equal(all->sinks[i].name, name)) {
            return;
        }
    }
    if (all->sink_count < BROWSE_NAMES_MAX) {
        all->sinks[all->sink_count++] = (struct sink_state){.name = name};
    }
}

static bool read_ends(struct overview *all, struct look *look, struct err *err)
{
    const struct plan *plan = &look->config.plan;
    if (!store_source_states(look->store, &look->arena, &all->sources, &all->source_count, err) ||
        !store_sink_states(look->store, &look->arena, &all->sinks, &all->sink_count, err)) {
        return false;
    }
    for (size_t i = 0; look->configured && i < plan->source_count; i++) {
        add_source(all, plan->sources[i].name);
    }
    for (size_t i = 0; look->configured && i < plan->sink_count; i++) {
        add_sink(all, plan->sinks[i].name);
    }
    for (size_t i = 0; i < all->sink_count; i++) {
        struct sink_state *sink = &all->sinks[i];
        if (!store_sink_health(look->store, &look->arena, sink, err)) {
            return false;
        }
        all->waiting += sink->waiting;
        all->dead += sink->dead;
        if (sink->oldest_ms != 0 && (all->oldest_ms == 0 || sink->oldest_ms < all->oldest_ms)) {
            all->oldest_ms = sink->oldest_ms;
        }
    }
    return true;
}

static bool read_sessions(struct overview *all, struct look *look, struct err *err)
{
    const struct plan *plan = &look->config.plan;
    size_t count = look->configured ? plan->source_count : 0;
    all->sessions = arena_array(&look->arena, count + 1, sizeof *all->sessions);
    if (all->sessions == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        struct overview_session *one = &all->sessions[all->session_count];
        if (!browser_has(&plan->sources[i])) {
            continue;
        }
        one->source = plan->sources[i].name;
        all->session_count++;
        if (!browser_read(look->store, &look->arena, one->source, &one->state, err)) {
            return false;
        }
    }
    return true;
}

const struct overview_session *overview_session(const struct overview *all, struct str source)
{
    for (size_t i = 0; i < all->session_count; i++) {
        if (str_equal(all->sessions[i].source, source)) {
            return &all->sessions[i];
        }
    }
    return NULL;
}

static bool read_pipeline(struct overview_pipeline *one, struct overview *all, struct look *look,
                          struct err *err)
{
    struct run *runs = NULL;
    size_t count = 0;
    int64_t planned_ms = 0;
    int64_t position = 0;
    if (!store_run_list(look->store, &look->arena, one->name, 0, 1, &runs, &count, err) ||
        !store_schedule_get(look->store, one->name, &planned_ms, err) ||
        !store_position_get(look->store, one->name, &position, err)) {
        return false;
    }
    if (count > 0) {
        one->last = runs[0];
    }
    one->behind = all->head > position ? all->head - position : 0;
    if (one->schedule != NULL) {
        (void)schedule_preview(one->schedule, planned_ms, look->screen.now_ms, &one->next_ms, 1);
    }
    return true;
}

static bool read_pipelines(struct overview *all, struct look *look, struct err *err)
{
    const struct plan *plan = &look->config.plan;
    struct str *names = NULL;
    size_t count = 0;
    if (!look->configured &&
        !store_pipeline_names(look->store, &look->arena, &names, &count, err)) {
        return false;
    }
    count = look->configured ? plan->pipeline_count : count;
    all->pipelines = arena_array(&look->arena, count + 1, sizeof *all->pipelines);
    if (all->pipelines == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        struct overview_pipeline *one = &all->pipelines[all->pipeline_count++];
        one->name = names != NULL ? names[i] : plan->pipelines[i].name;
        one->schedule = look->configured ? &plan->pipelines[i].schedule : NULL;
        if (!read_pipeline(one, all, look, err)) {
            return false;
        }
    }
    return store_run_list(look->store, &look->arena, STR(""), 0, OVERVIEW_RUNS, &all->runs,
                          &all->run_count, err);
}

/* ---- What a person should look at ---- */

static void problem(struct overview *all, struct str what, const char *next)
{
    if (all->problem_count < OVERVIEW_PROBLEMS_MAX) {
        all->problems[all->problem_count++] = (struct problem){what, next};
    }
}

/* Polled by itself, and not seen to be well for much longer than between two looks. */
static bool is_stale(const struct overview *all, const struct look *look,
                     const struct source_state *source)
{
    const struct plan *plan = &look->config.plan;
    int64_t since_ms =
        source->sweep.good_ms > all->served_ms ? source->sweep.good_ms : all->served_ms;
    for (size_t i = 0; look->configured && all->served && i < plan->source_count; i++) {
        const struct plan_source *one = &plan->sources[i];
        if (str_equal(one->name, source->name)) {
            int64_t patience_ms =
                one->poll_ms > OVERVIEW_STUCK_MS / 3 ? 3 * one->poll_ms : OVERVIEW_STUCK_MS;
            return !one->on_demand && look->screen.now_ms - since_ms > patience_ms;
        }
    }
    return false;
}

/* A login that a person has to see to; false: there is none, or nothing to do about it. */
static bool judge_session(struct overview *all, struct look *look, struct str source)
{
    const struct overview_session *session = overview_session(all, source);
    if (session == NULL || !browser_wants_pair(session->state.state)) {
        return false;
    }
    problem(all,
            arena_printf(&look->arena, "source %.*s: %s", STR_ARG(source),
                         session->state.state.len > 0 ? browser_words(session->state.state)
                                                      : "it was not logged in yet"),
            arena_printf(&look->arena, "sluice pair %.*s", STR_ARG(source)).ptr);
    return true;
}

static void judge_sources(struct overview *all, struct look *look)
{
    char text[SHOW_MAX];
    for (size_t i = 0; i < all->source_count; i++) {
        const struct source_state *source = &all->sources[i];
        if (judge_session(all, look, source->name)) {
            continue;
        }
        if (source->sweep.error.len > 0) {
            problem(all,
                    arena_printf(&look->arena, "source %.*s (last good look: %.*s): %.*s",
                                 STR_ARG(source->name),
                                 STR_ARG(show_age(&look->screen, source->sweep.good_ms, text)),
                                 STR_ARG(source->sweep.error)),
                    "sluice check");
        } else if (is_stale(all, look, source)) {
            problem(
                all,
                arena_printf(&look->arena,
                             "source %.*s: last good look %.*s, though somebody is at work; the "
                             "log says why",
                             STR_ARG(source->name),
                             STR_ARG(show_age(&look->screen, source->sweep.good_ms, text))),
                NULL);
        }
    }
}

static void judge_sinks(struct overview *all, struct look *look)
{
    char text[SHOW_MAX];
    char age[SHOW_MAX];
    int64_t now_ms = look->screen.now_ms;
    for (size_t i = 0; i < all->sink_count; i++) {
        const struct sink_state *sink = &all->sinks[i];
        if (sink->failing > 0) {
            problem(all,
                    arena_printf(&look->arena, "sink %.*s: %.*s to be tried again (%.*s): %.*s",
                                 STR_ARG(sink->name), STR_ARG(show_count(sink->failing, text)),
                                 STR_ARG(show_age(&look->screen, sink->next_ms, age)),
                                 STR_ARG(sink->why)),
                    NULL);
        } else if (sink->waiting > 0 && sink->why.len > 0) {
            problem(all,
                    arena_printf(&look->arena, "%.*s waiting: %.*s",
                                 STR_ARG(show_count(sink->waiting, text)), STR_ARG(sink->why)),
                    "sluice check --connect");
        } else if (all->served && sink->waiting > 0 &&
                   sink->oldest_ms < now_ms - OVERVIEW_STUCK_MS) {
            problem(all,
                    arena_printf(&look->arena, "sink %.*s: the oldest record waits since %.*s",
                                 STR_ARG(sink->name),
                                 STR_ARG(show_time(&look->screen, sink->oldest_ms, text))),
                    NULL);
        }
        if (sink->dead > 0) {
            problem(all,
                    arena_printf(&look->arena, "sink %.*s: %.*s could not be delivered",
                                 STR_ARG(sink->name), STR_ARG(show_count(sink->dead, text))),
                    "sluice dlq list");
        }
    }
}

static void judge_pipelines(struct overview *all, struct look *look)
{
    bool by_itself = !look->configured;
    for (size_t i = 0; i < all->pipeline_count; i++) {
        const struct overview_pipeline *one = &all->pipelines[i];
        by_itself = by_itself || (one->schedule != NULL && one->schedule->kind != SCHEDULE_BY_HAND);
        if (one->last.phase == RUN_ENDED &&
            (one->last.outcome == RUN_FAILED || one->last.outcome == RUN_PARTIAL)) {
            problem(all,
                    arena_printf(&look->arena, "pipeline %.*s: run %" PRId64 " was %s%s%.*s",
                                 STR_ARG(one->name), one->last.id,
                                 one->last.outcome == RUN_FAILED ? "a failure" : "only partial",
                                 one->last.error.len > 0 ? ": " : "", STR_ARG(one->last.error)),
                    "sluice runs");
        }
    }
    if (!all->served && by_itself) {
        problem(all, STR("nobody is at work here: nothing arrives until `sluice serve` runs"),
                "sluice serve");
    }
}

static void judge(struct overview *all, struct look *look)
{
    char text[SHOW_MAX];
    judge_pipelines(all, look);
    judge_sources(all, look);
    judge_sinks(all, look);
    if (all->refused_ms > look->screen.now_ms - DATETIME_DAY_MS) {
        problem(all,
                arena_printf(&look->arena, "refused messages: %.*s, the last one within a day",
                             STR_ARG(show_count(all->refused, text))),
                "sluice refused list");
    }
}

bool overview_read(struct overview *all, struct look *look, struct err *err)
{
    *all = (struct overview){0};
    bool ok = store_begin_read(look->store, err) && read_counts(all, look, err) &&
              read_ends(all, look, err) && read_sessions(all, look, err) &&
              read_pipelines(all, look, err) &&
              (!look->configured || metrics_read(look->store, &look->config.plan, &look->arena,
                                                 &all->metrics, &all->metric_count, err)) &&
              store_owner(look->store, &look->arena, &all->owner, &all->served_ms, err) &&
              store_is_served(look->store, look->path, &all->served, err);
    store_rollback(look->store);
    if (ok) {
        judge(all, look);
    }
    return ok;
}
