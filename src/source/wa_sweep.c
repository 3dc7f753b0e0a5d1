#include "source/wa_sweep.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "source/wa_give.h"
#include "source/wa_rows.h"

enum { EVENTS_LEFT = 8, MINUTE_MS = 60 * 1000, LIST_MORE = 4, TOLD_OFTEN = 3, DEFER_MS = 5000 };

/* A batch's chats with their cursors, as one fetch sees them. */
struct desk {
    struct wa_sweep *sweep;
    struct batch *batch;
    int64_t deadline_ms;
    struct wa_book *books;
    bool *dirty;
};

void wa_sweep_init(struct wa_sweep *sweep, const struct wa_visit_env *env,
                   const struct wa_sweep_options *options)
{
    *sweep = (struct wa_sweep){.env = *env, .options = *options};
    arena_init(&sweep->arena, WA_SWEEP_MEMORY_MAX);
}

static void end_round(struct wa_sweep *sweep)
{
    wa_visit_end(&sweep->visit);
    arena_reset(&sweep->arena);
    sweep->began = false;
    sweep->handed = NULL;
    sweep->tasks = NULL;
    sweep->task_count = 0;
    sweep->at = 0;
}

void wa_sweep_lost(struct wa_sweep *sweep)
{
    wa_visit_end(&sweep->visit);
}

void wa_sweep_free(struct wa_sweep *sweep)
{
    end_round(sweep);
    arena_free(&sweep->arena);
}

static bool is_range(const struct desk *desk)
{
    return desk->batch->since_ms != 0;
}

static bool reads_all(const struct batch *batch)
{
    return batch->chat_count == 1 && batch->chats[0].chat.len == 0;
}

static int64_t floor_ms(const struct desk *desk)
{
    int64_t now_ms = clock_wall_ms(desk->sweep->env.clock);
    int64_t back_ms = desk->sweep->options.lookback_ms;
    return is_range(desk) ? desk->batch->since_ms : now_ms > back_ms ? now_ms - back_ms : 0;
}

/* ---- Is this the same round? ---- */

static uint64_t shape_of(const struct batch *batch)
{
    uint64_t shape = (uint64_t)batch->since_ms * 31 + (uint64_t)batch->until_ms;
    for (size_t i = 0; i < batch->chat_count; i++) {
        shape = str_hash(batch->chats[i].chat, shape + 1);
    }
    return shape;
}

static uint64_t print_of(struct str cursor)
{
    return cursor.ptr == NULL ? 0 : str_hash(cursor, 1);
}

/* Other chats, another range, or what was handed out was not kept: from the beginning. */
static void check_round(struct wa_sweep *sweep, const struct batch *batch)
{
    bool same = sweep->began && sweep->shape == shape_of(batch);
    for (size_t i = 0; same && i < batch->chat_count; i++) {
        same = sweep->handed[i] == print_of(batch->chats[i].cursor);
    }
    if (!same) {
        end_round(sweep);
    }
}

static bool read_cursors(struct desk *desk, struct err *err)
{
    struct batch *batch = desk->batch;
    desk->books = arena_array(batch->arena, batch->chat_count + 1, sizeof *desk->books);
    desk->dirty = arena_array(batch->arena, batch->chat_count + 1, sizeof *desk->dirty);
    if (desk->books == NULL || desk->dirty == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for %zu chats", batch->chat_count);
    }
    for (size_t i = 0; i < batch->chat_count && !is_range(desk); i++) {
        struct wa_book *book = &desk->books[i];
        bool understood = wa_book_parse(batch->chats[i].cursor, batch->arena, book);
        if (understood && batch->chats[i].chat.len > 0 &&
            (book->count != 1 || !str_equal(book->chats[0].chat, batch->chats[i].chat))) {
            *book = (struct wa_book){.turn = book->turn}; /* Somebody else's. */
        }
    }
    return true;
}

/* ---- Troubles ---- */

static struct wa_trouble *trouble_of(struct wa_sweep *sweep, struct str chat)
{
    for (size_t i = 0; i < WA_TROUBLES_MAX; i++) {
        if (sweep->troubles[i].again_ms != 0 && str_equal(str_of(sweep->troubles[i].chat), chat)) {
            return &sweep->troubles[i];
        }
    }
    return NULL;
}

