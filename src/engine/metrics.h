/*
 * metrics: the numbers that the users of each pipeline know, read out of a store.
 *
 * Which they are is said by the pipeline's kind (model/metric.h); they are counted by the workers
 * (store/meter.h). For `status --json`, and for who exports them.
 */
#ifndef SLUICE_ENGINE_METRICS_H
#define SLUICE_ENGINE_METRICS_H

#include "model/metric.h"
#include "model/plan.h"
#include "store/store.h"

struct metric_value {
    const struct metric *metric;
    struct str pipeline;
    double value;
    bool summary; /* Then also: */
    int64_t count;
    double sum;
};

/* Those of all pipelines, in their order. Only reads. */
bool metrics_read(struct store *store, const struct plan *plan, struct arena *arena,
                  struct metric_value **out, size_t *count, struct err *err);

/* Has the pipeline's kind any? Then its workers count. */
bool metrics_wanted(const struct plan *plan, struct str pipeline);

/* Does another pipeline listen to how its runs end? */
bool metrics_heard(const struct plan *plan, struct str pipeline);

#endif
