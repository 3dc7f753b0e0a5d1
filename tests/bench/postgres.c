/*
 * bench-postgres: what the sink postgres costs.
 *
 *     postgres URI AUTHORITIES SCHEMA migrate
 *     postgres URI AUTHORITIES SCHEMA effects|absolute ROWS ROUND   rows of 12 columns, ROUND 2
 * changes them postgres URI AUTHORITIES SCHEMA read                          all rows, one by one
 *     postgres URI AUTHORITIES SCHEMA connect TIMES                 a connection each time
 *
 * Prints one JSON object. The records are made before the clock starts; tests/bench/postgres.py
 * makes the same ones, and compares what the server holds.
 */
#include "db/postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "base/must.h"
#include "sink/postgres.h"

enum { BODY_MAX = 512, PATIENCE_MS = 600 * 1000 };

static const struct column columns[] = {
    {"number", COLUMN_TEXT, true, NULL, ""},
    {"who", COLUMN_TEXT, false, NULL, ""},
    {"phone", COLUMN_TEXT, false, NULL, ""},
    {"note", COLUMN_TEXT, false, NULL, ""},
    {"amount", COLUMN_INT, false, NULL, ""},
    {"total", COLUMN_INT, false, NULL, ""},
    {"price", COLUMN_DOUBLE, false, NULL, ""},
    {"done", COLUMN_BOOL, false, NULL, ""},
    {"sent", COLUMN_TIME, false, NULL, ""},
    {"day", COLUMN_DATE, false, NULL, ""},
    {"list", COLUMN_JSON, false, NULL, ""},
    {"place", COLUMN_TEXT, false, NULL, ""},
    {0},
};
static const struct target jobs = {.name = "jobs", .key = "number", .columns = columns};
static const struct target *const targets[] = {&jobs, NULL};

static struct arena arena;
static struct arena opened;
static struct err err;

static int64_t now_us(void)
{
    return clock_mono_ms(clock_system()) * 1000;
}

static int64_t cpu_us(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static int die(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, err.text);
    exit(1);
}

/* What getrusage() says begins with the size of the process that forked. */
static double peak_mb(void)
{
    char line[256];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            kib = strtol(line + 6, NULL, 10);
        }
    }
    if (status != NULL) {
        (void)fclose(status);
    }
    return (double)kib / 1024;
}

static void report(int64_t rows, int64_t from_us, int64_t from_cpu_us)
{
    int64_t wall = now_us() - from_us;
    int64_t cpu = cpu_us() - from_cpu_us;
    (void)printf("{\"rows\": %" PRId64 ", \"wall\": %.6f, \"cpu\": %.6f, \"rss_mb\": %.1f}\n", rows,
                 (double)wall / 1e6, (double)cpu / 1e6, peak_mb());
}

static struct sink *open_sink(char **words)
{
    struct sink *sink = mem_alloc(sink_postgres.connector.size);
    const struct option *options = sink_postgres.connector.options;
    must(sink != NULL);
    char *base = (char *)(void *)sink;
    sink->type = &sink_postgres;
    sink->connector.name = STR("records");
    sink->connector.env =
        (struct connector_env){.clock = clock_system(), .arena = &opened, .targets = targets};
    must(secret_make((struct secret *)(void *)(base + option_find(options, STR("uri"))->offset),
                     &opened, str_of(words[1])));
    *(struct str *)(void *)(base + option_find(options, STR("authorities"))->offset) =
        str_of(words[2]);
    *(struct str *)(void *)(base + option_find(options, STR("schema"))->offset) = str_of(words[3]);
    *(int64_t *)(void *)(base + option_find(options, STR("connect_timeout"))->offset) = 10000;
    if (!sink_postgres.connector.open(&sink->connector, &err)) {
        die("open");
    }
    return sink;
}

