/* What every sink must do: exactly once, in order, with reasons; killed, full, late, reopened. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "sink/contract_rig.h"
#include "text/test.h"

static void assert_row(struct rig *rig, const char *entity, const char *expected)
{
    struct str row = rig_row(rig, entity);
    if (!str_equal(row, str_of(expected))) {
        fail_msg("%s: %s is %.*s, not %s", rig->kind->name, entity, STR_ARG(row), expected);
    }
}

static void assert_done(const struct rig *rig, const struct parcel *parcels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (parcels[i].verdict != VERDICT_DONE) {
            fail_msg("%s: parcel %zu: %.*s", rig->kind->name, i, STR_ARG(parcels[i].why));
        }
    }
}

static void write_one(struct rig *rig, enum record_kind kind, const char *entity, int64_t message,
                      const char *body)
{
    struct parcel parcel = rig_parcel(kind, entity, message, body);
    rig_write(rig, &parcel, 1);
    assert_done(rig, &parcel, 1);
}

#define REST "\"score\":null,\"done\":false,\"day\":null,\"list\":null}"

/* ---- Each behaviour ---- */

static void absolute_order(struct rig *rig)
{
    write_one(rig, RECORD_ABSOLUTE, "a", 10, "{\"set\":{\"count\":1}}");
    write_one(rig, RECORD_ABSOLUTE, "a", 30, "{\"set\":{\"count\":3}}");
    write_one(rig, RECORD_ABSOLUTE, "a", 20, "{\"set\":{\"count\":2}}"); /* Late: nothing. */
    write_one(rig, RECORD_ABSOLUTE, "a", 30, "{\"set\":{\"count\":9}}"); /* A repeat: nothing. */
    assert_row(rig, "a", "{\"drop\":\"a\",\"user\":null,\"comment\":\"none\",\"count\":3," REST);
    struct parcel newer = rig_parcel(RECORD_ABSOLUTE, "a", 5, "{\"set\":{\"count\":4}}");
    newer.effect.generation = 6; /* Of a store that was made later: newer, whatever its number. */
    rig_write(rig, &newer, 1);
    assert_row(rig, "a", "{\"drop\":\"a\",\"user\":null,\"comment\":\"none\",\"count\":4," REST);
}

static void effects_once(struct rig *rig)
{
    static const char body[] = "{\"insert\":{\"comment\":\"new\"},\"append\":{\"comment\":\"+\"}}";
    for (int times = 0; times < 3; times++) {
        write_one(rig, RECORD_EFFECT, "a", 1, body);
        write_one(rig, RECORD_EFFECT, "a", 2, body);
        rig_close(rig);
        rig_open(rig);
    }
    struct parcel again = rig_parcel(RECORD_EFFECT, "a", 2, body);
    again.effect.message = 77; /* The same message in a store that was filled anew. */
    again.effect.generation = 9;
    rig_write(rig, &again, 1);
    assert_done(rig, &again, 1);
    assert_row(rig, "a", "{\"drop\":\"a\",\"user\":null,\"comment\":\"new+\",\"count\":7," REST);
}

static void groups(struct rig *rig)
{
    static const char body[] =
        "{\"set\":{\"count\":2},\"insert\":{\"user\":\"first\"},\"update\":{\"user\":\"second\"},"
        "\"append\":{\"comment\":\"!\"}}";
    write_one(rig, RECORD_EFFECT, "a", 1, body);
    assert_row(rig, "a",
               "{\"drop\":\"a\",\"user\":\"first\",\"comment\":\"none\",\"count\":2," REST);
    write_one(rig, RECORD_EFFECT, "a", 2, body);
    assert_row(rig, "a",
               "{\"drop\":\"a\",\"user\":\"second\",\"comment\":\"none!\",\"count\":2," REST);
    write_one(rig, RECORD_EFFECT, "a", 3, "{\"set\":{\"comment\":null}}");
    write_one(rig, RECORD_EFFECT, "a", 4, "{\"append\":{\"comment\":\"x\"}}");
    assert_row(rig, "a", "{\"drop\":\"a\",\"user\":\"second\",\"comment\":\"x\",\"count\":2," REST);
    write_one(rig, RECORD_EFFECT, "a", 5, "{\"insert\":{\"user\":\"never\"}}");
    assert_row(rig, "a", "{\"drop\":\"a\",\"user\":\"second\",\"comment\":\"x\",\"count\":2," REST);
}

