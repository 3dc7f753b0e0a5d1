#include "engine/metrics.h"

#include "store/meter.h"

static const struct plan_pipeline *find_pipeline(const struct plan *plan, struct str name)
{
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        if (str_equal(plan->pipelines[i].name, name)) {
            return &plan->pipelines[i];
        }
    }
    return NULL;
}

bool metrics_wanted(const struct plan *plan, struct str pipeline)
{
    const struct plan_pipeline *found = find_pipeline(plan, pipeline);
    return found != NULL && found->op->type->metrics != NULL;
}

bool metrics_heard(const struct plan *plan, struct str pipeline)
{
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct plan_pipeline *other = &plan->pipelines[i];
        for (size_t j = 0; j < other->chat_count; j++) {
            if (str_equal(other->chats[j].source, STR("runs")) &&
                (other->chats[j].chat.len == 0 || str_equal(other->chats[j].chat, pipeline))) {
                return true;
            }
        }
    }
    return false;
}

static bool add(struct store *store, enum meter meter, struct str whose, int64_t *sum,
                struct err *err)
{
    int64_t value = 0;
    bool ok = store_meter_get(store, meter, whose, (struct str){0}, &value, err);
    *sum += value;
    return ok;
}

/* Over the pipeline's sources, each once. */
static bool sum_sources(struct store *store, const struct plan_pipeline *pipeline, enum meter meter,
                        int64_t *sum, struct err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < pipeline->chat_count; i++) {
        bool seen = false;
        for (size_t j = 0; j < i; j++) {
            seen = seen || str_equal(pipeline->chats[j].source, pipeline->chats[i].source);
        }
        ok = seen || add(store, meter, pipeline->chats[i].source, sum, err);
    }
    return ok;
}

/* Over the sinks that the op's options name. */
static bool sum_sinks(struct store *store, const struct plan_pipeline *pipeline, enum meter meter,
                      int64_t *sum, struct err *err)
{
    bool ok = true;
    const struct option *option = pipeline->op->type->options;
    for (; ok && option != NULL && option->type != OPTION_TYPE_END; option++) {
        if (option->type == OPTION_TYPE_SINK) {
            const char *member = (const char *)pipeline->op + option->offset;
            struct str sink = *(const struct str *)(const void *)member;
            ok = sink.len == 0 || add(store, meter, sink, sum, err);
        }
    }
    return ok;
}

static bool read_errors(struct store *store, const struct plan_pipeline *pipeline, int64_t *sum,
                        struct err *err)
{
    return sum_sources(store, pipeline, METER_LOOKS_FAILED, sum, err) &&
           sum_sinks(store, pipeline, METER_WRITES_FAILED, sum, err) &&
           add(store, METER_REFUSED, pipeline->name, sum, err) &&
           add(store, METER_UNWRITTEN, pipeline->name, sum, err);
}

static bool read_cycle(struct store *store, struct str pipeline, struct metric_value *out,
                       struct err *err)
{
    int64_t last_ms = 0;
    int64_t all_ms = 0;
    out->summary = true;
    bool ok = add(store, METER_CYCLE_MS, pipeline, &last_ms, err) &&
              add(store, METER_CYCLES_MS, pipeline, &all_ms, err) &&
              add(store, METER_CYCLES, pipeline, &out->count, err);
    out->value = (double)last_ms / 1000;
    out->sum = (double)all_ms / 1000;
    return ok;
}

static bool read_one(struct store *store, const struct plan_pipeline *pipeline,
                     struct metric_value *out, struct err *err)
{
    int64_t value = 0;
    bool ok = true;
    struct str part = str_of(out->metric->part);
    switch (out->metric->of) {
    case METRIC_FETCHED:
        ok = sum_sources(store, pipeline, METER_FETCHED, &value, err);
        break;
    case METRIC_WRITTEN:
        ok = store_meter_get(store, METER_WRITTEN, pipeline->name, part, &value, err);
        break;
    case METRIC_COUNTED:
        ok = store_meter_get(store, METER_COUNTED, pipeline->name, part, &value, err);
        break;
    case METRIC_ERRORS:
        ok = read_errors(store, pipeline, &value, err);
        break;
    case METRIC_CYCLE:
        return read_cycle(store, pipeline->name, out, err);
    case METRIC_END:
        break;
    }
    out->value = (double)value;
    return ok;
}

bool metrics_read(struct store *store, const struct plan *plan, struct arena *arena,
                  struct metric_value **out, size_t *count, struct err *err)
{
    size_t room = 0;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct metric *metric = plan->pipelines[i].op->type->metrics;
        for (; metric != NULL && metric->of != METRIC_END; metric++) {
            room++;
        }
    }
    struct metric_value *values = arena_array(arena, room + 1, sizeof *values);
    *out = values;
    *count = 0;
    if (values == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for metrics");
    }
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct plan_pipeline *pipeline = &plan->pipelines[i];
        const struct metric *metric = pipeline->op->type->metrics;
        for (; metric != NULL && metric->of != METRIC_END; metric++) {
            struct metric_value *value = &values[(*count)++];
            *value = (struct metric_value){.metric = metric, .pipeline = pipeline->name};
            if (!read_one(store, pipeline, value, err)) {
                return false;
            }
        }
    }
    return true;
}
