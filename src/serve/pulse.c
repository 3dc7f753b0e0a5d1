#include "serve/pulse.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { PAGE_FIRST = 8 * 1024, ARENA_MAX = 64 * 1024 * 1024 };

struct pulse {
    struct store *store;
    struct planned *planned;
    struct clock *clock;
    struct thread thread;
    struct lock lock; /* Of all below. */
    struct signal woken;
    bool stop;
    struct arena arenas[2]; /* Of the pages that are shown, and of the next ones, in turns. */
    int turn;
    struct str pages[PULSE_PAGES];
    enum health_status status;
    int64_t made_ms; /* Monotonic. */
    int64_t since_ms;
    bool troubled; /* The last look failed; said once. */
};

static bool write_pages(struct pulse *pulse, struct arena *arena, struct str pages[PULSE_PAGES],
                        enum health_status *status, struct err *err)
{
    struct health health;
    struct planned_plan *plan = planned_take(pulse->planned);
    bool ok = health_read(&health, pulse->store, plan->plan, clock_wall_ms(pulse->clock),
                          pulse->since_ms, arena, err);
    for (int i = 0; ok && i < PULSE_PAGES; i++) {
        struct buf out;
        buf_init(&out, arena, PAGE_FIRST);
        if (i == PULSE_METRICS) {
            health_metrics(&health, &out);
        } else {
            health_json(&health, i == PULSE_DETAILS, &out);
        }
        pages[i] = buf_str(&out);
        ok = pages[i].ptr != NULL || err_set(err, ERR_RETRY, "out of memory for pages of health");
    }
    *status = ok ? health.status : HEALTH_FAILING;
    planned_give(pulse->planned, plan);
    return ok;
}

/* Nobody reads the other arena: a reader copies under the lock. */
static bool make(struct pulse *pulse, struct err *err)
{
    struct str pages[PULSE_PAGES];
    enum health_status status = HEALTH_FAILING;
    int next = 1 - pulse->turn;
    arena_reset(&pulse->arenas[next]);
    if (!write_pages(pulse, &pulse->arenas[next], pages, &status, err)) {
        return false;
    }
    lock_take(&pulse->lock);
    memcpy(pulse->pages, pages, sizeof pages);
    pulse->status = status;
    pulse->turn = next;
    pulse->made_ms = clock_mono_ms(pulse->clock);
    lock_give(&pulse->lock);
    return true;
}

static void look(struct pulse *pulse)
{
    struct err err = {0};
    bool changed = true;
    bool ok = store_changed(pulse->store, &changed, &err);
    bool old = clock_mono_ms(pulse->clock) - pulse->made_ms >= PULSE_AGE_MS;
    if (ok && (changed || old)) {
        ok = make(pulse, &err);
    }
    if (!ok && !pulse->troubled) {
        log_warn("http: the state of health cannot be read: %s", err.text);
    }
    pulse->troubled = !ok;
}

static void *run(void *argument)
{
    struct pulse *pulse = argument;
    lock_take(&pulse->lock);
    while (!pulse->stop) {
        lock_give(&pulse->lock);
        look(pulse);
        lock_take(&pulse->lock);
        if (!pulse->stop) {
            (void)signal_wait(&pulse->woken, &pulse->lock,
                              clock_mono_ms(pulse->clock) + PULSE_LOOK_MS);
        }
    }
    lock_give(&pulse->lock);
    store_leave_thread();
    return NULL;
}

bool pulse_start(struct pulse **out, struct store *store, struct planned *planned, struct err *err)
{
    struct pulse *pulse = mem_alloc(sizeof *pulse);
    if (pulse == NULL) {
        store_close(store);
        return err_set(err, ERR_RETRY, "out of memory");
    }
    pulse->store = store;
    pulse->planned = planned;
    pulse->clock = clock_system();
    pulse->since_ms = clock_wall_ms(pulse->clock);
    lock_init(&pulse->lock);
    signal_init(&pulse->woken);
    arena_init(&pulse->arenas[0], ARENA_MAX);
    arena_init(&pulse->arenas[1], ARENA_MAX);
    if (!make(pulse, err) || !thread_start(&pulse->thread, run, pulse, false, err)) {
        arena_free(&pulse->arenas[0]);
        arena_free(&pulse->arenas[1]);
        store_close(store);
        mem_free(pulse);
        return false;
    }
    *out = pulse;
    return true;
}

void pulse_stop(struct pulse *pulse)
{
    if (pulse == NULL) {
        return;
    }
    lock_take(&pulse->lock);
    pulse->stop = true;
    signal_all(&pulse->woken);
    lock_give(&pulse->lock);
    thread_join(&pulse->thread);
    store_close(pulse->store);
    arena_free(&pulse->arenas[0]);
    arena_free(&pulse->arenas[1]);
    mem_free(pulse);
}

bool pulse_get(struct pulse *pulse, enum pulse_page page, struct arena *arena, struct str *text,
               enum health_status *status)
{
    lock_take(&pulse->lock);
    bool fresh = clock_mono_ms(pulse->clock) - pulse->made_ms < PULSE_STALE_MS;
    *text = arena_copy(arena, pulse->pages[page]);
    *status = pulse->status;
    lock_give(&pulse->lock);
    return fresh && text->ptr != NULL;
}