static void add_nearest(char *text, size_t size, const struct wa_visit *visit)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < visit->nearest_count && len < size - 1; i++) {
        int more = snprintf(text + len, size - len, "%s\"%.*s\"", i == 0 ? "; the nearest: " : ", ",
                            STR_ARG(visit->nearest[i]));
        len += more < 0 ? 0 : (size_t)more;
    }
}

static struct wa_trouble *new_trouble(struct wa_sweep *sweep, struct str chat, int64_t wait_ms)
{
    struct wa_trouble *trouble = trouble_of(sweep, chat);
    int told = trouble != NULL ? trouble->told : 0;
    for (size_t i = 0; i < WA_TROUBLES_MAX && trouble == NULL; i++) {
        trouble = sweep->troubles[i].again_ms == 0 ? &sweep->troubles[i] : NULL;
    }
    trouble = trouble == NULL ? &sweep->troubles[WA_TROUBLES_MAX - 1] : trouble;
    *trouble = (struct wa_trouble){.told = told, .seen = true};
    trouble->again_ms = clock_mono_ms(sweep->env.clock) + wait_ms;
    (void)snprintf(trouble->chat, sizeof trouble->chat, "%.*s", STR_ARG(chat));
    return trouble;
}

/* What to do about a chat that could not be opened, for people. */
static void note_shut(struct wa_sweep *sweep, const struct wa_visit *visit)
{
    static const char *const words[] = {
        [WA_NOT_OPENED] = "something stood in the way when it was opened; it is tried again",
        [WA_NOT_FOUND] = "there is no chat of this title; correct it in the configuration",
        [WA_EQUAL] = "two chats have this title, and neither is read: rename one of them",
        [WA_WRONG] = "another chat opened each time, and nothing of it was read; it is tried again",
    };
    bool lasting = visit->how == WA_NOT_FOUND || visit->how == WA_EQUAL;
    struct wa_trouble *trouble =
        new_trouble(sweep, visit->wish.chat, lasting ? WA_AGAIN_MS : DEFER_MS);
    trouble->lasting = lasting;
    (void)snprintf(trouble->text, sizeof trouble->text, "chat \"%.*s\": %s",
                   STR_ARG(visit->wish.chat), words[visit->how]);
    if (visit->how == WA_NOT_FOUND) {
        add_nearest(trouble->text, sizeof trouble->text, visit);
    }
}

/* A chat that fails again and again steps back, so that the others are read. */
static bool step_back(struct wa_sweep *sweep, const struct wa_task *task, const struct err *err)
{
    sweep->failures++;
    if (sweep->failures < WA_FAILURES_MAX || err->kind != ERR_RETRY ||
        sweep->at + 1 == sweep->task_count || wa_page_health(sweep->env.page)->broken) {
        return false;
    }
    struct wa_trouble *trouble = new_trouble(sweep, task->chat, DEFER_MS);
    int len = snprintf(trouble->text, sizeof trouble->text, "chat \"%.*s\": ", STR_ARG(task->chat));
    size_t at = len < 0 ? 0 : (size_t)len;
    if (at < sizeof trouble->text) {
        (void)snprintf(trouble->text + at, sizeof trouble->text - at, "%s", err->text);
    }
    return true;
}

static bool in_trouble(const struct wa_sweep *sweep)
{
    for (size_t i = 0; i < WA_TROUBLES_MAX; i++) {
        if (sweep->troubles[i].again_ms != 0 && sweep->troubles[i].seen) {
            return true;
        }
    }
    return false;
}

/* True when there was none in this round. */
static bool tell_troubles(struct wa_sweep *sweep, struct err *err)
{
    size_t count = 0;
    bool lasting = false;
    struct wa_trouble *first = NULL;
    for (size_t i = 0; i < WA_TROUBLES_MAX; i++) {
        struct wa_trouble *trouble = &sweep->troubles[i];
        if (trouble->again_ms != 0 && trouble->seen) {
            first = first == NULL || (trouble->lasting && !lasting) ? trouble : first;
            lasting = lasting || trouble->lasting;
            trouble->told++;
            count++;
        }
    }
    if (first == NULL) {
        return true;
    }
    enum err_kind kind = lasting ? ERR_CONFIG : ERR_RETRY;
    if (count > 1) {
        (void)err_set(err, kind, "%s (and %zu more)", first->text, count - 1);
    } else {
        (void)err_set(err, kind, "%s", first->text);
    }
    err->retry_after_ms = first->told > TOLD_OFTEN ? WA_AGAIN_MS : 0;
    return false;
}

