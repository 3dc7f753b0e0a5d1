/*
 * mongodb: what the sink mongodb takes for records that each have a document of their own.
 *
 *     mongodb URI DATABASE ROWS        tests/bench/mongodb.py runs it, with a server and a rival
 *
 * ROWS absolute records of twelve columns are made up first, and then written in batches as a
 * delivery worker hands them out. Prints one line of JSON with milliseconds of wall and CPU time of
 * the writing alone.
 */
#include "sink/mongodb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"
#include "text/datetime.h"

enum { BODY_MAX = 512, KEY_MAX = 24, BATCH = SINK_BATCH_MAX, WAIT_MS = 120 * 1000 };

static const struct column columns[] = {
    {"key", COLUMN_TEXT, true, NULL, ""},
    {"name", COLUMN_TEXT, false, NULL, ""},
    {"phone", COLUMN_TEXT, false, NULL, ""},
    {"city", COLUMN_TEXT, false, NULL, ""},
    {"note", COLUMN_TEXT, false, NULL, ""},
    {"state", COLUMN_TEXT, false, NULL, ""},
    {"lessons", COLUMN_INT, false, NULL, ""},
    {"paid", COLUMN_INT, false, NULL, ""},
    {"large", COLUMN_INT, false, NULL, ""},
    {"score", COLUMN_DOUBLE, false, NULL, ""},
    {"active", COLUMN_BOOL, false, NULL, ""},
    {"seen", COLUMN_TIME, false, NULL, ""},
    {0},
};
static const struct target rows_target = {.name = "rows", .key = "key", .columns = columns};
static const struct target *const targets[] = {&rows_target, NULL};

struct made {
    char key[KEY_MAX];
    char body[BODY_MAX];
};

/* The same rows as mongodb.py makes for the rival. */
static void make(struct made *out, int64_t i)
{
    char time[DATETIME_TEXT_MAX];
    struct str seen = datetime_format_iso(INT64_C(1765306302000) + i * 1000, time);
    (void)snprintf(out->key, sizeof out->key, "row-%" PRId64, i);
    int wrote = snprintf(
        out->body, sizeof out->body,
        "{\"set\":{\"name\":\"דנה %" PRId64 "\",\"phone\":\"+972550%06" PRId64
        "\",\"city\":\"חיפה\",\"note\":\"A note of some length, as people write it, number %" PRId64
        "\",\"state\":\"new\",\"lessons\":%" PRId64 ",\"paid\":%" PRId64 ",\"large\":%" PRId64
        ",\"score\":%" PRId64 ".5,\"active\":%s,\"seen\":\"%.*s\"}}",
        i, i, i, i % 40, i % 7 * 100, i * INT64_C(10000000000), i % 100,
        i % 2 == 0 ? "true" : "false", STR_ARG(seen));
    must(wrote > 0 && wrote < BODY_MAX);
}

static struct sink *open_sink(const char *uri, const char *database, struct arena *arena)
{
    struct err err = {0};
    struct str done = {0};
    struct sink *sink = mem_alloc(sink_mongodb.connector.size);
    must(sink != NULL);
    sink->type = &sink_mongodb;
    sink->connector.name = STR("bench");
    sink->connector.env =
        (struct connector_env){.clock = clock_system(), .arena = arena, .targets = targets};
    const struct option *options = sink_mongodb.connector.options;
    char *base = (char *)(void *)sink;
    must(
        secret_make((void *)(base + option_find(options, STR("uri"))->offset), arena, str_of(uri)));
    *(struct str *)(void *)(base + option_find(options, STR("database"))->offset) =
        str_of(database);
    *(struct str *)(void *)(base + option_find(options, STR("ledger"))->offset) =
        STR("sluice_effects");
    *(int64_t *)(void *)(base + option_find(options, STR("timeout"))->offset) = WAIT_MS;
    if (!sink_mongodb.connector.open(&sink->connector, &err) ||
        !sink_mongodb.migrate(sink, false, arena, &done, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return sink;
}

static void write_batch(struct sink *sink, const struct made *made, int64_t from, size_t count)
{
    static struct parcel parcels[BATCH];
    static struct arena arena;
    struct err err = {0};
    arena_reset(&arena); /* As a worker does it. */
    arena.limit = (size_t)256 << 20;
    for (size_t i = 0; i < count; i++) {
        parcels[i] = (struct parcel){
            .kind = RECORD_ABSOLUTE,
            .effect = {.pipeline = STR("bench"), .generation = 1, .message = from + (int64_t)i},
            .target = STR("rows"),
            .entity = str_of(made[i].key),
            .body = str_of(made[i].body),
        };
    }
    int64_t deadline_ms = clock_mono_ms(clock_system()) + WAIT_MS;
    bool ok = sink_mongodb.write(sink, parcels, count, &arena, deadline_ms, &err);
    for (size_t i = 0; i < count; i++) {
        ok = ok && parcels[i].verdict == VERDICT_DONE;
    }
    if (!ok) {
        (void)fprintf(stderr, "not written: %s\n", err.text);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    struct arena opened;
    int64_t rows = 0;
    if (argc != 4 || !str_to_int64(str_of(argv[3]), &rows) || rows < 1 || rows > 10000000) {
        (void)fprintf(stderr, "usage: mongodb URI DATABASE ROWS\n");
        return 64;
    }
    struct made *made = mem_alloc((size_t)rows * sizeof *made);
    must(made != NULL);
    for (int64_t i = 0; i < rows; i++) {
        make(&made[i], i);
    }
    arena_init(&opened, 8 << 20);
    struct sink *sink = open_sink(argv[1], argv[2], &opened);
    int64_t wall_ms = clock_mono_ms(clock_system());
    int64_t cpu_us = clock_cpu_us();
    for (int64_t at = 0; at < rows; at += BATCH) {
        write_batch(sink, made + at, at, (size_t)(rows - at < BATCH ? rows - at : BATCH));
    }
    (void)printf("{\"wall_ms\": %" PRId64 ", \"cpu_ms\": %" PRId64 "}\n",
                 clock_mono_ms(clock_system()) - wall_ms, (clock_cpu_us() - cpu_us) / 1000);
    sink_mongodb.connector.close(&sink->connector);
    mem_free(sink);
    mem_free(made);
    arena_free(&opened);
    return 0;
}
