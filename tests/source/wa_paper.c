#include "source/wa_paper.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

enum { EDITABLE = 10, MINUTE_MS = 60000, RUN = 4 };

static struct paper *paper_of(struct wa_page *page)
{
    return (struct paper *)(void *)page; /* The page is its first member. */
}

static int64_t paper_wall(struct clock *clock)
{
    return ((struct paper *)(void *)((char *)clock - offsetof(struct paper, clock)))->wall_ms;
}

static int64_t paper_mono(struct clock *clock)
{
    return ((struct paper *)(void *)((char *)clock - offsetof(struct paper, clock)))->mono_ms;
}

static void pass(struct paper *paper, int64_t ms)
{
    paper->wall_ms += ms;
    paper->mono_ms += ms;
}

static void paper_sleep(struct clock *clock, int64_t mono_ms)
{
    struct paper *paper = (struct paper *)(void *)((char *)clock - offsetof(struct paper, clock));
    if (mono_ms > paper->mono_ms) {
        pass(paper, mono_ms - paper->mono_ms);
    }
}

static bool chance(struct paper *paper, unsigned percent)
{
    return percent > 0 && rng_chance(&paper->rng, percent);
}

/* ---- What is there ---- */

struct paper_row *paper_add(struct paper *paper, struct paper_chat *chat)
{
    assert_true(chat->count < PAPER_ROWS_MAX);
    int number = chat->count;
    struct paper_row *row = &chat->rows[chat->count++];
    *row = (struct paper_row){.number = number, .direction = MESSAGE_INCOMING};
    (void)snprintf(row->id, sizeof row->id, "%X%012X", number % 2 == 0 ? 0x3A : 0xA5, number);
    (void)snprintf(row->text, sizeof row->text, "%s %d",
                   number % 7 == 0 ? "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d" : "text", number / 2);
    row->sent_ms = paper->wall_ms / MINUTE_MS * MINUTE_MS;
    row->first = number % RUN == 0;
    row->direction = number / RUN % 3 == 0 ? MESSAGE_OUTGOING : MESSAGE_INCOMING;
    if (number % 31 == 13) {
        row->kind = WA_SYSTEM;
    } else if (number % 29 == 11) {
        row->kind = WA_IMAGE;
        row->media = number % 58 == 11 ? 3 : 1;
    } else if (number % 37 == 17) {
        row->kind = WA_WAITING;
        row->text[0] = '\0';
    }
    chat->unread++;
    return row;
}

struct paper_chat *paper_chat_add(struct paper *paper, const char *title)
{
    assert_true(paper->chat_count < PAPER_CHATS_MAX);
    struct paper_chat *chat = &paper->chats[paper->chat_count++];
    chat->title = title;
    return chat;
}

void paper_happen(struct paper *paper, struct paper_chat *chat)
{
    uint64_t what = rng_below(&paper->rng, 10);
    int age = (int)rng_below(&paper->rng, EDITABLE);
    struct paper_row *row = chat->count > age ? &chat->rows[chat->count - 1 - age] : NULL;
    if (what < 5 || row == NULL || row->vanished || row->deleted || row->kind == WA_SYSTEM) {
        int more = 1 + (int)rng_below(&paper->rng, 3);
        for (int i = 0; i < more && chat->count < PAPER_ROWS_MAX; i++) {
            (void)paper_add(paper, chat);
        }
        return;
    }
    row->changes++;
    if (row->kind == WA_WAITING) {
        row->kind = WA_TEXT;
        (void)snprintf(row->text, sizeof row->text, "came later %d", row->number);
    } else if (what < 8) {
        row->edited = true;
        (void)snprintf(row->text, sizeof row->text, "edited %d.%d", row->number, row->changes);
    } else if (what < 9 || !paper->faults.vanishing) {
        row->deleted = true;
        row->text[0] = '\0';
    } else {
        row->vanished = true;
    }
}

/* ---- The page ---- */

static bool begin_call(struct paper *paper, struct err *err)
{
    paper->calls++;
    pass(paper, paper->call_ms);
    if (paper->open >= 0 && paper->live_left > 0 && chance(paper, paper->faults.live)) {
        paper->live_left--;
        paper_happen(paper, &paper->chats[paper->open]);
    }
    if (paper->broken) {
        paper->health.broken = true;
        return err_set(err, ERR_RETRY, "the page is not as it was");
    }
    return !chance(paper, paper->faults.fails) || err_set(err, ERR_RETRY, "a script timed out");
}