/* Numbers that are added up and lists that grow, from nothing too; and each effect once. */
static void growing(struct rig *rig)
{
    static const char body[] = "{\"inc\":{\"count\":2,\"score\":0.5},\"push\":{\"list\":\"א\"}}";
    write_one(rig, RECORD_EFFECT, "a", 1, body);
    write_one(rig, RECORD_EFFECT, "a", 1, body);
    assert_row(rig, "a",
               "{\"drop\":\"a\",\"user\":null,\"comment\":\"none\",\"count\":2,\"score\":0.5,"
               "\"done\":false,\"day\":null,\"list\":[\"א\"]}");
    write_one(rig, RECORD_EFFECT, "a", 2,
              "{\"inc\":{\"count\":-5,\"score\":1},\"push\":{\"list\":{\"b\":[1,null]}}}");
    assert_row(rig, "a",
               "{\"drop\":\"a\",\"user\":null,\"comment\":\"none\",\"count\":-3,\"score\":1.5,"
               "\"done\":false,\"day\":null,\"list\":[\"א\",{\"b\":[1,null]}]}");
    write_one(rig, RECORD_EFFECT, "a", 3, "{\"set\":{\"count\":null,\"list\":null}}");
    write_one(rig, RECORD_EFFECT, "a", 4, "{\"inc\":{\"count\":1},\"push\":{\"list\":3}}");
    assert_row(rig, "a",
               "{\"drop\":\"a\",\"user\":null,\"comment\":\"none\",\"count\":1,\"score\":1.5,"
               "\"done\":false,\"day\":null,\"list\":[3]}");
}

#define MERGE(items) "{\"merge\":{\"list\":{\"by\":\"id\",\"items\":[" items "]}}}"
#define SEVEN        "{\"set\":{\"n\":5,\"id\":\"7\"},\"insert\":{\"paid\":false}}"
#define EIGHT        "{\"set\":{\"n\":1,\"id\":\"8\"},\"insert\":{\"paid\":false}}"
#define MERGED(list)                                                                               \
    "{\"drop\":\"a\",\"user\":null,\"comment\":\"none\",\"count\":7,\"score\":null,"               \
    "\"done\":false,\"day\":null,\"list\":" list "}"

/* Objects of a list in which others write, too: their fields stay, and so do their objects. */
static void merging(struct rig *rig)
{
    write_one(rig, RECORD_ABSOLUTE, "a", 1, MERGE(SEVEN));
    assert_row(rig, "a", MERGED("[{\"n\":5,\"id\":\"7\",\"paid\":false}]"));
    write_one(rig, RECORD_EFFECT, "a", 2,
              "{\"set\":{\"list\":[{\"n\":5,\"id\":\"7\",\"paid\":true},null,"
              "{\"id\":\"x\"}]}}");
    write_one(rig, RECORD_ABSOLUTE, "a", 3, MERGE(SEVEN "," EIGHT));
    assert_row(rig, "a",
               MERGED("[{\"n\":5,\"id\":\"7\",\"paid\":true},null,{\"id\":\"x\"},"
                      "{\"n\":1,\"id\":\"8\",\"paid\":false}]"));
    write_one(rig, RECORD_ABSOLUTE, "a", 4, MERGE("{\"set\":{\"n\":2,\"id\":\"8\"}}"));
    write_one(rig, RECORD_EFFECT, "a", 5, MERGE("{\"set\":{\"id\":\"x\",\"paid\":[]}}"));
    assert_row(rig, "a",
               MERGED("[{\"n\":5,\"id\":\"7\",\"paid\":true},null,"
                      "{\"id\":\"x\",\"paid\":[]},"
                      "{\"n\":2,\"id\":\"8\",\"paid\":false}]"));
    write_one(rig, RECORD_EFFECT, "a", 6, "{\"set\":{\"list\":null}}");
    write_one(rig, RECORD_ABSOLUTE, "a", 7, MERGE(EIGHT));
    assert_row(rig, "a", MERGED("[{\"n\":1,\"id\":\"8\",\"paid\":false}]"));
}

