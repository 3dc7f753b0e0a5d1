/*
 * pair: logs a source in, with a person and a telephone.
 *
 * Where a `serve` has the source, this only says in the store that somebody is there (the note
 * "wish") and shows what serve keeps; else it opens the source itself, under the worker's lease.
 * The code is a credential: it goes to the terminal, or into a file that only the owner can read,
 * and is wiped from both when it is over.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "cli/act.h"
#include "cli/browser.h"
#include "cli/show.h"
#include "cli/signals.h"
#include "store/archive.h"
#include "store/audit.h"
#include "store/lease.h"
#include "text/duration.h"
#include "text/qr.h"

enum {
    LOOK_MS = 300,     /* Between two looks at what serve keeps. */
    WISH_MS = 15000,   /* A wish is good for so long, */
    RENEW_MS = 5000,   /* and renewed so often. */
    ATTEND_MS = 90000, /* A browser may have to be started. */
    RETRY_MS = 2000,
    FRESH_MS = 5000, /* What serve noted before that may be of the browser before. */
    PAIR_ARENA = 64 * 1024 * 1024,
    LOOK_ARENA = 1024 * 1024,
};

struct pair {
    struct keep keep; /* First: found again from it. */
    const struct cli *cli;
    struct config config;
    const struct plan_source *source;
    struct arena arena; /* Lives as long as the verb. */
    struct arena look;  /* Of one look: it holds the code, and is wiped. */
    struct str path;
    struct store *store;
    struct lease_file *leases;
    struct lease lease;
    struct rng rng;
    struct screen screen;
    struct str svg; /* Absent: none is wished. */
    bool svg_there;
    int64_t begun_ms; /* Wall clock. */
    int64_t end_ms;
    int drawn;     /* Lines that the next drawing replaces. */
    uint64_t told; /* A digest of what is shown now. */
};

/* ---- Notes of the source ---- */

static bool keep_get(struct keep *keep, struct str key, struct arena *arena, struct str *value,
                     struct err *err)
{
    struct pair *pair = (struct pair *)(void *)keep;
    return store_keep_get(pair->store, arena, pair->source->name, key, value, err);
}

static bool put(struct pair *pair, struct str key, struct str value, struct err *err)
{
    const struct lease *lease = pair->lease.work != 0 ? &pair->lease : NULL;
    bool ok = store_begin(pair->store, lease, err) &&
              store_keep_put(pair->store, pair->source->name, key, value, err) &&
              store_commit(pair->store, err);
    if (!ok) {
        store_rollback(pair->store);
    }
    return ok;
}

static bool keep_put(struct keep *keep, struct str key, struct str value, struct err *err)
{
    return put((struct pair *)(void *)keep, key, value, err);
}

static int64_t now_ms(void)
{
    return clock_wall_ms(clock_system());
}

static void pause_ms(int64_t ms)
{
    struct clock *clock = clock_system();
    clock->sleep_until(clock, clock_mono_ms(clock) + ms);
}

static bool stopping(void *context)
{
    (void)context;
    return signals_came();
}

/* ---- What the person sees ---- */

static uint64_t digest_of(struct str state, struct str code)
{
    uint64_t digest = 14695981039346656037ULL;
    struct str parts[] = {state, STR("/"), code};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (size_t j = 0; j < parts[i].len; j++) {
            digest = (digest ^ (unsigned char)parts[i].ptr[j]) * 1099511628211ULL;
        }
    }
    return digest;
}

static bool write_svg(struct pair *pair, const struct qr *qr, struct err *err)
{
    struct buf svg;
    buf_init(&svg, &pair->look, 0);
    qr_draw_svg(qr, &svg);
    if (!buf_ok(&svg)) {
        return err_set(err, ERR_RETRY, "out of memory for the picture");
    }
    pair->svg_there = file_write(pair->svg, FILE_PRIVATE, buf_str(&svg), err);
    return pair->svg_there;
}

/* A code that is over is of no use to anybody. */
static void drop_svg(struct pair *pair)
{
    struct err err = {0};
    if (pair->svg_there && !file_remove(pair->svg, &err)) {
        cli_say("%s", err.text);
    }
    pair->svg_there = false;
}

