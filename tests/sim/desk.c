/*
 * The desk slice: a dispatch desk in small.
 *
 * A customer writes; a model is asked what the message is about; its answer is a message; the
 * roster says where to begin; a slot is claimed, and the answer to that is a message, too; whoever
 * lost tries the next slot; whoever won is told, with a receipt; the lead's record is absolute.
 * Beside that a clock ticks, and two more pipelines listen: one to the ends of runs, one by a
 * schedule.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "text/json.h"
#include "world.h"

enum {
    CUSTOMERS_MAX = 12,
    SLOTS_MAX = 9, /* Fewer than customers: some go away empty-handed. */
    TICK_MS = 60 * 1000,
    APART_MS = 20 * 1000,
    HOURLY_MS = 300 * 1000,
};

/* What a lead's row says, and how new it is. */
struct lead {
    char status[16];
    int64_t generation;
    int64_t message;
    int32_t nth;
    bool there;
};

struct desk_slice {
    struct world *world;
    struct scale scale;
    struct history customers;
    struct history ticks;
    struct history roster;
    struct history sheet;
    struct sim_source green;
    struct sim_source clock;
    struct sim_source references;
    struct sim_source table;
    struct sim_sink ai;
    struct sim_sink slots;
    struct sim_sink messenger;
    struct sim_sink leads;
    struct desk {
        struct op op; /* First. */
        int slots;
    } desk;
    struct op log;
    struct op hourly;
    struct plan_chat desk_chats[2];
    struct plan_chat log_chats[1];
    struct plan_chat hourly_chats[1];

    /* The outside. */
    char owner[SLOTS_MAX][64]; /* Effect that holds the slot. */
    char owner_chat[SLOTS_MAX][16];
    int told[CUSTOMERS_MAX];
    struct lead rows[CUSTOMERS_MAX];
    struct lead tick_row;
    struct lead hourly_row;
    int runs_logged;
};

/* See desk_slice_rules(). */
static const char *status_mark = "";
static const char *question_mark = "";

void desk_slice_rules(const char *status, const char *question)
{
    status_mark = status;
    question_mark = question;
}

static struct desk_slice *slice_of(struct sim_sink *sink, size_t offset)
{
    return (struct desk_slice *)(void *)((char *)sink - offset);
}

/* The model says the same of the same message, whenever it is asked. */
static void apply_ai(struct sim_sink *sink, struct parcel *parcel, struct arena *arena)
{
    (void)ledger_add(&sink->ledger, &parcel->effect);
    parcel->answer =
        arena_printf(arena, "{\"city\":\"%s\"}", parcel->entity.len % 2 == 0 ? "haifa" : "eilat");
}

/* A slot goes to the first claim; the same claim gets the same answer again. */
static void apply_slots(struct sim_sink *sink, struct parcel *parcel, struct arena *arena)
{
    struct desk_slice *slice = slice_of(sink, offsetof(struct desk_slice, slots));
    char effect[EFFECT_TEXT_MAX];
    int64_t slot = -1;
    (void)effect_text(&parcel->effect, effect);
    must(str_to_int64(str_slice(parcel->entity, 1, parcel->entity.len), &slot));
    must(slot >= 0 && slot < slice->scale.slots);
    (void)ledger_add(&sink->ledger, &parcel->effect);
    if (slice->owner[slot][0] == '\0') {
        (void)snprintf(slice->owner[slot], sizeof slice->owner[slot], "%s", effect);
        (void)snprintf(slice->owner_chat[slot], sizeof slice->owner_chat[slot], "%.*s",
                       STR_ARG(parcel->body));
    }
    bool won = strcmp(slice->owner[slot], effect) == 0;
    parcel->answer = arena_copy(arena, won ? STR("{\"won\":true}") : STR("{\"won\":false}"));
}

static void apply_messenger(struct sim_sink *sink, struct parcel *parcel, struct arena *arena)
{
    struct desk_slice *slice = slice_of(sink, offsetof(struct desk_slice, messenger));
    int64_t customer = -1;
    (void)arena;
    must(parcel->receipt);
    must(str_to_int64(str_slice(parcel->entity, 1, parcel->entity.len), &customer));
    if (ledger_add(&sink->ledger, &parcel->effect)) {
        slice->told[customer]++;
    }
}

