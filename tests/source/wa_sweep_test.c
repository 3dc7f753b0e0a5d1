/*
 * wa_sweep against a page on paper: whatever happens, the archive becomes the truth, nothing is
 * doubled, and what is missing is in a gap that somebody can see.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "source/wa_paper.h"
#include "source/wa_sweep.h"
#include "test.h"

enum {
    FETCH_MS = 60000,
    FETCHES_MAX = 4000,
    MINUTE_MS = 60000,
    CURSOR_MAX = 256 * 1024,
    SEEDS = 100,
    DAY_MS = 24 * 3600 * 1000,
};

/* One message as the archive has it. */
struct kept {
    bool there;
    bool deleted;
    bool gapped; /* It came although it is older than what came before: order is not asked of it. */
    char text[PAPER_TEXT_MAX];
    uint64_t files;
    int revisions;
    int order;
};

struct archive {
    struct kept rows[PAPER_CHATS_MAX][PAPER_ROWS_MAX];
    int taken;
    int repeats;
    int refused;
    int opened;
    int closed;
    int blobs;
};

static struct paper paper;
static struct archive archive;
static struct wa_sweep sweep;
static struct wa_spool spool;
static struct wa_limits limits;
static struct wa_sweep_options options;
static struct arena step;
static struct arena scratch;
static char cursors[PAPER_CHATS_MAX][CURSOR_MAX];
static bool has_cursor[PAPER_CHATS_MAX];
static const char *names[PAPER_CHATS_MAX];
static size_t name_count;
static struct rng dice;

/* ---- The rig ---- */

static void start(void)
{
    struct wa_visit_env env = {.page = &paper.page,
                               .limits = limits,
                               .clock = &paper.clock,
                               .rng = &paper.rng,
                               .spool = &spool};
    wa_spool_init(&spool, STR("/tmp"), 64 << 20);
    wa_sweep_init(&sweep, &env, &options);
}

static void crash(void)
{
    wa_sweep_free(&sweep);
    wa_spool_clear(&spool);
    start();
}

static void begin_with(uint64_t seed)
{
    memset(&archive, 0, sizeof archive);
    memset(has_cursor, 0, sizeof has_cursor);
    paper_init(&paper, seed);
    rng_seed(&dice, seed * 7 + 1);
    arena_init(&step, 128 << 20);
    arena_init(&scratch, 64 << 20);
    limits = (struct wa_limits){.pace_ms = 400,
                                .steps = 1000,
                                .messages = 100000,
                                .watch = 60,
                                .pictures = true,
                                .picture_max = 1 << 20};
    options =
        (struct wa_sweep_options){.lookback_ms = 30 * (int64_t)DAY_MS, .revisit_ms = 3600 * 1000};
    name_count = 0;
}

static void finish(void)
{
    wa_sweep_free(&sweep);
    wa_spool_clear(&spool);
    arena_free(&step);
    arena_free(&scratch);
}

static struct paper_chat *chat_with(const char *title, int rows)
{
    struct paper_chat *chat = paper_chat_add(&paper, title);
    names[name_count++] = title;
    for (int i = 0; i < rows; i++) {
        paper.wall_ms += (int64_t)rng_below(&paper.rng, 90000);
        (void)paper_add(&paper, chat);
    }
    return chat;
}

static int chat_of(struct str title)
{
    for (int i = 0; i < paper.chat_count; i++) {
        if (str_equal(title, str_of(paper.chats[i].title))) {
            return i;
        }
    }
    fail_msg("a message of a chat that nobody asked for");
    return 0;
}

static struct kept *kept_of(const struct message *message, int *chat)
{
    unsigned number = 0;
    char id[24];
    *chat = chat_of(message->chat);
    (void)snprintf(id, sizeof id, "%.*s", STR_ARG(message->external_id));
    assert_int_equal(sscanf(id + 2, "%X", &number), 1);
    assert_true((int)number < paper.chats[*chat].count);
    return &archive.rows[*chat][number];
}

static void file_message(const struct message *message)
{
    int chat = 0;
    struct kept *kept = kept_of(message, &chat);
    uint64_t files = message->attachments.len == 0 ? 0 : str_hash(message->attachments, 1);
    assert_true(message->text.len < PAPER_TEXT_MAX);
    if (kept->there && kept->deleted == message->deleted && kept->files == files &&
        str_equal(str_of(kept->text), message->text)) {
        archive.repeats++;
        return;
    }
    kept->revisions++;
    kept->order = kept->there ? kept->order : ++archive.taken;
    kept->there = true;
    kept->deleted = message->deleted;
    kept->files = files;
    (void)snprintf(kept->text, sizeof kept->text, "%.*s", STR_ARG(message->text));
}