/* ---- Which chats are visited ---- */

/* A configured title may have marks and odd spaces; the list's has none. */
static const struct wa_chat *listed(const struct wa_list *list, struct str chat, size_t *times)
{
    const struct wa_chat *found = NULL;
    *times = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (str_equal(list->chats[i].title, chat)) {
            found = found == NULL ? &list->chats[i] : found;
            *times += 1;
        }
    }
    return found;
}

/* Somebody can do something about it without the telephone. */
static bool has_gap(const struct wa_cursor *cursor)
{
    for (size_t i = 0; i < cursor->gap_count; i++) {
        if (!str_equal(cursor->gaps[i].why, STR("phone"))) {
            return true;
        }
    }
    return false;
}

static bool owes(const struct wa_cursor *cursor)
{
    for (size_t i = 0; i < cursor->known_count; i++) {
        if (cursor->known[i].owed > 0) {
            return true;
        }
    }
    return false;
}

static bool revisit_due(const struct desk *desk, const struct wa_cursor *cursor)
{
    int64_t now_ms = clock_wall_ms(desk->sweep->env.clock);
    bool due = now_ms - cursor->visited_ms >= desk->sweep->options.revisit_ms;
    if (!due || !reads_all(desk->batch) || cursor->known_count == 0) {
        return due;
    }
    int64_t newest_ms = cursor->known[cursor->known_count - 1].minute * MINUTE_MS;
    return now_ms - newest_ms < WA_QUIET_MS || owes(cursor);
}

/* Is there a reason to open it? `line` is NULL when it is not among the first of the list. */
static bool visit_due(const struct desk *desk, const struct wa_cursor *cursor,
                      const struct wa_chat *line, bool *full)
{
    *full = false;
    if (is_range(desk) || cursor == NULL || (cursor->known_count == 0 && cursor->visited_ms == 0)) {
        return true;
    }
    *full = revisit_due(desk, cursor);
    return *full || has_gap(cursor) ||
           (line != NULL && (line->unread != 0 || !str_equal(line->preview, cursor->preview)));
}

static bool add_task(struct desk *desk, size_t entry, struct str chat, const struct wa_chat *line,
                     struct err *err)
{
    struct wa_sweep *sweep = desk->sweep;
    struct wa_cursor *cursor = wa_book_find(&desk->books[entry], chat);
    struct wa_trouble *trouble = trouble_of(sweep, chat);
    bool full = false;
    if (!visit_due(desk, cursor, line, &full)) {
        return true;
    }
    if (trouble != NULL && clock_mono_ms(sweep->env.clock) < trouble->again_ms) {
        trouble->seen = true; /* Not yet again. */
        return true;
    }
    struct wa_task *task = &sweep->tasks[sweep->task_count];
    *task = (struct wa_task){.entry = entry, .full = full};
    task->chat = arena_copy(&sweep->arena, chat);
    /* Without a line nothing is known of its digest: the one that was is kept. */
    task->preview = line != NULL     ? arena_copy(&sweep->arena, line->preview)
                    : cursor != NULL ? arena_copy(&sweep->arena, cursor->preview)
                                     : STR("");
    if (task->chat.ptr == NULL || task->preview.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for the chats of a round");
    }
    sweep->task_count++;
    return true;
}

/* `chats: all`: does the list go on with chats that may have something new? */
static bool tail_is_new(const struct desk *desk, const struct wa_list *list)
{
    if (list->whole || list->count == 0 || list->chats == NULL || list->count >= WA_CHATS_MAX) {
        return false;
    }
    const struct wa_chat *last = &list->chats[list->count - 1];
    const struct wa_cursor *cursor = wa_book_find(&desk->books[0], last->title);
    if (cursor != NULL && !is_range(desk)) {
        return !str_equal(cursor->preview, last->preview);
    }
    return last->newest_ms == 0 || last->newest_ms >= floor_ms(desk);
}