/* What is no list, and what is no list of items. */
static void not_merging(struct rig *rig)
{
    static const char *const bad[] = {
        MERGE(SEVEN),
        MERGE(SEVEN "," SEVEN),
        MERGE("{\"set\":{\"n\":1}}"),
        "{\"merge\":{\"list\":[]}}",
        "{\"merge\":{\"user\":{\"by\":\"lesson\",\"items\":[]}}}",
    };
    write_one(rig, RECORD_EFFECT, "a", 1, "{\"set\":{\"list\":{\"no\":\"list\"}}}");
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct parcel parcels[] = {
            rig_parcel(RECORD_EFFECT, "a", 10 + (int64_t)i, bad[i]),
            rig_parcel(RECORD_EFFECT, "good", 30 + (int64_t)i, "{\"inc\":{\"count\":1}}"),
        };
        rig_write(rig, parcels, COUNT(parcels));
        if (parcels[0].verdict != VERDICT_REJECT || parcels[0].why.len == 0) {
            fail_msg("%s: %s: verdict %d: %.*s", rig->kind->name, bad[i], (int)parcels[0].verdict,
                     STR_ARG(parcels[0].why));
        }
        assert_done(rig, &parcels[1], 1);
    }
}

/* What cannot be added to stays as it is, and the others of the batch are written. */
static void not_growing(struct rig *rig)
{
    static const char *const bad[] = {
        "{\"push\":{\"list\":1}}",
        "{\"inc\":{\"count\":9223372036854775807}}",
        "{\"inc\":{\"user\":1}}",
        "{\"push\":{\"user\":1}}",
        "{\"inc\":{\"count\":0.5}}",
        "{\"inc\":{\"count\":null}}",
        "{\"set\":{\"count\":1},\"inc\":{\"count\":1}}",
        "{\"insert\":{\"count\":1},\"inc\":{\"count\":1}}",
    };
    write_one(rig, RECORD_EFFECT, "a", 1, "{\"set\":{\"count\":7,\"list\":{\"no\":\"list\"}}}");
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct parcel parcels[] = {
            rig_parcel(RECORD_EFFECT, "a", 10 + (int64_t)i, bad[i]),
            rig_parcel(RECORD_EFFECT, "good", 30 + (int64_t)i, "{\"inc\":{\"count\":1}}"),
        };
        rig_write(rig, parcels, COUNT(parcels));
        if (parcels[0].verdict != VERDICT_REJECT || parcels[0].why.len == 0) {
            fail_msg("%s: %s: verdict %d: %.*s", rig->kind->name, bad[i], (int)parcels[0].verdict,
                     STR_ARG(parcels[0].why));
        }
        assert_done(rig, &parcels[1], 1);
    }
    static const char *const adding[] = {"{\"append\":{\"user\":\"x\"}}", "{\"inc\":{\"count\":1}}",
                                         "{\"push\":{\"list\":1}}"};
    for (size_t i = 0; i < COUNT(adding); i++) {
        struct parcel parcel = rig_parcel(RECORD_ABSOLUTE, "b", 50 + (int64_t)i, adding[i]);
        rig_write(rig, &parcel, 1);
        assert_int_equal(parcel.verdict, VERDICT_REJECT);
        assert_int_not_equal(str_find(parcel.why, STR("once"), 0), STR_NONE);
    }
    assert_row(rig, "a",
               "{\"drop\":\"a\",\"user\":null,\"comment\":\"none\",\"count\":7,\"score\":null,"
               "\"done\":false,\"day\":null,\"list\":{\"no\":\"list\"}}");
    assert_int_not_equal(str_find(rig_row(rig, "good"), STR("\"count\":8"), 0), STR_NONE);
    assert_int_equal(rig_row(rig, "b").len, 0);
}