static void file_batch(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        file_message(&batch->messages[i]);
    }
    for (size_t i = 0; i < batch->event_count; i++) {
        bool opens = str_find(batch->events[i].detail, STR("\"open\""), 0) != STR_NONE;
        archive.opened += opens;
        archive.closed += !opens;
    }
    for (size_t i = 0; i < batch->chat_count; i++) {
        const struct chat_cursor *chat = &batch->chats[i];
        if (chat->next.ptr != NULL) {
            assert_true(chat->next.len < CURSOR_MAX);
            memcpy(cursors[i], chat->next.ptr, chat->next.len);
            cursors[i][chat->next.len] = '\0';
            has_cursor[i] = true;
        }
    }
    archive.refused += (int)batch->refusal_count;
    archive.blobs += (int)batch->blob_count;
}

/* What may befall a fetch, in a hundred. */
struct fate {
    unsigned lost;  /* It cannot be kept. */
    unsigned crash; /* The process ends, before or after it was kept. */
    size_t limit;   /* Messages in one batch; 0: many. */
    int64_t fetch_ms;
};

static bool fetch_once(const struct fate *fate, int64_t since_ms, bool *more, struct err *err)
{
    struct batch batch;
    struct chat_cursor chats[PAPER_CHATS_MAX] = {0};
    arena_reset(&step);
    for (size_t i = 0; i < name_count; i++) {
        chats[i].chat = str_of(names[i]);
        chats[i].cursor = has_cursor[i] && since_ms == 0 ? str_of(cursors[i]) : (struct str){0};
    }
    batch_init(&batch, &step, chats, name_count);
    batch.limit = fate->limit > 0 ? fate->limit : batch.limit;
    batch.since_ms = since_ms;
    int64_t fetch_ms = fate->fetch_ms > 0 ? fate->fetch_ms : FETCH_MS;
    if (!wa_sweep_fetch(&sweep, &batch, paper.mono_ms + fetch_ms, err)) {
        *more = true;
        return false;
    }
    *more = batch.more;
    assert_true(batch.count <= batch.limit);
    if (rng_chance(&dice, fate->lost)) {
        *more = true;
        return true;
    }
    if (rng_chance(&dice, fate->crash)) {
        if (rng_chance(&dice, 50)) {
            file_batch(&batch);
        }
        crash();
        *more = true;
        return true;
    }
    if (since_ms == 0) {
        file_batch(&batch);
    }
    return true;
}

/* Until nothing is left. */
static void sweep_all(const struct fate *fate)
{
    bool more = true;
    for (int i = 0; more; i++) {
        struct err err = {0};
        assert_true(i < FETCHES_MAX);
        if (!fetch_once(fate, 0, &more, &err)) {
            assert_int_equal(err.kind, ERR_RETRY);
            paper.mono_ms += 1000;
            paper.wall_ms += 1000;
            if (rng_chance(&dice, 20)) {
                paper.open = -1;
                wa_sweep_lost(&sweep);
            }
        }
    }
}

static const struct fate calm;

/* ---- What must hold ---- */

static const struct wa_cursor *cursor_of(size_t chat)
{
    static struct wa_book book;
    arena_reset(&scratch);
    assert_true(wa_book_parse(str_of(cursors[chat]), &scratch, &book));
    assert_int_equal(book.count, 1);
    return &book.chats[0];
}

static bool in_gap(const struct wa_cursor *cursor, int64_t sent_ms)
{
    for (size_t i = 0; i < cursor->gap_count; i++) {
        if (sent_ms / MINUTE_MS >= cursor->gaps[i].from_ms / MINUTE_MS &&
            sent_ms / MINUTE_MS <= cursor->gaps[i].to_ms / MINUTE_MS) {
            return true;
        }
    }
    return false;
}

static bool is_message(const struct paper_row *row)
{
    return row->kind != WA_SYSTEM && !row->timeless;
}