static struct lead *lead_row(struct desk_slice *slice, struct str entity)
{
    int64_t customer = -1;
    if (str_equal(entity, STR("ticks"))) {
        return &slice->tick_row;
    }
    if (str_equal(entity, STR("hourly"))) {
        return &slice->hourly_row;
    }
    must(str_to_int64(str_slice(entity, 1, entity.len), &customer));
    return &slice->rows[customer];
}

bool desk_slice_holds(struct desk_slice *slice, struct str entity, const struct effect *effect,
                      struct str body)
{
    const struct lead *row = lead_row(slice, entity);
    return row->there && row->message == effect->message && row->nth == effect->nth &&
           str_equal(str_of(row->status), body);
}

/* An absolute record is applied only over an older one. */
static void apply_leads(struct sim_sink *sink, struct parcel *parcel, struct arena *arena)
{
    struct desk_slice *slice = slice_of(sink, offsetof(struct desk_slice, leads));
    (void)arena;
    if (str_equal(parcel->target, STR("runs"))) {
        slice->runs_logged += ledger_add(&sink->ledger, &parcel->effect);
        return;
    }
    must(parcel->kind == RECORD_ABSOLUTE);
    struct lead *row = lead_row(slice, parcel->entity);
    struct effect held = {.generation = row->generation, .message = row->message, .nth = row->nth};
    if (row->message > 0 && effect_compare(&parcel->effect, &held) <= 0) {
        return;
    }
    *row = (struct lead){.generation = parcel->effect.generation,
                         .message = parcel->effect.message,
                         .nth = parcel->effect.nth,
                         .there = !parcel->removed};
    (void)snprintf(row->status, sizeof row->status, "%.*s", STR_ARG(parcel->body));
}

static bool emit(struct op_env *env, enum record_kind kind, const char *sink, const char *target,
                 struct str entity, struct str body, bool receipt, struct err *err)
{
    struct record record = {.kind = kind,
                            .sink = str_of(sink),
                            .target = str_of(target),
                            .entity = entity,
                            .body = body,
                            .receipt = receipt};
    return env->emit(env, &record, err);
}

static bool set_lead(struct op_env *env, struct str customer, const char *status, struct err *err)
{
    if (strcmp(status_mark, "-") == 0) { /* By these rules there are no leads at all. */
        return true;
    }
    struct str body = arena_printf(env->arena, "%s%s", status, status_mark);
    return emit(env, RECORD_ABSOLUTE, "leads", "leads", customer, body, false, err);
}

static bool claim(struct op_env *env, int slots, struct str customer, int64_t slot, struct err *err)
{
    struct str next = arena_printf(env->arena, "%lld", (long long)slot);
    struct str entity = arena_printf(env->arena, "s%lld", (long long)(slot % slots));
    return env->put(env, STR("slot"), next, err) &&
           emit(env, RECORD_QUESTION, "slots", "slots", entity, customer, false, err);
}

static bool on_answer(struct op_env *env, int slots, const struct message *message, struct err *err)
{
    const struct json_value *answer = NULL;
    struct str customer = {0};
    bool won = false;
    must(message->about > 0 && message->about < message->id);
    if (!env->get(env, STR("customer"), &customer, err) ||
        !json_parse(env->arena, message->text, NULL, &answer, err)) {
        return false;
    }
    must(customer.ptr != NULL); /* State of the asking chat is what an answer sees. */
    if (str_equal(message->source, STR("answers/ai"))) {
        struct str first = {0};
        int64_t slot = 0;
        if (!env->reference(env, STR("roster"), json_str(json_get(answer, STR("city"))), &first,
                            err)) {
            return false;
        }
        must(str_to_int64(first, &slot));
        /* Begin anywhere, and go round once. */
        struct str tries = arena_printf(env->arena, "%d", slots);
        return env->put(env, STR("left"), tries, err) &&
               claim(env, slots, customer, slot % slots, err);
    }
    must(str_equal(message->source, STR("answers/slots")));
    (void)json_bool(json_get(answer, STR("won")), &won);
    if (won) {
        return emit(env, RECORD_EFFECT, "messenger", "", customer, STR("you have a slot"), true,
                    err);
    }
    struct str slot = {0};
    struct str left = {0};
    int64_t at = 0;
    int64_t tries = 0;
    if (!env->get(env, STR("slot"), &slot, err) || !env->get(env, STR("left"), &left, err)) {
        return false;
    }
    must(str_to_int64(slot, &at) && str_to_int64(left, &tries));
    if (tries <= 1) {
        return set_lead(env, customer, "none", err);
    }
    struct str fewer = arena_printf(env->arena, "%lld", (long long)(tries - 1));
    return env->put(env, STR("left"), fewer, err) &&
           claim(env, slots, customer, (at + 1) % slots, err);
}