/* The same as row() of tests/bench/postgres.py. */
static void make_body(char *out, int64_t n, int round)
{
    (void)snprintf(
        out, BODY_MAX,
        "{\"set\":{\"who\":\"דנה כהן %d\",\"phone\":\"0550%06d\",\"note\":\"line one\\nround %d, "
        "\\\"quoted\\\" \\\\ {a,b}\",\"amount\":%d,\"total\":%" PRId64 ",\"price\":%d.25,"
        "\"done\":%s,\"sent\":\"2025-11-%02dT10:%02d:00.000Z\",\"day\":\"2025-12-%02d\","
        "\"list\":[%d,\"א\"],\"place\":\"street %d\"}}",
        (int)(n % 5000), (int)(n % 1000000), round, (int)(n % 1000) + round, n * 1000003,
        (int)(n % 777), n % 2 == 0 ? "true" : "false", (int)(n % 28) + 1, (int)(n % 60),
        (int)(n % 28) + 1, (int)(n % 9), (int)(n % 123));
}

static struct parcel *make_parcels(enum record_kind kind, int64_t rows, int round)
{
    struct parcel *parcels = arena_array(&arena, (size_t)rows, sizeof *parcels);
    char body[BODY_MAX];
    must(parcels != NULL);
    for (int64_t i = 0; i < rows; i++) {
        int64_t message = i + 1 + (round - 1) * rows;
        struct str origin = arena_printf(&arena, "%020d", (int)message);
        make_body(body, i, round);
        parcels[i] = (struct parcel){
            .kind = kind,
            .effect = {.pipeline = STR("desk"),
                       .generation = 1763712000,
                       .message = message,
                       .origin = origin},
            .target = STR("jobs"),
            .entity = arena_printf(&arena, "K%07d", (int)i),
            .body = arena_copy(&arena, str_of(body)),
        };
        must(parcels[i].body.ptr != NULL);
    }
    return parcels;
}

static void write_rows(struct sink *sink, enum record_kind kind, int64_t rows, int round)
{
    struct parcel *parcels = make_parcels(kind, rows, round);
    struct arena step;
    struct str found = {0};
    arena_init(&step, 64 << 20);
    /* Connected before the clock starts, as the rival is. */
    if (!sink_postgres.connector.probe(&sink->connector,
                                       clock_mono_ms(clock_system()) + PATIENCE_MS, &found, &err)) {
        die("connect");
    }
    int64_t from_us = now_us();
    int64_t from_cpu_us = cpu_us();
    for (int64_t at = 0; at < rows;) {
        size_t count = rows - at < SINK_BATCH_MAX ? (size_t)(rows - at) : SINK_BATCH_MAX;
        arena_reset(&step);
        if (!sink_postgres.write(sink, &parcels[at], count, &step,
                                 clock_mono_ms(clock_system()) + PATIENCE_MS, &err)) {
            die("write");
        }
        for (size_t i = 0; i < count; i++) {
            must(parcels[at + (int64_t)i].verdict == VERDICT_DONE);
        }
        at += (int64_t)count;
    }
    report(rows, from_us, from_cpu_us);
}

/* ---- The statement alone ---- */

enum { COLUMNS = 12, VALUE_MAX = 96 };

/* The same row as make_body() has, as texts. */
static void make_values(char out[COLUMNS][VALUE_MAX], int64_t n, int round)
{
    (void)snprintf(out[0], VALUE_MAX, "K%07d", (int)n);
    (void)snprintf(out[1], VALUE_MAX, "דנה כהן %d", (int)(n % 5000));
    (void)snprintf(out[2], VALUE_MAX, "0550%06d", (int)(n % 1000000));
    (void)snprintf(out[3], VALUE_MAX, "line one\nround %d, \"quoted\" \\ {a,b}", round);
    (void)snprintf(out[4], VALUE_MAX, "%d", (int)(n % 1000) + round);
    (void)snprintf(out[5], VALUE_MAX, "%" PRId64, n * 1000003);
    (void)snprintf(out[6], VALUE_MAX, "%d.25", (int)(n % 777));
    (void)snprintf(out[7], VALUE_MAX, "%s", n % 2 == 0 ? "true" : "false");
    (void)snprintf(out[8], VALUE_MAX, "2025-11-%02dT10:%02d:00.000Z", (int)(n % 28) + 1,
                   (int)(n % 60));
    (void)snprintf(out[9], VALUE_MAX, "2025-12-%02d", (int)(n % 28) + 1);
    (void)snprintf(out[10], VALUE_MAX, "[%d,\"א\"]", (int)(n % 9));
    (void)snprintf(out[11], VALUE_MAX, "street %d", (int)(n % 123));
}