/* The same words on another day are another message. */
static bool add_times(struct wa_list *list, struct arena *arena, struct err *err)
{
    struct wa_chat *chats = arena_array(arena, list->count + 1, sizeof *chats);
    for (size_t i = 0; chats != NULL && i < list->count; i++) {
        chats[i] = list->chats[i];
        uint64_t print = str_hash(chats[i].when, str_hash(chats[i].preview, 1));
        chats[i].preview = arena_printf(arena, "%016" PRIx64, print);
        chats = chats[i].preview.ptr == NULL ? NULL : chats;
    }
    list->chats = chats;
    return chats != NULL || err_set(err, ERR_RETRY, "out of memory for the list of chats");
}

static bool look_at_list(struct desk *desk, struct wa_list *list, struct err *err)
{
    struct wa_sweep *sweep = desk->sweep;
    size_t want = WA_GLANCE_CHATS;
    for (;;) {
        *list = (struct wa_list){0};
        if (!wa_page_list(sweep->env.page, want, desk->deadline_ms, desk->batch->arena, list,
                          err) ||
            !add_times(list, desk->batch->arena, err)) {
            return false;
        }
        if (!reads_all(desk->batch) || list->count < want || !tail_is_new(desk, list)) {
            return true;
        }
        want *= LIST_MORE;
    }
}

/* Refused once, not at each look. */
static bool told_before(struct wa_sweep *sweep, struct str chat)
{
    uint64_t print = str_hash(chat, 1);
    for (size_t i = 0; i < sweep->equal_count; i++) {
        if (sweep->equal[i] == print) {
            return true;
        }
    }
    if (sweep->equal_count < WA_EQUAL_MAX) {
        sweep->equal[sweep->equal_count++] = print;
        return false;
    }
    return true;
}

static bool add_all(struct desk *desk, const struct wa_list *list, struct err *err)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct wa_chat *chat = &list->chats[i];
        size_t times = 0;
        bool known = wa_book_find(&desk->books[0], chat->title) != NULL;
        bool recent = chat->newest_ms == 0 || chat->newest_ms >= floor_ms(desk);
        bool first = listed(list, chat->title, &times) == chat;
        if (!first || (!recent && !known) || chat->title.len == 0) {
            continue;
        }
        if (times > 1 && !told_before(desk->sweep, chat->title)) {
            batch_refuse(desk->batch, chat->title, STR("the list of chats"),
                         "two chats have this title, and neither is read: rename one of them");
        }
        if (times == 1 && !add_task(desk, 0, chat->title, chat, err)) {
            return false;
        }
    }
    return true;
}

/* Of one chat's gaps those that lie within the range. */
static bool close_within(struct desk *desk, size_t entry, const struct wa_repaired *range,
                         struct err *err)
{
    struct wa_cursor *cursor = wa_book_find(&desk->books[entry], str_of(range->chat));
    for (size_t i = cursor == NULL ? 0 : cursor->gap_count; i > 0; i--) {
        struct wa_gap gap = cursor->gaps[i - 1];
        bool within = gap.from_ms >= range->since_ms &&
                      (range->until_ms == 0 || gap.to_ms <= range->until_ms);
        if (!within) {
            continue;
        }
        wa_cursor_gap_remove(cursor, i - 1);
        desk->dirty[entry] = true;
        if (!wa_give_gap(desk->batch, cursor->chat, &gap, "closed", err)) {
            return false;
        }
    }
    return true;
}

/* Gaps within ranges that were read whole since they were noted. */
static bool close_repaired(struct desk *desk, struct err *err)
{
    const struct wa_sweep *sweep = desk->sweep;
    for (size_t i = 0; i < sweep->repaired_count; i++) {
        for (size_t j = 0; j < desk->batch->chat_count; j++) {
            if (!close_within(desk, j, &sweep->repaired[i], err)) {
                return false;
            }
        }
    }
    return true;
}