static bool count_tick(struct op_env *env, struct err *err)
{
    struct str before = {0};
    int64_t ticks = 0;
    if (!env->get(env, STR("ticks"), &before, err)) {
        return false;
    }
    (void)str_to_int64(before, &ticks);
    struct str now = arena_printf(env->arena, "%" PRId64, ticks + 1);
    return env->put(env, STR("ticks"), now, err) &&
           emit(env, RECORD_ABSOLUTE, "leads", "ticks", STR("ticks"), now, false, err);
}

static bool desk_apply(struct op *op, struct op_env *env, const struct message *message,
                       struct err *err)
{
    struct str customer = {0};
    int slots = ((struct desk *)op)->slots;
    switch (message->kind) {
    case MESSAGE_CHAT:
        if (str_starts(message->text, STR("bad"))) { /* Undone, listed, and the rest goes on. */
            return env->put(env, STR("bad"), STR("1"), err) &&
                   err_set(err, ERR_REJECT, "the desk cannot read this");
        }
        if (!str_starts(message->text, STR("need"))) {
            return true;
        }
        return env->put(env, STR("customer"), message->chat, err) &&
               set_lead(env, message->chat, "new", err) &&
               emit(env, RECORD_QUESTION, "ai", "", message->chat,
                    arena_printf(env->arena, "%.*s%s", STR_ARG(message->text), question_mark),
                    false, err);
    case MESSAGE_ANSWER:
        return on_answer(env, slots, message, err);
    case MESSAGE_RECEIPT:
        if (!env->get(env, STR("customer"), &customer, err)) {
            return false;
        }
        return set_lead(env, customer, "told", err);
    case MESSAGE_TICK:
        return count_tick(env, err);
    case MESSAGE_RUN:
    case MESSAGE_REFERENCE:
    case MESSAGE_ACT:
        return true;
    }
    return false;
}

/* One record for each run of the desk that ended. */
static bool log_apply(struct op *op, struct op_env *env, const struct message *message,
                      struct err *err)
{
    (void)op;
    must(message->kind == MESSAGE_RUN);
    return emit(env, RECORD_EFFECT, "leads", "runs", message->external_id, message->text, false,
                err);
}

/* Counts what the sheet had, whenever the schedule says so. */
static bool hourly_apply(struct op *op, struct op_env *env, const struct message *message,
                         struct err *err)
{
    struct str before = {0};
    int64_t count = 0;
    (void)op;
    (void)message;
    if (!env->get(env, STR("n"), &before, err)) {
        return false;
    }
    (void)str_to_int64(before, &count);
    struct str now = arena_printf(env->arena, "%" PRId64, count + 1);
    return env->put(env, STR("n"), now, err) &&
           emit(env, RECORD_ABSOLUTE, "leads", "hourly", STR("hourly"), now, false, err);
}

static const char *const desk_references[] = {"roster", NULL};
static const struct op_type desk_type = {
    .kind = "desk", .references = desk_references, .apply = desk_apply};
static const struct op_type log_type = {.kind = "log", .apply = log_apply};
static const struct op_type hourly_type = {.kind = "hourly", .apply = hourly_apply};

static void write_histories(struct desk_slice *slice, struct rng *rng, int64_t start_ms)
{
    char id[24];
    int64_t at_ms = start_ms;
    for (int customer = 0; customer < slice->scale.customers; customer++) {
        at_ms += (int64_t)rng_below(rng, APART_MS);
        (void)snprintf(id, sizeof id, "H%d", customer);
        history_say(&slice->customers, customer, id, "hello there", at_ms);
        (void)snprintf(id, sizeof id, "N%d", customer);
        history_say(&slice->customers, customer, id, "need a plumber", at_ms + 1000);
        if (customer % 4 == 3) {
            (void)snprintf(id, sizeof id, "B%d", customer);
            history_say(&slice->customers, customer, id, "bad \xEF\xBF\xBD", at_ms + 2000);
        }
        at_ms += 3000;
    }
    for (int tick = 0; tick < slice->scale.ticks; tick++) {
        (void)snprintf(id, sizeof id, "%d", tick);
        history_say(&slice->ticks, 0, id, "tick", start_ms + tick * (int64_t)TICK_MS);
        (void)snprintf(id, sizeof id, "row%d", tick);
        history_say(&slice->sheet, 0, id, "row", start_ms + tick * (int64_t)TICK_MS);
    }
    history_say(&slice->roster, 0, "v1", "0", start_ms);
    history_say(&slice->roster, 0, "v2", "4", start_ms + 200 * 1000);
    history_say(&slice->roster, 0, "v3", "0", start_ms + 400 * 1000);
}