/* Of the first `count` rows: each is there, or in a gap, or below the floor. */
static void nothing_is_missing(size_t chat, int count)
{
    const struct paper_chat *page = &paper.chats[chat];
    const struct wa_cursor *cursor = cursor_of(chat);
    for (int i = 0; i < count; i++) {
        const struct paper_row *row = &page->rows[i];
        const struct kept *kept = &archive.rows[chat][i];
        if (!is_message(row) || row->vanished || row->sent_ms < cursor->floor_ms) {
            continue;
        }
        if (!kept->there && !in_gap(cursor, row->sent_ms)) {
            fail_msg("%s: row %d of %d is missing, and in no gap", page->title, i, page->count);
        }
    }
}

static void nothing_flaps(size_t chat)
{
    const struct paper_chat *page = &paper.chats[chat];
    for (int i = 0; i < page->count; i++) {
        int late = page->rows[i].media > 0 && paper.faults.blind > 0 ? 1 : 0;
        if (archive.rows[chat][i].revisions > 1 + page->rows[i].changes + late) {
            fail_msg("%s: row %d has %d revisions, and was changed %d times", page->title, i,
                     archive.rows[chat][i].revisions, page->rows[i].changes);
        }
    }
}

static void texts_are_as_shown(size_t chat)
{
    const struct paper_chat *page = &paper.chats[chat];
    for (int i = 0; i < page->count; i++) {
        const struct paper_row *row = &page->rows[i];
        const struct kept *kept = &archive.rows[chat][i];
        if (!kept->there || row->vanished) {
            continue;
        }
        if (strcmp(kept->text, row->text) != 0 || kept->deleted != row->deleted) {
            fail_msg("%s: row %d of %d is \"%s\" (%d) and was kept as \"%s\" (%d)", page->title, i,
                     page->count, row->text, row->deleted, kept->text, kept->deleted);
        }
        bool pictures = row->media > 0 && !row->deleted;
        if (paper.faults.blind == 0 && pictures != (kept->files != 0)) {
            fail_msg("%s: row %d of %d has %d pictures (%d, changed %d times) %d", page->title, i,
                     page->count, row->media, row->kind, row->changes, kept->files != 0);
        }
    }
}

static void order_is_the_pages(size_t chat)
{
    int last = 0;
    for (int i = 0; i < paper.chats[chat].count; i++) {
        int order = archive.rows[chat][i].order;
        assert_true(order == 0 || order > last);
        last = order == 0 ? last : order;
    }
}

/* A visit that looks at everything that is known, with nothing going on. */
static void look_again(void)
{
    struct paper_faults faults = paper.faults;
    paper.faults = (struct paper_faults){.blind = faults.blind};
    paper.wall_ms += options.revisit_ms + 1;
    sweep_all(&calm);
    paper.faults = faults;
}

/* ---- Tests ---- */

static void a_chat_is_read_whole_and_in_order(void **state)
{
    (void)state;
    begin_with(1);
    (void)chat_with("one", 700);
    start();
    sweep_all(&calm);
    nothing_is_missing(0, 700);
    texts_are_as_shown(0);
    order_is_the_pages(0);
    assert_int_equal(archive.repeats, 0);
    assert_int_equal(cursor_of(0)->gap_count, 0);
    finish();
}

static void nothing_new_is_one_call(void **state)
{
    (void)state;
    begin_with(2);
    for (int i = 0; i < 4; i++) {
        static const char *const titles[] = {"a", "b", "c", "\xd7\x93"};
        (void)chat_with(titles[i], 30);
    }
    start();
    sweep_all(&calm);
    int calls = paper.calls;
    sweep_all(&calm);
    assert_int_equal(paper.calls, calls + 1);
    assert_int_equal(archive.repeats, 0);
    paper_add(&paper, &paper.chats[2]);
    sweep_all(&calm);
    assert_int_equal(paper.calls, calls + 1 + 3); /* The list, opening, its end. */
    assert_int_equal(paper.chats[1].opened, 1);
    assert_int_equal(paper.chats[2].opened, 2);
    nothing_is_missing(2, 31);
    finish();
}