static bool begin_round(struct desk *desk, struct err *err)
{
    struct wa_sweep *sweep = desk->sweep;
    struct batch *batch = desk->batch;
    struct wa_list list = {0};
    if (!look_at_list(desk, &list, err) || (!is_range(desk) && !close_repaired(desk, err))) {
        return false;
    }
    size_t room = reads_all(batch) ? list.count : batch->chat_count;
    sweep->repaired_count = 0;
    sweep->tasks = arena_array(&sweep->arena, room + 1, sizeof *sweep->tasks);
    sweep->handed = arena_array(&sweep->arena, batch->chat_count + 1, sizeof *sweep->handed);
    if (sweep->tasks == NULL || sweep->handed == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for the chats of a round");
    }
    for (size_t i = 0; i < WA_TROUBLES_MAX; i++) {
        sweep->troubles[i].seen = false;
    }
    if (reads_all(batch)) {
        if (!add_all(desk, &list, err)) {
            return false;
        }
    } else {
        for (size_t i = 0; i < batch->chat_count; i++) {
            size_t times = 0;
            struct str title = wa_rows_clean(batch->arena, batch->chats[i].chat);
            const struct wa_chat *line = listed(&list, title, &times);
            if (!add_task(desk, i, batch->chats[i].chat, line, err)) {
                return false;
            }
        }
    }
    sweep->shape = shape_of(batch);
    sweep->at = 0;
    sweep->began = true;
    return true;
}

/* ---- The round ---- */

static bool begin_visit(struct desk *desk, const struct wa_task *task, struct err *err)
{
    struct wa_sweep *sweep = desk->sweep;
    const struct wa_cursor *past = wa_book_find(&desk->books[task->entry], task->chat);
    struct wa_wish wish = {.chat = task->chat,
                           .preview = task->preview,
                           .floor_ms = floor_ms(desk),
                           .first_rows = sweep->options.first_rows,
                           .full = task->full,
                           .range = is_range(desk),
                           .until_ms = desk->batch->until_ms};
    return wa_visit_begin(&sweep->visit, &sweep->env, &wish, past, err);
}

/* What the visit knows now becomes the chat's cursor. Its texts are the visit's: written before
 * the visit ends. */
static bool take_over(struct desk *desk, const struct wa_task *task, struct err *err)
{
    struct wa_book *book = &desk->books[task->entry];
    struct wa_cursor *cursor = wa_book_find(book, task->chat);
    struct arena *arena = desk->batch->arena;
    if (is_range(desk)) {
        return true;
    }
    if (cursor == NULL) {
        struct wa_cursor *more = arena_array(arena, book->count + 1, sizeof *more);
        if (more == NULL) {
            return err_set(err, ERR_RETRY, "out of memory for %zu chats", book->count + 1);
        }
        if (book->count > 0) {
            memcpy(more, book->chats, book->count * sizeof *more);
        }
        book->chats = more;
        cursor = &more[book->count++];
    }
    struct wa_book one = {.chats = &desk->sweep->visit.past, .count = 1};
    struct wa_book copy = {0};
    struct str text = wa_book_write(&one, arena); /* A copy of all that it points to. */
    if (text.ptr == NULL || !wa_book_parse(text, arena, &copy)) {
        return err_set(err, ERR_RETRY, "out of memory for the cursor of a chat");
    }
    *cursor = copy.chats[0];
    desk->sweep->visit.moved = false;
    return true;
}

static void add_tally(struct wa_tally *sum, const struct wa_tally *one)
{
    sum->steps += one->steps;
    sum->rows += one->rows;
    sum->given += one->given;
    sum->changed += one->changed;
    sum->refused += one->refused;
    sum->system += one->system;
    sum->pictures += one->pictures;
    sum->missing += one->missing;
}

static void note_repaired(struct wa_sweep *sweep, const struct wa_visit *visit)
{
    if (!visit->wish.range || visit->why != NULL || visit->past.gap_count > 0 ||
        sweep->repaired_count == WA_REPAIRED_MAX) {
        return;
    }
    struct wa_repaired *range = &sweep->repaired[sweep->repaired_count++];
    (void)snprintf(range->chat, sizeof range->chat, "%.*s", STR_ARG(visit->wish.chat));
    range->since_ms = visit->wish.floor_ms;
    range->until_ms = visit->wish.until_ms;
}

static void end_visit(struct wa_sweep *sweep)
{
    struct wa_visit *visit = &sweep->visit;
    struct wa_trouble *trouble = trouble_of(sweep, visit->wish.chat);
    if (visit->stage == WA_VISIT_SHUT) {
        note_shut(sweep, visit);
    }
    if (visit->stage == WA_VISIT_DONE) {
        note_repaired(sweep, visit);
        if (trouble != NULL) {
            *trouble = (struct wa_trouble){0};
        }
    }
    add_tally(&sweep->tally, &visit->tally);
    wa_visit_end(visit);
    sweep->failures = 0;
    sweep->at++;
}