static const char *plain_sql(const char *schema)
{
    static const char *const types[COLUMNS] = {"text",        "text", "text",   "text",
                                               "int8",        "int8", "float8", "bool",
                                               "timestamptz", "date", "jsonb",  "text"};
    struct buf sql;
    buf_init(&sql, &arena, 1024);
    buf_printf(&sql, "INSERT INTO \"%s\".jobs(", schema);
    for (int i = 0; i < COLUMNS; i++) {
        buf_printf(&sql, "%s%s", i > 0 ? "," : "", columns[i].name);
    }
    buf_add(&sql, STR(") SELECT * FROM unnest("));
    for (int i = 0; i < COLUMNS; i++) {
        buf_printf(&sql, "%s$%d::%s[]", i > 0 ? "," : "", i + 1, types[i]);
    }
    buf_add(&sql, STR(") ON CONFLICT(number) DO UPDATE SET "));
    for (int i = 1; i < COLUMNS; i++) {
        buf_printf(&sql, "%s%s=excluded.%s", i > 1 ? "," : "", columns[i].name, columns[i].name);
    }
    return buf_str(&sql).ptr;
}

static void write_plain(struct postgres *db, const char *sql, char (*rows)[COLUMNS][VALUE_MAX],
                        int64_t count, struct arena *step)
{
    struct str values[COLUMNS];
    for (int column = 0; column < COLUMNS; column++) {
        struct buf array;
        buf_init(&array, step, (size_t)count * 40);
        buf_add_byte(&array, '{');
        for (int64_t i = 0; i < count; i++) {
            postgres_array_item(&array, i == 0, str_of(rows[i][column]));
        }
        buf_add_byte(&array, '}');
        values[column] = buf_str(&array);
    }
    if (!postgres_exec(db, sql, values, COLUMNS, clock_mono_ms(clock_system()) + PATIENCE_MS, NULL,
                       &err)) {
        die("plain");
    }
}

/* The names of the columns, and what each gets on a conflict. */
static void add_names(struct buf *sql)
{
    for (int i = 0; i < COLUMNS; i++) {
        buf_printf(sql, "%s%s", i > 0 ? "," : "", columns[i].name);
    }
}

/* All rows into a temporary table, and from there to where they belong. */
static void write_copy(struct postgres *db, const char *schema, char (*rows)[COLUMNS][VALUE_MAX],
                       int64_t count, struct arena *step)
{
    enum { PART = 256 * 1024 };
    struct buf sql;
    struct buf lines;
    int64_t deadline_ms = clock_mono_ms(clock_system()) + PATIENCE_MS;
    buf_init(&lines, step, PART * 2);
    buf_init(&sql, step, 1024);
    buf_add(&sql, STR("CREATE TEMP TABLE given ON COMMIT DROP AS SELECT "));
    add_names(&sql);
    buf_printf(&sql, " FROM \"%s\".jobs WITH NO DATA", schema);
    bool ok = postgres_script(db, buf_str(&sql).ptr, deadline_ms, &err) &&
              postgres_copy_begin(db, "COPY given FROM STDIN", deadline_ms, &err);
    for (int64_t i = 0; ok && i < count; i++) {
        for (int column = 0; column < COLUMNS; column++) {
            postgres_copy_field(&lines, str_of(rows[i][column]));
            buf_add_byte(&lines, column + 1 < COLUMNS ? '\t' : '\n');
        }
        if (lines.len > PART || i + 1 == count) {
            ok = postgres_copy_put(db, buf_str(&lines), &err);
            buf_clear(&lines);
        }
    }
    buf_clear(&sql);
    buf_printf(&sql, "INSERT INTO \"%s\".jobs(", schema);
    add_names(&sql);
    buf_add(&sql, STR(") SELECT * FROM given ON CONFLICT(number) DO UPDATE SET "));
    for (int i = 1; i < COLUMNS; i++) {
        buf_printf(&sql, "%s%s=excluded.%s", i > 1 ? "," : "", columns[i].name, columns[i].name);
    }
    if (!ok || !postgres_copy_end(db, true, NULL, &err) ||
        !postgres_exec(db, buf_str(&sql).ptr, NULL, 0, deadline_ms, NULL, &err)) {
        die("copy");
    }
}