static void values(struct rig *rig)
{
    write_one(rig, RECORD_ABSOLUTE, "א-1", 1,
              "{\"set\":{\"user\":\"דנה \\\"ד\\\" ,\\n😀\",\"comment\":\"\",\"count\":"
              "-9223372036854775807,\"score\":0.1,\"done\":true,\"day\":\"2025-12-09\","
              "\"list\":[1,{\"a\":\"ב\"}]}}");
    char expected[256];
    (void)snprintf(expected, sizeof expected,
                   "{\"drop\":\"א-1\",\"user\":\"דנה \\\"ד\\\" ,\\n😀\",\"comment\":%s,\"count\":"
                   "-9223372036854775807,\"score\":0.1,\"done\":true,\"day\":\"2025-12-09\","
                   "\"list\":[1,{\"a\":\"ב\"}]}",
                   rig->kind->cells ? "null" : "\"\"");
    assert_row(rig, "א-1", expected);
    write_one(
        rig, RECORD_ABSOLUTE, "b", 2,
        "{\"set\":{\"user\":12345678901234567,\"count\":0,\"score\":-1.5e300,\"done\":null}}");
    assert_row(rig, "b",
               "{\"drop\":\"b\",\"user\":\"12345678901234567\",\"comment\":\"none\",\"count\":0,"
               "\"score\":-1.5e300,\"done\":null,\"day\":null,\"list\":null}");
}

static void huge_values(struct rig *rig)
{
    struct buf body;
    struct arena arena;
    arena_init(&arena, 64 << 20);
    buf_init(&body, &arena, RIG_ROW_MAX * 2);
    buf_add(&body, STR("{\"set\":{\"user\":\""));
    for (int i = 0; i < RIG_ROW_MAX; i += 2) {
        buf_add(&body, STR("ש"));
    }
    buf_add(&body, STR("\"}}"));
    struct parcel parcel = rig_parcel(RECORD_EFFECT, "huge", 1, buf_str(&body).ptr);
    rig_write(rig, &parcel, 1);
    assert_int_equal(parcel.verdict, rig->kind->cells ? VERDICT_REJECT : VERDICT_DONE);
    assert_int_equal(rig_row(rig, "huge").len > RIG_ROW_MAX, !rig->kind->cells);
    arena_free(&arena);
}

static void refusals(struct rig *rig)
{
    struct parcel parcels[] = {
        rig_parcel(RECORD_EFFECT, "good1", 1, "{\"set\":{\"count\":1}}"),
        rig_parcel(RECORD_EFFECT, "bad1", 2, "{\"set\":{\"nothing\":1}}"),
        rig_parcel(RECORD_EFFECT, "bad2", 3, "{\"set\":{\"count\":\"many\"}}"),
        rig_parcel(RECORD_EFFECT, "bad3", 4, "{\"set\":{\"user\":\"a\\u0000b\"}}"),
        rig_parcel(RECORD_EFFECT, "bad4", 5, "no JSON"),
        rig_parcel(RECORD_QUESTION, "bad5", 6, "{}"),
        rig_parcel(RECORD_EFFECT, "bad6", 7, "{\"set\":{\"count\":1}}"),
        rig_parcel(RECORD_EFFECT, "bad7", 8, "{\"set\":{\"drop\":\"another\"}}"),
        rig_parcel(RECORD_EFFECT, "bad8", 9,
                   "{\"set\":{\"user\":\"x\"},\"update\":{\"user\":\"y\"}}"),
        rig_parcel(RECORD_EFFECT, "", 10, "{\"set\":{\"count\":1}}"),
        rig_parcel(RECORD_EFFECT, "good2", 11, "{\"set\":{\"count\":2}}"),
    };
    parcels[6].target = STR("elsewhere");
    size_t last = COUNT(parcels) - 1;
    rig_write(rig, parcels, COUNT(parcels));
    for (size_t i = 0; i <= last; i++) {
        bool good = i == 0 || i == last;
        if (parcels[i].verdict != (good ? VERDICT_DONE : VERDICT_REJECT)) {
            fail_msg("%s: verdict %zu: %.*s", rig->kind->name, i, STR_ARG(parcels[i].why));
        }
        assert_int_equal(parcels[i].why.len > 0, !good);
        /* No value in a reason: it may be somebody's name. */
        assert_int_equal(str_find(parcels[i].why, STR("many"), 0), STR_NONE);
        if (rig->kind->type->check != NULL && parcels[i].entity.len > 0) {
            struct err err = {0};
            bool ok = rig->kind->type->check(rig->sink, &parcels[i], &rig->step, &err);
            assert_int_equal(ok, good);
        }
    }
    assert_true(rig_row(rig, "good1").len > 0);
    assert_true(rig_row(rig, "good2").len > 0);
    assert_int_equal(rig_row(rig, "bad2").len, 0);
}