struct desk_slice *desk_slice_new(struct world *world, const struct scale *scale, uint64_t seed)
{
    struct desk_slice *slice = calloc(1, sizeof *slice);
    struct rng rng;
    must(slice != NULL);
    rng_seed(&rng, seed ^ 0x5EED);
    slice->world = world;
    slice->scale = *scale;
    slice->desk.slots = scale->slots;
    write_histories(slice, &rng, world->wall_ms);
    sim_source_init(&slice->green, world, "green", &slice->customers, "c");
    sim_source_init(&slice->clock, world, "clock", &slice->ticks, "t");
    slice->clock.kind = MESSAGE_TICK;
    sim_source_init(&slice->references, world, "rosters", &slice->roster, "r");
    slice->references.snapshots = true;
    sim_source_init(&slice->table, world, "sheet", &slice->sheet, "s");
    sim_sink_init(&slice->ai, world, "ai", apply_ai);
    sim_sink_init(&slice->slots, world, "slots", apply_slots);
    sim_sink_init(&slice->messenger, world, "messenger", apply_messenger);
    sim_sink_init(&slice->leads, world, "leads", apply_leads);
    slice->desk.op.type = &desk_type;
    slice->log.type = &log_type;
    slice->hourly.type = &hourly_type;
    return slice;
}

int desk_slice_leads(const struct desk_slice *slice)
{
    int count = 0;
    for (int i = 0; i < slice->scale.customers; i++) {
        count += slice->rows[i].there;
    }
    return count;
}

void desk_slice_parts(struct desk_slice *slice, struct plan_source *sources,
                      struct plan_pipeline *pipelines, struct plan_sink *sinks)
{
    slice->desk_chats[0] = (struct plan_chat){STR("green"), STR("")};
    slice->desk_chats[1] = (struct plan_chat){STR("clock"), STR("")};
    slice->log_chats[0] = (struct plan_chat){STR("runs"), STR("")};
    slice->hourly_chats[0] = (struct plan_chat){STR("sheet"), STR("s0")};
    sources[0] = (struct plan_source){.name = STR("green"), .source = &slice->green.source};
    sources[1] = (struct plan_source){.name = STR("clock"), .source = &slice->clock.source};
    sources[2] = (struct plan_source){
        .name = STR("rosters"), .source = &slice->references.source, .reference = STR("roster")};
    sources[3] = (struct plan_source){
        .name = STR("sheet"), .source = &slice->table.source, .on_demand = true};
    pipelines[0] = (struct plan_pipeline){
        .name = STR("desk"), .op = &slice->desk.op, .chats = slice->desk_chats, .chat_count = 2};
    pipelines[1] = (struct plan_pipeline){.name = STR("log"),
                                          .op = &slice->log,
                                          .chats = slice->log_chats,
                                          .chat_count = 1,
                                          .quiet = true};
    pipelines[2] =
        (struct plan_pipeline){.name = STR("hourly"),
                               .op = &slice->hourly,
                               .chats = slice->hourly_chats,
                               .chat_count = 1,
                               .schedule = {.kind = SCHEDULE_EVERY, .every_ms = HOURLY_MS}};
    struct sim_sink *all[DESK_SINKS] = {&slice->ai, &slice->slots, &slice->messenger,
                                        &slice->leads};
    for (size_t i = 0; i < DESK_SINKS; i++) {
        sinks[i] = (struct plan_sink){
            .name = all[i]->sink.connector.name, .sink = &all[i]->sink, .attempts_max = 1000};
    }
}

static bool complain(const char *what, int64_t have, int64_t want)
{
    (void)fprintf(stderr, "desk: %s: %" PRId64 ", expected %" PRId64 "\n", what, have, want);
    return false;
}