/* The chats that are left, as far as the time goes. */
static bool go_on(struct desk *desk, struct err *err)
{
    struct wa_sweep *sweep = desk->sweep;
    struct batch *batch = desk->batch;
    struct wa_visit *visit = &sweep->visit;
    while (sweep->at < sweep->task_count && !batch->more) {
        const struct wa_task *task = &sweep->tasks[sweep->at];
        size_t before = batch->count + batch->refusal_count + batch->event_count;
        if (batch->event_count + EVENTS_LEFT > BATCH_EVENTS_MAX) {
            batch->more = true;
            break;
        }
        if (visit->stage == WA_VISIT_NONE && !begin_visit(desk, task, err)) {
            return false;
        }
        bool ok = wa_visit_run(visit, batch, desk->deadline_ms, err);
        bool handed = batch->count + batch->refusal_count + batch->event_count != before;
        if ((visit->moved || handed) && visit->stage != WA_VISIT_SHUT) {
            struct err other = {0};
            if (!take_over(desk, task, &other)) {
                *err = other;
                return false;
            }
            desk->dirty[task->entry] = true;
        }
        if (!ok && !step_back(sweep, task, err)) {
            return false;
        }
        if (!ok || visit->stage == WA_VISIT_DONE || visit->stage == WA_VISIT_SHUT) {
            end_visit(sweep);
        }
    }
    return true;
}

static bool write_cursors(struct desk *desk, struct err *err)
{
    struct wa_sweep *sweep = desk->sweep;
    struct batch *batch = desk->batch;
    for (size_t i = 0; i < batch->chat_count; i++) {
        struct chat_cursor *chat = &batch->chats[i];
        if (desk->dirty[i]) {
            desk->books[i].turn++;
            chat->next = is_range(desk)
                             ? arena_printf(batch->arena, "range %" PRId64, ++sweep->range_turn)
                             : wa_book_write(&desk->books[i], batch->arena);
            if (chat->next.ptr == NULL) {
                return err_set(err, ERR_RETRY, "out of memory for the cursor of a chat");
            }
        }
        sweep->handed[i] = print_of(chat->next.ptr != NULL ? chat->next : chat->cursor);
    }
    return true;
}

static bool holds_something(const struct desk *desk)
{
    bool any =
        desk->batch->count > 0 || desk->batch->event_count > 0 || desk->batch->refusal_count > 0;
    for (size_t i = 0; i < desk->batch->chat_count; i++) {
        any = any || desk->dirty[i];
    }
    return any;
}

/* Nothing of a fetch that failed is handed out, and what it was at is begun anew. */
static bool undo(struct wa_sweep *sweep, struct batch *batch, const struct batch *before)
{
    end_round(sweep);
    *batch = *before;
    for (size_t i = 0; i < batch->chat_count; i++) {
        batch->chats[i].next = (struct str){0};
    }
    return false;
}

bool wa_sweep_fetch(struct wa_sweep *sweep, struct batch *batch, int64_t deadline_ms,
                    struct err *err)
{
    struct batch before = *batch;
    struct desk desk = {.sweep = sweep, .batch = batch, .deadline_ms = deadline_ms};
    for (size_t i = 0; i < batch->chat_count; i++) {
        batch->chats[i].next = (struct str){0};
    }
    if (batch->chat_count == 0) {
        return true;
    }
    check_round(sweep, batch);
    if (!read_cursors(&desk, err)) {
        return undo(sweep, batch, &before);
    }
    if (!sweep->began && !begin_round(&desk, err)) {
        return undo(sweep, batch, &before);
    }
    bool ok = go_on(&desk, err);
    if (!ok && !holds_something(&desk)) {
        return false; /* Nothing was handed out: the visit may go on where it is. */
    }
    if (!write_cursors(&desk, err)) {
        return undo(sweep, batch, &before);
    }
    if (!ok) {
        batch->more =
            true; /* What came before the failure is kept; the next fetch meets it again. */
        return true;
    }
    if (sweep->at < sweep->task_count) {
        batch->more = true;
        return true;
    }
    if (holds_something(&desk) && in_trouble(sweep)) {
        batch->more = true; /* And then a fetch that only says what was wrong. */
        return true;
    }
    end_round(sweep);
    return tell_troubles(sweep, err);
}