static void no_time_left(struct rig *rig)
{
    struct err err = {0};
    struct parcel parcel = rig_parcel(RECORD_EFFECT, "a", 1, "{\"set\":{\"count\":1}}");
    bool ok = rig->kind->type->write(rig->sink, &parcel, 1, &rig->step, rig_mono_ms - 1, &err);
    assert_true(!ok ? err.kind == ERR_RETRY : parcel.verdict == VERDICT_RETRY);
    assert_int_equal(rig_row(rig, "a").len, 0);
    write_one(rig, RECORD_EFFECT, "a", 1, "{\"set\":{\"count\":1}}");
}

static void unreachable(struct rig *rig)
{
    struct err err = {0};
    struct parcel parcel = rig_parcel(RECORD_EFFECT, "a", 1, "{\"set\":{\"count\":1}}");
    rig_close(rig);
    rig_open(rig);
    rig_away(rig, true);
    assert_false(rig_try(rig, &parcel, 1, &err));
    assert_true(err.kind == ERR_RETRY || err.kind == ERR_CONFIG);
    assert_true(strlen(err.text) > 10);
    rig_away(rig, false);
    rig_write(rig, &parcel, 1);
    assert_done(rig, &parcel, 1);
}

static void empty_read_back(struct rig *rig)
{
    assert_int_equal(rig_row(rig, "nobody").len, 0); /* Before anything was written. */
    write_one(rig, RECORD_EFFECT, "a", 1, "{\"set\":{\"count\":1}}");
    assert_int_equal(rig_row(rig, "nobody").len, 0);
}

static bool count_row(void *context, struct str entity, struct str body, struct err *err)
{
    struct str *list = context;
    static char text[256];
    (void)err;
    assert_true(body.len > 0);
    (void)snprintf(text + list->len, sizeof text - list->len, "%.*s ", STR_ARG(entity));
    *list = str_of(text);
    return true;
}

static void dumps(struct rig *rig)
{
    struct err err = {0};
    struct str list = STR("");
    assert_non_null(rig->kind->type->dump);
    assert_true(
        rig->kind->type->dump(rig->sink, STR("reviews"), &rig->step, count_row, &list, &err));
    assert_int_equal(list.len, 0);
    write_one(rig, RECORD_EFFECT, "z", 1, "{\"set\":{\"count\":1}}");
    write_one(rig, RECORD_EFFECT, "a", 2, "{\"set\":{\"count\":1}}");
    write_one(rig, RECORD_EFFECT, "z", 3, "{\"set\":{\"count\":2}}");
    assert_true(
        rig->kind->type->dump(rig->sink, STR("reviews"), &rig->step, count_row, &list, &err));
    assert_str_equal(list, STR("z a "));
}

/* ---- The same work, disturbed ---- */

enum { WORK = 60, ENTITIES = 7 };

/* The n-th parcel of the work: effects that append, and absolutes. */
static struct parcel work_parcel(int n, char body[128], char entity[16])
{
    bool absolute = n % 3 == 0;
    (void)snprintf(entity, 16, "%s%d", absolute ? "abs" : "eff", n % ENTITIES);
    (void)snprintf(body, 128,
                   absolute ? "{\"set\":{\"count\":%d,\"user\":\"דנה\"}}"
                            : "{\"insert\":{\"comment\":\"%d\"},\"append\":{\"comment\":\",%d\"}}",
                   n, n);
    return rig_parcel(absolute ? RECORD_ABSOLUTE : RECORD_EFFECT, entity, n + 1, body);
}

/* Parcels up to `upto` in batches of one to four; returns where the sink failed, or `upto`. */
static int work_upto(struct rig *rig, int from, int upto)
{
    char bodies[4][128];
    char entities[4][16];
    struct parcel parcels[4];
    while (from < upto) {
        int count = 1 + from % 4;
        struct err err = {0};
        count = count < upto - from ? count : upto - from;
        for (int i = 0; i < count; i++) {
            parcels[i] = work_parcel(from + i, bodies[i], entities[i]);
        }
        if (!rig_try(rig, parcels, (size_t)count, &err)) {
            assert_int_equal(err.kind, ERR_RETRY);
            return from;
        }
        assert_done(rig, parcels, (size_t)count);
        from += count;
    }
    return upto;
}