/* An edit changes no line of the list; it is found once the chat is due. */
static void edits_are_revisions_with_the_same_files(void **state)
{
    (void)state;
    begin_with(3);
    struct paper_chat *chat = chat_with("one", 70);
    start();
    sweep_all(&calm);
    struct paper_row *row = &chat->rows[40]; /* A picture. */
    assert_int_equal(row->media, 1);
    uint64_t files = archive.rows[0][40].files;
    (void)snprintf(row->text, sizeof row->text, "another caption");
    row->changes++;
    chat->rows[60].deleted = true;
    chat->rows[60].text[0] = '\0';
    chat->rows[60].changes++;
    int calls = paper.calls;
    sweep_all(&calm);
    assert_int_equal(paper.calls, calls + 1);
    paper.faults.blind = 100; /* The picture is not asked for again. */
    look_again();
    assert_int_equal(archive.rows[0][40].revisions, 2);
    assert_true(archive.rows[0][40].files == files && files != 0);
    assert_string_equal(archive.rows[0][40].text, "another caption");
    assert_true(archive.rows[0][60].deleted);
    assert_int_equal(archive.repeats, 0);
    finish();
}

static void a_look_back_ends_where_it_should(void **state)
{
    (void)state;
    begin_with(4);
    struct paper_chat *chat = chat_with("one", 1500);
    int64_t now_ms = paper.wall_ms;
    options.lookback_ms = 6 * 3600 * 1000;
    start();
    sweep_all(&calm);
    int below = 0;
    for (int i = 0; i < chat->count; i++) {
        bool within = chat->rows[i].sent_ms >= now_ms - options.lookback_ms;
        below += !within;
        assert_true(!within || !is_message(&chat->rows[i]) || archive.rows[0][i].there);
        assert_true(within || chat->rows[i].sent_ms + FETCH_MS * 2 > now_ms - options.lookback_ms ||
                    !archive.rows[0][i].there);
    }
    assert_in_range(below, 500, 1400);
    assert_int_equal(cursor_of(0)->gap_count, 0);
    finish();

    begin_with(4);
    (void)chat_with("one", 1500);
    options.first_rows = 50;
    start();
    sweep_all(&calm);
    assert_int_equal(archive.taken, 50);
    int steps = paper.steps;
    assert_in_range(steps, 1, 30);
    for (int i = 0; i < 130; i++) { /* More than it looks at first: all of them. */
        paper.wall_ms += 1000;
        (void)paper_add(&paper, &paper.chats[0]);
    }
    sweep_all(&calm);
    nothing_is_missing(0, 1630);
    assert_int_equal(cursor_of(0)->gap_count, 0);
    finish();
}

/* What the limits leave out is a gap, and the next rounds close it. */
static void limits_make_gaps_and_rounds_close_them(void **state)
{
    (void)state;
    begin_with(5);
    (void)chat_with("one", 60);
    limits.steps = 10;
    start();
    sweep_all(&calm);
    assert_int_equal(archive.opened, 0);
    for (int i = 0; i < 800; i++) {
        paper.wall_ms += 61000;
        (void)paper_add(&paper, &paper.chats[0]);
    }
    int steps = paper.steps;
    sweep_all(&calm);
    assert_in_range(paper.steps - steps, 1, 11);
    assert_int_equal(archive.opened, 1);
    assert_int_equal(archive.closed, 0);
    assert_int_equal(cursor_of(0)->gap_count, 1);
    assert_true(str_equal(cursor_of(0)->gaps[0].why, STR("steps")));
    nothing_is_missing(0, 860);
    for (int i = 0; i < 40 && archive.closed == 0; i++) {
        steps = paper.steps;
        sweep_all(&calm);
        assert_true(paper.steps - steps <= 200);
        nothing_is_missing(0, 860);
    }
    assert_int_equal(archive.closed, 1);
    assert_int_equal(cursor_of(0)->gap_count, 0);
    nothing_is_missing(0, 860);
    nothing_flaps(0);
    finish();
}

static void the_telephone_and_a_dead_end_are_gaps(void **state)
{
    (void)state;
    begin_with(6);
    struct paper_chat *chat = chat_with("one", 400);
    chat->boundary = 100;
    start();
    sweep_all(&calm);
    assert_int_equal(archive.opened, 1);
    assert_true(str_equal(cursor_of(0)->gaps[0].why, STR("phone")));
    nothing_is_missing(0, 400);
    int calls = paper.calls;
    sweep_all(&calm); /* Nothing can be done about it here. */
    assert_int_equal(paper.calls, calls + 1);
    finish();

    begin_with(7);
    chat = chat_with("one", 400);
    chat->dead_step = 200;
    start();
    sweep_all(&calm);
    assert_true(str_equal(cursor_of(0)->gaps[0].why, STR("stuck")));
    nothing_is_missing(0, 400);
    chat->dead_step = 0;
    sweep_all(&calm);
    assert_int_equal(archive.closed, 1);
    nothing_is_missing(0, 400);
    finish();
}

