/*
 * intake: what filing a message in the archive costs, without any source or rule.
 *
 *     intake FOLDER numbers|texts COUNT [search]
 *
 * COUNT made-up messages of 92 bytes on average, from 20 chats that take turns by chance, go
 * through store_archive_put() in batches as large as an intake worker's, each in a transaction of
 * its own. Ids are rising numbers, or random texts such as WhatsApp's, which the index keeps as
 * hashes. Then the search index is filled, which is counted by itself. Closing the file, which
 * copies the log back, belongs to the work. Making the messages up does not: time is taken around
 * the calls.
 *
 * Prints one line of JSON; 1 and a reason on stderr when something failed or rows are missing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "db/sqlite.h"
#include "store/archive.h"
#include "store/search.h"
#include "store/store.h"

enum {
    CHATS = 20,
    SENDERS = 2000,
    TEXT_LEAST = 20,
    TEXT_SPREAD = 145, /* Even between 20 and 164: 92 on average. */
    ARENA_LIMIT = 160 * 1024 * 1024,
};

struct bench {
    struct arena arena; /* Of a batch. */
    struct rng rng;
    struct store *store;
    bool texts;  /* Ids are texts. */
    bool search; /* Fill the search index too. */
    int64_t count;
    int64_t filed;
    int64_t search_us;
    int64_t cpu_us; /* In the store. */
    int64_t wall_ms;
    int64_t since_cpu_us;
    int64_t since_ms;
};

static void watch_start(struct bench *bench)
{
    bench->since_ms = clock_mono_ms(clock_system());
    bench->since_cpu_us = clock_cpu_us();
}

static void watch_stop(struct bench *bench)
{
    bench->cpu_us += clock_cpu_us() - bench->since_cpu_us;
    bench->wall_ms += clock_mono_ms(clock_system()) - bench->since_ms;
}

static struct str make_text(struct bench *bench)
{
    static const char words[] =
        "good morning team the installation at house number is done please check photos loaded "
        "customer signed router light is green barcode scanned serial number missing will go back "
        "tomorrow thanks ok noted cable span outside reading fine and the gate was closed again so "
        "nobody could get in until late in the afternoon when the neighbour came";
    size_t len = TEXT_LEAST + (size_t)rng_below(&bench->rng, TEXT_SPREAD);
    size_t from = (size_t)rng_below(&bench->rng, sizeof words - 1 - len);
    return (struct str){words + from, len};
}

static bool make_message(struct bench *bench, struct message *out, int64_t number)
{
    struct arena *arena = &bench->arena;
    *out = (struct message){
        .source = STR("bench"),
        .chat =
            arena_printf(arena, "120363418298130%02" PRIu64 "@g.us", rng_below(&bench->rng, CHATS)),
        .external_id = bench->texts ? arena_printf(arena, "3EB0%016" PRIX64, rng_next(&bench->rng))
                                    : arena_printf(arena, "%" PRId64, number),
        .sender = arena_printf(arena, "2782%07" PRIu64, rng_below(&bench->rng, SENDERS)),
        .text = make_text(bench),
        .sent_ms = 1763000000000 + number * 1000,
    };
    return out->chat.ptr != NULL && out->external_id.ptr != NULL && out->sender.ptr != NULL;
}

static bool file_batch(struct bench *bench, struct message *messages, size_t count, struct err *err)
{
    struct intake_counts counts = {0};
    watch_start(bench);
    bool ok = store_begin(bench->store, NULL, err) &&
              store_archive_put(bench->store, &bench->arena, messages, count, &counts, err) &&
              store_commit(bench->store, err);
    watch_stop(bench);
    bench->filed += counts.fresh;
    return ok;
}

static bool file_all(struct bench *bench, struct err *err)
{
    for (int64_t number = 1; number <= bench->count;) {
        size_t room = BATCH_MESSAGES_MAX;
        int64_t rest = bench->count - number + 1;
        room = rest < (int64_t)room ? (size_t)rest : room;
        struct message *messages = arena_array(&bench->arena, room, sizeof *messages);
        if (messages == NULL) {
            return err_set(err, ERR_RETRY, "out of memory");
        }
        for (size_t i = 0; i < room; i++) {
            if (!make_message(bench, &messages[i], number + (int64_t)i)) {
                return err_set(err, ERR_RETRY, "out of memory");
            }
        }
        if (!file_batch(bench, messages, room, err)) {
            return false;
        }
        number += (int64_t)room;
        arena_reset(&bench->arena);
    }
    return true;
}

static bool open_store(struct bench *bench, struct str path, struct err *err)
{
    struct store_options options = {.path = path, .clock = clock_system()};
    return store_open(&bench->store, &options, err);
}

static void close_store(struct bench *bench)
{
    watch_start(bench);
    store_close(bench->store);
    watch_stop(bench);
    bench->store = NULL;
}

static bool fill_search(struct bench *bench, struct err *err)
{
    bool more = true;
    int64_t before_us = clock_cpu_us();
    while (more) {
        if (!store_search_fill(bench->store, &bench->arena, SEARCH_STEP_MAX, &more, err)) {
            return false;
        }
        arena_reset(&bench->arena);
    }
    bench->search_us = clock_cpu_us() - before_us;
    return true;
}

static bool run(struct bench *bench, struct str path, struct err *err)
{
    int64_t rows = 0;
    if (!sqlite_setup(err) || !open_store(bench, path, err) || !file_all(bench, err)) {
        return false;
    }
    close_store(bench);
    if (!open_store(bench, path, err) ||
        !store_int(bench->store, "SELECT count(*) FROM archive", &rows, err) ||
        (bench->search && !fill_search(bench, err))) {
        return false;
    }
    return (rows == bench->count && bench->filed == rows) ||
           err_set(err, ERR_STORE, "%" PRId64 " of %" PRId64 " messages were filed", rows,
                   bench->count);
}

int main(int count, char **words)
{
    struct bench bench = {0};
    struct err err = {0};
    char path[4096];
    if (count < 4 || count > 5 || !str_to_int64(str_of(words[3]), &bench.count) ||
        bench.count < 1) {
        (void)fprintf(stderr, "usage: see the head of tests/bench/intake.c\n");
        return 64;
    }
    bench.texts = strcmp(words[2], "texts") == 0;
    bench.search = count == 5 && strcmp(words[4], "search") == 0;
    (void)snprintf(path, sizeof path, "%s/sluice.db", words[1]);
    rng_seed(&bench.rng, 1);
    arena_init(&bench.arena, ARENA_LIMIT);
    bool ok = run(&bench, str_of(path), &err);
    store_close(bench.store);
    arena_free(&bench.arena);
    if (!ok) {
        (void)fprintf(stderr, "intake: %s\n", err.text);
        return 1;
    }
    (void)printf("{\"messages\":%" PRId64 ",\"cpu\":%.3f,\"wall\":%.3f,\"search_cpu\":%.3f}\n",
                 bench.filed, (double)bench.cpu_us / 1e6, (double)bench.wall_ms / 1e3,
                 (double)bench.search_us / 1e6);
    return 0;
}