static int work_on(struct rig *rig, int from)
{
    return work_upto(rig, from, WORK);
}

/* All rows and the bytes of the file as one text. */
static struct str observe(struct rig *rig, struct arena *arena)
{
    struct buf all;
    buf_init(&all, arena, 4096);
    for (int n = 0; n < ENTITIES * 2; n++) {
        char entity[16];
        (void)snprintf(entity, sizeof entity, "%s%d", n % 2 == 0 ? "abs" : "eff", n / 2);
        buf_add(&all, rig_row(rig, entity));
        buf_add_byte(&all, '\n');
    }
    buf_add(&all, rig_file(rig));
    assert_true(buf_ok(&all));
    return buf_str(&all);
}

static struct str undisturbed(const struct contract_kind *kind, int upto, struct arena *arena)
{
    struct rig rig;
    rig_begin(&rig, kind);
    assert_int_equal(work_upto(&rig, 0, upto), upto);
    struct str all = observe(&rig, arena);
    assert_true(all.len > 500);
    rig_end(&rig);
    return all;
}

static void assert_undisturbed(struct rig *rig, const char *what)
{
    struct arena arena;
    arena_init(&arena, 64 << 20);
    struct str expected = undisturbed(rig->kind, WORK, &arena);
    struct str got = observe(rig, &arena);
    if (!str_equal(expected, got)) {
        fail_msg("%s, %s:\n%.*s\nis not\n%.*s", rig->kind->name, what, STR_ARG(got),
                 STR_ARG(expected));
    }
    arena_free(&arena);
}

/* A child that tells by a pipe how far the parcels are marked, and dies at some instruction. */
static int work_until_killed(struct rig *rig, int from, int64_t after_us)
{
    int tell[2];
    assert_int_equal(pipe(tell), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        rig_open(rig);
        char bodies[2][128];
        char entities[2][16];
        for (int at = from; at < WORK; at += 2) {
            struct parcel parcels[2] = {work_parcel(at, bodies[0], entities[0]),
                                        work_parcel(at + 1, bodies[1], entities[1])};
            struct err err = {0};
            if (!rig_try(rig, parcels, 2, &err)) {
                _exit(3);
            }
            if (write(tell[1], "+", 1) != 1) {
                _exit(4);
            }
        }
        _exit(0);
    }
    (void)close(tell[1]);
    const struct timespec pause = {.tv_nsec = after_us * 1000};
    (void)nanosleep(&pause, NULL);
    (void)kill(child, SIGKILL);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) != 0);
    char mark = 0;
    while (read(tell[0], &mark, 1) == 1) {
        from += 2;
    }
    (void)close(tell[0]);
    return from;
}

static void killed(struct rig *rig)
{
    int at = 0;
    int64_t pause_us = 300;
    int64_t pause_first_us = rig->kind->remote ? 20000 : 0; /* It has to connect first. */
    rig_close(rig);
    for (int round = 0; round < 200 && at < WORK; round++) {
        at = work_until_killed(rig, at, pause_first_us + pause_us);
        pause_us = 300 + (pause_us * 7919 + 977) % 9000; /* Somewhere else each time. */
    }
    rig_open(rig);
    /* Marks were lost, too: all of it comes again. */
    assert_int_equal(work_on(rig, 0), WORK);
    assert_undisturbed(rig, "killed again and again");
}

/* One process that dies at the n-th step, for every n. */
static void died_at_each_step(struct rig *rig)
{
    bool died = true;
    int steps = 0;
    const int first = 9; /* Rows that are there already, and new ones. */
    const int upto = 16;
    struct arena arena;
    arena_init(&arena, 64 << 20);
    struct str expected = undisturbed(rig->kind, upto, &arena);
    for (; died; steps++) {
        rig_end(rig);
        rig_begin(rig, rig->kind);
        assert_int_equal(work_upto(rig, 0, first), first);
        rig_close(rig);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            rig_die_at = steps + 1;
            rig_open(rig);
            _exit(work_upto(rig, first, upto) == upto ? 0 : 3);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == RIG_DIED);
        died = WEXITSTATUS(status) == RIG_DIED;
        rig_open(rig);
        assert_int_equal(work_upto(rig, first, upto), upto);
        struct arena_mark mark = arena_mark(&arena);
        struct str got = observe(rig, &arena);
        if (!str_equal(got, expected)) {
            fail_msg("%s, dead at step %d:\n%.*s\nis not\n%.*s", rig->kind->name, steps + 1,
                     STR_ARG(got), STR_ARG(expected));
        }
        arena_rewind(&arena, mark);
    }
    arena_free(&arena);
    assert_true(steps >
                12); /* The fewest: seven records in one batch, and a command is one step. */
}