/* A range that was asked for is read whatever is known, and closes the gaps within it. */
static void a_range_repairs(void **state)
{
    (void)state;
    begin_with(8);
    struct paper_chat *chat = chat_with("one", 60);
    int64_t since_ms = paper.wall_ms - 3600 * 1000;
    start();
    sweep_all(&calm);
    for (int i = 0; i < 300; i++) {
        paper.wall_ms += 61000;
        (void)paper_add(&paper, chat);
    }
    limits.steps = 3;
    crash();
    sweep_all(&calm);
    assert_int_equal(cursor_of(0)->gap_count, 1);
    limits.steps = 1;
    crash();
    bool more = true;
    for (int i = 0; more; i++) {
        struct batch batch;
        struct err err = {0};
        static char range[64];
        struct chat_cursor one = {.chat = STR("one"), .cursor = str_of(i == 0 ? NULL : range)};
        arena_reset(&step);
        batch_init(&batch, &step, &one, 1);
        batch.since_ms = since_ms;
        batch.limit = 50;
        assert_true(i < 50);
        if (!wa_sweep_fetch(&sweep, &batch, paper.mono_ms + FETCH_MS, &err)) {
            fail_msg("%s", err.text);
        }
        more = batch.more;
        for (size_t j = 0; j < batch.count; j++) {
            file_message(&batch.messages[j]);
        }
        if (one.next.ptr != NULL) {
            (void)snprintf(range, sizeof range, "%.*s", STR_ARG(one.next));
        }
    }
    paper.chats[0].boundary = 0;
    sweep_all(&calm);
    assert_int_equal(cursor_of(0)->gap_count, 0);
    assert_int_equal(archive.closed, 1);
    for (int i = 60; i < 360; i++) {
        assert_true(archive.rows[0][i].there || !is_message(&chat->rows[i]));
    }
    nothing_flaps(0);
    finish();
}

/* One chat's trouble does not stop the others, and is told by name. */
static void troubles_stay_with_their_chat(void **state)
{
    struct err err = {0};
    bool more = true;
    (void)state;
    begin_with(9);
    (void)chat_with("first", 30);
    names[name_count++] = "nobody";
    (void)chat_with("last", 30);
    (void)chat_with("twice", 5);
    (void)paper_chat_add(&paper, "twice");
    start();
    for (int i = 0; more && i < 5; i++) {
        if (!fetch_once(&calm, 0, &more, &err)) {
            break;
        }
    }
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "\"nobody\""));
    assert_non_null(strstr(err.text, "\"first\""));
    assert_non_null(strstr(err.text, "1 more"));
    assert_true(archive.rows[0][10].there && archive.rows[1][10].there);
    assert_false(archive.rows[2][0].there);
    int calls = paper.calls;
    assert_false(fetch_once(&calm, 0, &more, &err)); /* Told again without asking the page again. */
    assert_int_equal(paper.calls, calls + 1);
    assert_int_equal(paper.chats[2].opened, 0);
    finish();

    begin_with(10);
    (void)chat_with("one", 30);
    paper.faults.wrong = 100;
    start();
    assert_false(fetch_once(&calm, 0, &more, &err));
    assert_non_null(strstr(err.text, "another chat opened"));
    assert_int_equal(archive.taken, 0);
    paper.faults.wrong = 0;
    paper.mono_ms += 6000;
    sweep_all(&calm);
    nothing_is_missing(0, 30);
    finish();
}