static struct str digest_of_line(struct paper *paper, const struct paper_chat *chat,
                                 struct arena *arena)
{
    (void)paper;
    for (int i = chat->count - 1; i >= 0; i--) {
        const struct paper_row *row = &chat->rows[i];
        if (!row->vanished) {
            return arena_printf(arena, "%016" PRIx64,
                                str_hash(str_of(row->text), (uint64_t)row->sent_ms));
        }
    }
    return STR("empty");
}

static bool paper_list(struct wa_page *page, size_t want, int64_t deadline_ms, struct arena *arena,
                       struct wa_list *list, struct err *err)
{
    struct paper *paper = paper_of(page);
    (void)want;
    (void)deadline_ms;
    paper->lists++;
    if (!begin_call(paper, err)) {
        return false;
    }
    struct wa_chat *chats = arena_array(arena, PAPER_CHATS_MAX, sizeof *chats);
    if (chats == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    for (int i = 0; i < paper->chat_count; i++) {
        const struct paper_chat *chat = &paper->chats[i];
        chats[i] = (struct wa_chat){.title = str_of(chat->title),
                                    .preview = digest_of_line(paper, chat, arena),
                                    .newest_ms =
                                        chat->count == 0 ? 0 : chat->rows[chat->count - 1].sent_ms,
                                    .unread = chat->unread};
        if (chats[i].preview.ptr == NULL) {
            return err_set(err, ERR_RETRY, "out of memory");
        }
    }
    *list = (struct wa_list){
        .chats = chats, .count = (size_t)paper->chat_count, .declared = 500, .whole = true};
    return true;
}

static bool paper_open(struct wa_page *page, struct str title, int64_t deadline_ms,
                       struct arena *arena, struct wa_open *open, struct err *err)
{
    struct paper *paper = paper_of(page);
    int found = -1;
    (void)deadline_ms;
    (void)arena;
    *open = (struct wa_open){.how = WA_NOT_FOUND};
    if (!begin_call(paper, err)) {
        return false;
    }
    for (int i = 0; i < paper->chat_count; i++) {
        if (str_equal(str_of(paper->chats[i].title), title)) {
            open->how = found >= 0 ? WA_EQUAL : WA_OPENED;
            found = found >= 0 ? found : i;
        } else if (open->nearest_count < WA_NEAREST_MAX) {
            open->nearest[open->nearest_count++] = str_of(paper->chats[i].title);
        }
    }
    if (open->how != WA_OPENED) {
        return true;
    }
    if (chance(paper, paper->faults.wrong)) {
        open->how = WA_WRONG;
        paper->open = -1;
        return true;
    }
    paper->open = found;
    paper->top = paper->chats[found].count;
    paper->chats[found].unread = 0;
    paper->chats[found].opened++;
    return true;
}

/* A follower whose run began above the window is open. */
static bool is_open(const struct paper_chat *chat, int top, int at)
{
    while (at > top && (!chat->rows[at].first || chat->rows[at].vanished)) {
        at--;
    }
    return !chat->rows[at].first && at > chat->boundary;
}

static struct wa_row show(const struct paper_chat *chat, int top, int at)
{
    const struct paper_row *row = &chat->rows[at];
    bool open = is_open(chat, top, at) && row->kind != WA_SYSTEM;
    return (struct wa_row){.id = str_of(row->id),
                           .kind = row->kind,
                           .direction = open ? MESSAGE_DIRECTION_UNKNOWN : row->direction,
                           .author = open || row->direction == MESSAGE_OUTGOING ? (struct str){0}
                                                                                : STR("Dana"),
                           .text = str_of(row->text),
                           .sent_ms = row->timeless ? 0 : row->sent_ms,
                           .open = open,
                           .deleted = row->deleted,
                           .edited = row->edited,
                           .media = row->deleted ? 0 : (size_t)row->media};
}

static bool show_window(struct paper *paper, int from, int to, struct arena *arena,
                        struct wa_window *window, struct err *err)
{
    struct paper_chat *chat = &paper->chats[paper->open];
    struct wa_row *rows = arena_array(arena, (size_t)(to - from) + 1, sizeof *rows);
    if (rows == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    *window = (struct wa_window){.rows = rows};
    for (int i = from; i < to; i++) {
        if (!chat->rows[i].vanished) {
            rows[window->count] = show(chat, from, i);
            rows[window->count].text = arena_copy(arena, rows[window->count].text);
            window->count++;
        }
    }
    window->top = from == 0 && chat->boundary == 0;
    window->boundary = from == chat->boundary && chat->boundary > 0;
    return true;
}

static bool paper_newest(struct wa_page *page, int64_t deadline_ms, struct arena *arena,
                         struct wa_window *window, struct err *err)
{
    struct paper *paper = paper_of(page);
    (void)deadline_ms;
    if (!begin_call(paper, err)) {
        return false;
    }
    if (paper->open < 0) {
        return err_set(err, ERR_RETRY, "no chat is open");
    }
    struct paper_chat *chat = &paper->chats[paper->open];
    chat->unread = 0;
    paper->top = chat->count - paper->span;
    paper->top = paper->top < chat->boundary ? chat->boundary : paper->top;
    return show_window(paper, paper->top, chat->count, arena, window, err);
}

static bool paper_older(struct wa_page *page, int64_t deadline_ms, struct arena *arena,
                        struct wa_window *window, struct err *err)
{
    struct paper *paper = paper_of(page);
    (void)deadline_ms;
    paper->steps++;
    if (paper->stepped_ms > 0 && paper->mono_ms - paper->stepped_ms < paper->shortest_ms) {
        paper->shortest_ms = paper->mono_ms - paper->stepped_ms;
    }
    if (!begin_call(paper, err)) {
        return false;
    }
    if (paper->open < 0) {
        return err_set(err, ERR_RETRY, "no chat is open");
    }
    struct paper_chat *chat = &paper->chats[paper->open];
    int before = paper->top;
    int more = 1 + (int)rng_below(&paper->rng, (uint64_t)paper->batch);
    bool stuck = chance(paper, paper->faults.stuck) || paper->top <= chat->dead_step;
    paper->top -= stuck ? 0 : more;
    paper->top = paper->top < chat->boundary ? chat->boundary : paper->top;
    int to = paper->whole ? chat->count : before + paper->span / 2;
    to = to > chat->count ? chat->count : to;
    if (chance(paper, paper->faults.jumps) && paper->top > 0) {
        to = before - 1 > paper->top ? before - 1 : paper->top;
    }
    paper->stepped_ms = paper->mono_ms;
    if (!show_window(paper, paper->top, to, arena, window, err)) {
        return false;
    }
    window->stuck = paper->top == before;
    return true;
}

static bool paper_media(struct wa_page *page, const struct wa_row *row, size_t nth, size_t most,
                        int64_t deadline_ms, struct arena *arena, struct wa_media *media,
                        struct err *err)
{
    struct paper *paper = paper_of(page);
    (void)deadline_ms;
    paper->calls++;
    pass(paper, paper->call_ms);
    if (chance(paper, paper->faults.blind)) {
        return err_set(err, ERR_RETRY, "the picture has not come");
    }
    media->bytes = arena_printf(arena, "picture %zu of %.*s", nth, STR_ARG(row->id));
    media->extension = STR("png");
    return media->bytes.len <= most || err_set(err, ERR_REJECT, "it is too large");
}

static const struct wa_health *paper_health(struct wa_page *page)
{
    return &paper_of(page)->health;
}

static const struct wa_page_type paper_type = {.list = paper_list,
                                               .open = paper_open,
                                               .newest = paper_newest,
                                               .older = paper_older,
                                               .media = paper_media,
                                               .health = paper_health};

void paper_init(struct paper *paper, uint64_t seed)
{
    memset(paper, 0, sizeof *paper); /* Too large for a literal on the stack. */
    paper->page.type = &paper_type;
    paper->span = 20;
    paper->batch = 12;
    paper->open = -1;
    paper->wall_ms = 1788433500000; /* 2026-09-03T11:05:00Z */
    paper->mono_ms = 1000;
    paper->call_ms = 20;
    paper->clock = (struct clock){paper_wall, paper_mono, paper_sleep};
    paper->shortest_ms = INT64_MAX;
    paper->live_left = INT_MAX;
    rng_seed(&paper->rng, seed);
}
