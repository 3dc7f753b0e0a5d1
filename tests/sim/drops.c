/* The drops slice: the real op of the drops domain over a table that others have written to. */
#include "domain/drops.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/must.h"
#include "world.h"

enum { GROUPS = 3, NUMBERS = 12, FOREIGN = 3, APART_MS = 8 * 1000, EDITED_MS = 30 * 1000 };

struct review {
    bool there;
    int blocks; /* Comment blocks of resubmissions. */
};

struct drops_slice {
    struct sim_source source;
    struct sim_sink sink;
    struct drops op;
    struct named_chat chats[GROUPS];
    struct plan_chat plan_chats[GROUPS];
    struct plan_source plan_source;
    struct plan_pipeline plan_pipeline;
    struct plan_sink plan_sink;
    struct history history;
    struct review expected[GROUPS][NUMBERS];
    struct review rows[GROUPS][NUMBERS]; /* The table outside. */
    char names[GROUPS][8];
};

static void number_text(char out[16], int group, int number)
{
    (void)snprintf(out, 16, "DR%08d", 17000000 + group * 100 + number);
}

/* The table: rows there already count, a repeated effect changes nothing. */
static void apply(struct sim_sink *sink, struct parcel *parcel, struct arena *arena)
{
    struct drops_slice *slice =
        (struct drops_slice *)(void *)((char *)sink - offsetof(struct drops_slice, sink));
    int64_t key = 0;
    (void)arena;
    must(parcel->kind == RECORD_EFFECT);
    must(str_starts(parcel->entity, STR("DR17")));
    must(str_to_int64(str_slice(parcel->entity, 2, 10), &key));
    struct review *row = &slice->rows[key / 100 % 1000][key % 100];
    if (!ledger_add(&sink->ledger, &parcel->effect)) {
        return;
    }
    row->blocks += row->there;
    row->there = true;
}

static void expect(struct drops_slice *slice, int group, int number)
{
    struct review *row = &slice->expected[group][number];
    row->blocks += row->there;
    row->there = true;
}

/* Some messages have one number, some two, some none; some are edited later. */
static void write_history(struct drops_slice *slice, struct rng *rng, int sayings, int64_t at_ms)
{
    char id[24];
    char text[96];
    char one[16];
    char two[16];
    for (int n = 0; n < sayings; n++) {
        int group = (int)rng_below(rng, GROUPS);
        int a = (int)rng_below(rng, NUMBERS);
        int b = (int)rng_below(rng, NUMBERS);
        uint64_t shape = rng_below(rng, 10);
        at_ms += (int64_t)rng_below(rng, APART_MS);
        number_text(one, group, a);
        number_text(two, group, b);
        (void)snprintf(id, sizeof id, n % 2 == 0 ? "%d" : "3EB0%04X", n);
        if (shape < 3) {
            history_say(&slice->history, group, id, "good morning, on our way", at_ms);
            continue;
        }
        (void)snprintf(text, sizeof text, "done %s, thanks", one);
        history_say(&slice->history, group, id, text, at_ms);
        expect(slice, group, a);
        if (shape == 9) { /* An edit: the number it had does not count again, a new one does. */
            at_ms += (int64_t)rng_below(rng, 2 * EDITED_MS); /* Mostly seen before the edit, too. */
            (void)snprintf(text, sizeof text, "done %s and %s", one, two);
            history_say(&slice->history, group, id, text, at_ms);
            if (a != b) {
                expect(slice, group, b);
            }
        }
    }
}

struct drops_slice *drops_slice_new(struct world *world, const struct scale *scale, uint64_t seed)
{
    struct drops_slice *slice = calloc(1, sizeof *slice);
    struct rng rng;
    must(slice != NULL);
    rng_seed(&rng, seed);
    for (int group = 0; group < GROUPS; group++) {
        (void)snprintf(slice->names[group], sizeof slice->names[group], "g%d", group);
        slice->chats[group].name = str_of(slice->names[group]);
        slice->chats[group].chat = str_of(slice->names[group]);
        slice->plan_chats[group] = (struct plan_chat){STR("bridge"), str_of(slice->names[group])};
        for (int number = 0; number < FOREIGN; number++) { /* Rows that others made. */
            slice->rows[group][number].there = true;
            slice->expected[group][number].there = true;
        }
    }
    write_history(slice, &rng, scale->sayings, world->wall_ms);
    sim_source_init(&slice->source, world, "bridge", &slice->history, "g");
    sim_sink_init(&slice->sink, world, "records", apply);
    slice->op.op.type = &op_drops;
    slice->op.zone_name = STR("Asia/Jerusalem");
    slice->op.pattern = STR("\\bDR\\d{8}\\b");
    slice->op.sink = STR("records");
    slice->op.projects.items = slice->chats;
    slice->op.projects.count = GROUPS;
    slice->plan_source =
        (struct plan_source){.name = STR("bridge"), .source = &slice->source.source};
    slice->plan_pipeline = (struct plan_pipeline){.name = STR("drops"),
                                                  .op = &slice->op.op,
                                                  .chats = slice->plan_chats,
                                                  .chat_count = GROUPS};
    slice->plan_sink =
        (struct plan_sink){.name = STR("records"), .sink = &slice->sink.sink, .attempts_max = 1000};
    return slice;
}

const struct plan_source *drops_slice_source(struct drops_slice *slice)
{
    return &slice->plan_source;
}

const struct plan_pipeline *drops_slice_pipeline(struct drops_slice *slice)
{
    return &slice->plan_pipeline;
}

const struct plan_sink *drops_slice_sink(struct drops_slice *slice)
{
    return &slice->plan_sink;
}

bool drops_slice_check(const struct drops_slice *slice)
{
    bool ok = true;
    for (int group = 0; group < GROUPS; group++) {
        for (int number = 0; number < NUMBERS; number++) {
            const struct review *want = &slice->expected[group][number];
            const struct review *have = &slice->rows[group][number];
            if (want->there != have->there || want->blocks != have->blocks) {
                (void)fprintf(stderr, "drops: group %d number %d: %d blocks, %d expected\n", group,
                              number, have->blocks, want->blocks);
                ok = false;
            }
        }
    }
    return ok;
}

void drops_slice_free(struct drops_slice *slice)
{
    free(slice);
}