/* "The code is wider than the terminal" cannot be scanned; better said than drawn. */
static void put_code(struct pair *pair, const struct qr *qr, struct buf *out)
{
    enum qr_look look = pair->screen.colour               ? QR_COLOURS
                        : cli_given(pair->cli, "--light") ? QR_ON_LIGHT
                                                          : QR_ON_DARK;
    int columns = qr_blocks_columns(qr);
    if (pair->screen.width > 0 && (size_t)columns > pair->screen.width) {
        buf_printf(out,
                   "The code needs %d columns and %d lines, and the window has %zu columns: make "
                   "it larger (or its letters smaller), or: sluice pair %.*s --svg code.svg\n",
                   columns, qr_blocks_lines(qr) + 4, pair->screen.width,
                   STR_ARG(pair->source->name));
        return;
    }
    qr_draw_blocks(qr, look, out);
    buf_add(out,
            STR("Scan it: WhatsApp on the telephone, Settings, Linked devices, Link a device.\n"
                "It changes every 20 seconds or so; Ctrl-C ends.\n"));
}

static bool put_all(struct pair *pair, struct str state, struct str code, struct buf *out,
                    struct err *err)
{
    struct qr qr;
    bool ok = true;
    buf_printf(out, "%.*s: %s\n", STR_ARG(pair->source->name), browser_words(state));
    if (code.len == 0) {
        return true;
    }
    ok = qr_make(&qr, code, err) && (pair->svg.len == 0 || write_svg(pair, &qr, err));
    if (ok && pair->svg.len > 0) {
        buf_printf(out,
                   "The code is in %.*s; scan it: WhatsApp on the telephone, Linked devices.\n",
                   STR_ARG(pair->svg));
    } else if (ok) {
        put_code(pair, &qr, out);
    }
    explicit_bzero(&qr, sizeof qr);
    return ok;
}

static int lines_of(struct str text)
{
    int lines = 0;
    for (size_t i = 0; i < text.len; i++) {
        lines += text.ptr[i] == '\n';
    }
    return lines;
}

/* Over what was drawn before, on a terminal that can; false when standard output is gone. */
static bool print_over(struct pair *pair, struct str text)
{
    bool ok = true;
    if (pair->screen.moving && pair->drawn > 0) {
        ok = printf("\x1b[%dA\x1b[J", pair->drawn) > 0;
    }
    ok = ok && fwrite(text.ptr, 1, text.len, stdout) == text.len && fflush(stdout) == 0;
    pair->drawn = lines_of(text);
    return ok;
}

static bool draw(struct pair *pair, struct str state, struct str code, struct err *err)
{
    struct buf out;
    uint64_t digest = digest_of(state, code);
    if (digest == pair->told) {
        return true;
    }
    if (code.len == 0) {
        drop_svg(pair);
    }
    screen_refresh(&pair->screen, pair->cli);
    buf_init(&out, &pair->look, 0);
    if (!put_all(pair, state, code, &out, err)) {
        return false;
    }
    pair->told = digest;
    return (buf_ok(&out) && print_over(pair, buf_str(&out))) ||
           err_set(err, ERR_RETRY, "standard output cannot be written");
}

/* The code does not stay on the screen, nor in memory. */
static void wipe(struct pair *pair)
{
    if (pair->screen.moving && pair->drawn > 0) {
        (void)print_over(pair, STR(""));
    }
    drop_svg(pair);
}

/* Read what is known and draw it when it is new. */
static bool show(struct pair *pair, struct browser_state *state, struct err *err)
{
    struct str code = {0};
    bool ok =
        browser_read(pair->store, &pair->look, pair->source->name, state, err) &&
        store_keep_get(pair->store, &pair->look, pair->source->name, STR("code"), &code, err) &&
        draw(pair, state->state, code, err);
    return ok;
}

static void end_look(struct pair *pair)
{
    arena_wipe(&pair->look);
    arena_reset(&pair->look);
}

/* ---- Beside a serve, and without one ---- */

enum outcome { PAIR_FAILED = 0, PAIR_DONE, PAIR_LATE, PAIR_STOPPED, PAIR_ALONE };

static bool over(const struct pair *pair, enum outcome *outcome)
{
    *outcome = signals_came() ? PAIR_STOPPED : PAIR_LATE;
    return signals_came() || now_ms() >= pair->end_ms;
}