static bool check_customers(const struct desk_slice *slice)
{
    int told = 0;
    int none = 0;
    bool ok = true;
    for (int i = 0; i < slice->scale.customers; i++) {
        char want[16];
        (void)snprintf(want, sizeof want, "told%s", status_mark);
        bool is_told = strcmp(slice->rows[i].status, want) == 0;
        (void)snprintf(want, sizeof want, "none%s", status_mark);
        bool is_none = strcmp(slice->rows[i].status, want) == 0;
        told += is_told;
        none += is_none;
        if (slice->told[i] != is_told || !(is_told || is_none)) {
            (void)fprintf(stderr, "desk: customer %d is '%s' and was told %d times\n", i,
                          slice->rows[i].status, slice->told[i]);
            ok = false;
        }
    }
    ok = told == slice->scale.slots ? ok : complain("customers told", told, slice->scale.slots);
    return none == slice->scale.customers - slice->scale.slots
               ? ok
               : complain("without a slot", none, slice->scale.customers - slice->scale.slots);
}

static bool check_slots(const struct desk_slice *slice)
{
    bool ok = true;
    for (int i = 0; i < slice->scale.slots; i++) {
        for (int j = 0; j < i; j++) {
            if (strcmp(slice->owner_chat[i], slice->owner_chat[j]) == 0) {
                (void)fprintf(stderr, "desk: %s has slots %d and %d\n", slice->owner_chat[i], j, i);
                ok = false;
            }
        }
    }
    return ok;
}

static int64_t number(struct store *store, const char *sql)
{
    struct err err = {0};
    int64_t value = -1;
    must(store_int(store, sql, &value, &err));
    return value;
}

bool desk_slice_check(const struct desk_slice *slice, struct store *store, bool jumps)
{
    bool ok = check_customers(slice) && check_slots(slice);
    int64_t ticks = strtoll(slice->tick_row.status, NULL, 10);
    int64_t rows = strtoll(slice->hourly_row.status, NULL, 10);
    ok = ticks == slice->scale.ticks ? ok : complain("ticks counted", ticks, slice->scale.ticks);
    ok = rows == slice->scale.ticks ? ok : complain("sheet rows counted", rows, slice->scale.ticks);
    ok = (int)slice->ai.ledger.count == slice->scale.customers
             ? ok
             : complain("questions to the model", (int64_t)slice->ai.ledger.count,
                        slice->scale.customers);
    int64_t refused = number(store, "SELECT count(*) FROM refused");
    ok = refused == slice->scale.customers / 4
             ? ok
             : complain("refused messages", refused, slice->scale.customers / 4);
    int64_t bad = number(store, "SELECT count(*) FROM state WHERE key=CAST('bad' AS BLOB)");
    ok = bad == 0 ? ok : complain("state of refused messages", bad, 0);
    int64_t dead = number(store, "SELECT count(*) FROM dead");
    ok = dead == 0 ? ok : complain("dead letters", dead, 0);
    int64_t runs = number(store, "SELECT count(*) FROM run r JOIN name n ON n.id=r.pipeline"
                                 " WHERE n.text<>'log'");
    ok = slice->runs_logged == runs ? ok : complain("runs logged", slice->runs_logged, runs);
    int64_t twice = number(store, "SELECT count(*)-count(DISTINCT planned_ms) FROM run r JOIN name"
                                  " n ON n.id=r.pipeline WHERE n.text='hourly'");
    ok = twice == 0 ? ok : complain("planned times that ran twice", twice, 0);
    int64_t hourly = number(store, "SELECT count(*) FROM run r JOIN name n ON n.id=r.pipeline"
                                   " WHERE n.text='hourly'");
    int64_t early = number(store, "SELECT count(*)-1-(max(planned_ms)-min(planned_ms))/300000 FROM"
                                  " run r JOIN name n ON n.id=r.pipeline WHERE n.text='hourly' AND"
                                  " r.trigger=0");
    ok = jumps || early <= 0 ? ok : complain("hourly runs before their time", early, 0);
    int64_t least = slice->scale.ticks * (int64_t)TICK_MS / HOURLY_MS;
    bool enough = jumps ? hourly > 0 : hourly >= least;
    return enough ? ok : complain("hourly runs", hourly, least);
}

void desk_slice_free(struct desk_slice *slice)
{
    free(slice);
}