/* `chats: all`: one entry and one cursor for all that have messages inside the lookback. */
static void all_chats_have_one_cursor(void **state)
{
    struct wa_book book = {0};
    (void)state;
    begin_with(15);
    (void)chat_with("old", 30);
    paper.wall_ms += 40 * (int64_t)DAY_MS;
    (void)chat_with("first", 120);
    (void)chat_with("\xd7\xa9\xd7\xa0\xd7\x99\xd7\x99\xd7\x9d", 90);
    (void)chat_with("twice", 5);
    (void)chat_with("twice", 5);
    names[0] = "";
    name_count = 1;
    start();
    sweep_all(&calm);
    assert_true(wa_book_parse(str_of(cursors[0]), &scratch, &book));
    assert_int_equal(book.count, 2);
    assert_int_equal(paper.chats[0].opened + paper.chats[3].opened + paper.chats[4].opened, 0);
    assert_int_equal(archive.refused, 1); /* The title that two chats have, once. */
    int calls = paper.calls;
    paper.chats[0].unread = 0;
    sweep_all(&calm);
    assert_int_equal(paper.calls, calls + 1);
    assert_int_equal(archive.refused, 1);
    (void)paper_add(&paper, &paper.chats[0]); /* It is no longer old. */
    (void)paper_add(&paper, &paper.chats[2]);
    crash();
    sweep_all(&calm);
    assert_true(archive.rows[0][30].there && archive.rows[2][90].there);
    assert_false(archive.rows[0][20].there);
    assert_true(wa_book_parse(str_of(cursors[0]), &scratch, &book));
    assert_int_equal(book.count, 3);
    assert_int_equal(archive.repeats, 0);
    for (int i = 0; i < 120; i++) {
        assert_true(archive.rows[1][i].there || !is_message(&paper.chats[1].rows[i]));
    }
    finish();
}

static void a_broken_page_writes_nothing(void **state)
{
    struct err err = {0};
    bool more = true;
    (void)state;
    begin_with(11);
    (void)chat_with("one", 200);
    start();
    paper.broken = true;
    for (int i = 0; i < 5; i++) {
        assert_false(fetch_once(&calm, 0, &more, &err));
    }
    assert_int_equal(archive.taken, 0);
    assert_false(has_cursor[0]);
    paper.broken = false;
    paper.health.broken = false;
    sweep_all(&calm);
    nothing_is_missing(0, 200);
    finish();
}

static void rows_without_a_time_are_refused_once(void **state)
{
    (void)state;
    begin_with(12);
    struct paper_chat *chat = chat_with("one", 30);
    chat->rows[10].timeless = true;
    chat->rows[29].timeless = true;
    start();
    sweep_all(&calm);
    assert_int_equal(archive.refused, 2);
    look_again();
    look_again();
    assert_int_equal(archive.refused, 2);
    assert_true(archive.rows[0][11].there && !archive.rows[0][10].there);
    chat->rows[29].timeless = false; /* It can be told now. */
    look_again();
    assert_true(archive.rows[0][29].there);
    finish();
}

static void pictures_that_come_later_are_added(void **state)
{
    (void)state;
    begin_with(13);
    struct paper_chat *chat = chat_with("one", 60);
    paper.faults.blind = 100;
    start();
    sweep_all(&calm);
    assert_true(archive.rows[0][40].there && archive.rows[0][40].files == 0);
    paper.faults.blind = 0;
    look_again();
    assert_true(archive.rows[0][40].files != 0);
    assert_int_equal(archive.rows[0][40].revisions, 2);
    chat->rows[11].deleted = false;
    finish();
}

static void the_pace_is_kept(void **state)
{
    (void)state;
    begin_with(14);
    (void)chat_with("one", 900);
    limits.pace_ms = 400;
    start();
    sweep_all(&calm);
    assert_true(paper.steps > 30);
    assert_in_range(paper.shortest_ms, 400, 1100);
    finish();
}

static void flood(unsigned seed, int round)
{
    size_t chat = (size_t)rng_below(&dice, name_count);
    int more = (int)rng_below(&dice, seed % 3 == 0 ? 150 : 40);
    for (int i = 0; i < more; i++) {
        paper.wall_ms += (int64_t)rng_below(&dice, 90000);
        (void)paper_add(&paper, &paper.chats[chat]);
    }
    for (int i = 0; i < round % 4; i++) {
        paper_happen(&paper, &paper.chats[chat]);
    }
    paper.wall_ms += (int64_t)rng_below(&dice, 50) * MINUTE_MS;
}

static void no_gap_is_left(size_t chat, unsigned seed)
{
    const struct wa_cursor *cursor = cursor_of(chat);
    for (size_t i = 0; i < cursor->gap_count; i++) {
        const struct wa_gap *gap = &cursor->gaps[i];
        fail_msg("seed %u, chat %zu: %zu gaps are left, one of %" PRId64 " to %" PRId64
                 " minutes ago for \"%.*s\"",
                 seed, chat, cursor->gap_count, (paper.wall_ms - gap->from_ms) / MINUTE_MS,
                 (paper.wall_ms - gap->to_ms) / MINUTE_MS, STR_ARG(gap->why));
    }
}