static bool wish(struct pair *pair, int64_t until_ms, struct err *err)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64, until_ms);
    return put(pair, STR("wish"), str_of(text), err);
}

static struct str work_of(struct pair *pair)
{
    return arena_printf(&pair->arena, "intake/%.*s", STR_ARG(pair->source->name));
}

static enum outcome follow(struct pair *pair, struct err *err)
{
    struct browser_state state;
    enum outcome outcome = PAIR_FAILED;
    int64_t wished_ms = 0;
    bool held = true;
    struct str work = work_of(pair);
    while (!over(pair, &outcome)) {
        if (now_ms() - wished_ms >= RENEW_MS) {
            wished_ms = now_ms();
            if (!wish(pair, wished_ms + WISH_MS, err) ||
                !store_lease_held(pair->store, pair->leases, work, &held, err)) {
                return PAIR_FAILED;
            }
        }
        if (!held) {
            return PAIR_ALONE; /* That serve has ended. */
        }
        bool ok = show(pair, &state, err);
        bool fresh = state.seen_ms >= pair->begun_ms - FRESH_MS || state.opened_ms > 0;
        bool done = ok && browser_is_ready(&state) && fresh;
        end_look(pair);
        if (!ok || done) {
            outcome = ok ? PAIR_DONE : PAIR_FAILED;
            break;
        }
        pause_ms(LOOK_MS);
    }
    struct err other = {0};
    if (!wish(pair, 0, &other)) {
        cli_say("%s", other.text);
    }
    return outcome;
}

/* One look of the source itself, up to a change that a person has to see. */
static enum outcome attend_once(struct pair *pair, struct connector *connector, struct err *err)
{
    const struct connector_type *type = &pair->source->source->type->connector;
    struct browser_state state;
    struct err why = {0};
    int64_t left_ms = pair->end_ms - now_ms();
    int64_t deadline_ms =
        clock_mono_ms(clock_system()) + (left_ms < ATTEND_MS ? left_ms : ATTEND_MS);
    bool done = type->attend(connector, deadline_ms, &why);
    bool ok = show(pair, &state, err);
    end_look(pair);
    if (!ok || done) {
        return ok ? PAIR_DONE : PAIR_FAILED;
    }
    if (why.kind == ERR_RETRY) {
        cli_say("%s", why.text);
        pair->drawn = 0;
        pause_ms(RETRY_MS);
    } else if (why.kind != ERR_LOGIN || str_equal(state.state, STR("storage-broken"))) {
        *err = why;
        return why.kind == ERR_STOP ? PAIR_STOPPED : PAIR_FAILED;
    }
    return PAIR_LATE;
}

static enum outcome attend(struct pair *pair, struct err *err)
{
    struct connector *connector = &pair->source->source->connector;
    const struct connector_type *type = &pair->source->source->type->connector;
    enum outcome outcome = PAIR_FAILED;
    connector->name = pair->source->name;
    connector->env = (struct connector_env){
        .clock = clock_system(),
        .rng = &pair->rng,
        .arena = &pair->arena,
        .keep = &pair->keep,
        .data_dir = pair->config.data_dir,
        .stopping = stopping,
    };
    if (type->open != NULL && !type->open(connector, err)) {
        return PAIR_FAILED;
    }
    if (!pair->screen.moving) {
        cli_say("no serve has %.*s: its browser is started for this", STR_ARG(pair->source->name));
    }
    while (!over(pair, &outcome)) {
        outcome = attend_once(pair, connector, err);
        if (outcome != PAIR_LATE) {
            break;
        }
    }
    type->close(connector);
    return outcome;
}

static enum outcome pair_on(struct pair *pair, struct err *err)
{
    enum outcome outcome = PAIR_ALONE;
    char owner[64];
    (void)snprintf(owner, sizeof owner, "pair/%ld", (long)getpid());
    while (outcome == PAIR_ALONE) {
        struct err why = {0};
        if (store_lease_take(pair->store, pair->leases, work_of(pair), str_of(owner), &pair->lease,
                             &why)) {
            outcome = attend(pair, err);
            (void)store_lease_give(pair->store, pair->leases, &pair->lease, &why);
            pair->lease = (struct lease){0};
        } else if (why.kind == ERR_STOP) {
            outcome = follow(pair, err);
        } else {
            *err = why;
            return PAIR_FAILED;
        }
    }
    return outcome;
}