static void full_disk(struct rig *rig)
{
    struct rlimit limit;
    if (rig->kind->remote) {
        return; /* It is the server's disk; see sink/postgres. */
    }
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const struct rlimit whole = limit;
    (void)signal(SIGXFSZ, SIG_IGN);
    int at = 0;
    int failures = 0;
    for (rlim_t size = 1000; at < WORK; size += size < 30000 ? 977 : 20000) {
        limit.rlim_cur = size;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        at = work_on(rig, at);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &whole), 0);
        failures += at < WORK;
    }
    assert_true(failures > 3);
    assert_undisturbed(rig, "on a full disk");
}

static void reopened(struct rig *rig)
{
    for (int at = 0; at < WORK; at += 3) {
        char bodies[3][128];
        char entities[3][16];
        struct parcel parcels[3];
        for (int i = 0; i < 3; i++) {
            parcels[i] = work_parcel(at + i, bodies[i], entities[i]);
        }
        rig_write(rig, parcels, 3);
        rig_close(rig);
        rig_open(rig);
        rig_write(rig, parcels, 3);
        if (rig->kind->type->connector.rest != NULL) {
            rig->kind->type->connector.rest(&rig->sink->connector);
        }
    }
    assert_undisturbed(rig, "closed after each batch");
}

static void versions(struct rig *rig)
{
    if (!rig->kind->keeps_versions) {
        return;
    }
    write_one(rig, RECORD_ABSOLUTE, "a", 1, "{\"set\":{\"count\":1}}");
    write_one(rig, RECORD_ABSOLUTE, "a", 2, "{\"set\":{\"count\":2}}");
    struct str file = rig_file(rig);
    size_t lines = 0;
    for (size_t i = 0; i < file.len; i++) {
        lines += file.ptr[i] == '\n';
    }
    bool has_head = strstr(rig->kind->file, ".csv") != NULL;
    assert_int_equal(lines, has_head ? 3 : 2);
}

static const struct {
    const char *name;
    void (*run)(struct rig *rig);
} behaviours[] = {
    {"absolute records: newer over older", absolute_order},
    {"effects once", effects_once},
    {"column groups", groups},
    {"columns that grow", growing},
    {"columns that cannot grow", not_growing},
    {"lists that are merged", merging},
    {"what cannot be merged", not_merging},
    {"values", values},
    {"huge values", huge_values},
    {"refusals have reasons", refusals},
    {"no time left", no_time_left},
    {"unreachable", unreachable},
    {"read back of nothing", empty_read_back},
    {"dump", dumps},
    {"each change is a line of a log", versions},
    {"closed after each batch", reopened},
    {"full disk", full_disk},
    {"dead at each step", died_at_each_step},
    {"killed", killed},
};

static void run(void **state)
{
    const size_t *numbers = *state;
    struct rig rig;
    if (!rig_can(&contract_kinds[numbers[0]])) {
        skip();
    }
    rig_begin(&rig, &contract_kinds[numbers[0]]);
    behaviours[numbers[1]].run(&rig);
    rig_end(&rig);
}

int main(void)
{
    static char names[256][96];
    static size_t numbers[256][2];
    static struct CMUnitTest tests[256];
    size_t count = 0;
    for (size_t i = 0; i < contract_kind_count; i++) {
        for (size_t j = 0; j < COUNT(behaviours); j++) {
            (void)snprintf(names[count], sizeof names[0], "%s: %s", contract_kinds[i].name,
                           behaviours[j].name);
            numbers[count][0] = i;
            numbers[count][1] = j;
            tests[count] = (struct CMUnitTest){
                .name = names[count], .test_func = run, .initial_state = numbers[count]};
            count++;
        }
    }
    int failed = _cmocka_run_group_tests("sink contract", tests, count, NULL, NULL);
    rig_stop();
    return failed;
}