static void plain(char **words, int64_t rows, int round)
{
    bool copies = strcmp(words[4], "copy") == 0;
    struct postgres_options options = {.uri = str_of(words[1]), .root = str_of(words[2])};
    struct postgres *db = NULL;
    struct arena step;
    char (*made)[COLUMNS][VALUE_MAX] = arena_array(&arena, (size_t)rows, sizeof *made);
    const char *sql = plain_sql(words[3]);
    int64_t deadline_ms = clock_mono_ms(clock_system()) + PATIENCE_MS;
    must(made != NULL && sql != NULL);
    for (int64_t i = 0; i < rows; i++) {
        make_values(made[i], i, round);
    }
    arena_init(&step, 64 << 20);
    if (!postgres_open(&db, &options, &err) || !postgres_connect(db, deadline_ms, &err)) {
        die("open");
    }
    int64_t from_us = now_us();
    int64_t from_cpu_us = cpu_us();
    bool ok = postgres_begin(db, deadline_ms, &err);
    if (ok && copies) {
        write_copy(db, words[3], made, rows, &step);
    }
    for (int64_t at = 0; ok && !copies && at < rows; at += SINK_BATCH_MAX) {
        arena_reset(&step);
        write_plain(db, sql, &made[at], rows - at < SINK_BATCH_MAX ? rows - at : SINK_BATCH_MAX,
                    &step);
    }
    if (!ok || !postgres_commit(db, deadline_ms, &err)) {
        die("plain");
    }
    report(rows, from_us, from_cpu_us);
    postgres_close(db);
}

static bool count_row(void *context, struct str entity, struct str body, struct err *why)
{
    int64_t *count = context;
    (void)why;
    must(entity.len > 0 && body.len > 0);
    ++*count;
    return true;
}

static void read_rows(struct sink *sink)
{
    int64_t count = 0;
    int64_t from_us = now_us();
    int64_t from_cpu_us = cpu_us();
    if (!sink_postgres.dump(sink, STR("jobs"), &arena, count_row, &count, &err)) {
        die("read");
    }
    report(count, from_us, from_cpu_us);
}

static void connect_often(char **words, int64_t times)
{
    struct postgres_options options = {.uri = str_of(words[1]), .root = str_of(words[2])};
    struct postgres *db = NULL;
    if (!postgres_open(&db, &options, &err)) {
        die("open");
    }
    int64_t from_us = 0;
    int64_t from_cpu_us = 0;
    for (int64_t i = -1; i < times; i++) { /* The first one reads the authorities. */
        if (i == 0) {
            from_us = now_us();
            from_cpu_us = cpu_us();
        }
        if (!postgres_connect(db, clock_mono_ms(clock_system()) + PATIENCE_MS, &err)) {
            die("connect");
        }
        postgres_disconnect(db);
    }
    report(times, from_us, from_cpu_us);
    postgres_close(db);
}

static int64_t number(const char *word)
{
    int64_t value = 0;
    must(str_to_int64(str_of(word), &value));
    return value;
}

int main(int count, char **words)
{
    struct str done;
    arena_init(&arena, (size_t)1 << 30);
    arena_init(&opened, 4 << 20);
    if (count < 5) {
        (void)fprintf(stderr, "see the head of tests/bench/postgres.c\n");
        return 64;
    }
    if (strcmp(words[4], "connect") == 0 && count == 6) {
        connect_often(words, number(words[5]));
        return 0;
    }
    if ((strcmp(words[4], "plain") == 0 || strcmp(words[4], "copy") == 0) && count == 7) {
        plain(words, number(words[5]), (int)number(words[6]));
        return 0;
    }
    struct sink *sink = open_sink(words);
    if (strcmp(words[4], "migrate") == 0) {
        if (!sink_postgres.migrate(sink, false, &arena, &done, &err)) {
            die("migrate");
        }
    } else if (strcmp(words[4], "read") == 0) {
        read_rows(sink);
    } else if (count == 7) {
        bool absolute = strcmp(words[4], "absolute") == 0;
        write_rows(sink, absolute ? RECORD_ABSOLUTE : RECORD_EFFECT, number(words[5]),
                   (int)number(words[6]));
    }
    sink_postgres.connector.close(&sink->connector);
    return 0;
}