/* ---- The verb ---- */

static int say_end(const struct pair *pair, enum outcome outcome, const struct err *err)
{
    struct str name = pair->source->name;
    switch (outcome) {
    case PAIR_DONE:
        cli_say("%.*s is logged in; no code is needed again unless WhatsApp ends it on the "
                "telephone (Linked devices)",
                STR_ARG(name));
        return CLI_OK;
    case PAIR_STOPPED:
        cli_say("ended before a code was scanned; nothing has changed");
        return CLI_FAILED;
    case PAIR_LATE:
    case PAIR_ALONE:
        cli_say("the time is over and no code was scanned; again: sluice pair %.*s", STR_ARG(name));
        return CLI_TRY_LATER;
    case PAIR_FAILED:
        break;
    }
    return cli_fail(err);
}

static bool note_act(struct pair *pair, struct err *err)
{
    char actor[ACT_ACTOR_MAX];
    act_name_actor(actor);
    bool ok = store_begin(pair->store, NULL, err) &&
              store_audit_put(pair->store, str_of(actor), STR("session.pair"), pair->source->name,
                              (struct str){0}, err) &&
              store_commit(pair->store, err);
    if (!ok) {
        store_rollback(pair->store);
    }
    return ok;
}

static bool open_all(struct pair *pair, struct err *err)
{
    struct store_options options = {.path = pair->path, .clock = clock_system()};
    rng_seed_system(&pair->rng);
    return file_make_dirs(pair->config.data_dir, DIR_PRIVATE, err) &&
           store_open(&pair->store, &options, err) &&
           lease_file_open(&pair->leases, pair->path, err) && signals_watch(NULL, err);
}

static int take_flags(struct pair *pair)
{
    struct str timeout = cli_value(pair->cli, "--timeout");
    struct err err = {0};
    int64_t limit_ms = 0;
    pair->svg = cli_value(pair->cli, "--svg");
    if (!duration_parse(timeout.len > 0 ? timeout : STR("10m"), &limit_ms, &err) ||
        limit_ms < 1000) {
        return cli_misused(pair->cli, "--timeout is a duration from 1s, such as 10m");
    }
    if (pair->svg.len == 0 && !isatty(STDOUT_FILENO) && !cli_given(pair->cli, "--print")) {
        return cli_misused(pair->cli,
                           "standard output is no terminal, and the code is a login that does not "
                           "belong into a file that others read; use --svg FILE, or --print");
    }
    pair->begun_ms = now_ms();
    pair->end_ms = pair->begun_ms + limit_ms;
    return CLI_OK;
}

static int run(struct pair *pair)
{
    struct err err = {0};
    enum outcome outcome = PAIR_FAILED;
    if (open_all(pair, &err)) {
        outcome = pair_on(pair, &err);
        wipe(pair);
        (void)signals_release();
    }
    if (outcome == PAIR_DONE && !note_act(pair, &err)) {
        cli_say("%s", err.text);
    }
    return say_end(pair, outcome, &err);
}

int cli_pair(struct cli *cli)
{
    struct pair pair = {.keep = {NULL, keep_get, keep_put}, .cli = cli};
    arena_init(&pair.arena, PAIR_ARENA);
    arena_init(&pair.look, LOOK_ARENA);
    int code = cli_config_load(cli, &pair.config);
    if (code == CLI_OK) {
        screen_init(&pair.screen, cli, &pair.config);
        pair.path = arena_printf(&pair.arena, "%.*s/sluice.db", STR_ARG(pair.config.data_dir));
        code = browser_pick(cli, &pair.config.plan,
                            cli->word_count > 0 ? cli->words[0] : (struct str){0}, &pair.source);
    }
    code = code == CLI_OK ? take_flags(&pair) : code;
    if (code == CLI_OK) {
        signals_block();
        code = run(&pair);
    }
    lease_file_close(pair.leases);
    store_close(pair.store);
    end_look(&pair);
    arena_free(&pair.look);
    arena_free(&pair.arena);
    config_free(&pair.config);
    return code;
}