/* Live changes, windows of all kinds, failures, crashes between fetch and commit, by seed. */
static void any_seed(unsigned seed, bool gaps)
{
    int before[PAPER_CHATS_MAX] = {0};
    static const char *const titles[] = {"one", "\xd7\xa9\xd7\xa0\xd7\x99\xd7\x99\xd7\x9d"};
    begin_with(seed);
    struct fate fate = {.lost = (unsigned)rng_below(&dice, 15),
                        .crash = (unsigned)rng_below(&dice, 15),
                        .limit = rng_chance(&dice, 30) ? 1 + rng_below(&dice, 60) : 0,
                        .fetch_ms = 21000 + (int64_t)rng_below(&dice, 40000)};
    paper.whole = rng_chance(&dice, 50);
    paper.span = 12 + (int)rng_below(&dice, 60);
    paper.batch = 12 + (int)rng_below(&dice, 40);
    limits.system = rng_chance(&dice, 30);
    limits.pace_ms = rng_chance(&dice, 50) ? 400 : 0;
    for (size_t i = 0; i < 1 + seed % 2; i++) {
        (void)chat_with(titles[i], (int)rng_below(&dice, 300));
    }
    if (gaps) {
        limits.steps = 1 + (int64_t)rng_below(&dice, 6);
        limits.messages = 50 + (int64_t)rng_below(&dice, 200);
        limits.watch = 10 + (int64_t)rng_below(&dice, 60);
        paper.faults.vanishing = true;
        paper.faults.jumps = (unsigned)rng_below(&dice, 10);
        paper.faults.stuck = (unsigned)rng_below(&dice, 60);
    } else if (seed % 3 == 1) {
        paper.faults.blind = (unsigned)rng_below(&dice, 30);
    }
    paper.faults.live = (unsigned)rng_below(&dice, 25);
    paper.faults.fails = (unsigned)rng_below(&dice, 5);
    paper.faults.wrong = (unsigned)rng_below(&dice, 20);
    start();
    for (int round = 0; round < 6; round++) {
        for (size_t i = 0; i < name_count; i++) {
            before[i] = paper.chats[i].count;
        }
        paper.live_left = 60; /* Or nobody could ever read as quickly as it is written. */
        sweep_all(&fate);
        for (size_t i = 0; i < name_count; i++) {
            nothing_is_missing(i, before[i]);
            nothing_flaps(i);
        }
        flood(seed, round);
    }
    for (int i = 0; i < 60; i++) {
        look_again();
    }
    for (size_t i = 0; i < name_count; i++) {
        nothing_is_missing(i, paper.chats[i].count);
        nothing_flaps(i);
        no_gap_is_left(i, seed);
        if (!gaps) {
            texts_are_as_shown(i);
        }
    }
    finish();
}

static void whatever_happens_the_archive_is_the_truth(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        any_seed(seed, false);
    }
}

static void whatever_is_missing_is_in_a_gap(void **state)
{
    (void)state;
    for (unsigned seed = 1000; seed < 1000 + SEEDS; seed++) {
        any_seed(seed, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chat_is_read_whole_and_in_order),
        cmocka_unit_test(nothing_new_is_one_call),
        cmocka_unit_test(edits_are_revisions_with_the_same_files),
        cmocka_unit_test(a_look_back_ends_where_it_should),
        cmocka_unit_test(limits_make_gaps_and_rounds_close_them),
        cmocka_unit_test(the_telephone_and_a_dead_end_are_gaps),
        cmocka_unit_test(a_range_repairs),
        cmocka_unit_test(troubles_stay_with_their_chat),
        cmocka_unit_test(all_chats_have_one_cursor),
        cmocka_unit_test(a_broken_page_writes_nothing),
        cmocka_unit_test(rows_without_a_time_are_refused_once),
        cmocka_unit_test(pictures_that_come_later_are_added),
        cmocka_unit_test(the_pace_is_kept),
        cmocka_unit_test(whatever_happens_the_archive_is_the_truth),
        cmocka_unit_test(whatever_is_missing_is_in_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
